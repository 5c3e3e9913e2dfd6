import numpy as np
import pytest

from experiments.inference.intervals.student import ratio_variance
from experiments.inference.metrics import METRICS, UNIT_COLUMNS, Metric
from experiments.inference.power.crossproducts import Layout, cross
from experiments.inference.reduction.arm import Arm
from experiments.inference.reduction.cuped import Cuped
from experiments.inference.units import open_units
from simulator.errors import DataError
from tests.experiments.inference.parity import shopper_table

NAMES = ("orders", "uctcvr", "gmv", "ctr", "aov", "latency")


@pytest.fixture(scope="module")
def arms(log, history):
    """Aggregates of both arms, and a row for each shopper."""
    metrics = [METRICS[name] for name in NAMES]
    with open_units(log, metrics, history=history) as units:
        return units.aggregates(metrics, covariates=True), shopper_table(log, history)


def tables(rows, layout):
    """The table of cross products of each arm."""
    columns = [name for name in layout.names if name]
    return [
        cross(
            np.column_stack(
                [np.ones((rows["arm"] == arm).sum()), rows.loc[rows["arm"] == arm, columns]]
            )
        )
        for arm in ("control", "treatment")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_levels_variances_and_adjustments_are_those_of_the_estimates(arms, name):
    aggregates, rows = arms
    metric, pair = METRICS[name], list(aggregates.values())
    layout = Layout.of(metric, history=True)
    found = tables(rows, layout)
    both, means = found[0] + found[1], Cuped().adjust(metric, Arm(pair[0]), Arm(pair[1]))
    for at, (table, peer) in enumerate(zip(found, pair, strict=True)):
        assert layout.units(table) == peer.count()
        level = peer.mean(metric.numerator) / peer.mean(metric.denominator)
        assert layout.level(table) == pytest.approx(level, rel=1e-12)
        variance = ratio_variance(peer, metric.numerator, metric.denominator)
        assert layout.variance(table) == pytest.approx(variance, rel=1e-10)
        mean, left = layout.adjusted(table, layout.slope(both), layout.covariate(both))
        assert mean == pytest.approx(means.levels[at], rel=1e-10)
        assert left / peer.count() == pytest.approx(means.errors[at] ** 2, rel=1e-10)


def test_what_the_history_explains_is_the_squared_correlation(arms):
    _, rows = arms
    layout = Layout.of(METRICS["orders"], history=True)
    (table, _) = tables(rows, layout)
    control = rows[rows["arm"] == "control"]
    wanted = np.corrcoef(control["orders"], control["pre_orders"])[0, 1] ** 2
    assert layout.explained(table) == pytest.approx(wanted, rel=1e-10)
    left = layout.variance(table) * (1 - layout.explained(table))
    own = layout.adjusted(table, layout.slope(table), layout.covariate(table))[1]
    assert left == pytest.approx(own, rel=1e-10)


def test_many_tables_are_read_at_once(arms):
    _, rows = arms
    layout = Layout.of(METRICS["ctr"], history=True)
    found = np.array(tables(rows, layout))
    assert layout.explained(found).tolist() == [layout.explained(table) for table in found]


def test_what_does_not_vary_has_no_variance_and_explains_nothing():
    layout = Layout.of(METRICS["ctr"], history=True)
    units = np.column_stack(
        [np.ones(4), [1, 2, 3, 4], [10, 20, 30, 40], [0, 1, 0, 1], [5, 5, 5, 5]]
    )
    table = cross(units)
    assert layout.variance(table) == 0
    assert np.isnan(layout.explained(table))
    nobody = cross(units * 0)
    assert np.isnan(layout.level(nobody))
    assert np.isnan(layout.variance(nobody))


def test_counts_stand_for_as_many_units():
    values = np.array([[1.0, 2.0], [1.0, 5.0]])
    repeated = np.repeat(values, [3, 4], axis=0)
    assert cross(values, np.array([3.0, 4.0])).tolist() == cross(repeated).tolist()


def test_a_layout_without_history_says_so():
    layout = Layout.of(METRICS["orders"], history=False)
    with pytest.raises(DataError, match="history == none, must be there"):
        layout.explained(np.eye(2))


def test_every_metric_has_its_columns_once():
    for metric in (*METRICS.values(), Metric(name="x", numerator="carts", denominator="clicks")):
        names = Layout.of(metric, history=True).names
        assert len(set(names)) == len(names)
        assert {name for name in names if name in UNIT_COLUMNS} == set(metric.columns)
