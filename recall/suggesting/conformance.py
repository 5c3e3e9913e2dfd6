"""The conformance suite of a suggester, run on a tiny shop."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from recall.conformance import HOSTILE
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
from recall.suggesting.suggester import Suggester, Suggestions, validate_suggestions
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError
from simulator.log.history import History
from simulator.plugins import Violation
from simulator.protocols import Requests

_MOST = 4


def check_suggester(
    factory: Callable[[], Suggester], catalog: Catalog | None = None
) -> list[Violation]:
    """Every way in which the suggesters that `factory` makes break the contract; [] if none.

    A suggester is fitted on a tiny shop with a log and without one, and asked before the first
    query and after ordinary and hostile ones, singly, in batches and in another order. It must not
    learn from texts that exist and that nobody has asked.

    Args:
        factory: makes a suggester.
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
        try:
            suggester = call("factory()", factory)
            if not isinstance(suggester, Suggester):
                found = type(suggester).__name__
                return [Violation("suggester", found, "have name, fit and suggest")]
            _fit(suggester, catalog, history)
        except Exception as error:
            findings.append(Violation.raised(f"suggester{label}", error, "be made and fitted"))
            continue
        findings += _Check(suggester, catalog, label, texts).run()

    def fitted(history: History) -> Suggester:
        return _fit(call("factory()", factory), catalog, history)

    return findings or list(never_asked(fitted, log))


def _fit(suggester: Suggester, catalog: Catalog, history: History) -> Suggester:
    call("fit()", suggester.fit, catalog, history, Tools(), rng=np.random.default_rng(0))
    return suggester


class _Check:
    """The checks of one fitted suggester."""

    def __init__(
        self, suggester: Suggester, catalog: Catalog, label: str, texts: tuple[str, ...]
    ) -> None:
        self._suggester, self._catalog, self._label = suggester, catalog, label
        requests = sample_requests(catalog, texts=texts)
        first_B = np.arange(len(requests)) % 3 == 0  # of a session, before anything is asked
        text_B = np.where(first_B, np.int32(-1), requests.text_B)
        self._requests = replace(requests, text_B=text_B)

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where plain requests already fail."""
        findings = list(self._valid("suggest()", self._requests))
        if not findings:
            findings += [*self._edges(), *self._pure(), *self._kept()]
        return findings

    def _suggestions(self, requests: Requests, most: int = _MOST) -> Suggestions:
        found: Suggestions = call("suggest()", self._suggester.suggest, requests, most)
        return found

    def _valid(self, place: str, requests: Requests, most: int = _MOST) -> Iterator[Violation]:
        place += self._label
        try:
            validate_suggestions(self._suggestions(requests, most), requests, most)
        except ContractError as error:
            at, _, wanted = str(error).partition(", must ")
            where, _, value = at.partition(" == ")
            yield Violation(f"{place}: {where}", value, wanted)
        except Exception as error:
            yield Violation.raised(place, error, "answer")

    def _edges(self) -> Iterator[Violation]:
        yield from self._valid("suggest(most=1)", self._requests, 1)
        yield from self._valid("suggest(most=100)", self._requests, 100)
        yield from self._valid("suggest(no requests)", self._requests.rows(slice(0, 0)))
        for text in HOSTILE:
            name = repr(text) if len(text) < 20 else f"{text[:8]!r}.. of {len(text)} characters"
            requests = sample_requests(self._catalog, 3, texts=(text,))
            yield from self._valid(f"suggest(text {name})", requests)

    def _pure(self) -> Iterator[Violation]:
        requests, n = self._requests, len(self._requests)
        whole = _told(self._suggestions(requests))
        order = np.random.default_rng(1).permutation(n)
        singles = [_told(self._suggestions(requests.rows(slice(b, b + 1))))[0] for b in range(n)]
        for place, same in (
            ("suggest() asked twice", whole == _told(self._suggestions(requests))),
            ("suggest() asked singly", whole == singles),
            (
                "suggest() in another order",
                [whole[b] for b in order] == _told(self._suggestions(requests.rows(order))),
            ),
        ):
            if not same:
                wanted = "be a function of the request"
                yield Violation(place + self._label, "another answer", wanted)

    def _kept(self) -> Iterator[Violation]:
        place = f"saving{self._label}"
        try:
            kept = saved_copy(self._suggester)
            same = _told(call("suggest()", kept.suggest, self._requests, _MOST)) == _told(
                self._suggestions(self._requests)
            )
        except Exception as error:
            yield Violation.raised(place, error, "be data")
            return
        if not same:
            yield Violation(place, "another answer", "keep the fitted suggester")


def _told(found: Suggestions) -> list[list[str]]:
    """The texts of each request."""
    return [[found.texts[text] for text in row if text >= 0] for row in found.text_BK.tolist()]
