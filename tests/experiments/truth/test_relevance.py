"""Relevant sets, against a plain loop over needs and items."""

import numpy as np
import pytest

from experiments.truth import relevance as module
from experiments.truth.relevance import RELEVANT, Relevance
from simulator.behaviour.settings import UtilitySpec
from simulator.behaviour.utility import Utility
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.intents import Judgments
from simulator.shoppers.needs import department_weights
from simulator.shoppers.settings import QuerySpec, ShopperSpec
from simulator.shoppers.shoppers import make_shoppers

JUDGED = Judgments(
    ("first", "nothing", "second"),
    np.array([0, 0, 0, 2, 2], np.int32),
    np.array([3, 7, 9, 1, 7], np.int32),
    np.array([3, 2, 1, 0, 2], np.int8),
)


@pytest.fixture(scope="module")
def utility():
    supply = generate_supply(CatalogSpec(items=1_500, categories=9), Draws(7))
    intents = generate_intents(supply, QuerySpec(intents=300), Draws(7), JUDGED)
    weight_D = department_weights(intents, int(supply.truth.department_C.max()) + 1)
    shoppers = make_shoppers(ShopperSpec(count=5), supply.truth, weight_D, Draws(7))
    return Utility(UtilitySpec(), supply.catalog, supply.truth, shoppers, intents)


def by_hand(utility, intent, available_I):
    intents, truth = utility.intents, utility.truth
    query = int(intents.judged_Q[intent])
    if query >= 0:
        grades = {
            int(item): int(grade)
            for q, item, grade in zip(JUDGED.query_J, JUDGED.item_J, JUDGED.grade_J, strict=True)
            if q == query
        }
        return sum(grade >= 2 and available_I[item] for item, grade in grades.items())
    wanted = {value for value in intents.values_QW[intent].tolist() if value >= 0}
    count = 0
    for item in np.flatnonzero(available_I).tolist():
        if truth.category_I[item] != intents.category_Q[intent]:
            continue
        if intents.brand_Q[intent] >= 0 and truth.brand_I[item] != intents.brand_Q[intent]:
            continue
        has = wanted & set(truth.values_IV[item].tolist())
        count += len(has) >= len(wanted) / 3
    return count


@pytest.mark.parametrize("pairs", [2_000_000, 700])
def test_relevant_items_are_those_of_a_plain_loop_in_batches_of_any_size(
    utility, monkeypatch, pairs
):
    monkeypatch.setattr(module, "_PAIRS", pairs)
    available_I = np.random.default_rng(0).random(1_500) < 0.8
    intent_B = np.arange(len(utility.intents.weight_Q))
    found_B = Relevance(utility).count(intent_B, available_I)
    judged_B = utility.intents.judged_Q[intent_B] >= 0
    assert judged_B.any()
    assert (found_B[~judged_B] > 0).any()
    wanted = [by_hand(utility, intent, available_I) for intent in intent_B.tolist()]
    np.testing.assert_array_equal(found_B, wanted)


def test_what_a_pool_holds_is_counted_by_the_same_rule(utility):
    relevance, intent_B = Relevance(utility), np.arange(40)
    everything = np.tile(np.arange(1_500, dtype=np.int32), (40, 1))
    padded = np.pad(everything, ((0, 0), (0, 3)), constant_values=-1)
    there = np.ones(1_500, bool)
    np.testing.assert_array_equal(
        relevance.relevant(intent_B, padded).sum(axis=1), relevance.count(intent_B, there)
    )


def test_grade_two_is_the_least_that_is_relevant():
    assert pytest.approx(2 / 3) == RELEVANT
