import numpy as np
import pytest

from experiments.inference.metrics import METRICS
from experiments.inference.power.accrual import accrue
from experiments.inference.power.unittable import unit_table
from experiments.inference.units import open_units


@pytest.mark.parametrize(
    ("name", "kind"),
    [("orders", "count"), ("uctcvr", "binary"), ("gmv", "amount"), ("ctr", "count")],
)
def test_its_sums_are_those_of_the_log_after_a_day(days_log, days_before, name, kind):
    metric = METRICS[name]
    with open_units(days_log, [metric], history=days_before) as units:
        found, accrual = unit_table(units, metric, 7), accrue(units, metric)
    np.testing.assert_allclose(found.table, accrual.table_DKK[7], rtol=1e-12)
    assert found.counted == kind
    assert len(np.unique(found.values_GK, axis=0)) == len(found.count_G)


def test_of_too_many_units_the_same_ones_are_taken_every_time(days_log):
    metric = METRICS["ctr"]
    with open_units(days_log, [metric]) as units:
        some, again = (unit_table(units, metric, 11, most=200) for _ in range(2))
        whole = unit_table(units, metric, 11)
    assert some.units == 200 < whole.units
    np.testing.assert_array_equal(some.values_GK, again.values_GK)
    np.testing.assert_array_equal(some.count_G, again.count_G)
