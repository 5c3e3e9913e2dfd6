"""The checks that parts share which answer requests with lists of texts."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from recall.conformance import HOSTILE
from recall.sampleshop import sample_requests
from recall.storage import saved_copy
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError
from simulator.plugins import Violation
from simulator.protocols import Requests

_MOST: Final = 4


class ListCheck(ABC):
    """The checks of one fitted part.

    Args:
        part: a rewriter or a suggester.
        kind: what it is called.
        method: its method that answers.
        requests: ordinary ones.
        catalog: the items.
        label: what it was fitted on, behind every place.
    """

    def __init__(
        self,
        part: Any,
        kind: str,
        method: str,
        requests: Requests,
        catalog: Catalog,
        label: str,
    ) -> None:
        self._part, self._kind, self._method = part, kind, method
        self._requests, self._catalog, self._label = requests, catalog, label

    @abstractmethod
    def validate(self, found: Any, requests: Requests, most: int) -> None:
        """Refuse an answer that breaks the contract.

        Raises:
            ContractError: with place, value found and value wanted.
        """

    @abstractmethod
    def told(self, found: Any) -> list[Any]:
        """What an answer says to each request."""

    def more(self) -> Iterator[tuple[str, bool]]:
        """Further questions whose answers must be the same, and whether they are."""
        yield from ()

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where plain requests already fail."""
        findings = list(self._valid("", self._requests))
        if not findings:
            findings += [*self._edges(), *self._pure(), *self._kept()]
        return findings

    def asked(self, requests: Requests, most: int = _MOST, part: Any = None) -> Any:
        """The answer of the part, or of a copy of it."""
        asked = self._part if part is None else part
        answer: Callable[..., Any] = getattr(asked, self._method)
        return call(f"{self._method}()", answer, requests, most)

    def _valid(self, how: str, requests: Requests, most: int = _MOST) -> Iterator[Violation]:
        place = f"{self._method}({how}){self._label}"
        try:
            self.validate(self.asked(requests, most), requests, most)
        except ContractError as error:
            yield Violation.broken(place, error)
        except Exception as error:
            yield Violation.raised(place, error, "answer")

    def _edges(self) -> Iterator[Violation]:
        yield from self._valid("most=1", self._requests, 1)
        yield from self._valid("most=100", self._requests, 100)
        yield from self._valid("no requests", self._requests.rows(slice(0, 0)))
        for text in HOSTILE:
            name = repr(text) if len(text) < 20 else f"{text[:8]!r}.. of {len(text)} characters"
            requests = sample_requests(self._catalog, 3, texts=(text,))
            yield from self._valid(f"text {name}", requests)

    def _pure(self) -> Iterator[Violation]:
        requests, n = self._requests, len(self._requests)
        whole = self.told(self.asked(requests))
        order = np.random.default_rng(1).permutation(n)
        singles = [self.told(self.asked(requests.rows(slice(b, b + 1))))[0] for b in range(n)]
        turned = self.told(self.asked(requests.rows(order)))
        for how, same in (
            ("asked twice", whole == self.told(self.asked(requests))),
            ("asked singly", whole == singles),
            ("in another order", [whole[b] for b in order] == turned),
            *self.more(),
        ):
            if not same:
                place = f"{self._method}() {how}{self._label}"
                yield Violation(place, "another answer", "be a function of the request")

    def _kept(self) -> Iterator[Violation]:
        place = f"saving{self._label}"
        try:
            answer = self.asked(self._requests, part=saved_copy(self._part))
            same = self.told(answer) == self.told(self.asked(self._requests))
        except Exception as error:
            yield Violation.raised(place, error, "be data")
            return
        if not same:
            yield Violation(place, "another answer", f"keep the fitted {self._kind}")
