"""The channel that asks another one for the text and for other wordings of it.

All are asked at the same time, and what they find is fused: an item's score is the sum of w / (60 +
its rank) over the texts that found it, ranks from 1 (reciprocal rank fusion). For the text itself w
is a setting, for a wording it is how far the rewriter trusts it. The result is cut to the limit, so
an arm with rewriting returns no more items than one without.

A request without a wording gets the inner channel's own answer, with its scores.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.arrays import blank, drain, offer, order_key
from recall.candidates import Candidates
from recall.channel import Channel, Refreshable, Reporting
from recall.composed.trying import last_first_pages
from recall.contract import validate_candidates
from recall.rewriting.rewriter import Rewriter, Rewrites, validate_rewrites
from recall.rewriting.settings import RewrittenSpec
from recall.steps.tools import Tools
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Index, Requests

_RRF_K = 60.0  # Cormack, Clarke and Buettcher, "Reciprocal rank fusion", SIGIR 2009


class RewrittenChannel:
    """Asks `inner` with the wordings of `rewriter`, see the module.

    Args:
        spec: settings.
        name: in the run.
        rewriter: gives wordings.
        inner: the channel that is asked.
    """

    def __init__(
        self, spec: RewrittenSpec, name: str = "rewritten", *, rewriter: Rewriter, inner: Channel
    ) -> None:
        self.name = name
        self._spec = spec
        self._rewriter = rewriter
        self._inner = inner
        self._figures: dict[str, Any] = {}

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Fit both parts. A run fits them apart, and calls `try_on`."""
        rewriter_rng, inner_rng = rng.spawn(2)
        self._rewriter.fit(catalog, history, Tools(), rng=rewriter_rng)
        self._inner.fit(catalog, history, rng=inner_rng)
        self.try_on(history)

    def refresh(self, index: Index, arm: int) -> None:
        """Hand the snapshot to the parts that read one."""
        for part in (self._rewriter, self._inner):
            if isinstance(part, Refreshable):
                call(f"{part.name}: refresh()", part.refresh, index, arm)

    def try_on(self, history: History) -> None:
        """Reword the last first pages of a log, for the report."""
        self._figures = {}
        requests = last_first_pages(history)
        if requests is None:
            return
        limit = self._spec.limit
        count_B = (self._rewrites(requests).text_BR >= 0).sum(axis=1)
        plain = self._inner.recall(requests, limit).items_BN
        found = self.recall(requests, limit).items_BN
        own_BN = (found[:, :, None] == plain[:, None, :]).any(axis=2) & (found >= 0)
        self._figures = {
            "requests_tried": len(requests),
            "requests_reworded": round(float((count_B > 0).mean()), 4),
            "wordings": round(float(count_B.mean()), 4),
            "items_that_the_text_did_not_find": round(
                1 - float(own_BN.sum()) / max(float((found >= 0).sum()), 1.0), 4
            ),
        }

    def report(self) -> dict[str, Any]:
        """What it is made of, what the rewriter tells, and what it does to first pages of a log."""
        told = self._rewriter.report() if isinstance(self._rewriter, Reporting) else {}
        parts = {"rewriter": self._spec.rewriter, "inner": self._spec.inner}
        return {**parts, **told, **self._figures}

    def _rewrites(self, requests: Requests) -> Rewrites:
        """The wordings of requests.

        Raises:
            ContractError: the rewriter breaks its contract.
        """
        most, place = self._spec.rewrites, f"rewriter {self._spec.rewriter}: rewrite()"
        found: Rewrites = call(place, self._rewriter.rewrite, requests, most)
        validate_rewrites(found, requests, most)
        return found

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """The best items by the fused order."""
        rewrites = self._rewrites(requests)
        row_P, rank_P = np.nonzero(rewrites.text_BR >= 0)
        asked = self._asked(requests, rewrites, row_P, rank_P)
        place = f"channel {self._spec.inner}: recall()"
        found = call(place, self._inner.recall, asked, limit)
        n_items = int(found.items_BN.max(initial=-1)) + 1
        validate_candidates(found, len(asked), limit, n_items)
        rows = len(requests)
        own = found.rows(slice(0, rows))
        if not len(row_P):
            return own
        weight_P = np.ones(len(row_P))
        if self._spec.weight == "score":
            weight_P = rewrites.scores_BR[row_P, rank_P].astype(np.float64)
        weight_Q = np.concatenate([np.full(rows, self._spec.original), weight_P])
        ends_B = np.cumsum(np.bincount(row_P, minlength=rows))
        made = blank(rows, own.items_BN.shape[1])
        _fuse(found.items_BN, weight_Q, ends_B, np.zeros(n_items), made.items_BN, made.scores_BN)
        alone_B = np.bincount(row_P, minlength=rows) == 0
        made.items_BN[alone_B] = own.items_BN[alone_B]
        made.scores_BN[alone_B] = own.scores_BN[alone_B]
        return Candidates(made.items_BN, made.scores_BN, _late(found.late_B, row_P, rows))

    def _asked(
        self,
        requests: Requests,
        rewrites: Rewrites,
        row_P: NDArray[np.intp],
        rank_P: NDArray[np.intp],
    ) -> Requests:
        """Each request with its own text, and behind these, with each of its wordings."""
        asked = requests.rows(np.concatenate([np.arange(len(requests)), row_P]))
        text_Q = np.concatenate([requests.text_B, rewrites.text_BR[row_P, rank_P]])
        return replace(asked, text_B=text_Q.astype(np.int32), texts=rewrites.texts)


def _late(
    late_Q: NDArray[np.bool_] | None, row_P: NDArray[np.intp], rows: int
) -> NDArray[np.bool_] | None:
    """Requests of which any text was answered too late."""
    if late_Q is None:
        return None
    late_B = late_Q[:rows].copy()
    late_B[row_P[late_Q[rows:]]] = True
    return late_B


@njit(cache=True, nogil=True)
def _fuse(
    items_QN: Any, weight_Q: Any, ends_B: Any, total_I: Any, items_BN: Any, scores_BN: Any
) -> None:  # pragma: no cover
    """Add up the reciprocal ranks of each request's texts, its own first, and keep the best."""
    rows, start = len(ends_B), 0
    heap = np.empty(items_BN.shape[1], np.int64)
    for b in range(rows):
        for step in range(ends_B[b] - start + 1):
            q = b if step == 0 else rows + start + step - 1
            for n in range(items_QN.shape[1]):
                if items_QN[q, n] >= 0:
                    total_I[items_QN[q, n]] += weight_Q[q] / (_RRF_K + 1.0 + n)
        size = 0
        for step in range(ends_B[b] - start + 1):
            q = b if step == 0 else rows + start + step - 1
            for n in range(items_QN.shape[1]):
                item = items_QN[q, n]
                if item >= 0 and total_I[item] > 0:
                    size = offer(heap, size, order_key(np.float32(total_I[item]), item))
                    total_I[item] = 0.0  # it is offered once
        drain(heap, size, items_BN[b], scores_BN[b])
        start = ends_B[b]
