"""Controls are known by what they do, and each policy gets those that fit it best."""

import pytest

from cqsid.alignment.settings import PRESETS, AlgorithmSpec
from experiments.records.rewards import PolicyRow
from experiments.rewardlab.comparison.roles import (
    Control,
    control_kind,
    control_of,
    experts_of,
    matched_weight_of,
    pairs,
)


def row(name, control="", *, weight=0.0, matched=None, experts=""):
    return PolicyRow(
        name, *name.split("."), 3, False, (), (), 1.0, control, weight, matched, experts
    )


SUPERVISED = PolicyRow("sft", "", "", 1, False, (), (), None, "", None, None, "")
TWO = "2 clicks by id"


def test_of_all_presets_grpo_and_sft_alone_are_controls():
    found = {name: control_kind(AlgorithmSpec(preset=name)) for name in PRESETS}
    assert {name: kind for name, kind in found.items() if kind} == {"grpo": "grpo", "sft": "sft"}


@pytest.mark.parametrize(
    "set_",
    [
        {},
        {"group": 64, "temperature": 0.7, "kl_weight": 0.04, "kl_estimator": "k1"},
        {"experts": {"source": "mixed"}},  # of which there are none
    ],
)
def test_grpo_stays_plain_with_another_group_temperature_or_divergence(set_):
    assert control_kind(AlgorithmSpec(**set_)) == Control.GRPO


@pytest.mark.parametrize(
    "set_",
    [
        {"experts": {"count": 1}},
        {"clip_high": 0.28},
        {"advantage": "centred"},
        {"ratio": "sequence"},
        {"guided_levels": 1},
        {"objective": "dpo"},
        {"drop_tied": True},
    ],
)
def test_what_learns_otherwise_is_not_plain_grpo(set_):
    assert control_kind(AlgorithmSpec(preset="grpo", **set_)) == ""


def test_experts_differ_by_number_source_and_what_is_pushed():
    found = [AlgorithmSpec(preset=name) for name in ("eg_grpo", "sft", "eg_grpo_mixed", "luffy")]
    assert [experts_of(spec) for spec in found] == [TWO, TWO, "2 mixed by id", "1 clicks by code"]
    assert experts_of(AlgorithmSpec(preset="grpo")) == ""


def test_the_matched_weight_is_that_of_the_derivation():
    assert matched_weight_of(AlgorithmSpec(preset="eg_grpo")) == pytest.approx(0.4)
    within = {"count": 2, "place": "within"}
    known = AlgorithmSpec(preset="eg_grpo", experts=within)
    assert matched_weight_of(known) == pytest.approx((6 * 2) ** 0.5 / 8)
    own = AlgorithmSpec(preset="eg_grpo", group=4, sft_weight=0.1)
    assert matched_weight_of(own) == pytest.approx(8**0.5 / 6 + 0.1)


def test_the_sft_preset_pushes_as_hard_as_eg_grpo():
    sft, eg = (AlgorithmSpec(preset=name) for name in ("sft", "eg_grpo"))
    own = row("log.eg", matched=matched_weight_of(eg), experts=experts_of(eg))
    control = row("log.sft", "sft", weight=sft.sft_weight, experts=experts_of(sft))
    assert own.weight_matches(control)


@pytest.mark.parametrize("name", ["grpo", "sft", "luffy", "propensity", "replace_worst", "dpo"])
def test_where_the_push_is_another_one_no_weight_is_matched(name):
    assert matched_weight_of(AlgorithmSpec(preset=name)) is None


def test_a_weight_matches_within_five_percent_and_of_the_same_experts():
    own = row("log.eg", matched=0.4, experts=TWO)
    near, far = (row("log.sft", "sft", weight=w, experts=TWO) for w in (0.41, 0.43))
    assert own.weight_matches(near)
    assert not own.weight_matches(far)
    assert not own.weight_matches(row("log.sft", "sft", weight=0.4, experts="4 clicks by id"))
    assert not row("log.grpo").weight_matches(near)


def test_another_rewards_sft_control_will_do_but_not_its_grpo():
    policies = [
        SUPERVISED,
        row("log.eg"),
        row("log.grpo", "grpo"),
        row("log.sft", "sft"),
        row("value.eg"),
    ]
    assert pairs(policies) == [
        ("log.eg", "log.sft"),
        ("log.eg", "log.grpo"),
        ("log.grpo", "log.sft"),
        ("value.eg", "log.sft"),
    ]


def test_the_best_sft_control_has_the_same_experts_then_the_weight_then_the_reward():
    own = row("log.eg", matched=0.4, experts=TWO)
    reward = row("log.sft", "sft", weight=0.4, experts="2 mixed by id")
    experts = row("value.sft", "sft", weight=0.9, experts=TWO)
    matched = row("value.sft2", "sft", weight=0.4, experts=TWO)
    both = row("log.sft2", "sft", weight=0.4, experts=TWO)
    policies = [own, reward, experts, matched, both]
    for best in (both, matched, experts, reward):
        assert control_of(own, Control.SFT, policies) is best
        policies.remove(best)
    assert control_of(own, Control.SFT, policies) is None


def test_controls_are_never_compared_with_their_own_kind():
    policies = [row("a.grpo", "grpo"), row("a.grpo2", "grpo"), row("a.sft", "sft")]
    assert pairs(policies) == [("a.grpo", "a.sft"), ("a.grpo2", "a.sft")]
    assert pairs([SUPERVISED]) == []
