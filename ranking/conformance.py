"""The conformance suite of a ranker, run on a tiny shop; `funnelab check ranker` runs it too."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ranking.contract import score_fault
from ranking.examples import build_examples
from ranking.features import FeatureSet
from ranking.preranker import take
from ranking.rankers.ranker import Ranker
from ranking.recallstage import RecallStage
from ranking.settings import ExamplesSpec
from recall.candidates import Pool
from recall.channel import Channel, Refreshable
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.sampleshop import (
    sample_catalog,
    sample_history,
    sample_index,
    sample_requests,
    sample_texts,
    title_texts,
)
from recall.settings import MergeSpec
from recall.storage import saved_copy
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.plugins import Violation
from simulator.protocols import Requests

_WIDTH = 30
_TOLERANCE = 1e-5  # relative and absolute: pages see scores on a grid about as coarse

Scores = NDArray[np.float32]


def check_ranker(
    factory: Callable[[FeatureSet], Ranker], catalog: Catalog | None = None
) -> list[Violation]:
    """Every way in which the rankers that `factory` makes break the contract; [] if none.

    The ranker is fitted on a tiny shop with clicks and without, refreshed where it can be, and
    asked for scores in a batch, singly, of candidates in another order, and of nobody.

    Args:
        factory: makes a ranker from features.
        catalog: the items; None: those of a tiny shop.
    """
    texts = title_texts(catalog) if catalog is not None else sample_texts()
    catalog = catalog if catalog is not None else sample_catalog()
    stage, features = _shop(catalog)
    findings: list[Violation] = []
    for label, n_requests in (("", 400), (" without clicks", 2)):
        examples = build_examples(
            sample_history(catalog, n_requests, texts=texts),
            catalog,
            stage.pool,
            ExamplesSpec(),
            rng=np.random.default_rng(0),
        )
        if label:
            examples.clicked_BN[:], examples.bought_BN[:] = False, False
        try:
            ranker = call("factory(features)", factory, features)
            if not isinstance(ranker, Ranker):
                found = type(ranker).__name__
                return [Violation("ranker", found, "have name, fit and score")]
            call("fit()", ranker.fit, examples, rng=np.random.default_rng(0))
            if isinstance(ranker, Refreshable):
                call("refresh()", ranker.refresh, sample_index(catalog), 0)
        except Exception as error:
            findings.append(Violation.raised(f"ranker{label}", error, "be made and fitted"))
            continue
        requests = sample_requests(catalog, texts=texts)
        findings += _Check(ranker, requests, stage.pool(requests), label).run()
    return findings


def _shop(catalog: Catalog) -> tuple[RecallStage, FeatureSet]:
    """Two channels over the sample catalogue, and features."""
    history, lexical, popular = sample_history(catalog), LexicalChannel(), PopularChannel()
    channels: dict[str, Channel] = {"lexical": lexical, "popular": popular}
    for channel in channels.values():
        channel.fit(catalog, history, rng=np.random.default_rng(0))
    limits = dict.fromkeys(channels, 20)
    spec = MergeSpec(limit=_WIDTH)
    stage = RecallStage(len(catalog), channels, tuple(channels), limits, spec)
    return stage, FeatureSet(catalog, tuple(channels), lexical)


class _Check:
    """The checks of one fitted ranker."""

    def __init__(self, ranker: Ranker, requests: Requests, pool: Pool, label: str) -> None:
        self._ranker = ranker
        self._requests = requests
        self._pool = pool
        self._held_BN = pool.items_BN >= 0
        self._label = label

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where plain scores already fail."""
        findings = list(self._guarded("score()", self._plain))
        if not findings:
            for place, check in (
                ("score() of no requests", self._nobody),
                ("score() asked singly", self._singles),
                ("score() of candidates in another order", self._reordered),
                ("saving", self._kept),
            ):
                findings += self._guarded(place, check)
        return findings

    def _score(self, requests: Requests, pool: Pool) -> Scores:
        return call("score()", self._ranker.score, requests, pool)

    def _guarded(
        self, place: str, check: Callable[[], Iterator[tuple[str, str]]]
    ) -> Iterator[Violation]:
        place += self._label
        try:
            yield from [Violation(place, found, wanted) for found, wanted in check()]
        except Exception as error:
            yield Violation.raised(place, error, "score")

    def _plain(self) -> Iterator[tuple[str, str]]:
        scores_BN = self._score(self._requests, self._pool)
        fault = score_fault(scores_BN, self._held_BN)
        if fault is not None:
            yield fault[0], fault[1].removeprefix("must ")
        elif not _same(scores_BN, self._score(self._requests, self._pool)):
            yield "another answer when asked twice", "be a function of the request and its pool"

    def _nobody(self) -> Iterator[tuple[str, str]]:
        nobody = np.empty((0, _WIDTH), np.intp)
        scores_BN = self._score(self._requests.rows(slice(0, 0)), take(self._pool, nobody))
        if scores_BN.shape != (0, _WIDTH):
            yield f"shape {scores_BN.shape}", f"have shape {(0, _WIDTH)}"

    def _singles(self) -> Iterator[tuple[str, str]]:
        whole_BN = self._score(self._requests, self._pool)
        for b in range(len(whole_BN)):
            row = slice(b, b + 1)
            names = Pool.__dataclass_fields__
            alone = Pool(*(getattr(self._pool, name)[row] for name in names))
            if not _same(self._score(self._requests.rows(row), alone), whole_BN[row]):
                yield "another answer", "not depend on the other requests of the batch"
                return

    def _reordered(self) -> Iterator[tuple[str, str]]:
        """Scores follow the candidates, or keep to the columns: the order of the merge."""
        whole_BN = self._score(self._requests, self._pool)
        rng = np.random.default_rng(1)
        columns_BN = np.tile(np.arange(_WIDTH), (len(whole_BN), 1))
        for b, count in enumerate(self._held_BN.sum(axis=1)):
            columns_BN[b, :count] = rng.permutation(count)
        moved_BN = self._score(self._requests, take(self._pool, columns_BN))
        followed_BN = np.take_along_axis(whole_BN, columns_BN, axis=1)
        if not _same(moved_BN, followed_BN) and not _same(moved_BN, whole_BN):
            yield "another answer", "follow the candidates (or the columns, for all candidates)"

    def _kept(self) -> Iterator[tuple[str, str]]:
        copy = saved_copy(self._ranker)
        scores_BN = self._score(self._requests, self._pool)
        if not _same(call("score()", copy.score, self._requests, self._pool), scores_BN):
            yield "another answer", "keep the fitted ranker"


def _same(one_BN: Scores, other_BN: Scores) -> bool:
    return one_BN.shape == other_BN.shape and bool(
        np.allclose(one_BN, other_BN, rtol=_TOLERANCE, atol=_TOLERANCE)
    )
