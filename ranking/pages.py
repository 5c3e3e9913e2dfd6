"""From a ranked list to pages: slicing, exploration with its propensities, and joining batches."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from recall.candidates import Pool
from simulator.catalogue.catalog import Ints
from simulator.protocols import REQUEST_BITS, Pages, Requests, Traces
from simulator.randomness import Draws

Floats = NDArray[np.float32]


def explored_order(
    order_BN: NDArray[np.intp], items_BN: Ints, requests: Requests, rate: float, draws: Draws
) -> NDArray[np.intp]:
    """Replace the order of a share of requests by a uniformly random one.

    The luck belongs to the query, not to the page: all pages of a shopper's query in a session
    show parts of one order, so nothing appears twice.

    Args:
        order_BN: columns from best to worst, padding last.
        items_BN: items in those columns.
        rate: probability of a random order.
    """
    shopper_B, session_B = requests.shopper_B, requests.id_B >> REQUEST_BITS
    chance_B = draws.uniform("explore", shopper_B, session_B, requests.text_B)
    rows = np.flatnonzero(chance_B < rate)
    at_R1 = rows[:, None]
    bits_RN = draws.bits(
        "explore:order",
        shopper_B[at_R1],
        session_B[at_R1],
        requests.text_B[at_R1],
        slot=items_BN[rows],
    )
    bits_RN = bits_RN >> np.uint64(1)
    bits_RN[items_BN[rows] < 0] = np.iinfo(np.int64).max
    chosen_BN = order_BN.copy()
    chosen_BN[rows] = np.argsort(bits_RN, axis=1)[:, : order_BN.shape[1]]
    return chosen_BN


def best_ranked(ranks_BKC: NDArray[np.int16]) -> Ints:
    """(B, K) bitmask of the channels in which each item ranks best; 0 where none found it."""
    far = np.iinfo(np.int16).max
    ranks_BKC = np.where(ranks_BKC >= 0, ranks_BKC, far)
    best_BK1 = ranks_BKC.min(axis=2, keepdims=True, initial=far)
    bits_C = np.left_shift(1, np.arange(ranks_BKC.shape[2]))
    found_BKC = (ranks_BKC == best_BK1) & (best_BK1 < far)
    return np.asarray(found_BKC @ bits_C, np.int32)


def page_columns(
    order_BN: NDArray[np.intp], ranked_B: Ints, requests: Requests, slots: int
) -> NDArray[np.intp]:
    """(B, slots) columns that a page shows, -1 where the page has no slot or the list has ended."""
    place_K, slots_B1 = np.arange(slots), requests.slots_B[:, None].astype(np.int64)
    depth_BK = requests.page_B[:, None] * slots_B1 + place_K
    shown_BK = (place_K < slots_B1) & (depth_BK < np.minimum(ranked_B, order_BN.shape[1])[:, None])
    if not order_BN.shape[1]:
        return np.full(shown_BK.shape, -1)
    columns_BK = np.take_along_axis(order_BN, np.where(shown_BK, depth_BK, 0), axis=1)
    return np.where(shown_BK, columns_BK, -1)


def propensities(
    shown_BK: NDArray[np.intp], greedy_BK: NDArray[np.intp], ranked_B: Ints, rate: float
) -> Floats:
    """(B, K) probability of each item at its place; 1 on padding.

    With probability 1 - rate the page is the greedy one; otherwise each of the ranked candidates
    is equally likely at each place. These are marginals of a slot, not of the whole page.
    """
    random_B1 = rate / np.maximum(ranked_B, 1)[:, None]
    chance_BK = (1 - rate) * (shown_BK == greedy_BK) + random_B1
    return np.where((shown_BK >= 0) & (rate > 0), chance_BK, 1.0).astype(np.float32)


def trace(
    pool: Pool, kept_BM: NDArray[np.intp], scores_BM: Floats, traced_B: NDArray[np.bool_]
) -> Traces:
    """Every merged candidate of the traced requests, with the score of those that were ranked."""
    rows_T = np.flatnonzero(traced_B)
    ranker_TN = np.full((len(rows_T), pool.items_BN.shape[1]), np.nan, np.float32)
    np.put_along_axis(ranker_TN, kept_BM[rows_T], scores_BM[rows_T], axis=1)
    at_T, column = np.nonzero(pool.items_BN[rows_T] >= 0)
    row = rows_T[at_T]
    return Traces(
        row_R=row.astype(np.int32),
        item_R=pool.items_BN[row, column],
        sources_R=pool.sources_BN[row, column],
        ranks_RC=pool.ranks_BNC[row, column],
        scores_RC=pool.scores_BNC[row, column],
        merged_R=column.astype(np.int16),
        ranker_score_R=ranker_TN[at_T, column],
    )


def blank_pages(n_rows: int, slots: int, n_channels: int, arm: int) -> Pages:
    """Pages that show nothing."""
    return Pages(
        items_BK=np.full((n_rows, slots), -1, np.int32),
        sources_BK=np.zeros((n_rows, slots), np.int32),
        best_ranked_BK=np.zeros((n_rows, slots), np.int32),
        scores_BK=np.full((n_rows, slots), np.nan, np.float32),
        propensity_BK=np.ones((n_rows, slots), np.float32),
        latency_B=np.zeros(n_rows, np.float32),
        dropped_B=np.zeros(n_rows, np.int32),
        merged_B=np.zeros(n_rows, np.int32),
        ranked_B=np.zeros(n_rows, np.int32),
        arm_B=np.full(n_rows, arm, np.int8),
        traces=Traces(
            row_R=np.empty(0, np.int32),
            item_R=np.empty(0, np.int32),
            sources_R=np.empty(0, np.int32),
            ranks_RC=np.empty((0, n_channels), np.int16),
            scores_RC=np.empty((0, n_channels), np.float32),
            merged_R=np.empty(0, np.int16),
            ranker_score_R=np.empty(0, np.float32),
        ),
    )


def gather(parts: Sequence[tuple[NDArray[np.intp], Pages]], blank: Pages) -> Pages:
    """Put pages of parts of a batch back into the batch's order.

    What is told of arms together (`differs_B`, `contested`) is left out: parts are of one arm each.

    Args:
        parts: rows of the batch, ascending within a part, with their pages.
        blank: pages of the whole batch, which are filled in and returned. Traces come in the
            order of the batch's rows.
    """
    apart = {"traces", "slot_arms_BK", "differs_B", "contested"}
    columns = [field.name for field in fields(Pages) if field.name not in apart]
    for rows, pages in parts:
        for name in columns:
            target, value = getattr(blank, name), getattr(pages, name)
            if value.ndim == 1:
                target[rows] = value
            else:
                target[rows, : value.shape[1]] = value
    traces = [(rows[pages.traces.row_R], pages.traces) for rows, pages in parts]
    row_R = np.concatenate([blank.traces.row_R, *(row for row, _ in traces)])
    order = np.argsort(row_R, kind="stable")
    joined = {
        field.name: np.concatenate(
            [getattr(blank.traces, field.name), *(getattr(one, field.name) for _, one in traces)]
        )[order]
        for field in fields(Traces)
        if field.name != "row_R"
    }
    values = {name: getattr(blank, name) for name in columns}
    if any(pages.slot_arms_BK is not None for _, pages in parts):
        values["slot_arms_BK"] = np.zeros(blank.items_BK.shape, np.int8)
        for rows, pages in parts:
            values["slot_arms_BK"][rows, : pages.items_BK.shape[1]] = pages.arms_BK
    return Pages(**values, traces=Traces(row_R=row_R[order].astype(np.int32), **joined))
