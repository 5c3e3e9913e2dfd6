"""What the ranker knows of each item by itself: price, popularity and smoothed rates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Catalog
from simulator.protocols import Index, ItemStatistics

Floats = NDArray[np.float32]

_STRENGTH = (1.0, 1e4)  # trials that a prior may weigh as much as
_RARE = 1e-6  # a shop in which nothing happened yet still needs a rate above 0


def smoothed_rates(
    events_I: NDArray[np.floating], trials_I: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Empirical-Bayes rates: the mean of each item's Beta posterior.

    The Beta prior's mean m is the shop's rate and its strength s = m(1 - m)/v - 1 comes from the
    spread v of the rates over items in excess of the binomial spread (method of moments, weighted
    by trials; Casella, "An introduction to empirical Bayes data analysis", 1985).

    Args:
        events_I: (I,) how often it happened.
        trials_I: (I,) how often it could have happened.

    Returns:
        (I,) rates in (0, 1); the shop's rate where an item has no trials.
    """
    events, trials = events_I.astype(np.float64), trials_I.astype(np.float64)
    total = trials.sum()
    if total <= 0:
        return np.full(len(trials), _RARE)
    mean = float(np.clip(events.sum() / total, _RARE, 1 - _RARE))
    seen = trials > 0
    squares = (events[seen] - trials[seen] * mean) ** 2 / trials[seen]
    binomial = mean * (1 - mean) * seen.sum()
    excess = total - (trials[seen] ** 2).sum() / total
    spread = max((squares.sum() - binomial) / max(excess, 1.0), 1e-12)
    strength = float(np.clip(mean * (1 - mean) / spread - 1, *_STRENGTH))
    return np.asarray((np.minimum(events, trials) + strength * mean) / (trials + strength))


def relative_rates(events_I: NDArray[np.floating], trials_I: NDArray[np.floating]) -> Floats:
    """Log of the smoothed rates over the shop's rate: 0 for an item nobody knows.

    Relative, so that a model trained on one period's counts also fits a busier one.
    """
    rates = smoothed_rates(events_I, trials_I)
    total = trials_I.sum(dtype=np.float64)
    mean = np.clip(events_I.sum(dtype=np.float64) / total, _RARE, 1 - _RARE) if total else _RARE
    return np.asarray(np.log(rates / mean), np.float32)


def popularity(statistics: ItemStatistics) -> Floats:
    """(I,) log(1 + orders / mean orders of the items in the shop)."""
    orders = statistics.orders_I.astype(np.float64)
    return np.asarray(np.log1p(orders / max(orders.mean(), 1e-9)), np.float32)


def usual_log_price(catalog: Catalog) -> Floats:
    """(I,) mean log list price of the item's category; its own where the category is unknown."""
    log_price_I, known_I = np.log(catalog.price_I), catalog.category_I >= 0
    category_I = np.where(known_I, catalog.category_I, 0)
    kinds = max(len(catalog.categories), 1)
    sum_C = np.bincount(category_I, np.where(known_I, log_price_I, 0), minlength=kinds)
    mean_C = sum_C / np.maximum(np.bincount(category_I, known_I, minlength=kinds), 1)
    return np.where(known_I, mean_C[category_I], log_price_I).astype(np.float32)


@dataclass(frozen=True)
class ItemFacts:
    """Public facts of I items at a refresh, in the units of the features.

    Attributes:
        log_price_I: log of the current price.
        popularity_I: see `popularity`.
        click_through_I, conversion_I: see `relative_rates`; clicks per exposure and orders per
            click.
    """

    log_price_I: Floats
    popularity_I: Floats
    click_through_I: Floats
    conversion_I: Floats

    @classmethod
    def of(cls, index: Index, arm: int) -> "ItemFacts":
        """Facts that the models of an arm may read from a snapshot."""
        counts = index.statistics_of(arm)
        return cls(
            log_price_I=np.log(index.price_I).astype(np.float32),
            popularity_I=popularity(counts),
            click_through_I=relative_rates(counts.clicks_I, counts.exposures_I),
            conversion_I=relative_rates(counts.orders_I, counts.clicks_I),
        )


def blank_index(catalog: Catalog) -> Index:
    """The snapshot of a shop that has just opened: list prices, everything there, no counts."""
    zeros = np.zeros(len(catalog), np.float32)
    return Index(
        at=0.0,
        price_I=catalog.price_I,
        available_I=np.ones(len(catalog), np.bool_),
        statistics=(ItemStatistics(zeros, zeros, zeros),),
    )
