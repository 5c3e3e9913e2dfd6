"""True lifts from paired worlds: by hand, beside the paired truth of A/B tests, by invariance."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from experiments.inference.finding import corrected
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import METRICS
from experiments.records.rewards import ONLINE
from experiments.rewardlab.comparison import lift
from experiments.rewardlab.comparison.lift import control_rows, lift_rows, lived
from experiments.rewardlab.comparison.readings import WorldLogs
from experiments.truth.effects import paired_truth
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import sums
from tests.experiments.rewardlab.comparison.tiny_logs import tiny_log

realised_truth = partial(paired_truth, method="realised")


def rows_of(base, seeds, *, confidence=0.95):
    """A policy's rows by metric, and its totals."""
    ((name, totals),) = lived(base, {"p": seeds})
    assert name == "p"
    return {row.metric: row for row in lift_rows(name, totals, confidence=confidence)}, totals


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Four shoppers; the supervised model's world, and one world of each of two seeds."""
    folder = tmp_path_factory.mktemp("tiny")
    asked = (0, 1, 2, 3)
    base = tiny_log(
        folder / "base",
        shoppers=asked,
        exposures=[(s, 1, s == 0) for s in asked for _ in range(5)],  # 5 clicks of 20
        orders=[(0, 1, 10.0, 1), (1, 1, 30.0, 1)],
    )
    first = tiny_log(
        folder / "first",
        shoppers=asked,
        exposures=[(s, 1, s in (0, 1)) for s in asked for _ in range(5)],  # 10 of 20
        orders=[(0, 1, 20.0, 1), (1, 1, 15.0, 2), (2, 1, 10.0, 1)],
    )
    second = tiny_log(
        folder / "second",
        shoppers=asked,
        exposures=[(s, 1, s == 0) for s in asked for _ in range(5)],
        orders=[(0, 1, 10.0, 1), (0, 1, 10.0, 1)],
    )
    return base, first, second


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """Random worlds of two lucks: of the supervised model, and of three seeds of a policy."""
    folder = tmp_path_factory.mktemp("worlds")

    def world(name, luck, lift, clicks):
        return write_log(
            folder / f"{name}-{luck}",
            arms=("with",) if not lift else ("control", "with"),
            shares=(1.0,) if not lift else (0.0, 1.0),
            lift=lift,
            clicks=clicks,
            luck=luck,
            shoppers=900,
        )

    base = [world("sft", luck, 0.0, 0.05) for luck in (1, 2)]
    seeds = [
        [world(f"p{seed}", luck, 0.2 + 0.02 * seed, 0.05 + 0.002 * seed) for luck in (1, 2)]
        for seed in range(3)
    ]
    return base, seeds


def test_lifts_of_a_tiny_world_are_those_counted_by_hand(tiny):
    base, first, second = tiny
    found, totals = rows_of([base], [[first], [second]])
    assert totals.shopper_U.tolist() == [0, 1, 2, 3]
    gmv = found["gmv"]  # 40 over 4 shoppers; 60 and 20
    assert (gmv.base, gmv.value, gmv.relative.estimate) == (10.0, 10.0, 0.0)
    assert gmv.per_seed == (0.5, -0.5)
    uctcvr = found["uctcvr"]  # 2 of 4 buy; 3 and 1
    assert (uctcvr.base, uctcvr.value) == (0.5, 0.5)
    assert uctcvr.per_seed == (0.5, -0.5)
    orders = found["orders"]  # 2; 3 and 2
    assert (orders.base, orders.value, orders.relative.estimate) == (
        0.5,
        0.625,
        pytest.approx(0.25),
    )
    ctr = found["ctr"]  # 5 of 20; 10 and 5
    assert (ctr.base, ctr.value, ctr.relative.estimate) == (0.25, 0.375, pytest.approx(0.5))
    assert ctr.per_seed == (1.0, 0.0)
    assert {row.shoppers for row in found.values()} == {4}


def test_the_interval_of_a_tiny_world_is_the_two_way_formula_by_hand(tiny):
    """gmv: shares in the totals of the policy minus those of the supervised model, per cell."""
    base, first, second = tiny
    own = np.array([[20.0, 30, 10, 0], [20, 0, 0, 0]])
    table = own / 10 - np.array([10.0, 30, 0, 0]) / 10  # exposed shoppers are equal and cancel
    row, column = table.mean(axis=1), table.mean(axis=0)
    rest = table - row[:, None] - column + table.mean()
    by_seed, by_shopper = 4 * row.var(ddof=1), 2 * column.var(ddof=1)
    by_both = (rest**2).sum() / 3
    total = by_seed + max(by_shopper - by_both, 0)
    freedom = min((total / by_seed) ** 2, 3)
    reach = stats.t(freedom).ppf(0.95) * np.sqrt(total / 8)
    found = rows_of([base], [[first], [second]], confidence=0.9)[0]["gmv"]
    assert found.relative.low == pytest.approx(np.expm1(-reach))
    assert found.relative.high == pytest.approx(np.expm1(reach))


def test_a_shopper_is_one_cluster_over_lucks(tiny):
    """A world that was lived twice says nothing more of its shoppers."""
    base, first, second = tiny
    once, _ = rows_of([base], [[first], [second]])
    twice, totals = rows_of([base] * 2, [[first] * 2, [second] * 2])
    assert totals.columns_SLU["exposed"].tolist() == [[[1.0] * 4] * 2] * 2
    for name in ONLINE:
        assert twice[name].relative.low == pytest.approx(once[name].relative.low)
        assert twice[name].base == pytest.approx(once[name].base)


def relative_oracle(base, policy, metric):
    """Growth of a ratio over another, and its log-scale interval over shoppers."""

    def total(log):
        columns = [metric.numerator, metric.denominator or "exposed"]
        table = sums(log, ["shopper"]).assign(exposed=1.0)
        return table[columns].reindex(index).fillna(0.0).to_numpy().T

    index = sorted(set().union(*(sums(log, ["shopper"]).index for log in (base, policy))))
    (top, bottom), (base_top, base_bottom) = total(policy), total(base)
    growth = np.log(top.sum() / bottom.sum()) - np.log(base_top.sum() / base_bottom.sum())
    parts = ((top, 1), (bottom, -1), (base_top, -1), (base_bottom, 1))
    linear = sum(sign * part / part.mean() for part, sign in parts)
    half = stats.t.ppf(0.975, len(index) - 1) * linear.std(ddof=1) / np.sqrt(len(index))
    return np.expm1([growth, growth - half, growth + half])


@pytest.mark.parametrize("lucks", [1, 2])
def test_with_one_seed_the_lift_is_that_of_the_paired_truth(worlds, lucks):
    """Same estimate and interval: the delta method's, of the logarithm, across lucks if several."""
    base, policy = worlds[0][:lucks], worlds[1][2][:lucks]
    found, _ = rows_of(base, [policy])
    truth = realised_truth(base, policy, [METRICS[name] for name in ONLINE])
    for effect in truth.effects:
        row = found[effect.metric]
        assert (row.base, row.value) == (
            pytest.approx(effect.control, rel=1e-12),
            pytest.approx(effect.treatment, rel=1e-12),
        )
        assert row.relative.estimate == pytest.approx(effect.relative.estimate, rel=1e-9)
        assert row.per_seed == (pytest.approx(effect.relative.estimate, rel=1e-9),)
        assert row.relative.numbers == pytest.approx(effect.relative.numbers, rel=1e-9)
        if lucks == 1:
            wanted = relative_oracle(base[0], policy[0], METRICS[effect.metric])
            assert row.relative.numbers == pytest.approx(wanted, rel=1e-8)
        assert row.shoppers == effect.n


def test_an_interval_close_to_no_lift_is_the_truths_to_many_digits(tmp_path):
    """Both are on the log scale, so that they agree whatever the size."""
    rng = np.random.default_rng(0)
    counts = [3 + rng.poisson(1.0, 400), None]
    counts[1] = counts[0].copy()
    counts[1][:2] += (1, -1)  # two shoppers differ, the totals do not
    logs = []
    for world, bought in enumerate(counts):
        orders = [(s, 1, 1.0, 1) for s, number in enumerate(bought) for _ in range(number)]
        logs.append(tiny_log(tmp_path / str(world), shoppers=range(400), orders=orders))
    row = rows_of(logs[:1], [logs[1:]])[0]["orders"]
    (effect,) = realised_truth(logs[:1], logs[1:], [METRICS["orders"]]).effects
    assert row.relative.estimate == effect.relative.estimate == 0.0
    assert row.relative.numbers == pytest.approx(effect.relative.numbers, rel=1e-9)


def test_seeds_that_disagree_widen_the_interval_beyond_the_shoppers(worlds):
    base, seeds = worlds[0][:1], [logs[:1] for logs in worlds[1]]
    one, _ = rows_of(base, seeds[:1])
    same, _ = rows_of(base, [seeds[0]] * 3)
    three, _ = rows_of(base, seeds)

    def width(rows):
        return rows["orders"].relative.high - rows["orders"].relative.low

    assert width(same) == pytest.approx(width(one), rel=1e-9)
    assert width(three) > width(one) * 0.6
    assert len(three["orders"].per_seed) == 3
    assert (
        min(three["orders"].per_seed)
        <= three["orders"].relative.estimate
        <= max(three["orders"].per_seed)
    )


@pytest.mark.parametrize("threads", [1, 2])
def test_equal_worlds_have_exactly_no_lift(worlds, threads, monkeypatch):
    base, _ = worlds
    monkeypatch.setattr(lift, "EngineSpec", partial(EngineSpec, threads=threads))
    found, _ = rows_of(base, [base, base])
    for row in found.values():
        assert (*row.relative.numbers, row.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_policies_share_the_supervised_models_worlds_and_keep_their_order(worlds):
    base, seeds = worlds
    both = dict(lived(base, {"b": seeds[:1], "a": seeds[1:2]}))
    assert list(both) == ["b", "a"]
    alone, _ = rows_of(base, seeds[1:2])
    assert [row.relative.estimate for row in lift_rows("a", both["a"], confidence=0.95)] == [
        row.relative.estimate for row in alone.values()
    ]


def test_shoppers_of_some_worlds_only_count_as_zeros_and_are_counted(tmp_path):
    base = tiny_log(tmp_path / "base", shoppers=[0, 1, 2], orders=[(0, 1, 1.0, 1), (2, 1, 1.0, 1)])
    policy = tiny_log(tmp_path / "p", shoppers=[0, 1], orders=[(0, 1, 1.0, 1)])
    found, totals = rows_of([base], [[policy], [base]])
    assert totals.lonely == 1
    assert found["orders"].per_seed == (-0.5, 0.0)
    assert found["orders"].shoppers == 3


def test_a_metric_without_events_has_no_lift(tmp_path):
    log = tiny_log(tmp_path / "log", shoppers=[0, 1, 2])
    found, _ = rows_of([log], [[log]])
    assert found["ctr"].value is None
    assert all(row.relative.estimate is None and row.relative.low is None for row in found.values())
    assert found["gmv"].per_seed == (None,)
    nobody = tiny_log(tmp_path / "nobody", shoppers=[])
    assert all(row.relative.estimate is None for row in rows_of([nobody], [[nobody]])[0].values())


def test_a_policy_that_sells_nothing_has_lost_everything_without_an_interval(tmp_path, tiny):
    nothing = tiny_log(tmp_path / "log", shoppers=[0, 1, 2, 3])
    row = rows_of(list(tiny[:1]), [[nothing]])[0]["gmv"]
    assert (row.relative.estimate, row.relative.low, row.p_value) == (-1.0, None, None)


def test_p_values_are_adjusted_for_all_policies_and_metrics(worlds):
    base, seeds = worlds
    rows = [
        row
        for name, totals in lived(base, {"a": seeds[:2], "b": seeds[1:]})
        for row in lift_rows(name, totals, confidence=0.95)
    ]
    least = min(range(8), key=lambda at: rows[at].p_value)
    assert len(rows) == 8
    assert corrected(rows)[least].p_holm == pytest.approx(min(1, 8 * rows[least].p_value))


def test_the_control_is_compared_with_the_supervised_model_as_its_base(worlds):
    base, seeds = worlds
    found = control_rows(WorldLogs(seeds[0], base, {}), policy="sft", confidence=0.95)
    wanted, _ = rows_of(base, seeds[:1])
    assert [row.policy for row in found] == ["sft"] * 4
    assert [row.relative.estimate for row in found] == [
        row.relative.estimate for row in wanted.values()
    ]
    assert found[0].p_holm >= found[0].p_value
    assert control_rows(WorldLogs(base), policy="sft", confidence=0.95) == ()


def test_every_policy_is_compared_with_the_control_too(worlds):
    base, seeds = worlds
    logs = WorldLogs(seeds[0], base, {"p": seeds})
    found = [row for row in control_rows(logs, policy="sft", confidence=0.95) if row.policy == "p"]
    wanted, _ = rows_of(base, seeds)
    assert [row.relative.estimate for row in found] == [
        row.relative.estimate for row in wanted.values()
    ]


def test_pooled_totals_hold_the_same_sums(worlds):
    base, seeds = worlds
    _, totals = rows_of(base, seeds)
    pooled = totals.pooled(7)
    for column, table in totals.columns_SLU.items():
        assert pooled.columns_SLU[column].shape == (3, 2, 7)
        np.testing.assert_allclose(pooled.columns_SLU[column].sum(axis=2), table.sum(axis=2))
        assert pooled.base_1LU[column][0, 1, 3] == totals.base_1LU[column][0, 1, 3::7].sum()


@pytest.mark.parametrize(("base", "seeds"), [(1, [1, 2]), (0, [0]), (2, []), (1, [0])])
def test_worlds_that_are_no_pairs_are_refused(tmp_path, base, seeds):
    with pytest.raises(DataError, match=r"worlds of p == .* by seed, must be"):
        list(lived([tmp_path] * base, {"p": [[tmp_path] * number for number in seeds]}))
