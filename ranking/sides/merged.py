"""One page of several arms' lists, in which each item stands where the list of its own arm has it.

An experiment that splits the items gives every shopper the same funnel, and what an arm does is
done to the items of that arm alone. Where would an item stand? Each arm ranks all candidates as if
everything were in that arm; of its list the items of other arms are struck out, with the ranks of
the others as they were; and what is left of all lists is ordered by rank. So an item stands about
where it would stand if all items were in its arm, however few of them are, and one that its own arm
does not find is not there. These are the counterfactual rankings of Ha-Thuc et al. ("A
counterfactual framework for seller-side A/B testing on marketplaces", SIGIR 2020) and Nandy et al.
("A/B testing for recommender systems in a two-sided marketplace", NeurIPS 2021). Ranks are compared
and not scores, for scores of two rankers need not have one scale, and an arm that gave every item a
higher one would only push the items of the other arm down.

Where two arms have an item at one rank, a coin says who goes first. Its luck belongs to the query
of a session, as that of exploration does: later pages go on where the one before stopped.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.pages import blank_pages
from simulator.protocols import REQUEST_BITS, Pages, Requests, Traces
from simulator.randomness import Draws

_OF_SLOTS = ("items_BK", "sources_BK", "best_ranked_BK", "scores_BK", "propensity_BK")


def merged_pages(
    lists: Sequence[Pages],
    arm_I: NDArray[np.int8],
    requests: Requests,
    slots: int,
    server: int,
    draws: Draws,
) -> Pages:
    """The pages of some requests, from what every arm would show of all that it ranks.

    They are as late as the latest of the lists, and without the channels that any of them lacks.
    As many candidates as the longest pool has count as merged, and as ranked those that may stand
    on a page. Propensities are those of the lists.

    Args:
        lists: of each arm, pages 0 with everything that it ranks, see `Funnel.unpaged`.
        arm_I: arm of each item.
        requests: what was asked.
        slots: most results on a page.
        server: arm that counts as serving the requests.
        draws: luck of ties.
    """
    order_BA = _order(len(lists), requests, draws)
    items_BN = _woven([pages.items_BK for pages in lists], order_BA)
    arm_BN = np.tile(order_BA, items_BN.shape[1] // len(lists)).astype(np.int8)
    own_BN = (items_BN >= 0) & (arm_I[items_BN] == arm_BN)
    place_BN = np.cumsum(own_BN, axis=1) - 1
    first_B1 = (requests.page_B.astype(np.int64) * requests.slots_B)[:, None]
    shown_BN = own_BN & (place_BN >= first_B1) & (place_BN < first_B1 + requests.slots_B[:, None])
    row, column = np.nonzero(shown_BN)
    slot = place_BN[row, column] - first_B1[row, 0]
    found = blank_pages(len(requests), slots, lists[0].traces.ranks_RC.shape[1], server)
    values = {each.name: getattr(found, each.name) for each in fields(Pages)}
    for name in _OF_SLOTS:
        woven_BN = _woven([getattr(pages, name) for pages in lists], order_BA)
        values[name][row, slot] = woven_BN[row, column]
    arms_BK = np.full(found.items_BK.shape, server, np.int8)
    arms_BK[row, slot] = arm_BN[row, column]
    values |= {
        "latency_B": np.max([pages.latency_B for pages in lists], axis=0),
        "dropped_B": np.bitwise_or.reduce([pages.dropped_B for pages in lists]),
        "merged_B": np.max([pages.merged_B for pages in lists], axis=0),
        "ranked_B": own_BN.sum(axis=1, dtype=np.int32),
        "traces": _own_traces([pages.traces for pages in lists], arm_I),
        "slot_arms_BK": arms_BK,
    }
    return Pages(**values)


def _order(arms: int, requests: Requests, draws: Draws) -> NDArray[np.intp]:
    """(B, A) arms in the order in which their items stand where they tie."""
    asked = requests.shopper_B, requests.id_B >> REQUEST_BITS, requests.text_B
    luck_BA = draws.uniform("listing.tie", *(key[:, None] for key in asked), slot=np.arange(arms))
    return np.argsort(luck_BA, axis=1)


def _woven(columns: Sequence[NDArray[Any]], order_BA: NDArray[np.intp]) -> NDArray[Any]:
    """(B, M * A) the first of every list, then the second of every list, and so on."""
    stacked_BMA = np.stack(columns, axis=2)
    woven_BMA = np.take_along_axis(stacked_BMA, order_BA[:, None, :], axis=2)
    return woven_BMA.reshape(len(order_BA), stacked_BMA.shape[1] * len(columns))


def _own_traces(traces: Sequence[Traces], arm_I: NDArray[np.int8]) -> Traces:
    """Of each arm's candidates its own items, request by request in the order of the merge."""
    own = [np.flatnonzero(arm_I[each.item_R] == arm) for arm, each in enumerate(traces)]
    names = [each.name for each in fields(Traces)]
    joined = {
        name: np.concatenate(
            [getattr(each, name)[rows] for each, rows in zip(traces, own, strict=True)]
        )
        for name in names
    }
    order = np.lexsort((joined["merged_R"], joined["row_R"]))
    return Traces(**{name: joined[name][order] for name in names})
