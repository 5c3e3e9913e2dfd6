"""The truths that channels are held against, and how the latent truth is given to other items."""

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from experiments.truth.relevance import Relevance
from simulator.behaviour.settings import UtilitySpec
from simulator.behaviour.utility import Utility
from simulator.catalogue.catalog import ItemTruth
from simulator.living.world import Population
from simulator.protocols import Index
from simulator.shoppers.intents import Judgments
from simulator.shoppers.needs import Needs

Flags = NDArray[np.bool_]
Permutation = NDArray[np.int64]

BEST = 100
"""How many items a shopper values most, by what they are worth to them."""

_PAIRS = 400_000  # weighed at once; a matter of memory alone
_ITEMS = "_I", "_IV", "_IT"  # how columns of items end


def permuted(population: Population, other_I: Permutation) -> Population:
    """A population whose items have each other's latent truth; what is public stays.

    Args:
        population: as it is.
        other_I: item i gets the truth of item `other_I[i]`: category, brand, values, quality,
            taste vector, demand, and human grades.
    """
    truth = population.supply.truth
    columns = {
        each.name: getattr(truth, each.name)[other_I]
        for each in fields(ItemTruth)
        if each.name.endswith(_ITEMS)
    }
    supply = replace(population.supply, truth=replace(truth, **columns))
    judgments = _regraded(population.intents.judgments, other_I)
    return replace(
        population, supply=supply, intents=replace(population.intents, judgments=judgments)
    )


def without_tastes(population: Population, other_I: Permutation) -> Population:
    """The same, but items have each other's taste vector and quality alone."""
    truth = population.supply.truth
    truth = replace(truth, vector_IT=truth.vector_IT[other_I], quality_I=truth.quality_I[other_I])
    return replace(population, supply=replace(population.supply, truth=truth))


def _regraded(judgments: Judgments, other_I: Permutation) -> Judgments:
    """Grades of the items that have the truth of those that were graded."""
    inverse_I = np.argsort(other_I)
    item_J = inverse_I[judgments.item_J].astype(judgments.item_J.dtype)
    order_J = np.lexsort((item_J, judgments.query_J))
    return Judgments(
        judgments.queries, judgments.query_J[order_J], item_J[order_J], judgments.grade_J[order_J]
    )


def matching(population: Population, spec: UtilitySpec, needs: Needs) -> Flags:
    """(B, I) which items match what is wanted, see `experiments.truth.relevance`."""
    relevance = Relevance(_utility(population, spec))
    found_BI = np.zeros((len(needs.intent_B), _items(population)), np.bool_)
    for rows, items_BI in _blocks(needs, _items(population)):
        found_BI[rows] = relevance.relevant(needs.intent_B[rows], items_BI)
    return found_BI


def worth_most(
    population: Population, spec: UtilitySpec, needs: Needs, index: Index, count: int = BEST
) -> Flags:
    """(B, I) the items of the greatest true utility to the very shopper; ties to the lower id."""
    utility, items = _utility(population, spec), _items(population)
    utility.refresh(index)
    found_BI = np.zeros((len(needs.intent_B), items), np.bool_)
    for rows, items_BI in _blocks(needs, items):
        _, true_BI = utility.of(needs.rows(rows), items_BI)
        best_BK = np.argsort(-true_BI, axis=1, kind="stable")[:, : min(count, items)]
        np.put_along_axis(found_BI[rows], best_BK, True, axis=1)
    return found_BI


def _utility(population: Population, spec: UtilitySpec) -> Utility:
    supply = population.supply
    return Utility(spec, supply.catalog, supply.truth, population.shoppers, population.intents)


def _items(population: Population) -> int:
    return len(population.supply.catalog)


def _blocks(needs: Needs, items: int) -> Iterator[tuple[slice, NDArray[np.int32]]]:
    """Some needs at a time, each with all items."""
    size = max(1, _PAIRS // items)
    for start in range(0, len(needs.intent_B), size):
        rows = slice(start, start + size)
        count = len(needs.intent_B[rows])
        yield rows, np.tile(np.arange(items, dtype=np.int32), (count, 1))
