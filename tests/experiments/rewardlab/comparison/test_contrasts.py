"""Two policies compared directly: by hand, by parity, and with what pairing gains."""

import numpy as np
import pytest

from experiments.inference.finding import holm
from experiments.inference.intervals.crossed import difference, growth, relative
from experiments.inference.metrics import METRICS
from experiments.records.rewards import ONLINE, PolicyRow
from experiments.rewardlab.comparison.contrasts import (
    contrast_rows,
    offline_contrast,
    online_contrast,
)
from experiments.rewardlab.comparison.lift import EXPOSED, Totals
from simulator.errors import DataError

SHOPPER_B = np.array([0, 0, 1, 2, 2, 3, 4, 5])
COLUMNS = sorted({column for name in ONLINE for column in METRICS[name].columns})


def row(name, control="", seeds=3):
    return PolicyRow(name, *name.split("."), seeds, False, (), (), 1.0, control, 0.0, None, "")


GRID = (row("log.eg"), row("log.grpo", "grpo"), row("log.sft", "sft"))


def tables(rng, names=("log.eg", "log.grpo", "log.sft"), seeds=3, requests=8):
    return {
        name: {measure: rng.random((seeds, requests)) for measure in ("clk@1", "clk@10")}
        for name in names
    }


def totals(columns, exposed=None, shopper=None):
    """Totals of a policy's worlds of one luck, whose every column holds the same (S, U) numbers."""
    values_SLU = np.asarray(columns, np.float64)[:, None]
    table = dict.fromkeys(COLUMNS, values_SLU)
    table[EXPOSED] = np.ones_like(values_SLU)
    if exposed is not None:
        table[EXPOSED] = np.asarray(exposed, np.float64)[:, None]
    number = values_SLU.shape[-1]
    return Totals(np.arange(number) if shopper is None else shopper, table, {})


def lived(rng, seeds=3, shoppers=300, scale=1.0):
    return {
        name: totals(scale * rng.poisson(2.0, (seeds, shoppers)) + 1.0)
        for name in ("log.eg", "log.grpo", "log.sft")
    }


def test_every_policy_stands_beside_its_controls_in_each_measure_and_metric():
    rng = np.random.default_rng(0)
    rows = contrast_rows(GRID, tables(rng), SHOPPER_B, lived(rng), confidence=0.95)
    beside = [("log.eg", "log.sft"), ("log.eg", "log.grpo"), ("log.grpo", "log.sft")]
    names = {"offline": ("clk@1", "clk@10"), "online": ONLINE}
    assert [(r.policy, r.against, r.kind, r.name) for r in rows] == [
        (*pair, kind, name) for kind in names for pair in beside for name in names[kind]
    ]


def test_holm_takes_all_contrasts_of_a_kind_and_no_other():
    rng = np.random.default_rng(1)
    rows = contrast_rows(GRID, tables(rng), SHOPPER_B, lived(rng), confidence=0.95)
    for kind, number in (("offline", 6), ("online", 12)):
        own = [each for each in rows if each.kind == kind]
        assert len(own) == number
        assert tuple(each.p_holm for each in own) == holm([each.p_value for each in own])


def test_without_worlds_there_are_offline_contrasts_alone():
    rows = contrast_rows(GRID, tables(np.random.default_rng(2)), SHOPPER_B, {}, confidence=0.95)
    assert {each.kind for each in rows} == {"offline"}
    assert contrast_rows(GRID[:1], {}, SHOPPER_B, {}, confidence=0.95) == ()


def test_an_offline_contrast_is_the_crossed_difference_of_the_two_tables():
    table = tables(np.random.default_rng(3))
    own, other = table["log.eg"]["clk@10"], table["log.sft"]["clk@10"]
    found = offline_contrast("log.eg", "log.sft", "clk@10", table, SHOPPER_B, confidence=0.9)
    gap = difference(own, other, SHOPPER_B, confidence=0.9)
    share = relative(own, other, SHOPPER_B, confidence=0.9)
    assert found.effect == gap.interval
    assert found.relative == share.interval
    assert found.p_value == gap.p_value
    assert found.effect.estimate == pytest.approx(own.mean() - other.mean())


def test_seeds_that_share_their_luck_are_paired():
    """Both policies follow the luck of the seed; the one is better by 0.01 in each."""
    rng = np.random.default_rng(4)
    luck_S1, noise_SB = rng.normal(0, 0.1, (3, 1)), rng.normal(0, 1e-4, (3, 8))
    base_SB = 0.5 + luck_S1 + rng.normal(0, 0.01, (3, 8))
    table = {"a.b": {"clk@1": base_SB + 0.01 + noise_SB}, "a.sft": {"clk@1": base_SB}}
    found = offline_contrast("a.b", "a.sft", "clk@1", table, SHOPPER_B, confidence=0.95)
    assert found.p_value < 0.001
    assert found.effect.high - found.effect.low < 0.001
    table["a.b"]["clk@1"] = table["a.b"]["clk@1"][[1, 2, 0]]  # the pairs torn apart
    torn = offline_contrast("a.b", "a.sft", "clk@1", table, SHOPPER_B, confidence=0.95)
    assert torn.p_value > 0.1


def test_policies_apart_can_be_told_though_their_intervals_beside_the_supervised_model_overlap():
    rng = np.random.default_rng(5)
    shopper_B = np.arange(200)
    common_1B = rng.normal(0.0, 0.2, (1, 200))  # both answer the same requests better and worse
    base_SB = np.full((3, 200), 0.5)
    own_SB = 0.53 + common_1B + rng.normal(0, 0.02, (3, 200))
    other_SB = 0.51 + common_1B + rng.normal(0, 0.02, (3, 200))
    own, other = (
        difference(values, base_SB, shopper_B, confidence=0.95) for values in (own_SB, other_SB)
    )
    assert own.interval.low < other.interval.high
    table = {"a.b": {"clk@1": own_SB}, "a.sft": {"clk@1": other_SB}}
    found = offline_contrast("a.b", "a.sft", "clk@1", table, shopper_B, confidence=0.95)
    assert found.effect.low > 0


def test_an_online_contrast_of_a_tiny_world_is_the_one_by_hand():
    pooled = {"a.b": totals([[3, 1, 0], [2, 2, 4]]), "a.sft": totals([[1, 1, 0], [2, 1, 1]])}
    found = online_contrast("a.b", "a.sft", "gmv", pooled, confidence=0.95)
    assert found.relative.estimate == pytest.approx(12 / 6 - 1)
    assert found.effect.estimate == pytest.approx(12 / 6 - 6 / 6)
    assert (found.effect.low, found.effect.high) == (None, None)
    rate = online_contrast("a.b", "a.sft", "ctr", pooled, confidence=0.95)  # x clicks of x
    assert (rate.relative.estimate, rate.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("metric", ONLINE)
def test_an_online_contrast_is_the_crossed_growth_over_the_other_policys_seeds(metric):
    rng = np.random.default_rng(6)
    drawn = []
    for _ in range(2):
        each = totals(np.ones((3, 50)))
        each.columns_SLU.update({name: rng.random((3, 2, 50)) for name in COLUMNS})
        each.columns_SLU[EXPOSED] = np.ones((3, 2, 50))
        drawn.append(each)
    pooled = dict(zip(("a.b", "a.sft"), drawn, strict=True))
    top, bottom = METRICS[metric].numerator, METRICS[metric].denominator or EXPOSED
    terms = [each.columns_SLU[part] for each in drawn for part in (top, bottom)]
    wanted = growth(*terms, confidence=0.95)
    found = online_contrast("a.b", "a.sft", metric, pooled, confidence=0.95)
    assert (found.relative, found.p_value) == (wanted.interval, wanted.p_value)


def test_groups_that_nobody_is_in_change_nothing():
    """With fewer shoppers than groups the comparison is by shopper."""
    rng = np.random.default_rng(7)
    alone = lived(rng, shoppers=30)
    pooled = {name: each.pooled(2_000) for name, each in alone.items()}
    assert online_contrast(
        "log.eg", "log.sft", "orders", pooled, confidence=0.95
    ) == online_contrast("log.eg", "log.sft", "orders", alone, confidence=0.95)


def test_more_shoppers_than_groups_give_the_same_lift_and_almost_its_interval():
    alone = lived(np.random.default_rng(8), shoppers=6_000)
    pooled = {name: each.pooled(2_000) for name, each in alone.items()}
    by_shopper, by_group = (
        online_contrast("log.eg", "log.sft", "orders", each, confidence=0.95)
        for each in (alone, pooled)
    )
    assert by_group.relative.estimate == pytest.approx(by_shopper.relative.estimate)
    widths = [each.relative.high - each.relative.low for each in (by_group, by_shopper)]
    assert widths[0] == pytest.approx(widths[1], rel=0.1)


def test_a_policy_beside_its_own_double_differs_in_nothing():
    rng = np.random.default_rng(9)
    table, pooled = tables(rng), lived(rng)
    table["log.sft"], pooled["log.sft"] = table["log.eg"], pooled["log.eg"]
    rows = contrast_rows(GRID, table, SHOPPER_B, pooled, confidence=0.95)
    same = [each for each in rows if (each.policy, each.against) == ("log.eg", "log.sft")]
    assert {(r.effect.estimate, r.relative.estimate, r.relative.low, r.p_value) for r in same} == {
        (0, 0, 0, 1)
    }


def test_turning_a_contrast_round_turns_its_sign():
    table = tables(np.random.default_rng(10))
    there = offline_contrast("log.eg", "log.sft", "clk@1", table, SHOPPER_B, confidence=0.95)
    back = offline_contrast("log.sft", "log.eg", "clk@1", table, SHOPPER_B, confidence=0.95)
    assert back.effect.estimate == pytest.approx(-there.effect.estimate)
    assert (back.effect.low, back.effect.high) == pytest.approx(
        (-there.effect.high, -there.effect.low)
    )
    assert (1 + back.relative.estimate) * (1 + there.relative.estimate) == pytest.approx(1)
    assert back.p_value == pytest.approx(there.p_value)


def test_one_seed_leaves_offline_without_an_interval_and_online_that_over_shoppers():
    rng = np.random.default_rng(11)
    table, pooled = tables(rng, seeds=1), lived(rng, seeds=1)
    rows = contrast_rows(GRID, table, SHOPPER_B, pooled, confidence=0.95)
    for each in rows:
        assert each.effect.estimate is not None
        known = each.kind == "online"
        assert (each.p_value is not None) == (each.relative.low is not None) == known


def test_a_metric_without_events_has_no_contrast():
    nothing = totals(np.zeros((2, 5)))
    found = online_contrast("a", "b", "gmv", {"a": nothing, "b": nothing}, confidence=0.95)
    assert (found.effect.estimate, found.relative.estimate, found.p_value) == (0.0, None, None)
    nobody = totals(np.zeros((2, 5)), exposed=np.zeros((2, 5)))
    found = online_contrast("a", "b", "gmv", {"a": nobody, "b": nobody}, confidence=0.95)
    assert (found.effect.estimate, found.relative.estimate, found.p_value) == (None, None, None)


def test_other_seeds_requests_or_shoppers_are_refused():
    rng = np.random.default_rng(12)
    table = tables(rng)
    table["log.sft"] = tables(rng, seeds=2)["log.sft"]
    with pytest.raises(DataError, match=r"must be \(2, 8\)"):
        contrast_rows(GRID, table, SHOPPER_B, {}, confidence=0.95)
    pooled = lived(rng)
    pooled["log.sft"] = totals(np.ones((1, 300)))
    with pytest.raises(DataError, match=r"policies == \(3, 1, 300\) and \(1, 1, 300\)"):
        contrast_rows(GRID, tables(rng), SHOPPER_B, pooled, confidence=0.95)
    pooled["log.sft"] = totals(np.ones((3, 300)), shopper=np.arange(300) + 1)
    with pytest.raises(DataError, match=r"must be of the same"):
        contrast_rows(GRID, tables(rng), SHOPPER_B, pooled, confidence=0.95)
