"""The conformance suite of a query rewriter, run on a tiny shop."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from recall.conformance import HOSTILE
from recall.rewriting.rewriter import Rewriter, Rewrites, validate_rewrites
from recall.sampleshop import (
    sample_catalog,
    sample_history,
    sample_requests,
    sample_texts,
    title_texts,
)
from recall.steps.neverasked import never_asked
from recall.steps.tools import Tools
from recall.storage import saved_copy
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError
from simulator.log.history import History
from simulator.plugins import Violation
from simulator.protocols import Requests

_MOST = 4


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
            findings += _Check(rewriter, catalog, label, texts).run()
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


class _Check:
    """The checks of one fitted rewriter."""

    def __init__(
        self, rewriter: Rewriter, catalog: Catalog, label: str, texts: tuple[str, ...]
    ) -> None:
        self._rewriter, self._catalog, self._label = rewriter, catalog, label
        self._requests = sample_requests(catalog, texts=texts)

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where plain requests already fail."""
        findings = list(self._valid("rewrite()", self._requests))
        if not findings:
            findings += [*self._edges(), *self._pure(), *self._kept()]
        return findings

    def _rewrites(self, requests: Requests, most: int = _MOST) -> Rewrites:
        found: Rewrites = call("rewrite()", self._rewriter.rewrite, requests, most)
        return found

    def _valid(self, place: str, requests: Requests, most: int = _MOST) -> Iterator[Violation]:
        place += self._label
        try:
            found = self._rewrites(requests, most)
            validate_rewrites(found, requests, most)
            if self._rewrites(requests, most).texts is not found.texts:
                yield Violation(f"{place}.texts", "made anew", "be one object for one world")
        except ContractError as error:
            at, _, wanted = str(error).partition(", must ")
            where, _, value = at.partition(" == ")
            yield Violation(f"{place}: {where}", value, wanted)
        except Exception as error:
            yield Violation.raised(place, error, "answer")

    def _edges(self) -> Iterator[Violation]:
        yield from self._valid("rewrite(most=1)", self._requests, 1)
        yield from self._valid("rewrite(most=100)", self._requests, 100)
        yield from self._valid("rewrite(no requests)", self._requests.rows(slice(0, 0)))
        for text in HOSTILE:
            name = repr(text) if len(text) < 20 else f"{text[:8]!r}.. of {len(text)} characters"
            requests = sample_requests(self._catalog, 3, texts=(text,))
            yield from self._valid(f"rewrite(text {name})", requests)

    def _pure(self) -> Iterator[Violation]:
        requests, n = self._requests, len(self._requests)
        whole = _told(self._rewrites(requests))
        order = np.random.default_rng(1).permutation(n)
        more = replace(requests, texts=(*requests.texts, "another world"))
        singles = [_told(self._rewrites(requests.rows(slice(b, b + 1))))[0] for b in range(n)]
        for place, same in (
            ("rewrite() asked twice", whole == _told(self._rewrites(requests))),
            ("rewrite() asked singly", whole == singles),
            (
                "rewrite() in another order",
                [whole[b] for b in order] == _told(self._rewrites(requests.rows(order))),
            ),
            ("rewrite() with more texts", whole == _told(self._rewrites(more))),
        ):
            if not same:
                wanted = "be a function of the request"
                yield Violation(place + self._label, "another answer", wanted)

    def _kept(self) -> Iterator[Violation]:
        place = f"saving{self._label}"
        try:
            answer = call("rewrite()", saved_copy(self._rewriter).rewrite, self._requests, _MOST)
            same = _told(answer) == _told(self._rewrites(self._requests))
        except Exception as error:
            yield Violation.raised(place, error, "be data")
            return
        if not same:
            yield Violation(place, "another answer", "keep the fitted rewriter")


def _told(found: Rewrites) -> list[list[tuple[str, float]]]:
    """The wordings of each request and their scores."""
    return [
        [
            (found.texts[text], round(float(score), 5))
            for text, score in zip(text_R.tolist(), scores_R.tolist(), strict=True)
            if text >= 0
        ]
        for text_R, scores_R in zip(found.text_BR, found.scores_BR, strict=True)
    ]
