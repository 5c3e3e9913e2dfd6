import numpy as np
import pytest

from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.reduction.arm import Arm, Sample
from experiments.inference.reduction.covariate import known_before, treatment_cannot_move
from experiments.inference.reduction.cuped import PRE, Cuped
from experiments.inference.reduction.narrowed import narrowed
from experiments.inference.reduction.poststratification import PostStratification
from experiments.inference.reduction.regression import Regression
from experiments.inference.units import open_units
from experiments.records.interval import UNKNOWN
from tests.experiments.inference.reduction.shoppers import CONTRAST, GMV, aggregates

CHOSEN = [METRICS[name] for name in ("uctr", "ctr", "gmv")]


@pytest.fixture(scope="module")
def of_a_log(log, history):
    """The shoppers of a log in groups, and the statistics that CUPED has always read."""
    with open_units(log, CHOSEN, history=history) as units:
        columns = dict.fromkeys(column for m in CHOSEN for column in Cuped().columns(m))
        sample = units.table(CHOSEN).sample(list(columns))
        return sample, units.aggregates(CHOSEN, covariates=True)


@pytest.mark.parametrize("metric", CHOSEN, ids=lambda metric: metric.name)
def test_cuped_of_a_log_is_that_of_its_metrics_json(of_a_log, metric):
    sample, arms = of_a_log
    wanted, reason = estimate(metric, CONTRAST, arms, cuped=True)
    found = narrowed(metric, CONTRAST, sample, Cuped())
    assert (found.method, found.reason, found.notes) == ("CUPED", reason, ())
    np.testing.assert_allclose(
        [*found.estimate.effect.numbers, *found.estimate.relative.numbers],
        [*wanted.effect.numbers, *wanted.relative.numbers],
        rtol=1e-9,
    )
    assert found.gain.low < found.gain.estimate < found.gain.high


def test_a_history_of_both_sums_tells_of_a_ratio_as_much_as_cuped_does(of_a_log):
    sample, _ = of_a_log
    ctr = METRICS["ctr"]
    how = Regression(known_before(*(PRE + column for column in ctr.columns)))
    by_slopes, by_cuped = (narrowed(ctr, CONTRAST, sample, each) for each in (how, Cuped()))
    assert by_slopes.reason == ""
    assert by_slopes.gain.estimate > 0.97 * by_cuped.gain.estimate


def test_a_row_says_how_it_came_about_and_what_was_claimed(of_a_log):
    sample, _ = of_a_log
    how = Regression(treatment_cannot_move(f"{PRE}clicked"))
    found = narrowed(METRICS["uctr"], CONTRAST, sample, how)
    assert found.method == "regression, slopes by arm (Lin)"
    assert found.notes == ("taken as given: the treatment cannot move pre_clicked",)
    assert not found.estimate.cuped


def test_what_cannot_be_adjusted_has_a_reason_and_no_numbers():
    arm = Arm(aggregates({"gmv": [1.0, 2.0, 4.0]}))
    sample = Sample([dict.fromkeys(CONTRAST, arm)] * 2)
    found = narrowed(GMV, CONTRAST, sample, PostStratification(known_before("device")))
    assert found.method == "post-stratification by device"
    assert found.reason == "fewer than two strata have enough shoppers in both arms"
    assert found.gain == found.estimate.effect == UNKNOWN
