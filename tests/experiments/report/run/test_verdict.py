"""What the verdict says, and what it must not say."""

from dataclasses import replace

import pytest

from experiments.inference.finding import Finding
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Estimate, FunnelCount, SampleRatio
from experiments.records.truth import Headroom, Realised, Refit, Truth, Truths
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
        method="expected",
        control=10.0,
        treatment=10 * (1 + relative),
        effect=effect,
        relative=effect.over(10.0),
        p_value=None,
        resolution=None,
        parts=None,
        realised=Realised(UNKNOWN, UNKNOWN, None),
        remainder=None,
        naive=UNKNOWN,
        bias=None,
        covered=None,
        power=None,
        seeds=3,
        trainings=1,
        training_sd=None,
        n=1000,
    )
    return Truths(truth=(replace(row, **more),), headroom=(), refits=(), warnings=())


def verdict(row, truths=None, **metrics):
    found = verdicts(bare_metrics(estimates=(row,), **metrics), truths)
    assert len(found) == 1
    return found[0]


def plain(text):
    return text.replace("\u202f", " ")


def test_the_truth_leads_with_its_interval_and_its_resolution():
    said = verdict(estimate(0.031, 0.027), truth(0.027, 0.15, 0.39, resolution=0.012))
    assert plain(said.sentence) == (
        "True effect: with treatment for everybody, GMV per shopper is 2.7 % more than with "
        "control (95 % interval 1.5 to 3.9 %, known to \u00b11.2 %)."
    )
    assert (said.finding, said.good) == (Finding.MORE, True)
    assert plain(said.beside[0]) == (
        "The A/B test: Treatment raised GMV per shopper by 3.1 % against control "
        "(95 % interval 0.4 to 5.8 %), which holds the truth."
    )


def test_the_truth_decides_and_not_the_test():
    said = verdict(estimate(0.031, 0.027), truth(-0.07, -0.9, -0.5))
    assert plain(said.sentence).startswith(
        "True effect: with treatment for everybody, GMV per shopper is 7.0 % less than"
    )
    assert (said.finding, said.good) == (Finding.LESS, False)
    assert said.beside[0].endswith("which does not hold the truth.")


def test_a_truth_around_zero_tells_no_difference():
    said = verdict(estimate(0.031, 0.027), truth(0.002, -0.02, 0.06, resolution=0.004))
    assert plain(said.sentence) == (
        "True effect: none that can be told from zero. With treatment for everybody, GMV per "
        "shopper changes by +0.20 % (95 % interval \u22120.20 to 0.60 %, known to \u00b10.40 %)."
    )
    assert (said.finding, said.good) == (Finding.UNTOLD, None)


def test_truth_of_identical_arms_is_exactly_zero():
    said = verdict(estimate(0.004, 0.016), truth(0.0, 0.0, 0.0))
    assert said.sentence == ("True effect: none. Treatment brings exactly what control brings.")


def test_it_is_told_how_often_a_test_of_this_size_would_see_the_effect():
    told = verdict(estimate(0.031, 0.027), truth(0.027, 0.15, 0.39, power=0.437))
    assert any("in 44 of 100 runs" in line for line in told.beside)
    unseen = verdict(estimate(0.031, 0.027), truth(0.002, -0.02, 0.06, power=0.05))
    assert not any("of 100 runs" in line for line in unseen.beside)


ROOM = Headroom(
    *("control", "gmv", "all", "all", 0.5),
    *(Interval(size, size - 0.04, size + 0.04) for size in (0.9, 1.1, 0.2, 1.6)),
    *(1000, 900),
)


def test_headroom_tells_what_perfect_recall_would_add_and_what_part_is_had():
    rooms = replace(truth(0.05, 0.4, 0.6), headroom=(ROOM,))
    (line,) = [s for s in verdict(estimate(0.03, 0.02), rooms).beside if "Headroom" in s]
    assert "with perfect recall" in plain(line)
    assert "GMV would change by +20.0 % (16.0 to 24.0 %)" in plain(line)
    assert plain(line).endswith("has 25 % of what perfect recall would add.")


def test_where_recall_has_no_headroom_it_is_said_that_none_can_show_a_lift():
    none = replace(ROOM, recall=Interval(0.01, -0.03, 0.05))
    rooms = replace(truth(0.002, -0.02, 0.06), headroom=(none,))
    (line,) = [s for s in verdict(estimate(0.03, 0.02), rooms).beside if "Headroom" in s]
    assert line.endswith("no channel can show a lift.")


def test_training_luck_stands_beside_the_effect():
    moved = replace(
        truth(0.002, -0.02, 0.06),
        refits=(Refit("gmv", "control", "ranker", Interval(-0.03, -0.04, -0.02), 900),),
    )
    said = verdict(estimate(0.03, 0.02), moved).beside
    assert any("Training luck" in line and "\u22123.0" in line for line in said)


def test_without_a_truth_the_test_is_told_with_its_interval():
    said = verdict(estimate(0.031, 0.027))
    assert plain(said.sentence) == (
        "Treatment raised GMV per shopper by 3.1 % against control (95 % interval 0.4 to 5.8 %); "
        "no simulated truth was computed."
    )
    assert (said.finding, said.good) == (Finding.MORE, True)


def test_decrease_is_told_with_a_true_minus_sign():
    said = verdict(estimate(-0.031, 0.027), truth(-0.07))
    assert plain(said.sentence) == (
        "Treatment lowered GMV per shopper by 3.1 % against control (95 % interval of the change: "
        "\u22125.8 to \u22120.4 %); the simulated truth is \u22127.0 %, outside of it."
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


def test_missing_truth_is_said():
    assert "no simulated truth was computed" in verdict(estimate(0.031, 0.027)).sentence


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
    said = verdict(estimate(0.031, 0.027), truth(0.027, 0.15, 0.39, seeds=1))
    assert any("one pair of worlds" in line for line in said.further)
    assert any("told from categories" in line for line in said.further)
    said = verdict(estimate(0.031, 0.027), truth(0.027, 0.15, 0.39, seeds=3))
    assert any("not that of other trainings" in line for line in said.further)


def test_other_metrics_that_change_are_named_and_those_that_do_not_are_not():
    gmv = truth(0.002, -0.02, 0.06)
    (row,) = gmv.truth
    real, none = Interval(0.013, 0.010, 0.016), Interval(0.001, -0.002, 0.004)
    others = [
        replace(row, metric=name, effect=change, relative=change)
        for name, change in (("orders", real), ("uctcvr", none), ("latency", real))
    ]
    said = plain(" ".join(verdict(estimate(0.03, 0.02), replace(gmv, truth=(row, *others))).beside))
    assert "True effects on other metrics" in said
    assert "orders per shopper +1.30 % (1.00 to 1.60 %)" in said
    assert "who buy" not in said
    assert "latency" not in said


def test_what_half_a_per_cent_would_cost_is_said():
    coarse = verdict(estimate(0.031, 0.027), truth(0.027, 0.15, 0.39, seeds=3, resolution=0.01))
    wanted = "would take about 12 pairs of worlds (truth.seeds, or truth.resolution)."
    assert wanted in plain(" ".join(coarse.further))
    for more in ({"resolution": 0.004}, {}):
        said = verdict(estimate(0.031, 0.027), truth(0.027, 0.15, 0.39, **more))
        assert "would take" not in " ".join(said.further)


def test_where_every_pair_has_its_own_training_no_setting_that_it_refuses_is_suggested():
    each = {"seeds": 3, "trainings": 3, "resolution": 0.01}
    said = plain(" ".join(verdict(estimate(0.031, 0.027), truth(0.027, 0.1, 0.4, **each)).further))
    assert "about 12 pairs of worlds: more truth.seeds, each with a training of its own, " in said
    assert "truth.resolution" not in said


def test_every_contrast_gets_its_own_sentence():
    rows = (estimate(0.03, 0.01), estimate(-0.03, 0.01, contrast=("control", "no_dense")))
    found = verdicts(bare_metrics(estimates=rows), None)
    assert [one.finding for one in found] == [Finding.MORE, Finding.LESS]
    assert found[1].sentence.startswith("\u201cno_dense\u201d lowered")


def test_an_arm_that_showed_nothing_is_the_verdict_whatever_its_numbers_say():
    """Else a shop without a single item on sale reads as an effect."""
    counts = {"control": (120, 2_400), "no_dense": (80, 0)}
    funnel = tuple(
        FunnelCount(arm, stage, count, None)
        for arm, each in counts.items()
        for stage, count in zip(("requests", "shown"), each, strict=True)
    )
    rows = (estimate(0.03, 0.01), estimate(-1.0, 0.01, contrast=("control", "no_dense")))
    one, other = verdicts(bare_metrics(estimates=rows, funnel=funnel), truth(0.027, 0.15, 0.39))
    assert one.finding is Finding.MORE
    assert (other.finding, other.good) == (Finding.UNREADABLE, False)
    assert other.sentence.startswith(
        "Do not read the effect: arm no_dense showed nothing on any page of its 80 requests."
    )


def test_an_effect_without_an_interval_on_the_relative_scale_is_told_on_the_absolute_one():
    found = verdict(estimate(0.03, 0.01, relative=Interval(0.03, None, None)))
    assert found.finding is Finding.MORE
    assert "\u2013 to \u2013" not in found.sentence
    assert "95\u202f% interval" in found.sentence


def test_an_interval_is_never_called_certain():
    rows = (estimate(0.03, 0.01),)
    (found,) = verdicts(bare_metrics(estimates=rows, confidence=0.9999999), None)
    assert "99.99999\u202f% interval" in found.sentence
