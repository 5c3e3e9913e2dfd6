"""The reranked channel: a scorer orders what another channel finds, and may leave some out."""

from typing import Any

import numpy as np

from recall.candidates import Candidates
from recall.channel import Channel, PairScorer, Refreshable
from recall.composed.settings import RerankedSpec
from recall.composed.trying import last_first_pages
from recall.judge import Floats, Judge
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ConfigError, ContractError
from simulator.log.history import History
from simulator.protocols import Index, Requests

_STEPS = 2.0**14
"""A judge's scores, 0 to 1, are rounded to so many steps: last bits may depend on the batch."""
_FIRST = 10


class RerankedChannel:
    """The first `depth` candidates of `inner` in the order of `scorer`, best first.

    Candidates that do not score above the threshold are left out. Ties keep the order of the inner
    channel, so a scorer that knows nothing changes nothing.

    Args:
        spec: settings.
        name: in the run.
        inner: the channel that finds candidates.
        scorer: a judge, or a channel that scores given items; it may be `inner` itself.

    Raises:
        ConfigError: a scorer that cannot score given items.
    """

    def __init__(
        self, spec: RerankedSpec, name: str = "reranked", *, inner: Channel, scorer: PairScorer
    ) -> None:
        if not isinstance(scorer, PairScorer):
            raise ConfigError(
                f"channels.{name}.scorer == {spec.scorer!r}, must be a part that has pair_scores()"
            )
        self.name = name
        self._spec = spec
        self._inner = inner
        self._scorer = scorer
        self._figures: dict[str, Any] = {}

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Fit both parts; a judge learns from clicks. A run fits them apart, and calls `try_on`."""
        inner_rng, scorer_rng = rng.spawn(2)
        self._inner.fit(catalog, history, rng=inner_rng)
        if isinstance(self._scorer, Judge):
            self._scorer.fit(catalog, history, Annotations.empty(), rng=scorer_rng)
        elif isinstance(self._scorer, Channel) and not self._same():
            self._scorer.fit(catalog, history, rng=scorer_rng)
        self.try_on(history)

    def refresh(self, index: Index, arm: int) -> None:
        """Hand the snapshot to the parts that read it."""
        parts = [self._inner] if self._same() else [self._inner, self._scorer]
        for part in parts:
            if isinstance(part, Refreshable):
                part.refresh(index, arm)

    def _same(self) -> bool:
        """Whether the inner channel scores its own candidates."""
        scorer: object = self._scorer
        return scorer is self._inner

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """At most `limit` of the first `depth` candidates, by score."""
        found = self._inner.recall(requests, self._spec.depth)
        scores_BN = self._scores(requests, found.items_BN)
        kept_BN = found.items_BN >= 0
        if self._spec.threshold is not None:
            kept_BN &= scores_BN > self._spec.threshold
        key_BN = np.where(kept_BN, -scores_BN, np.inf)
        order_BN = np.argsort(key_BN, axis=1, kind="stable")[:, :limit]
        items_BN = np.where(kept_BN, found.items_BN, np.int32(-1))
        scores_BN = np.where(kept_BN, scores_BN, np.float32(0))
        return Candidates(
            np.take_along_axis(items_BN, order_BN, axis=1),
            np.take_along_axis(scores_BN, order_BN, axis=1),
            found.late_B,
        )

    def _scores(self, requests: Requests, items_BN: Ints) -> Floats:
        """(B, N) scores of candidates, 0 on padding.

        Raises:
            ContractError: the scorer answers in another shape, or with what is no number.
        """
        found = np.asarray(self._scorer.pair_scores(requests, items_BN), np.float32)
        place = f"channels.{self.name}: {self._spec.scorer}.pair_scores()"
        if found.shape != items_BN.shape:
            raise ContractError(f"{place}.shape == {found.shape}, must be {items_BN.shape}")
        scores_BN = np.where(items_BN >= 0, found, np.float32(0))
        if not np.isfinite(scores_BN).all():
            raise ContractError(f"{place} == nan or inf, must be finite")
        if isinstance(self._scorer, Judge):
            scores_BN = np.round(scores_BN * np.float32(_STEPS)) / np.float32(_STEPS)
        return scores_BN

    def try_on(self, history: History) -> None:
        """Ask for the last first pages of a log, for the report."""
        self._figures = {}
        requests = last_first_pages(history)
        if requests is None:
            return
        found = self._inner.recall(requests, self._spec.depth).items_BN
        kept = self.recall(requests, self._spec.limit).items_BN
        same_BNM = kept[:, :_FIRST, None] == found[:, None, :_FIRST]
        same_B = (same_BNM.any(axis=2) & (kept[:, :_FIRST] >= 0)).sum(axis=1)
        first_B = np.minimum((kept >= 0).sum(axis=1), _FIRST)
        self._figures = {
            "requests_tried": len(requests),
            "candidates_scored": round(float((found >= 0).sum(axis=1).mean()), 2),
            "candidates_kept": round(float((kept >= 0).sum(axis=1).mean()), 2),
            "requests_without_a_candidate": round(float((kept < 0).all(axis=1).mean()), 4),
            "first_10_that_were_not": round(
                1 - float(same_B.sum()) / max(float(first_B.sum()), 1.0), 4
            ),
        }

    def report(self) -> dict[str, Any]:
        """What it is made of, and how it changes the candidates of the log's last first pages."""
        spec = self._spec
        return {"inner": spec.inner, "scorer": spec.scorer, "depth": spec.depth, **self._figures}
