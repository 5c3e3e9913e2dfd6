"""Rules of credit that need nothing but the page: who found the item, and who ranked it best.

Formulas, of an item that k channels found:

- any_touch: 1 to each of the k, so credits sum to k.
- exclusive: 1 to the channel if k = 1, else nothing to anybody.
- first: 1 to that of the k which comes first in a given order of all channels.
- best_rank: 1 / b to each of the b channels that ranked the item best.
- fractional: 1 / k to each of the k.

The last three give away exactly one event; equal parts among equals are our convention.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ConfigError

Floats = NDArray[np.float64]
Masks = NDArray[np.int64]


def page_credits(
    rule: str, sources_M: Masks, best_ranked_M: Masks, channels: int, first: Sequence[int]
) -> Floats:
    """What a rule gives each channel of one event, for M different kinds of provenance.

    Args:
        rule: one of `experiments.config.attribution.PAGE_RULES`.
        sources_M: bitmasks of the channels that found the item; 0 is given to nobody.
        best_ranked_M: bitmasks of those that ranked it best.
        channels: number C of channels.
        first: their bit numbers, the first to be credited first.

    Returns:
        (M, C) credits.

    Raises:
        ConfigError: there is no such rule.
    """
    found_MC = _bits(sources_M, channels)
    if rule == "any_touch":
        return found_MC
    if rule == "fractional":
        return _parts(found_MC)
    if rule == "best_rank":
        return _parts(_bits(best_ranked_M, channels))
    if rule == "exclusive":
        return np.where(found_MC.sum(1, keepdims=True) == 1, found_MC, 0.0)
    if rule == "first":
        return _first(found_MC, first)
    raise ConfigError(f"attribution.rules == {rule!r}, must be a rule over pages")


def order_bits(order: Sequence[str], channels: Sequence[str]) -> tuple[int, ...]:
    """Bit numbers of the channels in the order in which `first` credits them.

    Args:
        order: names; none: the order of the bits.
        channels: names in the order of the bits.

    Raises:
        ConfigError: not every channel is named exactly once.
    """
    if not order:
        return tuple(range(len(channels)))
    if sorted(order) != sorted(channels):
        raise ConfigError(
            f"attribution.order == {list(order)}, must name every channel once: {list(channels)}"
        )
    return tuple(list(channels).index(name) for name in order)


def _bits(mask_M: Masks, channels: int) -> Floats:
    return (mask_M[:, None] >> np.arange(channels) & 1).astype(np.float64)


def _parts(chosen_MC: Floats) -> Floats:
    part_MC: Floats = chosen_MC / np.maximum(chosen_MC.sum(1, keepdims=True), 1)
    return part_MC


def _first(found_MC: Floats, first: Sequence[int]) -> Floats:
    credit_MC = np.zeros_like(found_MC)
    rows_M = np.arange(len(found_MC))
    winner_M = np.asarray(first, np.int64)[found_MC[:, list(first)].argmax(1)]
    credit_MC[rows_M, winner_M] = found_MC[rows_M, winner_M]  # 0 where nobody found the item
    return credit_MC
