"""Rank correlations of offline measures with true lifts, and what their intervals know."""

import numpy as np
import pytest
from scipy import stats

from experiments.records.rewards import ONLINE
from experiments.rewardlab.comparison.lift import EXPOSED, Totals
from experiments.rewardlab.comparison.trust import GROUPS, Judged, trust_rows
from simulator.errors import DataError

COLUMNS = ("bought", "clicks", "exposures", "gmv", "orders")
SHOPPERS, REQUESTS = 300, 200
SHOPPER_B = np.arange(REQUESTS) % SHOPPERS


def totals(lift_S, *, noise=0.0, rng=None):
    """Everything that a shopper does is multiplied by 1 + lift, but for what they are shown."""
    base = np.random.default_rng(0).integers(1, 9, (1, SHOPPERS)).astype(float)
    lift_S1 = np.array(lift_S, float)[:, None]
    own = base * (1 + lift_S1)
    if rng is not None:
        own = own + noise * rng.normal(size=own.shape)
    steady = {"exposures", EXPOSED}
    ones = np.ones((len(lift_S), SHOPPERS))
    columns = {c: ones if c in steady else own for c in (*COLUMNS, EXPOSED)}
    bases = {c: ones[:1] if c in steady else base for c in (*COLUMNS, EXPOSED)}
    tables = ({c: table_SU[:, None] for c, table_SU in each.items()} for each in (columns, bases))
    return Totals(np.arange(SHOPPERS), *tables).pooled(GROUPS)


def policies(offline, lifts, *, seeds=2, noise=0.0, seed=0):
    """The supervised model, with 0 offline, and policies of these offline levels and lifts."""
    rng = np.random.default_rng(seed)
    common = np.random.default_rng(1).random((1, REQUESTS))

    def values(size, mean):
        return {"clk@1": common + mean + noise * rng.normal(size=(size, REQUESTS))}

    judged = [Judged(values(1, 0.0), None)]
    for mean, lift in zip(offline, lifts, strict=True):
        world = totals([lift] * seeds, noise=noise, rng=rng)
        judged.append(Judged(values(seeds, mean), world))
    return judged


def rows_of(judged, *, confidence=0.95, seed=0, draws=300):
    rng = np.random.default_rng(seed)
    found = trust_rows(judged, SHOPPER_B, confidence=confidence, rng=rng, draws=draws)
    return {(row.measure, row.metric): row for row in found}


def test_the_correlation_is_spearmans_over_policies_with_the_supervised_model_at_0():
    offline, lifts = [0.1, -0.2, 0.3, 0.05, 0.2], [0.02, 0.01, -0.03, -0.01, 0.04]
    rows = rows_of(policies(offline, lifts))
    wanted = stats.spearmanr([0.0, *offline], [0.0, *lifts]).statistic
    for metric in ONLINE:
        row = rows["clk@1", metric]
        assert row.rank_correlation.estimate == pytest.approx(wanted)
        assert row.policies == 6


def test_a_measure_that_orders_policies_rightly_is_trusted_and_one_that_reverses_them_not():
    levels = np.arange(1, 8) / 10
    right = rows_of(policies(levels, levels / 10, noise=0.01))["clk@1", "gmv"]
    wrong = rows_of(policies(levels, -levels / 10, noise=0.01))["clk@1", "gmv"]
    assert (right.rank_correlation.estimate, wrong.rank_correlation.estimate) == (
        pytest.approx(1.0),
        pytest.approx(-1.0),
    )
    assert right.rank_correlation.low > 0.5
    assert wrong.rank_correlation.high < -0.5
    assert right.rank_correlation.high <= 1.0


def test_noise_of_shoppers_and_requests_widens_the_interval():
    levels = np.arange(1, 8) / 1000
    calm = rows_of(policies(levels, levels, noise=0.0001))["clk@1", "orders"]
    wild = rows_of(policies(levels, levels, noise=0.3))["clk@1", "orders"]
    assert wild.rank_correlation.high - wild.rank_correlation.low > 1.5 * (
        calm.rank_correlation.high - calm.rank_correlation.low
    )


def test_seeds_that_disagree_widen_the_interval():
    levels = np.arange(1, 8) / 100
    calm = policies(levels, levels, noise=0.001, seeds=3)
    apart = [calm[0]]
    for each, lift in zip(calm[1:], levels, strict=True):
        apart.append(Judged(each.values, totals([lift - 0.2, lift, lift + 0.2])))
    one, other = (rows_of(each)["clk@1", "gmv"] for each in (calm, apart))
    assert one.rank_correlation.estimate == pytest.approx(other.rank_correlation.estimate)
    assert other.rank_correlation.low < one.rank_correlation.low - 0.2


def test_the_luck_of_a_seed_moves_both_sides_of_its_policy():
    """All policies are worth the same; a lucky seed is better offline and online: correlated."""
    rng = np.random.default_rng(4)
    luck = rng.normal(0, 0.1, (6, 4))
    common = rng.random((1, REQUESTS))
    both = [Judged({"clk@1": common}, None)]
    both += [Judged({"clk@1": common + own[:, None]}, totals(own)) for own in luck]
    row = rows_of(both)["clk@1", "gmv"]
    assert row.rank_correlation.estimate == pytest.approx(1.0)
    assert row.rank_correlation.low > 0.5  # drawn apart, the two sides' seeds would have lost it


def test_more_confidence_is_wider_and_the_same_generator_gives_the_same_bits():
    judged = policies(np.arange(6) / 100, np.arange(6)[::-1] / 50, noise=0.2)
    wide, narrow = (rows_of(judged, confidence=c)["clk@1", "gmv"] for c in (0.99, 0.6))
    assert (
        wide.rank_correlation.low
        <= narrow.rank_correlation.low
        <= narrow.rank_correlation.high
        <= wide.rank_correlation.high
    )
    once, again, other = (rows_of(judged, seed=seed) for seed in (0, 0, 1))
    assert once == again
    assert once != other


def test_three_policies_say_nothing():
    (row,) = {rows_of(policies([0.1, 0.2], [0.1, 0.2]))["clk@1", m] for m in ("gmv",)}
    assert (*row.rank_correlation.numbers, row.policies) == (None, None, None, 3)
    assert rows_of([]) == {}


def test_policies_that_are_all_the_same_on_one_side_say_nothing():
    same_lift = rows_of(policies([0.1, 0.2, 0.3, 0.4], [0.0] * 4))["clk@1", "gmv"]
    same_value = rows_of(policies([0.0] * 4, [0.1, 0.2, 0.3, 0.4]))["clk@1", "gmv"]
    for row in (same_lift, same_value):
        assert row.rank_correlation.numbers == (None, None, None)


def test_a_lift_that_is_not_determined_says_nothing():
    judged = policies([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4])
    empty = {name: 0 * table for name, table in judged[2].totals.columns_SLU.items()}
    judged[2] = Judged(
        judged[2].values, Totals(np.arange(GROUPS), empty, judged[2].totals.base_1LU)
    )
    row = rows_of(judged)["clk@1", "gmv"]
    assert row.rank_correlation.numbers == (None, None, None)


def test_a_policy_with_other_seeds_online_than_offline_is_refused():
    judged = policies([0.1], [0.1], seeds=3)
    judged[1] = Judged(judged[1].values, totals([0.1, 0.1]))
    with pytest.raises(DataError, match=r"seeds == \[3\] offline and \[2\] online"):
        rows_of(judged)


def test_lucks_that_all_policies_share_are_drawn_with_them():
    """Lifts agree with the measure in one luck and reverse it in the other."""
    levels = np.arange(1, 8) / 100

    def two_lucks(judged):
        here, there = judged.totals, totals([-0.9 * judged.values["clk@1"][0].mean()] * 2)
        tables = (
            {name: np.concatenate(pair, axis=1) for name, pair in _paired(here, there, side)}
            for side in ("columns_SLU", "base_1LU")
        )
        return Judged(judged.values, Totals(here.shopper_U, *tables))

    def _paired(here, there, side):
        one, other = getattr(here, side), getattr(there, side)
        return ((name, (one[name], other[name])) for name in one)

    once = policies(levels, levels)
    twice = [once[0], *map(two_lucks, once[1:])]
    calm, wild = (rows_of(each)["clk@1", "gmv"].rank_correlation for each in (once, twice))
    assert calm.low > 0.5
    assert wild.low < -0.5
    with pytest.raises(DataError, match=r"lucks of worlds == \[1, 2\], must be the same"):
        rows_of([*twice[:2], *once[2:]])


@pytest.mark.slow
def test_without_any_relation_about_one_interval_in_twenty_leaves_out_zero():
    """Nine policies, at most within the Monte Carlo error: so few points make it cautious."""
    worlds, outside = 100, 0
    for world in range(worlds):
        rng = np.random.default_rng(world)
        judged = policies(rng.normal(0, 1, 8), rng.normal(0, 0.3, 8), noise=0.05, seed=world)
        row = rows_of(judged, seed=world)["clk@1", "gmv"]
        outside += row.rank_correlation.low > 0 or row.rank_correlation.high < 0
    assert outside / worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / worlds)
