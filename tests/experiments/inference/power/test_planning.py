import numpy as np
import pytest

from experiments.inference.power.aim import Aim
from experiments.inference.power.analytic import detectable, power_of
from experiments.inference.power.change import Change
from experiments.inference.power.pilot import PLAIN, Pilot
from experiments.inference.power.planning import Design
from simulator.errors import ConfigError

PILOT = Pilot.steady(1_000.0, 2.0, 9.0, {PLAIN: 0.0, "given": 0.5}, 200)
EFFECT = Change(0.05, relative=True)
HALVES = (0.5, 0.5)


def test_the_days_needed_are_the_first_after_which_the_effect_is_found():
    design = Design(Aim(), HALVES, EFFECT)
    for method, variance in ((PLAIN, 9.0), ("given", 4.5)):
        day = design.days_needed(PILOT, method)
        sizes = [500.0 * each for each in (day - 1, day)]
        least = [float(detectable(variance, (n, n), Aim())) for n in sizes]
        assert least[0] > 0.1 >= least[1]
        power = design.power(PILOT, method)
        assert power[day - 2] < 0.8 <= power[day - 1]
        assert power[day - 1] == pytest.approx(
            float(power_of(0.1, variance, (sizes[1],) * 2, Aim()))
        )
        np.testing.assert_allclose(design.least(PILOT, method)[day - 1], least[1])


def test_an_effect_that_is_never_found_needs_no_number_of_days():
    assert Design(Aim(), HALVES, Change(1e-6, relative=True)).days_needed(PILOT, PLAIN) is None
    design = Design(Aim(), HALVES)
    assert design.days_needed(PILOT, PLAIN) is None
    assert design.power(PILOT, PLAIN) is None
    assert design.distance(PILOT.level_D) is None


def test_unequal_shares_and_more_comparisons_take_longer():
    even = Design(Aim(), HALVES, EFFECT).days_needed(PILOT, PLAIN)
    uneven = Design(Aim(), (0.9, 0.1), EFFECT).days_needed(PILOT, PLAIN)
    corrected = Design(Aim(comparisons=3), HALVES, EFFECT).days_needed(PILOT, PLAIN)
    assert uneven / even == pytest.approx((1 / 0.9 + 1 / 0.1) / 4, rel=0.05)
    assert even < corrected < uneven


def test_non_inferiority_is_a_question_of_how_far_the_truth_is_from_the_margin():
    aim, margin = Aim(one_sided=True), Change(0.05, relative=True)
    nothing = Design(aim, HALVES, None, margin)
    loss = Design(aim, HALVES, Change(-0.02, relative=True), margin)
    gain = Design(aim, HALVES, Change(0.02, relative=True), margin)
    worse = Design(aim, HALVES, Change(0.02, relative=True), margin, better=-1)
    distances = [float(each.distance(PILOT.level_D)[0]) for each in (loss, nothing, gain, worse)]
    np.testing.assert_allclose(distances, [0.06, 0.1, 0.14, 0.06])
    needed = [each.days_needed(PILOT, PLAIN) for each in (loss, nothing, gain)]
    assert needed == sorted(needed, reverse=True)
    day = needed[1]
    assert nothing.least(PILOT, PLAIN)[day - 1] <= 0.1 < nothing.least(PILOT, PLAIN)[day - 2]
    # the least margin of a treatment that loses is wider by what it loses
    np.testing.assert_allclose(loss.least(PILOT, PLAIN), nothing.least(PILOT, PLAIN) + 0.04)


def test_days_with_too_few_units_have_no_number():
    sparse = Pilot.steady(1.5, 2.0, 9.0, {PLAIN: 0.0}, 4)
    design = Design(Aim(), HALVES, EFFECT)
    assert np.isnan(design.least(sparse, PLAIN)).tolist() == [True, True, False, False]
    assert np.isnan(design.power(sparse, PLAIN)).tolist() == [True, True, False, False]
    nobody = Pilot.steady(0.0, 2.0, 9.0, {PLAIN: 0.0}, 1)
    assert np.isnan(design.least(nobody, PLAIN)).all()
    assert design.days_needed(nobody, PLAIN) is None


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"effect": Change(0.0, True)}, "effect == 0, must be another number"),
        ({"margin": Change(0.01, True)}, "margin == only in a test of non-inferiority"),
        ({"aim": Aim(one_sided=True)}, "margin == only in a test of non-inferiority"),
        ({"aim": Aim(one_sided=True), "margin": Change(-1.0, True)}, "margin == -1, must be > 0"),
        (
            {"aim": Aim(one_sided=True), "margin": Change(0.01, True), "effect": Change(1, False)},
            "must both be relative",
        ),
        (
            {
                "aim": Aim(one_sided=True),
                "margin": Change(0.01, True),
                "effect": Change(-0.02, True),
            },
            "effect == -0.02, must be a loss smaller than the margin",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused(options, wanted):
    with pytest.raises(ConfigError, match=wanted):
        Design(**{"aim": Aim(), "shares": HALVES, **options})
