import numpy as np
import pytest

from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import METRICS, UNIT_COLUMNS, Metric
from experiments.inference.reduction.cuped import PRE
from experiments.inference.units import open_units
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import read, shopper_table

ALL = tuple(METRICS.values())


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_statistics_equal_those_of_a_table_of_shoppers(log, history):
    table = shopper_table(log, history)
    every = (*ALL, Metric(name="carts", numerator="carts"))  # a column of no built-in metric
    with open_units(log, every, history=history) as units:
        arms = units.aggregates(every, covariates=True)
    for arm, found in arms.items():
        rows = table[table["arm"] == arm]
        assert found.count() == len(rows)
        assert set(found.mean_) == {p + c for p in ("", PRE) for c in UNIT_COLUMNS}
        for column in found.mean_:
            close(found.mean(column), rows[column].mean())
            close(found.var(column), rows[column].var())
        for left, right in found.cov_:
            close(found.cov(left, right), rows[left].cov(rows[right]))


def test_only_what_the_metrics_need_is_computed(log):
    metrics = (METRICS["uctcvr"],)
    with open_units(log, metrics) as units:
        found = units.aggregates(metrics)["control"]
    assert set(found.mean_) == {"bought"}
    assert found.cov_ == {}


def test_a_metric_of_the_users_own_is_served_like_the_others(log):
    own = Metric(name="depth", numerator="requests", denominator="sessions")
    table = shopper_table(log)
    with open_units(log, [own]) as units:
        found = units.aggregates([own])["control"]
    control = table[table["arm"] == "control"]
    close(
        found.mean("requests") / found.mean("sessions"),
        control.requests.sum() / control.sessions.sum(),
    )


def test_shoppers_who_never_searched_are_not_exposed(tmp_path):
    log = write_log(tmp_path / "log", shoppers=200)
    searched = read(log, "requests")["shopper"].nunique()
    for path in (log / "requests").glob("part-00001.parquet"):
        path.unlink()
    left = read(log, "requests")["shopper"].nunique()
    assert left < searched
    with open_units(log, ALL) as units:
        assert sum(arm.count() for arm in units.aggregates(ALL).values()) == left


def test_the_last_day_of_the_daily_statistics_is_the_whole_period(log):
    with open_units(log, ALL) as units:
        whole = units.aggregates(ALL)
        daily = {day: units.aggregates(ALL, last_day=day) for day in units.days()}
    assert list(daily) == [0, 1, 2]
    for arm, found in daily[2].items():
        assert found.count() == whole[arm].count()
        close([found.mean(c) for c in found.mean_], [whole[arm].mean(c) for c in found.mean_])
        close([found.var(c) for c in found.var_], [whole[arm].var(c) for c in found.var_])


def test_daily_statistics_count_up_to_and_including_their_day(log):
    orders, requests = read(log, "orders"), read(log, "requests")
    with open_units(log, ALL) as units:
        first = units.aggregates(ALL, last_day=0)["treatment"]
    seen = requests[(requests["day"] == 0) & (requests["arm"] == 1)]["shopper"].nunique()
    assert first.count() == seen
    close(first.mean("orders") * seen, ((orders["day"] == 0) & (orders["arm"] == 1)).sum())


def test_sums_do_not_depend_on_threads_or_shards(tmp_path):
    """Bitwise: fixed-point sums have no order."""
    kept = {}
    for shards, threads in ((1, 1), (5, 2)):
        log = write_log(tmp_path / f"{shards}", shoppers=500, requests=6, clicks=0.3, shards=shards)
        with open_units(log, ALL, spec=EngineSpec(threads=threads)) as units:
            kept[shards] = units.connection.execute(
                "SELECT arm, shopper, day, gmv, latency_sum FROM shopper_days ORDER BY ALL"
            ).fetchall()
    assert kept[1] == kept[5]


def test_memory_may_be_smaller_than_the_table(tmp_path):
    log = write_log(tmp_path / "log", shoppers=60_000, slots=2)
    with open_units(log, ALL, spec=EngineSpec(memory_mb=64, threads=1)) as units:
        assert sum(arm.count() for arm in units.aggregates(ALL).values()) == 60_000


def test_an_empty_arm_has_count_zero(tmp_path):
    log = write_log(tmp_path / "log", shoppers=50, shares=(1.0, 0.0))
    with open_units(log, ALL) as units:
        found = units.aggregates(ALL)
    assert (found["control"].count(), found["treatment"].count()) == (50, 0)


def test_a_history_that_is_no_log_is_refused(log, tmp_path):
    with (
        pytest.raises(DataError, match="must be a log folder"),
        open_units(log, ALL, history=tmp_path),
    ):
        pass
