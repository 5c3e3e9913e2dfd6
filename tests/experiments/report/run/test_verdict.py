"""What the verdict says, and what it must not say."""

from dataclasses import replace

import pytest

from experiments.inference.finding import Finding
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate, SampleRatio
from experiments.records.truth import Truth, Truths
from experiments.report.run.verdict import verdicts
from tests.experiments.report.fake_run import bare_metrics

CONTRAST = ("control", "treatment")


def estimate(relative, half, /, **more):
    row = Estimate(
        metric="gmv",
        contrast=CONTRAST,
        design="shopper",
        n=1000,
        n_control=500,
        n_treatment=500,
        control=10.0,
        treatment=10 * (1 + relative),
        effect=Interval(10 * relative, 10 * (relative - half), 10 * (relative + half)),
        relative=Interval(relative, relative - half, relative + half),
        p_value=0.02,
        cuped=False,
    )
    return replace(row, **more)


def truth(relative, low=None, high=None, **more):
    """A truth of 10 times the relative one, `low` to `high` where they are known."""
    effect = Interval(10 * relative, low, high)
    row = Truth(
        metric="gmv",
        contrast=CONTRAST,
        control=10.0,
        treatment=10 * (1 + relative),
        effect=effect,
        relative=effect.over(10.0),
        naive=UNKNOWN,
        bias=None,
        covered=None,
        pairing_factor=None,
        seeds=3,
        n=1000,
    )
    return Truths(truth=(replace(row, **more),), warnings=())


def verdict(row, truths=None, **metrics):
    found = verdicts(bare_metrics(estimates=(row,), **metrics), truths)
    assert len(found) == 1
    return found[0]


def plain(text):
    return text.replace("\u202f", " ")


def test_increase_is_told_with_its_interval_and_the_truth_inside():
    said = verdict(estimate(0.031, 0.027), truth(0.027))
    assert plain(said.sentence) == (
        "Treatment raised GMV per shopper by 3.1 % against control (95 % interval 0.4 to 5.8 %); "
        "the simulated truth is 2.7 %, inside the interval."
    )
    assert (said.finding, said.good) == (Finding.MORE, True)


def test_decrease_is_told_with_a_true_minus_sign():
    said = verdict(estimate(-0.031, 0.027), truth(-0.07))
    assert plain(said.sentence) == (
        "Treatment lowered GMV per shopper by 3.1 % against control (95 % interval of the change: "
        "\u22125.8 to \u22120.4 %); the simulated truth is \u22127.0 %, outside the interval."
    )
    assert said.good is False


def test_interval_around_zero_tells_no_difference():
    said = verdict(estimate(0.004, 0.016), truth(0.006))
    assert plain(said.sentence) == (
        "No difference in GMV per shopper can be told between treatment and control: the 95 % "
        "interval of the change is \u22121.2 to 2.0 %; the simulated truth is 0.6 %, inside the "
        "interval."
    )
    assert said.good is None


def test_wrong_sign_is_named():
    said = verdict(estimate(0.031, 0.027), truth(-0.01))
    assert "outside the interval and of the opposite sign" in said.sentence


def test_an_uncertain_truth_comes_with_its_own_interval():
    said = verdict(estimate(0.031, 0.027), truth(0.027, 0.15, 0.4))
    assert "the simulated truth is 2.7 % (1.5 to 4.0 %), inside" in plain(said.sentence)


def test_a_truth_that_may_be_zero_has_no_opposite_sign():
    row = estimate(0.031, 0.02)
    surely = verdict(row, truth(-0.02, -0.3, -0.1))
    perhaps = verdict(row, truth(-0.02, -0.5, 0.1))
    assert "of the opposite sign" in surely.sentence
    assert "of the opposite sign" not in perhaps.sentence


def test_truth_of_identical_arms_is_exactly_zero():
    said = verdict(estimate(0.004, 0.016), truth(0.0, 0.0, 0.0))
    assert "the simulated truth is exactly zero, inside the interval" in said.sentence


def test_missing_truth_is_said():
    assert "no simulated truth was computed" in verdict(estimate(0.031, 0.027)).sentence


def test_covered_on_the_absolute_scale_is_named_where_the_shown_interval_disagrees():
    said = verdict(estimate(0.031, 0.027), truth(0.059, covered=True))
    assert "5.9" in said.sentence
    assert "inside the interval of the absolute effect" in said.sentence


def test_less_of_a_bad_thing_is_good():
    row = estimate(-0.2, 0.1, metric="abandonment")
    said = verdict(row, primary="abandonment")
    assert "lowered the share of sessions without a click" in said.sentence
    assert said.good is True


@pytest.mark.parametrize("population", ["assigned", "exposed"])
def test_broken_sample_ratio_silences_the_effect(population):
    ratio = SampleRatio(population, CONTRAST, (5300, 4700), (5000.0, 5000.0), 36.0, 1e-9)
    said = verdict(estimate(0.031, 0.027), truth(0.027), srm=(ratio,))
    assert said.finding is Finding.UNREADABLE
    assert said.sentence.startswith("Do not read the effect")
    assert f"{population} shoppers: control has 5,300 where 5,000 were planned" in said.sentence
    assert "3.1" not in said.sentence


@pytest.mark.parametrize("p", [0.001, 0.4, None])
def test_sample_ratio_as_planned_says_nothing(p):
    ratio = SampleRatio("assigned", CONTRAST, (5010, 4990), (5000.0, 5000.0), None, p)
    assert verdict(estimate(0.031, 0.027), srm=(ratio,)).finding is Finding.MORE


def test_borderline_between_the_scales_is_not_called_a_difference():
    row = estimate(0.031, 0.027, effect=Interval(0.31, -0.01, 0.58))
    assert verdict(row).finding is Finding.UNTOLD


@pytest.mark.parametrize("effect", [UNKNOWN, Interval(0.31, None, None)])
def test_estimate_without_number_or_interval_is_not_judged(effect):
    said = verdict(estimate(0.031, 0.027, effect=effect, relative=Interval(0.031, None, None)))
    assert said.finding is Finding.MISSING
    assert "could not be estimated" in said.sentence


def test_effect_without_a_relative_scale_is_told_in_its_unit():
    row = estimate(
        0.5,
        0.1,
        metric="uctr",
        relative=UNKNOWN,
        effect=Interval(0.031, 0.01, 0.05),
    )
    said = plain(verdict(row, primary="uctr").sentence)
    assert "by 3.10 pp against control (95 % interval +1.00 pp to +5.00 pp)" in said


def test_cuped_that_finds_something_else_is_named():
    rows = (estimate(0.01, 0.02), estimate(0.012, 0.008, cuped=True))
    found = verdicts(bare_metrics(estimates=rows), None)
    said = [line for line in found[0].further if "CUPED" in line]
    assert plain(said[0]).endswith("+1.20 % (0.40 to 2.00 %), a different finding: an increase.")


def test_single_world_is_not_sold_as_certain():
    said = verdict(estimate(0.031, 0.027), truth(0.027, seeds=1))
    assert any("one pair of worlds" in line for line in said.further)


def test_every_contrast_gets_its_own_sentence():
    rows = (estimate(0.03, 0.01), estimate(-0.03, 0.01, contrast=("control", "no_dense")))
    found = verdicts(bare_metrics(estimates=rows), None)
    assert [one.finding for one in found] == [Finding.MORE, Finding.LESS]
    assert found[1].sentence.startswith("\u201cno_dense\u201d lowered")
