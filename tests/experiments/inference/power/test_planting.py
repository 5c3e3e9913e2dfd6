import numpy as np
import pytest

from experiments.inference.power.change import Change
from experiments.inference.power.planting import Planted
from simulator.errors import ConfigError
from tests.experiments.inference.power.tables import shoppers, table_of

ORDERS = shoppers(4_000, 0)
BUYERS = table_of("uctcvr", [np.repeat([0, 1], [900, 100])], "binary")
SPEND = table_of("gmv", [np.array([0.0, 0, 5, 2.5, 90])], "amount")
RATES = table_of("ctr", [np.array([1, 0, 3, 2]), np.array([10, 4, 9, 30])], "count")


def planted_tables(units, change, times=400):
    rng = np.random.default_rng(5)
    planted = Planted.of(units, change)
    return planted, np.array([planted.table(units.count_G, rng) for _ in range(times)])


@pytest.mark.parametrize("lift", [0.3, -0.3, 1.0, -1.0])
def test_events_come_and_go_one_by_one(lift):
    """The mean moves by the lift, and squares by what independent events bring."""
    planted, found = planted_tables(ORDERS, Change(lift, relative=True))
    assert planted.way == "events"
    level = found[:, 0, 1] / ORDERS.units
    before = ORDERS.layout.level(ORDERS.table)
    error = level.std(ddof=1) / np.sqrt(len(level))
    assert abs(level.mean() - before * (1 + lift)) <= 4 * error + 1e-12
    orders, square = ORDERS.table[0, 1], ORDERS.table[1, 1]
    wanted = square * (1 + lift) ** 2 + orders * abs(lift) * (1 - abs(lift))
    error = found[:, 1, 1].std(ddof=1) / np.sqrt(len(level))
    assert abs(found[:, 1, 1].mean() - wanted) <= 4 * error + 1e-9
    # the history is what it was, and moves with nothing but the metric
    np.testing.assert_array_equal(found[:, 2, 2], np.full(400, ORDERS.table[2, 2]))
    error = found[:, 1, 2].std(ddof=1) / np.sqrt(len(level))
    assert abs(found[:, 1, 2].mean() - ORDERS.table[1, 2] * (1 + lift)) <= 4 * error + 1e-9


def test_events_after_the_effect_are_whole_and_tables_are_symmetric():
    _, found = planted_tables(ORDERS, Change(0.37, relative=True), times=3)
    assert (found == np.round(found)).all()
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))


@pytest.mark.parametrize("lift", [0.5, -0.5])
def test_some_with_0_become_1_or_the_other_way(lift):
    planted, found = planted_tables(BUYERS, Change(lift, relative=True))
    assert planted.way == "turn"
    np.testing.assert_array_equal(found[:, 0, 1], found[:, 1, 1])
    share = found[:, 0, 1] / 1_000
    assert share.mean() == pytest.approx(0.1 * (1 + lift), abs=4 * share.std() / 20)


@pytest.mark.parametrize("units", [SPEND, ORDERS])
def test_amounts_are_scaled_and_so_are_counts_that_more_than_double(units):
    planted, (found, *_) = planted_tables(units, Change(2.0, relative=True), times=1)
    assert planted.way == "scale"
    assert found[0, 1] == pytest.approx(3 * units.table[0, 1])
    assert found[1, 1] == pytest.approx(9 * units.table[1, 1])


@pytest.mark.parametrize("units", [SPEND, ORDERS, BUYERS, RATES])
def test_an_absolute_change_moves_the_level_by_itself_and_no_variance(units):
    planted, (found, *_) = planted_tables(units, Change(0.02, relative=False), times=1)
    assert planted.way == "shift"
    layout = units.layout
    assert layout.level(found) == pytest.approx(float(layout.level(units.table)) + 0.02, rel=1e-12)
    assert layout.variance(found) == pytest.approx(float(layout.variance(units.table)), rel=1e-9)


@pytest.mark.parametrize("change", [None, Change(0.0, relative=True)])
def test_nothing_planted_leaves_all_as_it_was(change):
    planted, (found, *_) = planted_tables(ORDERS, change, times=1)
    assert planted.way == "none"
    np.testing.assert_array_equal(found, ORDERS.table)


def test_an_effect_that_the_units_cannot_have_is_refused():
    with pytest.raises(ConfigError, match=r"effect == -1\.5, must be > -1"):
        Planted.of(ORDERS, Change(-1.5, relative=True))
    with pytest.raises(ConfigError, match=r"effect == 20, must be at most 9: 0\.1 of the units"):
        Planted.of(BUYERS, Change(20.0, relative=True))
