import numpy as np
import pytest
from scipy import stats

from experiments.inference.estimates import Level
from experiments.inference.scorecard.holdout import holdout
from experiments.records.interval import UNKNOWN
from tests.experiments.inference.scorecard.tables import level_of, within


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(1)
    return [rng.gamma(2, 2 + lift, n) for lift, n in ((0, 80), (0.4, 400), (0, 300), (0.9, 310))]


def effect(control: Level, treatment: Level) -> Level:
    """Of an experiment, as the page of one tells it."""
    error = float(np.hypot(control.error, treatment.error))
    return Level(treatment.mean - control.mean, error, min(control.n, treatment.n))


def test_the_lasting_effect_is_a_welch_test_of_launched_against_held_out(samples):
    held, launched = samples[:2]
    found = holdout("orders", level_of(held), level_of(launched))
    peer = stats.ttest_ind(launched, held, equal_var=False)
    assert found.lasting.p_value == pytest.approx(peer.pvalue, rel=1e-10)
    assert found.lasting.contrast == ("held out", "launched")
    assert (found.change, found.p_value) == (UNKNOWN, None)


def test_the_change_is_the_difference_of_two_effects(samples):
    held, launched, control, treatment = map(level_of, samples)
    tested = effect(control, treatment)
    found = holdout("orders", held, launched, tested=tested)
    assert found.change.estimate == pytest.approx(found.lasting.effect.estimate - tested.mean)
    error = np.sqrt(sum(each.error**2 for each in (held, launched, control, treatment)))
    assert found.change.high - found.change.estimate == pytest.approx(1.98 * error, rel=0.01)


def test_a_hand_checked_example():
    held, launched = Level(10.0, 0.1, 10**6), Level(10.2, 0.1, 10**6)
    tested = Level(0.6, 0.1 * 2**0.5, 10**6)
    found = holdout("orders", held, launched, tested=tested)
    assert found.change.estimate == pytest.approx(-0.4)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(2.0), rel=1e-4)


def test_an_effect_that_stayed_is_called_changed_no_more_often_than_it_may():
    """Exactly where the shoppers are others; less often where they are the same."""
    rng, other, same = np.random.default_rng(2), [], []
    for _ in range(1_500):
        noise = rng.normal(0, 0.1, (3, 2))
        levels = [(Level(10 + a, 0.1, 500), Level(10.5 + b, 0.1, 500)) for a, b in noise]
        other.append(holdout("m", *levels[0], tested=effect(*levels[1])).p_value < 0.05)
        again = 0.8 * noise[0] + 0.6 * noise[2]  # correlation 0.8 from one period to the next
        tested = effect(Level(10 + again[0], 0.1, 500), Level(10.5 + again[1], 0.1, 500))
        same.append(holdout("m", *levels[0], tested=tested).p_value < 0.05)
    assert within(other, 0.05)
    assert np.mean(same) < 0.01


def test_what_the_data_do_not_tell_has_a_reason():
    some, still, alone = Level(1.0, 0.1, 9), Level(1.0, 0.0, 9), Level(1.0, 0.1, 1)
    found = holdout("m", still, still, tested=some)
    assert (found.lasting.p_value, found.change) == (None, UNKNOWN)
    assert found.reason == "no variation between shoppers"
    found = holdout("m", some, some, tested=alone)
    assert found.lasting.p_value == pytest.approx(1.0)
    assert found.reason == "an arm of the experiment has fewer than 2 shoppers"
