import numpy as np
import pytest
from scipy import stats

from experiments.inference.metrics import METRICS
from experiments.inference.power.tails import tails
from experiments.inference.units import open_units
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import shopper_table


@pytest.mark.parametrize("name", ["orders", "gmv", "ctr", "latency", "uctcvr"])
def test_tails_are_those_of_a_table_of_shoppers(days_log, name):
    metric = METRICS[name]
    rows = shopper_table(days_log)
    top = rows[metric.numerator].to_numpy(float)
    bottom = rows[metric.denominator].to_numpy(float) if metric.denominator else np.ones(len(top))
    level = top.sum() / bottom.sum()
    with open_units(days_log, [metric]) as units:
        found = tails(units, metric, level, 11)
    assert (found.units, found.counting) == (len(top), (top > 0).sum())
    assert found.effective == pytest.approx(top.sum() ** 2 / (top**2).sum(), rel=1e-9)
    value = top - level * bottom if metric.denominator else top
    assert found.skewness == pytest.approx(stats.skew(value), rel=1e-7)
    highest = np.sort(top)[::-1][: -(-len(top) // 100)].sum() / top.sum()
    assert found.top == pytest.approx(highest, rel=1e-9)
    wanted = 355 * stats.skew(value) ** 2 if abs(stats.skew(value)) > 1 else 0
    assert found.units_for_normal == pytest.approx(wanted, rel=1e-6)


def test_a_metric_without_events_has_no_tails(tmp_path):
    log = write_log(tmp_path / "log", shoppers=40, clicks=0.0)
    with open_units(log, [METRICS["gmv"]]) as units:
        found = tails(units, METRICS["gmv"], 0.0, 2)
    assert (found.counting, found.effective, found.top, found.skewness) == (0, 0.0, 0.0, 0.0)
