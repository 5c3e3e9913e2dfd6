"""The world alone: sessions, behaviour, purchases and log under a service that costs nothing."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import pyarrow.parquet as pq
import pytest
import simpy

from tests.benchmarks.table import Row
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, simulate, table_of

AIM = 50_000  # requests a second and core
PEER = Path(__file__).with_name("sardine_slates.py")
WANTED = "sardine-rec==1.0.8"

N_SESSIONS, N_TIMEOUTS = 20_000, 5


@pytest.fixture(scope="module")
def people():
    return population(items=20_000, shoppers=150_000, intents=4_000)


@dataclass
class Lived:
    """One lived world: what it wrote, and how long it took on the wall and on the processor."""

    digest: str
    requests: int
    wall: float
    processor: float


def live(folder, people):
    service = TableService(table_of(people))
    wall, processor = perf_counter(), process_time()
    digest, _ = simulate(folder, people, service=service, days=2)
    wall, processor = perf_counter() - wall, process_time() - processor
    served = pq.read_table(folder / "requests", columns=["request"]).num_rows
    return Lived(digest, served, wall, processor)


@pytest.mark.benchmark(timer=process_time)
def test_a_world_with_a_stub_funnel(benchmark, people, report, tmp_path_factory):
    simpy_rate = max(bare_simpy() for _ in range(3))
    lived = []

    def once():
        lived.append(live(tmp_path_factory.mktemp("world") / "log", people))

    benchmark.pedantic(once, rounds=4, warmup_rounds=1)
    assert len({one.digest for one in lived}) == 1
    what = "simulator + behaviour + log, stub funnel"
    rate = max(one.requests / one.processor for one in lived)
    unit = "requests/s of one core"
    aim = f">= {AIM:,}"
    report(Row(what, rate, unit, "bare SimPy, 5 timeouts a session", simpy_rate, aim, rate >= AIM))
    name, slates = sardine()
    report(Row(what, rate, unit, name, slates))
    wall = max(one.requests / one.wall for one in lived)
    report(Row(what, wall, "requests/s of the wall"))


def bare_simpy() -> float:
    """Sessions a second of one core that do nothing but wait five times."""
    env, ended = simpy.Environment(), []

    def session(start):
        yield env.timeout(start)
        for _ in range(N_TIMEOUTS - 1):
            yield env.timeout(30.0)
        ended.append(env.now)

    start = process_time()
    for number in range(N_SESSIONS):
        env.process(session(number * 0.5))
    env.run()
    assert len(ended) == N_SESSIONS
    return N_SESSIONS / (process_time() - start)


def sardine() -> tuple[str, float | None]:
    """Slates a second of one core that SARDINE simulates, without retrieval or a log.

    It runs in a process of its own: a simulator's libraries are its own affair.
    """
    done = subprocess.run([sys.executable, str(PEER)], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"SARDINE (not installed: pip install {WANTED})", None
    return "SARDINE, slates of 10, no retrieval", json.loads(done.stdout)["slates_per_second"]
