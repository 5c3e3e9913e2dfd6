"""What the report says of attribution: careful words."""

import pytest

from experiments.records.attribution import FateRow, InteractionRow, OffPolicyRow, StepRow
from experiments.records.interval import Interval
from experiments.report.attribution.contributions import (
    channel_sentence,
    pairs,
    reconciled,
    summary,
)
from experiments.report.attribution.flow import monotone
from experiments.report.attribution.offpolicy import sentence
from tests.experiments.report.attribution.tiny_attribution import (
    FULL,
    credit,
    lookup_of,
    text_of,
    tiny,
    value,
)
from tests.experiments.report.fake_attribution import fake_attribution

CREDITED = (credit("any_touch", "a", 0.61, 0.59, 0.63), credit("exclusive", "a", 0.09))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            (value(0.012, 0.003, 0.021),),
            "without it GMV would fall by 1.2 % (0.3 to 2.1 %, in re-simulated worlds).",
        ),
        (
            (value(-0.012, -0.021, -0.003, "replay"),),
            "without it GMV would rise by 1.2 % (0.3 to 2.1 %, by replay).",
        ),
        (
            (value(0.012, -0.003, 0.027),),
            "the GMV lost without it cannot be told from zero "
            "(1.2 %, -0.3 to 2.7 %, in re-simulated worlds).",
        ),
        (
            (value(0.012, None, None),),
            "without it GMV would fall by 1.2 % (in re-simulated worlds, no interval).",
        ),
        ((), "the GMV lost without it was not measured."),
    ],
)
def test_the_verdict_tells_credit_and_loss(rows, said):
    record = tiny(credits=(*CREDITED, credit("any_touch", "a", 0.7, event="gmv")), values=rows)
    sentence = text_of(channel_sentence(lookup_of(record), "a"))
    credited = "a is credited with 61 % of purchases (any touch, 59 to 63 %) and found 9.0 % alone"
    assert sentence == f"{credited}; {said}"


def test_worlds_are_told_before_a_replay_unless_they_have_no_interval():
    rows = (value(0.02, 0.01, 0.03, "replay"), value(0.05, 0.04, 0.06, "worlds"))
    both = lookup_of(tiny(credits=CREDITED, values=rows))
    assert "in re-simulated worlds" in channel_sentence(both, "a")
    rows = (rows[0], value(0.05, None, None, "worlds"))
    assert "by replay" in channel_sentence(lookup_of(tiny(credits=CREDITED, values=rows)), "a")


def test_channels_that_earn_credit_and_add_nothing_that_can_be_told_are_named():
    credits = (*CREDITED, credit("any_touch", "b", 0.97))
    rows = (value(0.02, 0.01, 0.03), value(0.001, -0.01, 0.012, channel="b"))
    (said,) = summary(lookup_of(tiny(credits=credits, values=rows)))
    assert text_of(said) == (
        "In re-simulated worlds, a adds GMV; b (97 %) earns credit and adds no GMV that can be "
        "told from zero."
    )


def test_how_both_are_true_is_told_by_fates():
    shares = {"same_item": 0.78, "other_item": 0.09, "later": 0.05, "nowhere": 0.08}
    fates = tuple(
        FateRow("worlds", "t", "a", fate, 100 * share, Interval(share, None, None))
        for fate, share in shares.items()
    )
    said = text_of(reconciled(lookup_of(tiny(credits=CREDITED, fates=fates)), "a"))
    assert said == (
        "Both hold at once, for others find the same items: of the purchases credited to a, "
        "without it 78.0 % would be of the same item through another channel, 9.0 % of another "
        "item, 5.0 % made later and 8.0 % not made at all (in re-simulated worlds)."
    )


def test_without_fates_the_log_tells_how_much_others_found_too():
    said = text_of(reconciled(lookup_of(tiny(credits=CREDITED)), "a"))
    assert "85.2 % are of items that another channel found as well" in said


def estimate(estimator, lift, half):
    ends = (lift - half, lift + half) if half else (None, None)
    both = Interval(1.0, 0.9, 1.1), Interval(lift, *ends)
    known = (0.97, 0.1, 900.0, 33.0, 50, 40)
    return OffPolicyRow("t", "c", estimator, "click", *both, *known)


TRUTH = estimate("truth", 0.02, 0.01)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            (
                estimate("ips", -0.2, 0.05),
                estimate("dr", 0.03, 0.02),
                estimate("truth", 0.02, 0.01),
            ),
            "Clicks: the truth is 2.0 % (1.0 to 3.0 %); the interval of DR holds it, that of IPS "
            "does not.",
        ),
        (
            (estimate("ips", -0.2, 0.05), TRUTH),
            "Clicks: the truth is 2.0 % (1.0 to 3.0 %); the interval of IPS does not hold it.",
        ),
        (
            (estimate("ips", None, None), TRUTH),
            "Clicks: the truth is 2.0 % (1.0 to 3.0 %); the log gives no estimate.",
        ),
        ((estimate("ips", 0.1, 0.05),), "Clicks: no true lift is known."),
    ],
)
def test_off_policy_estimates_are_held_against_the_truth(rows, said):
    assert text_of(sentence(rows)) == said


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((-0.2, -0.1), "Channels that stand in for each other"),
        ((0.1, 0.2), "Channels that are worth more together"),
        ((-0.1, 0.2), "No two channels' interaction can be told from zero"),
    ],
)
def test_pairs_are_told_by_where_their_interval_lies(ends, said):
    both = Interval(1.0, 0.5, 2.0), Interval(sum(ends) / 2, *ends)
    row = InteractionRow("replay", "a", "b", "gmv", "t", *both)
    record = tiny(credits=(credit("any_touch", "a", 0.6, event="gmv"),), interactions=(row,))
    (sentence,) = pairs(lookup_of(record))
    assert text_of(sentence).startswith(said)


def test_the_channel_that_only_the_measured_arm_has_is_told_first():
    assert lookup_of(FULL).focus == "cqsid"
    assert lookup_of(fake_attribution(("x", "y", "z"))).focus == "z"
    assert lookup_of(fake_attribution(arms=("treatment",))).focus == "cqsid"


@pytest.mark.parametrize(
    ("rises", "kind"),
    [
        (((0.08, 0.07, 0.09), (0.13, 0.1, 0.16)), "same"),
        (((0.08, 0.07, 0.09), (0.01, -0.1, 0.12)), "unsure"),
        (((0.08, 0.07, 0.09), (-0.1, -0.12, -0.08)), "falls"),
        (((0.08, 0.07, 0.09), (-0.01, -0.1, 0.08)), "none"),
        (((0.08, 0.07, 0.09),), "unknown"),
    ],
)
def test_a_rise_is_the_published_one_only_where_both_steps_are_told(rises, kind):
    stages = (("exposure", "click"), ("click", "purchase"))
    rows = [
        StepRow("t", "a", *stage, 0.5, 0.6, Interval(*rise), 0.01)
        for stage, rise in zip(stages, rises, strict=False)
    ]
    assert monotone(lookup_of(tiny(steps=tuple(rows))), "a") == kind
