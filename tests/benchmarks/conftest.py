"""What benchmarks share: a race against peers, and the closing table.

Ours and the peers run in turns, so that whatever else the machine does meets all of them; the
best round of each counts.
"""

from collections.abc import Callable, Mapping
from time import perf_counter

import pytest

from tests.benchmarks import table

ROWS = pytest.StashKey[list[table.Row]]()
SIZES = pytest.StashKey[dict[str, dict[str, dict[str, float]]]]()


def pytest_configure(config):
    config.stash[ROWS], config.stash[SIZES] = [], {}


def pytest_terminal_summary(terminalreporter, config):
    rows, sizes = config.stash[ROWS], config.stash[SIZES]
    if not rows and not sizes:
        return
    terminalreporter.section("benchmarks")
    terminalreporter.line(table.machine())
    if rows:
        terminalreporter.line("")
        for line in table.comparison(rows):
            terminalreporter.line(line)
    if sizes:
        terminalreporter.line("")
        terminalreporter.line("core seconds and peak MB of each stage, all processes together")
        for line in table.growth(sizes):
            terminalreporter.line(line)


@pytest.fixture
def report(request) -> Callable[[table.Row], None]:
    """Puts a row into the table."""
    return request.config.stash[ROWS].append


@pytest.fixture(scope="session")
def sizes(request) -> dict[str, dict[str, dict[str, float]]]:
    """Runs of several sizes, to be filled in by the benchmark of growth."""
    return request.config.stash[SIZES]


@pytest.fixture
def race(request, benchmark, report):
    """Times ours and its peers in turns, puts them into the table and returns what they computed.

    The clock is the benchmark marker's `timer`. `aim_rate` is what ours should reach, `aim_ratio`
    how many times the first peer's rate.
    """
    marker = request.node.get_closest_marker("benchmark")
    clock = marker.kwargs.get("timer", perf_counter)

    def run(
        what: str,
        unit: str,
        count: float,
        ours: Callable,
        peers: Mapping[str, Callable] = {},
        *,
        aim_rate: float | None = None,
        aim_ratio: float | None = None,
        rounds: int = 5,
    ) -> dict:
        results, best = {}, dict.fromkeys(peers, float("inf"))

        def peers_turn():
            for name, call in peers.items():
                start = clock()
                results[name] = call()
                best[name] = min(best[name], clock() - start)

        results["ours"] = ours()  # compiles and warms
        benchmark.pedantic(ours, setup=peers_turn, rounds=rounds)
        rate = count / benchmark.stats.stats.min
        aim = "" if aim_rate is None else f">= {table.figure(aim_rate)}"
        met = None if aim_rate is None else rate >= aim_rate
        for place, name in enumerate(peers or [""]):
            theirs = count / best[name] if name else None
            if aim_ratio is not None and not place:
                aim, met = f">= {table.figure(aim_ratio)}x", rate / theirs >= aim_ratio
            report(table.Row(what, rate, unit, name, theirs, *((aim, met) if not place else ())))
        return results

    return run
