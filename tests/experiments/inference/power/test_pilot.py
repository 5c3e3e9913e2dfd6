import numpy as np
import pytest

from experiments.inference.metrics import METRICS, Metric
from experiments.inference.power.accrual import accrue
from experiments.inference.power.pilot import CUPED, PLAIN, Pilot, untold
from experiments.inference.units import open_units
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log


def accrual_of(log, metric, history=None):
    with open_units(log, [metric], history=history) as units:
        return accrue(units, metric)


def test_a_pilot_has_what_the_log_has_and_then_what_is_foretold(days_log, days_before):
    found = accrual_of(days_log, METRICS["orders"], days_before)
    pilot = Pilot.of_log(found, {"given": 0.3}, 20)
    assert (pilot.days, pilot.found) == (20, 12)
    np.testing.assert_array_equal(pilot.units_D[:12], found.layout.units(found.table_DKK))
    assert set(pilot.explained) == {PLAIN, CUPED, "given"}
    np.testing.assert_array_equal(
        pilot.explained[CUPED][:12], found.layout.explained(found.table_DKK)
    )
    assert (pilot.left(CUPED) < pilot.left(PLAIN))[11:].all()
    np.testing.assert_allclose(pilot.left("given"), 0.7 * pilot.variance_D)


def test_what_the_history_explains_stays_from_twice_the_days_on(days_log, days_before):
    found = accrual_of(days_log, METRICS["orders"], days_before)
    share = Pilot.of_log(found, {}, 60).explained[CUPED]
    assert share[11] < share[17] < share[23] < 1
    assert (share[23:] == share[23]).all()


def test_fewer_days_than_the_log_has_need_no_law(days_log):
    pilot = Pilot.of_log(accrual_of(days_log, METRICS["orders"]), {}, 2)
    assert (pilot.days, pilot.found) == (2, 2)


def test_traffic_takes_units_and_changes_none():
    pilot = Pilot.steady(100.0, 2.0, 3.0, {PLAIN: 0.0}, 5)
    part = pilot.with_traffic(0.1)
    assert part.units_D.tolist() == [10.0, 20.0, 30.0, 40.0, 50.0]
    assert part.variance_D.tolist() == pilot.variance_D.tolist()
    assert pilot.found == 0


def test_what_is_not_foretold_has_a_reason(tmp_path, days_log):
    short = accrual_of(write_log(tmp_path / "log", shoppers=50, days=2), METRICS["orders"])
    assert "days of the log == 2, must be >= 3" in untold(short)
    with pytest.raises(DataError, match="must be >= 3 to foretell more"):
        Pilot.of_log(short, {}, 5)
    odd = Metric(name="odd", numerator="bought", denominator="sessions")
    assert "0 or 1 is not foretold" in untold(accrual_of(days_log, odd))
    assert untold(accrual_of(days_log, METRICS["uctcvr"])) == ""
