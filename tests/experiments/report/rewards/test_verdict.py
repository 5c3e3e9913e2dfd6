"""Words never claim more than the numbers allow."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from experiments.inference.finding import Finding
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.rewards import Hacking, Offline, Online, Trust
from experiments.report.kit.sentences import counted, listed
from experiments.report.rewards.choosing import choice
from experiments.report.rewards.policies import trained
from experiments.report.rewards.trust import metrics_of, ranked, trust_sentence
from experiments.report.rewards.verdict import headline, offline_headline, policy_sentences
from experiments.report.rewards.words import Sign, finding, hacking_sentence, sign, size_words
from tests.experiments.report.rewards.fake_record import POLICIES, fake_record


@pytest.fixture(scope="module")
def record():
    return fake_record()


def around(middle, half):
    """A number with its interval; without ends where there is no half-width."""
    ends = (None, None) if half is None else (middle - half, middle + half)
    return Interval(middle, *ends)


def lift(policy="a", metric="gmv", at=0.01, half=0.005, p=0.001, holm=0.01):
    return Online(policy, metric, 60.0, 60.0 * (1 + at), around(at, half), p, holm, (at,), 100)


def measured(policy="a", measure="clk@10", at=0.01, half=0.005, p=0.001, holm=0.01):
    value, effect = Interval(0.5 + at, 0.4, 0.6), around(at, half)
    return Offline(policy, measure, value, effect, effect.over(0.5), p, holm, (0.5 + at,), 100, 50)


def grid(record, *rows):
    """The record with these true lifts in place of its own."""
    return replace(record, online=rows)


def hacked(reward, oracle, gap, half=0.1):
    rises = around(reward, 0.1), around(oracle, 0.1), around(gap, half)
    return Hacking("a", *rises, (0, 1), (0.0, reward), (0.0, oracle))


@pytest.mark.parametrize("make", [lift, measured])
def test_only_what_holds_after_the_correction_is_real(make):
    assert finding(make(), 0.95) is Finding.MORE
    assert finding(make(at=-0.01), 0.95) is Finding.LESS
    assert finding(make(p=0.01, holm=0.2), 0.95) is Finding.ALONE
    assert finding(make(p=0.01, holm=None), 0.95) is Finding.ALONE
    assert finding(make(p=0.3, holm=0.3), 0.95) is Finding.UNTOLD
    assert finding(make(at=0.0), 0.95) is Finding.UNTOLD


@pytest.mark.parametrize("make", [lift, measured])
def test_without_an_interval_or_a_p_value_nothing_is_known(make):
    assert finding(make(half=None), 0.95) is Finding.MISSING
    assert finding(make(p=None), 0.95) is Finding.MISSING
    assert finding(None, 0.95) is Finding.MISSING


@given(
    st.floats(-1, 1),
    st.floats(0, 1),
    st.one_of(st.none(), st.floats(0, 1)),
    st.sampled_from([0.9, 0.95, 0.99]),
)
def test_nothing_is_real_that_holm_does_not_call_so(at, p, holm, confidence):
    found = finding(lift(at=at, p=p, holm=holm), confidence)
    if found.real:
        assert holm is not None
        assert max(p, holm) < 1 - confidence
        assert (found is Finding.MORE) == (at > 0)


def test_without_a_real_lift_the_headline_says_that_none_can_be_told(record):
    rows = [lift(name, holm=0.5) for name in POLICIES]
    told = grid(record, *rows)
    assert headline(told) == (
        "No policy can be told from the supervised model online.",
        "Not told apart online",
        None,
    )
    assert all("really" not in online for online, *_ in policy_sentences(told).values())


def test_the_headline_names_only_policies_that_really_differ(record):
    names = list(POLICIES)
    one, _, good = headline(grid(record, lift(names[0]), lift(names[1], holm=0.5)))
    assert one.startswith("Online, 1 of 6 policies really differs from the supervised")
    assert names[0] in one
    assert names[1] not in one
    assert good
    two, *_ = headline(grid(record, lift(names[0]), lift(names[1], at=-0.01)))
    assert two.startswith("Online, 2 of 6 policies really differ from")
    assert "\u22121.0" in two


def test_real_losses_alone_are_no_good_news(record):
    _, badge, good = headline(grid(record, lift("tiers.grpo", at=-0.02)))
    assert good is False
    assert badge == "Real loss online"


def test_what_was_not_lived_is_unknown():
    record = fake_record(online=False)
    sentence, _, good = headline(record)
    assert good is None
    assert "unknown" in sentence
    assert all(said[0] == "Online: not measured." for said in policy_sentences(record).values())


def test_one_seed_leaves_everything_unknown():
    record = fake_record(seeds=1)
    assert "unknown" in headline(record)[0]
    assert "unknown" in offline_headline(record)
    for _, _, hacking, *_ in policy_sentences(record).values():
        assert "unknown" in hacking
    assert not any("really" in s for said in policy_sentences(record).values() for s in said)


def test_offline_the_headline_names_only_what_holds_after_the_correction(record):
    rows = (measured("tiers.grpo"), measured("oracle.eg_grpo", holm=0.3))
    told = replace(record, offline=rows)
    assert offline_headline(told) == (
        "Offline, 1 of 6 policies really differs from the supervised model: tiers.grpo."
    )
    words = policy_sentences(told)
    assert words["tiers.grpo"][1].startswith("Offline: really higher clk@10 +2.0")
    assert words["oracle.eg_grpo"][1] == "Offline: perhaps chance: clk@10."
    nothing = replace(record, offline=(measured("tiers.grpo", p=0.5, holm=1.0),))
    assert offline_headline(nothing) == "No policy can be told from the supervised model offline."


def test_early_ends_are_counted_and_named(record):
    def told(*ended):
        row = replace(record.policies[1], ended=ended)
        alone = replace(record, policies=(record.policies[0], row), hacking=())
        return " ".join(policy_sentences(alone)[row.name][2:])

    assert told("finished", "finished") == ""
    assert told("recall") == "1 of 1 training ended early: item recall at 200 had fallen too far."
    assert told("recall", "finished", "recall").startswith("2 of 3 trainings ended early: item")
    assert "1, item recall" in told("recall", "divergence")
    assert "1, too far from" in told("recall", "divergence")


def test_hacking_is_told_by_the_interval_of_the_gap():
    assert sign(hacked(1.0, -0.5, 1.5)) is Sign.HACKED
    assert sign(hacked(1.0, 0.5, 0.5)) is Sign.AHEAD
    assert sign(hacked(-0.1, -0.5, 0.4)) is Sign.AHEAD
    assert sign(hacked(0.5, 1.0, -0.5)) is Sign.BEHIND
    assert sign(hacked(1.0, 0.95, 0.05)) is Sign.NONE
    assert sign(hacked(2.0, -2.0, 4.0, half=None)) is Sign.UNKNOWN
    assert "unknown" in hacking_sentence(hacked(2.0, -2.0, 4.0, half=None))
    assert "asks the simulated shopper" in hacking_sentence(hacked(1, 1, 0), oracle=True)


def trusting(record, *rows):
    return trust_sentence(replace(record, trust=rows), "gmv")


def test_a_measure_is_trusted_only_where_its_interval_excludes_zero(record):
    good = Trust("clk@1", "gmv", Interval(0.8, 0.2, 1.0), 7)
    bad = Trust("exp@1", "gmv", Interval(-0.8, -1.0, -0.2), 7)
    weak = Trust("pvr@10", "gmv", Interval(0.7, -0.1, 1.0), 7)
    said = trusting(record, weak, good, bad)
    assert said.startswith("GMV per shopper: clk@1 (+0.80, 0.20 to 1.00) orders the policies as")
    assert "exp@1 (\u22120.80, \u22121.00 to \u22120.20) orders them the wrong way round" in said
    assert "pvr@10" not in said
    assert "the others cannot be told from chance" in said
    assert "every interval holds zero" in trusting(record, weak)
    many = trusting(record, good, replace(good, measure="clk@10"))
    assert "order the policies" in many
    assert "others" not in many


def test_a_correlation_without_an_interval_is_unknown(record):
    assert "unknown" in trusting(record, Trust("clk@1", "gmv", around(0.9, None), 2))
    assert "unknown" in trusting(record, Trust("clk@1", "gmv", UNKNOWN, 2))


def test_measures_are_ranked_by_correlation_with_the_unknown_last(record):
    rows = [
        Trust("a", "gmv", UNKNOWN, 3),
        Trust("b", "gmv", around(-0.2, None), 3),
        Trust("c", "gmv", around(0.9, None), 3),
    ]
    found = ranked(replace(record, trust=tuple(rows)), "gmv")
    assert [row.measure for row in found] == ["c", "b", "a"]
    assert metrics_of(record)[:2] == ["uctcvr", "gmv"]


def test_numbers_agree_with_their_nouns():
    assert counted(1, "policy", "policies") == "1 policy"
    assert counted(0, "policy", "policies") == "0 policies"
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_a_base_of_zero_is_told_in_absolute_terms():
    row = replace(measured(), relative=UNKNOWN)
    assert size_words(row) == ("+0.0100", "0.0050 to 0.0150")


def test_a_policy_is_taken_that_raises_the_first_metric_and_lowers_nothing(record):
    name = trained(record)[0].name
    unsure = lift(name, "orders", 0.002, 0.005, 0.5, 0.6)
    assert choice(grid(record, lift(name), unsure)).startswith(f"Take {name}: it really raises ")
    lowered = grid(record, lift(name), lift(name, "orders", -0.01))
    assert choice(lowered).startswith("Keep the supervised model: no policy really raises GMV ")


def test_of_several_good_policies_none_is_told_to_be_best(record):
    first, second = (row.name for row in trained(record)[:2])
    found = choice(grid(record, lift(first, at=0.01), lift(second, at=0.02)))
    assert found.startswith(f"Take {second}: ")
    assert f"So does {first}: which of them is better cannot be told" in found


def test_without_worlds_no_policy_can_be_taken(record):
    assert choice(grid(record)).startswith("Which policy to take cannot be told: ")
