"""What befalls the worlds of a lab, its shoppers share: lifts and contrasts hold that luck."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.inference.metrics import METRICS
from experiments.rewardlab.comparison.contrasts import online_contrast
from experiments.rewardlab.comparison.lift import EXPOSED, Totals, compared, lift_rows, lived
from experiments.truth.effects import paired_truth
from experiments.truth.files import OWN, by_category
from simulator.following.tally import LOST
from tests.experiments.rewardlab.comparison.tiny_logs import tiny_log

COLUMNS = ("baskets", "bought", "clicks", "exposures", "gmv", "orders")
SEEDS, SHOPPERS, CATEGORIES = 5, 300, 30
GAIN, LUCK, TRAINING = 0.1, 0.15, 0.02


def by_group(values, category_U):
    """(..., U) values summed by category."""
    found = np.zeros((*values.shape[:-1], CATEGORIES))
    np.add.at(found, (..., category_U), values)
    return found


def worlds(rng, lucks, *, policies=1):
    """A base and policies that bring more by GAIN, each world moved by luck of its categories.

    Shoppers keep what they spend from world to world; the base is one world for each luck.
    """
    category_U = np.arange(SHOPPERS) % CATEGORIES
    spend_U = rng.gamma(2.0, size=SHOPPERS)

    def lived_by(seeds):
        moved = rng.normal(0, LUCK, (seeds, lucks, CATEGORIES))[..., category_U]
        return spend_U * np.exp(moved + rng.normal(0, 0.1, (seeds, lucks, SHOPPERS)))

    base = lived_by(1)
    return [
        totals_of(
            lived_by(SEEDS) * (1 + GAIN) * np.exp(rng.normal(0, TRAINING, (SEEDS, 1, 1))),
            base,
            category_U,
        )
        for _ in range(policies)
    ]


def totals_of(own, base, category_U):
    """Totals in which every column but that of the shoppers is the same."""
    tables = [dict.fromkeys(COLUMNS, each) | {EXPOSED: np.ones_like(each)} for each in (own, base)]
    groups = [{}, {}]
    if own.shape[1] == 1:
        sums = (by_group(each[:, 0], category_U) for each in (own, base))
        groups = [dict.fromkeys(COLUMNS, each) for each in sums]
    return Totals(np.arange(SHOPPERS), *tables, *groups)


def summed(totals):
    """A shopper's worlds added up, and nothing known of categories."""
    tables = (
        {name: table.sum(axis=1, keepdims=True) for name, table in each.items()}
        for each in (totals.columns_SLU, totals.base_1LU)
    )
    return Totals(totals.shopper_U, *tables)


def lift(totals):
    groups, metric = (totals.columns_SG, totals.base_1G), METRICS["gmv"]
    return compared(metric, totals.terms(metric), *groups, confidence=0.95).interval


@pytest.mark.parametrize(("lucks", "without"), [(1, 0.85), (4, 0.85)])
def test_lifts_hold_the_truth_where_shoppers_share_luck_and_without_it_they_do_not(lucks, without):
    """Of one luck it is told from 30 categories, of several from world to world."""
    rng, held = np.random.default_rng(lucks), np.zeros(2)
    repetitions = 400
    for _ in range(repetitions):
        (totals,) = worlds(rng, lucks)
        rows = lift(totals), lift(summed(totals))
        assert rows[0].estimate == pytest.approx(rows[1].estimate)
        held += [bool(row.holds(GAIN)) for row in rows]
    assert 0.925 <= held[0] / repetitions <= 0.985
    assert held[1] / repetitions < without


@pytest.mark.parametrize("lucks", [1, 4])
def test_contrasts_of_equal_policies_hold_zero_where_every_world_has_luck_of_its_own(lucks):
    rng, held = np.random.default_rng(10 + lucks), 0
    repetitions = 400
    for _ in range(repetitions):
        pooled = dict(zip("ab", worlds(rng, lucks, policies=2), strict=True))
        found = online_contrast("a", "b", "gmv", pooled, confidence=0.95)
        held += found.relative.holds(0.0)
    assert 0.925 <= held / repetitions <= 0.99


def test_luck_that_two_policies_share_cancels_between_them():
    """The base's luck is in both lifts and in no contrast."""
    rng = np.random.default_rng(20)
    category_U = np.arange(SHOPPERS) % CATEGORIES
    base = rng.gamma(2.0, size=(1, 4, SHOPPERS))
    moved = base * np.exp(rng.normal(0, LUCK, (1, 4, CATEGORIES))[..., category_U])
    pooled = {
        name: totals_of(moved * np.exp(rng.normal(0, 1e-3, (SEEDS, 4, SHOPPERS))), base, category_U)
        for name in "ab"
    }
    apart = online_contrast("a", "b", "gmv", pooled, confidence=0.95).relative
    each = lift(pooled["a"])
    assert apart.high - apart.low < 0.05 * (each.high - each.low)


def followed(folder, rng, category_U):
    """A log and what is expected of its shoppers, by shopper and by category."""
    shoppers = np.arange(len(category_U))
    log = tiny_log(folder / "log", shoppers=shoppers, orders=[(0, 1, 1.0, 1)])
    spend_U = rng.gamma(2.0, size=len(shoppers)) * np.exp(rng.normal(0, 1.0, 30))[category_U]
    columns = dict.fromkeys(COLUMNS, spend_U)
    columns |= {f"lost_{name}": np.zeros_like(spend_U) for name in LOST}
    pq.write_table(pa.table({"shopper": shoppers, **columns}), log.parent / OWN)
    groups = {name: by_group(values, category_U) for name, values in columns.items()}
    pq.write_table(pa.table(groups), log.parent / by_category(OWN))
    return log


@pytest.fixture
def logs(tmp_path):
    rng, category_U = np.random.default_rng(30), np.arange(200) % CATEGORIES
    return [followed(tmp_path / str(world), rng, category_U) for world in range(4)]


def rows_of(base, *seeds):
    ((_, totals),) = lived(base, {"p": seeds})
    return {row.metric: row.relative for row in lift_rows("p", totals, confidence=0.95)}


def test_of_one_luck_and_training_it_is_the_interval_of_the_truth(logs):
    names = ("gmv", "ctr", "uctcvr")
    truth = paired_truth(logs[:1], logs[1:2], [METRICS[name] for name in names])
    found = rows_of(logs[:1], logs[1:2])
    for effect in truth.effects:
        assert found[effect.metric].numbers == pytest.approx(effect.relative.numbers, rel=1e-9)


def test_without_the_sums_of_categories_of_one_world_the_interval_is_over_seeds_and_shoppers(logs):
    def unknown(log):
        (log.parent / by_category(OWN)).unlink()
        return rows_of(logs[:1], logs[1:2], logs[2:3])["gmv"]

    told = rows_of(logs[:1], logs[1:2], logs[2:3])["gmv"]
    one, none = unknown(logs[2]), unknown(logs[0])
    assert one == none
    assert one.estimate == told.estimate
    assert one.low != told.low
