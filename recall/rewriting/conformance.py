"""The conformance suite of a query rewriter, run on a tiny shop."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from recall.rewriting.rewriter import Rewriter, Rewrites, validate_rewrites
from recall.sampleshop import (
    sample_catalog,
    sample_history,
    sample_requests,
    sample_texts,
    title_texts,
)
from recall.steps.checking import ListCheck
from recall.steps.neverasked import never_asked
from recall.steps.tools import Tools
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError
from simulator.log.history import History
from simulator.plugins import Violation
from simulator.protocols import Requests


def check_rewriter(
    factory: Callable[[], Rewriter], catalog: Catalog | None = None
) -> list[Violation]:
    """Every way in which the rewriters that `factory` makes break the contract; [] if none.

    A rewriter is fitted on a tiny shop with a log and without one, and asked ordinary, hostile and
    never-asked texts, singly, in batches and in another order. It must not learn from texts that
    exist and that nobody has asked.

    Args:
        factory: makes a rewriter.
        catalog: the items; None: those of a tiny shop.
    """
    texts = title_texts(catalog) if catalog is not None else sample_texts()
    catalog = catalog if catalog is not None else sample_catalog()
    log = sample_history(catalog, texts=texts)
    findings: list[Violation] = []
    for label, history in (
        ("", log),
        (" with an empty history", sample_history(catalog, 0, texts=texts)),
    ):
        rewriter, problems = _fitted(factory, catalog, history, label)
        findings += problems
        if rewriter is not None:
            findings += _Check(
                *(rewriter, "rewriter", "rewrite"),
                *(sample_requests(catalog, texts=texts), catalog, label),
            ).run()
    return findings or list(never_asked(lambda h: _made(factory, catalog, h), log))


def _made(factory: Callable[[], Rewriter], catalog: Catalog, history: History) -> Rewriter:
    rewriter = call("factory()", factory)
    call("fit()", rewriter.fit, catalog, history, Tools(), rng=np.random.default_rng(0))
    return rewriter


def _fitted(
    factory: Callable[[], Rewriter], catalog: Catalog, history: History, label: str
) -> tuple[Rewriter | None, list[Violation]]:
    try:
        rewriter = call("factory()", factory)
    except Exception as error:
        return None, [Violation.raised("factory()", error, "make a rewriter")]
    if not isinstance(rewriter, Rewriter):
        return None, [Violation("rewriter", type(rewriter).__name__, "have name, fit and rewrite")]
    try:
        call("fit()", rewriter.fit, catalog, history, Tools(), rng=np.random.default_rng(0))
    except Exception as error:
        return None, [Violation.raised(f"fit(){label}", error, "learn")]
    return rewriter, []


class _Check(ListCheck):
    """The checks of one fitted rewriter."""

    def validate(self, found: Rewrites, requests: Requests, most: int) -> None:
        """Refuse wordings that break the contract."""
        validate_rewrites(found, requests, most)
        if self.asked(requests, most).texts is not found.texts:
            raise ContractError("texts == made anew, must be one object for one world")

    def told(self, found: Rewrites) -> list[list[tuple[str, float]]]:
        """The wordings of each request and their scores."""
        return [
            [
                (found.texts[text], round(float(score), 5))
                for text, score in zip(text_R.tolist(), scores_R.tolist(), strict=True)
                if text >= 0
            ]
            for text_R, scores_R in zip(found.text_BR, found.scores_BR, strict=True)
        ]

    def more(self) -> Iterator[tuple[str, bool]]:
        """Texts that the requests do not ask change nothing."""
        others = replace(self._requests, texts=(*self._requests.texts, "another world"))
        same = self.told(self.asked(others)) == self.told(self.asked(self._requests))
        yield "with more texts", same
