"""The search service of a world in which an agent orders the candidates of some requests."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ranking.funnel import Answers, Funnel
from simulator.catalogue.catalog import Ints
from simulator.protocols import REQUEST_BITS, Fault, Index, Pages, Requests


@dataclass(frozen=True)
class Offer:
    """One request, and what its page may show.

    Attributes:
        requests: the one request.
        index: what the shop knew at the last refresh.
        items_M: the candidates that the funnel ranked, in its own order, -1 padded.
        scores_M: the ranker's score of each, NaN on padding.
        ranks_MC: 0-based rank of each in each channel, -1 where that did not find it.
    """

    requests: Requests
    index: Index
    items_M: Ints
    scores_M: NDArray[np.float32]
    ranks_MC: NDArray[np.int16]


Choose = Callable[[Offer], NDArray[np.intp] | None]
"""Tells the columns of an offer from first to last; None: as the funnel has them."""


class AgentService:
    """A `simulator.protocols.SearchService`: an agent's for one session, the funnel's for all else.

    Candidates, latency, dropped channels and what the log tells of them are the funnel's own for
    the agent's requests, too: the agent decides the order alone. Whether it draws lots is its own
    matter, so the propensity of its slots is NaN.

    Attributes:
        channels: as of the funnel.
        session: id of the session whose requests the agent is asked; None: of none.
        choose: asks the agent; None: there is none yet.
    """

    def __init__(self, funnel: Funnel) -> None:
        self.funnel = funnel
        self.channels = funnel.channels
        self.session: int | None = None
        self.choose: Choose | None = None
        self._whole = funnel.unpaged()
        self._index: Index | None = None

    @property
    def index(self) -> Index:
        """What the shop knew at the last refresh."""
        assert self._index is not None
        return self._index

    def refresh(self, index: Index) -> None:
        """Hand the snapshot to the funnel."""
        self._index = index
        self.funnel.refresh(index)

    def serve(self, requests: Requests) -> Pages:
        """One page for each request.

        Raises:
            ConfigError, ContractError: as of the funnel.
        """
        mine = self.asked(requests)
        if self.choose is None or not len(mine):
            return self.funnel.serve(requests)
        answers = self.funnel.ask(requests)
        self.funnel.count(answers)
        pages = self.funnel.pages(answers)
        ranked = self._ranked(answers.rows(mine))
        order_M = self.choose(self._offer(requests.rows(mine), ranked))
        if order_M is not None:
            _show(pages, int(mine[0]), ranked, order_M, requests)
        return pages

    def asked(self, requests: Requests) -> NDArray[np.intp]:
        """Rows of the agent's requests, of which a block has one at most."""
        session = -1 if self.session is None else self.session
        return np.flatnonzero(requests.id_B >> REQUEST_BITS == session)

    def faults(self) -> list[Fault]:
        """As of the funnel."""
        return self.funnel.faults()

    def _ranked(self, answers: Answers) -> Pages:
        """All that the funnel ranks for the one request, as a page with room for it."""
        whole = self._whole.whole(answers.requests)
        traced = replace(whole, traced_B=np.ones(1, np.bool_))
        return self._whole.pages(replace(answers, requests=traced))

    def _offer(self, requests: Requests, ranked: Pages) -> Offer:
        items_M, traces = ranked.items_BK[0], ranked.traces
        order_R = np.argsort(traces.item_R)
        ranks_MC = np.full((len(items_M), len(self.channels)), -1, np.int16)
        real_M = items_M >= 0
        at_R = np.searchsorted(traces.item_R, items_M[real_M], sorter=order_R)
        ranks_MC[real_M] = traces.ranks_RC[order_R[at_R]]
        return Offer(requests, self.index, items_M, ranked.scores_BK[0], ranks_MC)

    def __repr__(self) -> str:
        """The funnel, drawn."""
        return repr(self.funnel)


def _show(
    pages: Pages, row: int, ranked: Pages, order_M: NDArray[np.intp], requests: Requests
) -> None:
    """Put the agent's part of its order on a page."""
    slots, page = int(requests.slots_B[row]), int(requests.page_B[row])
    real_M = order_M[ranked.items_BK[0, order_M] >= 0]
    shown_K = real_M[page * slots : (page + 1) * slots]
    for name, blank in (("items", -1), ("sources", 0), ("best_ranked", 0), ("scores", np.nan)):
        own_K: NDArray[np.generic] = getattr(pages, f"{name}_BK")[row]
        own_K[:] = blank
        own_K[: len(shown_K)] = getattr(ranked, f"{name}_BK")[0, shown_K]
    pages.propensity_BK[row] = 1.0
    pages.propensity_BK[row, : len(shown_K)] = np.nan
