"""Where the purchases credited to a channel would go without it, on the very same requests.

Credited (any-touch) are the expected orders of the slots whose item the channel found. On the page
that the funnel would make without it, an item that is still there keeps what it had, at most:

    same item   sum over the credited items of min(orders with, orders without)
    other item  what all other items gain together, at most what is left
    nowhere     the rest

The bounds are conventions of ours. A replay knows of no later purchase.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from experiments.attribution.incremental.pages import Served
from experiments.inference.intervals import ratio
from experiments.records.attribution import GAINED, FateRow

Floats = NDArray[np.float64]

CREDITED, SAME_ITEM, OTHER_ITEM = range(3)
"""The columns of a table of fates."""


def add_fates(
    table_UCF: Floats,
    shopper_B: NDArray[np.int64],
    served: Served,
    orders_PK: Floats,
    pages: tuple[int, NDArray[np.int64]],
    bit_C: NDArray[np.int64],
) -> None:
    """Add the purchases of B requests to the table of their shoppers.

    Args:
        table_UCF: credited, same item and other item by shopper and channel; added to.
        shopper_B: row of each request's shopper.
        served: the requests, served to coalitions.
        orders_PK: expected orders of each slot of these pages.
        pages: columns of the coalition of all channels, and of all but each.
        bit_C: each channel's bit in the provenance.
    """
    all_column, without_C = pages
    _add_fates(
        table_UCF,
        shopper_B,
        served.pair_BX[:, all_column],
        served.pair_BX[:, without_C],
        served.pages.items_BK,
        served.pages.sources_BK,
        orders_PK,
        bit_C,
    )


@njit(cache=True, nogil=True)
def _add_fates(
    table_UCF: Any,
    shopper_B: Any,
    whole_B: Any,
    without_BC: Any,
    items_PK: Any,
    sources_PK: Any,
    orders_PK: Any,
    bit_C: Any,
) -> None:  # pragma: no cover
    slots = items_PK.shape[1]
    for b in range(len(shopper_B)):
        page = whole_B[b]
        if page < 0:
            continue
        for c in range(len(bit_C)):
            then = without_BC[b, c]
            credited, same, others_with, others_without = 0.0, 0.0, 0.0, 0.0
            if then >= 0:
                for k in range(slots):
                    if items_PK[then, k] >= 0:
                        others_without += orders_PK[then, k]
            for k in range(slots):
                item = items_PK[page, k]
                if item < 0:
                    continue
                if not sources_PK[page, k] >> bit_C[c] & 1:
                    others_with += orders_PK[page, k]
                    continue
                credited += orders_PK[page, k]
                if then >= 0:
                    for h in range(slots):
                        if items_PK[then, h] == item:
                            same += min(orders_PK[page, k], orders_PK[then, h])
                            others_without -= orders_PK[then, h]
            other = min(max(others_without - others_with, 0.0), credited - same)
            table_UCF[shopper_B[b], c, 0] += credited
            table_UCF[shopper_B[b], c, 1] += same
            table_UCF[shopper_B[b], c, 2] += other


def fate_rows(
    arm: str, channels: Sequence[str], fates_SUCF: Floats, lost_SUC: Floats, *, confidence: float
) -> list[FateRow]:
    """The fates of each channel's purchases (same item, another one, nowhere), and what is gained.

    Args:
        arm: name.
        channels: C names.
        fates_SUCF: credited, same item and other item by world, shopper and channel.
        lost_SUC: leave-one-out values of purchases.
        confidence: level of the intervals over worlds and shoppers.
    """
    rows = []
    for c, channel in enumerate(channels):
        credited_SU = fates_SUCF[:, :, c, CREDITED]
        for fate, part_SU in _parts(fates_SUCF[:, :, c], lost_SUC[:, :, c]).items():
            share = low = high = None
            if credited_SU.size:
                found = ratio(part_SU, credited_SU, confidence=confidence, tested=True)
                share, low, high = found.estimate, found.low, found.high
            purchases = float(part_SU.sum())
            rows.append(FateRow("replay", arm, channel, fate, purchases, share, low, high))
    return rows


def _parts(fates_SUF: Floats, lost_SU: Floats) -> Mapping[str, Floats]:
    same_SU, other_SU = fates_SUF[:, :, SAME_ITEM], fates_SUF[:, :, OTHER_ITEM]
    rest_SU = np.maximum(fates_SUF[:, :, CREDITED] - same_SU - other_SU, 0.0)
    return {
        "same_item": same_SU,
        "other_item": other_SU,
        "nowhere": rest_SU,
        GAINED: rest_SU - lost_SU,
    }
