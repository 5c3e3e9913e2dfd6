"""A user's own log: its scorecard against plain DuckDB that takes the same sums, and its memory."""

import math
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import duckdb
import numpy as np
import pandas as pd
import pytest

from experiments.analyze.run import analyze_log, log_spec, scorecard_of
from experiments.analyze.settings import LogSpec
from experiments.inference.logs import EngineSpec
from experiments.stages.stage import peak_memory_mb
from tests.benchmarks.table import Row

SHOPPERS, EXPOSURES = 1_000_000, 10_000_000
FEWER = EXPOSURES // 4
THREADS = 2
SLOWER = 1.3  # than plain DuckDB, at most
MOST_MB, SECONDS = 1_000, 3.0
PEER = "plain DuckDB: the same sums, CUPED in closed form, sizes of arms"
NAMES = ("exposures", "clicks", "orders", "gmv")
WEEK, PAIR = 7 * 86_400.0, ("old", "new")

pytestmark = pytest.mark.benchmark


def write(folder: Path, exposures: int) -> Path:
    """Four weeks of exposures and who was assigned to what after two of them."""
    folder.mkdir()
    customers = f"range({SHOPPERS}) AS t(customer)"
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute(
            f"COPY (SELECT customer, if(hash(customer, 3) % 2 = 0, 'old', 'new') AS variant, "
            f"{2 * WEEK} AS at FROM {customers}) TO '{folder}/assigned.parquet'"
        )
        connection.execute(
            f"COPY (SELECT hash(n, 1) % {SHOPPERS} AS customer, {4 * WEEK} * n / {exposures} AS at,"
            " hash(n, 2) % 12 = 0 AS clicked, hash(n, 4) % 90 = 0 AS bought, "
            f"5.0 + hash(n, 5) % 9000 / 100 AS price FROM range({exposures}) AS t(n)) "
            f"TO '{folder}/events.parquet'"
        )
    return folder


def spec(folder: Path, *, daily: bool = False) -> LogSpec:
    """Four metrics, each with its time before."""
    bought = {"where": "bought"}
    settings = {
        "path": str(folder / "events.parquet"),
        "assignments": str(folder / "assigned.parquet"),
        "unit": "customer",
        "arm": "variant",
        "control": "old",
        "time": "at",
        "daily": daily,
        "metrics": [
            {"name": "exposures", "role": "guardrail", "margin": 0.01},
            {"name": "clicks", "where": "clicked"},
            {"name": "orders", "role": "primary"} | bought,
            {"name": "gmv", "value": "price"} | bought,
        ],
    }
    return log_spec(settings, "benchmark")


def ours(folder: Path, *, daily: bool = False) -> dict[str, float]:
    """The effect on each metric by CUPED."""
    card = scorecard_of(spec(folder, daily=daily), engine_spec=EngineSpec(threads=THREADS))
    return {
        row.metric: row.effect.estimate or math.nan for row in card.rows if row.method == "CUPED"
    }


def peer(folder: Path) -> dict[str, float]:
    """The same by SQL that a user would write."""
    counted = {"exposures": "true", "clicks": "clicked", "orders": "bought", "gmv": "bought"}
    sums, moments = [], ["count(*) AS n"]
    for name in NAMES:
        value = "sum(price)" if name == "gmv" else "count(*)"
        for prefix, when in (("", "e.at >= a.at"), ("pre_", "e.at < a.at")):
            told = f"{value} FILTER ({counted[name]} AND {when})"
            sums.append(f"coalesce({told}, 0)::DOUBLE AS {prefix}{name}")
            moments += [f"avg({prefix}{name}) AS mean_{prefix}{name}"]
            moments += [f"var_samp({prefix}{name}) AS var_{prefix}{name}"]
        moments.append(f"covar_samp({name}, pre_{name}) AS cov_{name}")
    with duckdb.connect(config={"threads": THREADS, "memory_limit": "800MB"}) as connection:
        found = connection.execute(
            f"SELECT variant, {', '.join(moments)} FROM (SELECT any_value(variant) AS variant, "
            f"{', '.join(sums)} FROM '{folder}/assigned.parquet' AS a LEFT JOIN "
            f"'{folder}/events.parquet' AS e USING (customer) GROUP BY customer) GROUP BY variant"
        ).fetchdf()
    old, new = (found.set_index("variant").loc[arm] for arm in PAIR)
    assert abs(new["n"] - old["n"]) < 5 * math.sqrt(SHOPPERS)
    effects = {}
    for name in NAMES:
        slope = (old[f"cov_{name}"] + new[f"cov_{name}"]) / (
            old[f"var_pre_{name}"] + new[f"var_pre_{name}"]
        )
        after = new[f"mean_{name}"] - old[f"mean_{name}"]
        before = new[f"mean_pre_{name}"] - old[f"mean_pre_{name}"]
        effects[name] = float(after - slope * before)
    return effects


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("bench") / "log", EXPOSURES)


def test_a_scorecard_of_ten_million_exposures(race, log):
    what = f"scorecard of {EXPOSURES / 1e6:.0f}M exposures, {SHOPPERS / 1e6:.0f}M shoppers"
    found = race(
        f"{what}, 4 metrics, CUPED, SRM",
        "exposures/s",
        EXPOSURES,
        lambda: ours(log),
        {PEER: lambda: peer(log)},
        aim_ratio=1 / SLOWER,
        rounds=3,
    )
    for name in NAMES:
        assert found["ours"][name] == pytest.approx(found[PEER][name], rel=1e-4, abs=1e-7)


def test_a_scorecard_that_tells_each_day(race, log):
    what = f"scorecard of {EXPOSURES / 1e6:.0f}M exposures, day by day, too"
    race(what, "exposures/s", EXPOSURES, lambda: ours(log, daily=True), rounds=1)


def peak_mb(folder: Path) -> float:
    """Most memory of a program that makes the scorecard."""
    code = f"from tests.benchmarks.test_bench_ownlog import told; told({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def told(folder: str) -> None:
    """Make the scorecard and print the most memory that it took, for `peak_mb`."""
    ours(Path(folder))
    print(peak_memory_mb())


def test_its_memory_is_flat_in_rows(report, log, tmp_path):
    few, many = peak_mb(write(tmp_path / "few", FEWER)), peak_mb(log)
    aim = f"<= {MOST_MB:,}, and 1.2 times that of {FEWER / 1e6:g}M rows"
    met = many <= MOST_MB and many <= 1.2 * few
    report(
        Row(f"peak memory, scorecard of {EXPOSURES / 1e6:.0f}M rows", many, "MB", "", few, aim, met)
    )


def test_a_small_csv_takes_seconds(report, tmp_path):
    rng = np.random.default_rng(0)
    rows, customers = 64_000, 8_000
    who = rng.integers(customers, size=rows)
    frame = pd.DataFrame(
        {
            "customer": who,
            "variant": np.where(who % 2, "new", "old"),
            "at": np.sort(rng.random(rows)) * 4 * WEEK,
            "bought": rng.random(rows) < 0.05,
            "price": rng.lognormal(3, 1, rows).round(2),
        }
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    named = {"path": str(tmp_path / "log.csv"), "unit": "customer", "arm": "variant", "time": "at"}
    metrics = [{"name": "orders", "where": "bought"}, {"name": "gmv", "value": "price"}]
    settings = log_spec(named | {"metrics": metrics}, "benchmark")
    start = perf_counter()
    analyze_log(settings, tmp_path / "analysis")
    seconds = perf_counter() - start
    report(
        Row(f"scorecard of {rows:,} rows of CSV", seconds, "s", aim="<= 3", met=seconds <= SECONDS)
    )
