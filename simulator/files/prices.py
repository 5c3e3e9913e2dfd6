"""Prices that a file does not give, drawn from what the settings declare."""

from zlib import crc32

import numpy as np

from simulator.catalogue.catalog import Ints
from simulator.catalogue.taxonomy import Words
from simulator.files.columns import MAX_PRICE, MIN_PRICE
from simulator.files.settings import CategoryPriceSpec, PriceSpec
from simulator.randomness import Draws, Floats

_CENT = 0.01


def with_prices(
    price_I: Floats, category_I: Ints, categories: Words, spec: PriceSpec, draws: Draws
) -> Floats:
    """Given prices, and where there is none (NaN) one from the item's category.

    Prices of a category are log-normal. Its median is declared by its name, or by the longest
    beginning of its path; else it is log-normal around the shop's, keyed by the category's name.
    """
    missing = np.flatnonzero(np.isnan(price_I))
    if not len(missing):
        return price_I
    level_C = np.array([_level(name, spec, draws) for name in categories]).reshape(-1, 2)
    noise_I = draws.normal("item.price", slot=np.arange(len(price_I)))
    log_I = level_C[category_I, 0] + level_C[category_I, 1] * noise_I
    drawn_I = np.round(np.clip(np.exp(log_I), _CENT, MAX_PRICE), 2)
    return np.where(np.isnan(price_I), np.maximum(drawn_I, MIN_PRICE), price_I)


def _level(name: str, spec: PriceSpec, draws: Draws) -> tuple[float, float]:
    """Log median and sigma of a category."""
    declared = _declared(name, spec)
    if declared is not None:
        sigma = spec.sigma if declared.sigma is None else declared.sigma
        return float(np.log(declared.median)), sigma
    key = np.array([crc32(name.encode())])
    luck = float(draws.normal("category.price", slot=key)[0])
    return float(np.log(spec.median)) + spec.between * luck, spec.sigma


def _declared(name: str, spec: PriceSpec) -> CategoryPriceSpec | None:
    """What is declared for a category: under its name, or the longest beginning of its path."""
    levels = [level.strip() for level in name.split(">")]
    known = {
        tuple(level.strip().casefold() for level in given.split(">")): declared
        for given, declared in spec.categories.items()
    }
    for length in range(len(levels), 0, -1):
        found = known.get(tuple(level.casefold() for level in levels[:length]))
        if found is not None:
            return found
    return known.get((levels[-1].casefold(),))
