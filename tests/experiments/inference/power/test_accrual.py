import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from experiments.inference.metrics import METRICS, Metric
from experiments.inference.power.accrual import accrue
from experiments.inference.units import open_units
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import read

BOUGHT_OF = Metric(name="buyers_of_sessions", numerator="bought", denominator="sessions")


@pytest.mark.parametrize("metric", [*METRICS.values(), BOUGHT_OF], ids=lambda each: each.name)
def test_every_day_has_the_sums_of_a_table_of_shoppers(days_log, days_before, metric):
    with open_units(days_log, [metric], history=days_before) as units:
        found = accrue(units, metric)
        daily = {
            day: units.aggregates([metric], covariates=True, last_day=day) for day in (0, 5, 11)
        }
    layout = found.layout
    assert (found.days, found.first_day) == (12, 0)
    for day, arms in daily.items():
        whole = sum((arm for name, arm in arms.items() if name != "control"), arms["control"])
        table = found.table_DKK[day]
        assert layout.units(table) == whole.count()
        assert layout.level(table) == pytest.approx(
            whole.mean(metric.numerator) / whole.mean(metric.denominator), rel=1e-12
        )
        wanted = whole.ratio_var(metric.numerator, metric.denominator)
        assert layout.variance(table) == pytest.approx(wanted, rel=1e-9)
    assert found.arms == {name: arm.count() for name, arm in daily[11].items()}


def test_active_shoppers_and_their_days_are_those_of_the_log(days_log):
    with open_units(days_log, [METRICS["uctcvr"]]) as units:
        found = accrue(units, METRICS["uctcvr"])
    requests, orders = read(days_log, "requests"), read(days_log, "orders")
    by_day = requests.groupby("day")["shopper"].nunique()
    assert found.active_D.tolist() == by_day.tolist()
    for column, rows in (("requests", requests), ("orders", orders)):
        for last in (6, 12):
            days = rows[rows["day"] < last].groupby("shopper")["day"].nunique()
            wanted = np.bincount(days, minlength=last + 1)[1:]
            assert found.days_of[column, last].tolist() == wanted.tolist()


def test_products_within_days_are_sums_over_days_of_shoppers(days_log):
    with open_units(days_log, [METRICS["cvr"]]) as units:
        found = accrue(units, METRICS["cvr"])
    shown, orders = read(days_log, "exposures"), read(days_log, "orders")
    clicks = shown[shown["clicked"]].groupby(["shopper", "day"]).size()
    bought = orders.groupby(["shopper", "day"]).size()
    rows = pd.concat([bought, clicks], axis=1).fillna(0).to_numpy()
    np.testing.assert_allclose(found.within_DEE[-1][1:, 1:], rows.T @ rows, rtol=1e-12)


def test_a_log_in_which_nobody_searches_is_refused(tmp_path):
    log = write_log(tmp_path / "log", shoppers=3)
    for path in (log / "requests").glob("*.parquet"):
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    with (
        pytest.raises(DataError, match="log == without requests, must have some"),
        open_units(log, [METRICS["orders"]]) as units,
    ):
        accrue(units, METRICS["orders"])
