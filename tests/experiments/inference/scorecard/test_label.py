from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from experiments.inference.estimates import Level
from experiments.inference.scorecard.decision import Rule, judge, shipping
from experiments.inference.scorecard.label import Bar, Evidence, Label, Part, verdict
from experiments.inference.scorecard.roles import Aim, Role
from experiments.records.interval import Interval
from simulator.errors import ConfigError

ORDER = [Label.HOLD, Label.TEST, Label.LAUNCH]
BAR = Bar()
AIMS = (
    Aim("gmv", Role.SUCCESS),
    Aim("latency", Role.GUARDRAIL, -1, 0.1),
    Aim("abandonment", Role.QUALITY, -1),
)


def pair(gap):
    return Level(100.0, 0.7, 10_000), Level(100.0 + gap, 0.7, 10_000)


def evidence(gmv=5.0, latency=0.0, abandonment=0.0, **rest):
    gaps = {"gmv": gmv, "latency": latency, "abandonment": abandonment}
    levels = {name: None if gap is None else pair(gap) for name, gap in gaps.items()}
    return Evidence(judge(AIMS, levels, Rule()), **rest)


GOOD = {"effective": 500.0, "triggered": 0.3, "later": Interval(1.0, 0.2, 1.8), "worlds": 0.95}


@pytest.mark.parametrize(
    ("changed", "label", "said"),
    [
        ({}, Label.LAUNCH, "gmv is better, by 3.06 at least"),
        ({"gmv": 1.0}, Label.TEST, "no success metric is shown to be better: gmv"),
        ({"gmv": -5.0}, Label.HOLD, "gmv is worse"),
        ({"gmv": None}, Label.TEST, "shown to be better: gmv (it has no estimate)"),
        ({"latency": 9.0}, Label.HOLD, "latency is worse"),
        ({"latency": 20.0}, Label.HOLD, "latency is worse by more than its margin"),
        ({"abandonment": 4.0}, Label.HOLD, "abandonment is worse"),
        ({"failed": ("sample ratio mismatch",)}, Label.HOLD, "a check failed: sample ratio"),
        ({"effective": 60.0}, Label.TEST, "60 effective shoppers, 100 are asked for"),
        ({"triggered": 0.001}, Label.TEST, "0.001 of the shoppers touched, 0.01 are asked for"),
        ({"later": Interval(-0.1, -1.0, 0.8)}, Label.TEST, "a later period shows no gain"),
        ({"later": Interval(-2.0, -3.0, -1.0)}, Label.HOLD, "a later period shows a loss"),
        ({"worlds": 0.8}, Label.TEST, "the sign holds in 80% of the worlds, 90% are asked for"),
        ({"worlds": 0.4}, Label.HOLD, "the sign holds in 40% of the worlds"),
    ],
)
def test_each_part_of_the_evidence_can_stop_a_launch(changed, label, said):
    found = verdict(evidence(**GOOD | changed), BAR)
    assert found.label is label
    assert any(said in reason for reason in found.reasons)


def test_what_was_not_asked_does_not_vote():
    found = verdict(evidence(), BAR)
    assert found.label is Label.LAUNCH
    assert {vote.part for vote in found.votes} == {Part.BOUND, Part.GUARDRAILS, Part.WORSE}


def test_where_nobody_votes_it_is_tested_online():
    assert verdict(evidence(), BAR, parts=()).label is Label.TEST
    assert verdict(Evidence(()), BAR).label is Label.TEST


gaps = st.floats(-30, 30)
share = st.none() | st.floats(0, 1)
cases = st.fixed_dictionaries(
    {
        "gmv": st.none() | gaps,
        "latency": gaps,
        "abandonment": gaps,
        "failed": st.sampled_from([(), ("sample ratio mismatch",)]),
        "effective": st.none() | st.floats(0, 1e4),
        "triggered": share,
        "later": st.builds(lambda x: Interval(x, x - 1, x + 1), gaps),
        "worlds": share,
    }
)


@given(cases, st.floats(0, 20), st.sets(st.sampled_from(list(Part))))
def test_a_higher_lower_bound_never_makes_the_label_more_careful(case, more, parts):
    if case["gmv"] is None:
        return
    low, high = (
        verdict(evidence(**case | {"gmv": case["gmv"] + step}), BAR, parts).label
        for step in (0.0, more)
    )
    assert ORDER.index(low) <= ORDER.index(high)


@given(cases, st.sampled_from(list(Part)))
def test_a_part_that_is_left_out_never_makes_the_label_more_careful(case, part):
    known = evidence(**case)
    whole, without = verdict(known, BAR), verdict(known, BAR, set(Part) - {part})
    assert ORDER.index(whole.label) <= ORDER.index(without.label) or not without.votes


@given(cases)
def test_nothing_is_launched_that_the_rule_does_not_ship(case):
    known = evidence(**case)
    if verdict(known, BAR).label is Label.LAUNCH:
        assert shipping(known.judged, known.failed).ships


@given(cases)
def test_the_reasons_are_those_of_the_deciding_votes(case):
    found = verdict(evidence(**case), BAR)
    assert found.reasons
    assert all(ORDER.index(vote.label) >= ORDER.index(found.label) for vote in found.votes)


def test_a_label_without_a_part_is_another_one():
    """What an ablation needs: each part alone decides some case."""
    alone = {
        Part.BOUND: {"gmv": 0.5},
        Part.GUARDRAILS: {"latency": 3.0},
        Part.WORSE: {"abandonment": 4.0},
        Part.CHECKS: {"failed": ("sample ratio mismatch",)},
        Part.SUPPORT: {"effective": 3.0},
        Part.LATER: {"later": Interval(-1.0, -2.0, 0.0)},
        Part.SENSITIVITY: {"worlds": 0.6},
    }
    for part, changed in alone.items():
        known = evidence(**GOOD | changed)
        if part is Part.GUARDRAILS:  # not shown safe, and not seen to be worse
            known = replace(known, judged=judge(AIMS, _unsure(), Rule()))
        assert verdict(known, BAR).label is not Label.LAUNCH
        assert verdict(known, BAR, set(Part) - {part}).label is Label.LAUNCH


def _unsure():
    wide = Level(100.0, 9.0, 100), Level(100.0, 9.0, 100)
    return {"gmv": pair(5.0), "latency": wide, "abandonment": pair(0.0)}


@pytest.mark.parametrize("options", [{"worlds": 0.4}, {"worlds": 1.1}, {"triggered": -0.1}])
def test_a_bar_that_is_no_share_is_refused(options):
    with pytest.raises(ConfigError, match=r"bar\."):
        Bar(**options)
