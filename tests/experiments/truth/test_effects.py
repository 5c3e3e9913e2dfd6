import numpy as np
import pytest
from scipy import stats

from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import METRICS
from experiments.records.interval import UNKNOWN, Interval
from experiments.truth.effects import beside, paired_truth as paired
from simulator.errors import DataError
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import sums

ALL = tuple(METRICS.values())


def paired_truth(controls, treatments, metrics, **options):
    """By what was realised: all that logs alone can tell."""
    return paired(controls, treatments, metrics, method="realised", **options)


def world(folder, *, lift=0.0, luck=1, shoppers=1_500, **options):
    """A world with everybody in one arm; `luck` is the draws', equal in paired worlds."""
    arms = ("control", "treatment") if lift else ("control",)
    shares = (0.0, 1.0) if lift else (1.0,)
    return write_log(
        folder, arms=arms, shares=shares, lift=lift, luck=luck, shoppers=shoppers, **options
    )


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worlds")
    return {
        arm: [
            world(folder / arm / str(seed), lift=lift, clicks=clicks, luck=seed)
            for seed in (1, 2, 3)
        ]
        for arm, lift, clicks in (("control", 0.0, 0.05), ("treatment", 0.3, 0.06))
    }


def oracle(controls, treatments, metric):
    """(gte, low, high, pairing factor) on NumPy arrays of one row per shopper."""

    def total(logs, columns):
        tables = [sums(log, ["shopper"]).assign(exposed=1.0)[columns] for log in logs]
        return sum(table.reindex(index).fillna(0.0) for table in tables).to_numpy()

    columns = [metric.numerator, metric.denominator or "exposed"]
    index = sorted(set().union(*(sums(log, ["shopper"]).index for log in controls + treatments)))
    linear, value = [], []
    for logs in (controls, treatments):
        numerator, denominator = total(logs, columns).T
        ratio = numerator.sum() / denominator.sum()
        value.append(ratio)
        linear.append((numerator - ratio * denominator) / denominator.mean())
    n, paired = len(index), (linear[1] - linear[0]).var(ddof=1)
    half = stats.t.ppf(0.975, n - 1) * np.sqrt(paired / n)
    gte = value[1] - value[0]
    factor = (linear[0].var(ddof=1) + linear[1].var(ddof=1)) / paired
    return gte, gte - half, gte + half, factor


def test_truth_equals_a_plain_paired_comparison(worlds):
    seeds = 1
    controls, treatments = worlds["control"][:seeds], worlds["treatment"][:seeds]
    truth = paired_truth(controls, treatments, ALL)
    assert truth.warnings == ()
    for metric, effect in zip(ALL, truth.effects, strict=True):
        if metric.name == "zero_result_rate":  # equal in both worlds
            continue
        found = [*effect.effect.numbers, effect.realised.pairing_factor]
        wanted = oracle(controls, treatments, metric)
        np.testing.assert_allclose(found, wanted, rtol=1e-8, err_msg=metric.name)
        assert (effect.n, effect.seeds) == (1_500, seeds)


@pytest.mark.parametrize("threads", [1, 2])
def test_equal_worlds_differ_by_exactly_nothing(tmp_path, threads):
    pair = [
        world(tmp_path / f"{shards}", shoppers=4_000, requests=5, clicks=0.3, shards=shards)
        for shards in (1, 7)
    ]
    truth = paired_truth(pair[:1] * 2, pair[1:] * 2, ALL, spec=EngineSpec(threads=threads))
    for effect in truth.effects:
        assert effect.effect == Interval(0.0, 0.0, 0.0), effect.metric
        assert effect.realised.pairing_factor is None
        assert effect.relative == Interval(0.0, 0.0, 0.0)


def test_pairing_shrinks_the_variance(worlds):
    effects = {
        e.metric: e for e in paired_truth(worlds["control"], worlds["treatment"], ALL).effects
    }
    assert effects["orders"].realised.pairing_factor > 1.2
    assert effects["orders"].effect.low > 0


def test_shoppers_of_one_world_only_count_as_zeros_and_are_told_of(tmp_path):
    controls = [world(tmp_path / "c", shoppers=300)]
    treatments = [world(tmp_path / "t", shoppers=290)]
    metric = METRICS["uctr"]
    truth = paired_truth(controls, treatments, [metric])
    assert truth.warnings[0].startswith("10 shoppers appear in one of two paired worlds only")
    (effect,) = truth.effects
    clicked = [sums(log[0], ["shopper"])["clicked"].sum() for log in (controls, treatments)]
    assert effect.n == 300
    assert effect.effect.estimate == pytest.approx((clicked[1] - clicked[0]) / 300)


def test_a_metric_without_a_denominator_has_no_truth_and_says_so(tmp_path):
    logs = [world(tmp_path / name, shoppers=50, clicks=0.0) for name in "ct"]
    truth = paired_truth(logs[:1], logs[1:], [METRICS["cvr"], METRICS["orders"]])
    assert truth.effects[0].effect == UNKNOWN
    assert truth.effects[1].effect.estimate == 0.0
    assert truth.warnings == ("cvr has no global effect: a world has no clicks",)


def test_worlds_without_shoppers_have_no_truth(tmp_path):
    logs = [world(tmp_path / name, shoppers=0) for name in "ct"]
    truth = paired_truth(logs[:1], logs[1:], ALL)
    assert all(effect.effect == UNKNOWN for effect in truth.effects)


def test_worlds_come_in_pairs(tmp_path):
    with pytest.raises(DataError, match="2 of control and 1 of treatment, must be as many"):
        paired_truth([tmp_path] * 2, [tmp_path], ALL)
    with pytest.raises(DataError, match="0 of control"):
        paired_truth([], [], ALL)


@pytest.mark.parametrize(("low", "high", "covered"), [(-1, 9, True), (0.5, 9, False)])
def test_a_naive_estimate_stands_beside_with_its_bias_and_coverage(worlds, low, high, covered):
    (effect,) = paired_truth(worlds["control"], worlds["treatment"], [METRICS["gmv"]]).effects
    gte = effect.effect.estimate
    row = beside(effect, ("control", "treatment"), Interval(gte + 1, gte + low, gte + high))
    assert row.bias == pytest.approx(1)
    assert row.covered is covered
    assert beside(effect, ("control", "treatment"), UNKNOWN).covered is None
