import numpy as np
import pytest

from experiments.inference.metrics import METRICS
from experiments.inference.power.accrual import accrue
from experiments.inference.power.backtest import back_test
from experiments.inference.units import open_units
from tests.experiments.inference.logs import write_log


def back_tested(log, name, history):
    metric = METRICS[name]
    with open_units(log, [metric], history=history) as units:
        found = accrue(units, metric)
    return found, *back_test(found)


def test_the_last_day_stands_beside_what_was_foretold_of_it(days_log, days_before):
    found, rows, reason = back_tested(days_log, "orders", days_before)
    assert reason == ""
    assert [row.what for row in rows] == ["units", "level", "variance", "error", "cuped"]
    by = {row.what: row for row in rows}
    layout, last = found.layout, found.table_DKK[-1]
    assert by["units"].found == layout.units(last)
    assert by["variance"].found == pytest.approx(float(layout.variance(last)))
    error = np.sqrt(layout.variance(last) / layout.units(last)) / layout.level(last)
    assert by["error"].found == pytest.approx(float(error))
    left = float(np.sqrt(1 - layout.explained(last)))
    assert by["cuped"].found == pytest.approx(float(error) * left)
    assert all(abs(row.off) < 0.2 for row in rows)
    assert all(row.off == pytest.approx(row.foretold / row.found - 1) for row in rows)


def test_shoppers_who_all_come_in_the_second_half_are_seen_to_be_missed(tmp_path):
    """A shop that opens: the law has no growth, and says so."""
    log = write_log(tmp_path / "log", shoppers=400, days=12, requests=4, clicks=0.2)
    metric = METRICS["orders"]
    with open_units(log, [metric]) as units:
        units.connection.execute("DELETE FROM shopper_days WHERE day < 6 AND shopper % 4 > 0")
        rows, _ = back_test(accrue(units, metric))
    assert next(row.off for row in rows if row.what == "units") < -0.3


def test_too_few_days_or_events_give_a_reason(tmp_path, days_log):
    assert (
        "must be >= 6"
        in back_tested(write_log(tmp_path / "a", shoppers=60, days=5), "orders", None)[2]
    )
    empty = write_log(tmp_path / "b", shoppers=60, days=8, clicks=0.0)
    assert "too little in it" in back_tested(empty, "orders", None)[2]
