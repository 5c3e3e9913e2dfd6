"""The conformance suite of a suggester, run on a tiny shop."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

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
from recall.suggesting.suggester import Suggester, Suggestions, validate_suggestions
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.plugins import Violation
from simulator.protocols import Requests


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
        findings += _Check(
            *(suggester, "suggester", "suggest", _requests(catalog, texts), catalog, label)
        ).run()

    def fitted(history: History) -> Suggester:
        return _fit(call("factory()", factory), catalog, history)

    return findings or list(never_asked(fitted, log))


def _fit(suggester: Suggester, catalog: Catalog, history: History) -> Suggester:
    call("fit()", suggester.fit, catalog, history, Tools(), rng=np.random.default_rng(0))
    return suggester


def _requests(catalog: Catalog, texts: tuple[str, ...]) -> Requests:
    """Requests of which a third are of a session that has not begun."""
    requests = sample_requests(catalog, texts=texts)
    first_B = np.arange(len(requests)) % 3 == 0
    return replace(requests, text_B=np.where(first_B, np.int32(-1), requests.text_B))


class _Check(ListCheck):
    """The checks of one fitted suggester."""

    def validate(self, found: Suggestions, requests: Requests, most: int) -> None:
        """Refuse suggestions that break the contract."""
        validate_suggestions(found, requests, most)

    def told(self, found: Suggestions) -> list[list[str]]:
        """The texts of each request."""
        return [[found.texts[text] for text in row if text >= 0] for row in found.text_BK.tolist()]
