"""The conformance suite of a channel, run on a tiny shop; `funnelab check channel` runs it too."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from recall.candidates import Candidates
from recall.channel import Channel, Refreshable
from recall.contract import CandidatesError, validate_candidates
from recall.sampleshop import (
    sample_catalog,
    sample_history,
    sample_index,
    sample_requests,
    sample_texts,
    title_texts,
)
from recall.storage import saved_copy
from simulator.calling import call
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.plugins import Violation
from simulator.protocols import Requests

_LIMIT = 10
HOSTILE: Final = (
    "",
    "   ",
    "zzzzqqqq",
    "?!",
    "x" * 5_000,
    "red lamp " * 555,
    "lämpchen 灯 \U0001f4a1",
)
"""Texts that a part may be asked and that break the careless."""


def check_channel(
    factory: Callable[[], Channel], catalog: Catalog | None = None
) -> list[Violation]:
    """Every way in which the channels that `factory` makes break the contract; [] if none.

    The channel is fitted on a tiny shop with a log and without one, refreshed where it can be,
    and asked ordinary and hostile requests, singly, in batches and in another order.

    Args:
        factory: makes a channel.
        catalog: the items; None: those of a tiny shop.
    """
    texts = title_texts(catalog) if catalog is not None else sample_texts()
    catalog = catalog if catalog is not None else sample_catalog()
    findings: list[Violation] = []
    for label, history in (
        ("", sample_history(catalog, texts=texts)),
        (" with an empty history", sample_history(catalog, 0, texts=texts)),
    ):
        channel, problems = _fitted(factory, catalog, history, label)
        findings += problems
        if channel is not None:
            findings += _Check(channel, catalog, label, texts).run()
    return findings


def _fitted(
    factory: Callable[[], Channel], catalog: Catalog, history: History, label: str
) -> tuple[Channel | None, list[Violation]]:
    try:
        channel = call("factory()", factory)
    except Exception as error:
        return None, [Violation.raised("factory()", error, "make a channel")]
    if not isinstance(channel, Channel):
        wanted = "have name, fit and recall"
        return None, [Violation("channel", type(channel).__name__, wanted)]
    named = isinstance(channel.name, str) and channel.name
    problems = (
        [] if named else [Violation("channel.name", repr(channel.name), "be a text, not empty")]
    )
    try:
        call(f"fit(){label}", channel.fit, catalog, history, rng=np.random.default_rng(0))
    except Exception as error:
        return None, [*problems, Violation.raised(f"fit(){label}", error, "learn")]
    return channel, problems


class _Check:
    """The checks of one fitted channel."""

    def __init__(
        self, channel: Channel, catalog: Catalog, label: str, texts: tuple[str, ...]
    ) -> None:
        self._channel = channel
        self._catalog = catalog
        self._label = label
        self._requests = sample_requests(catalog, texts=texts)

    def run(self) -> list[Violation]:
        """All violations; the later checks are left out where plain requests already fail."""
        findings = [*self._valid("recall()", self._requests, _LIMIT)]
        if not findings:
            findings += [*self._limits(), *self._hostile(), *self._pure(), *self._kept()]
        if not findings and isinstance(self._channel, Refreshable):
            findings += self._refreshed()
        return findings

    def _recall(self, requests: Requests, limit: int = _LIMIT) -> Candidates:
        return call("recall()", self._channel.recall, requests, limit)

    def _valid(self, place: str, requests: Requests, limit: int) -> Iterator[Violation]:
        place += self._label
        try:
            found = self._recall(requests, limit)
            validate_candidates(found, len(requests), limit, len(self._catalog))
        except CandidatesError as error:
            yield Violation.broken(place, error, ".")
        except Exception as error:
            yield Violation.raised(place, error, "answer")

    def _limits(self) -> Iterator[Violation]:
        for limit in (1, len(self._catalog) + 7):
            yield from self._valid(f"recall(limit={limit})", self._requests, limit)
        nobody = self._requests.rows(slice(0, 0))
        yield from self._valid("recall(no requests)", nobody, _LIMIT)

    def _hostile(self) -> Iterator[Violation]:
        for text in HOSTILE:
            requests = sample_requests(self._catalog, 3, texts=(text,))
            name = repr(text) if len(text) < 20 else f"{text[:8]!r}.. of {len(text)} characters"
            yield from self._valid(f"recall(text {name})", requests, _LIMIT)

    def _pure(self) -> Iterator[Violation]:
        requests, n = self._requests, len(self._requests)
        whole = self._recall(requests)
        order = np.random.default_rng(1).permutation(n)
        fresh = replace(requests, texts=(*requests.texts, "another world"))
        singles = [self._recall(requests.rows(slice(b, b + 1))) for b in range(n)]
        shuffled = self._recall(requests.rows(order))
        for place, same in (
            ("recall() asked twice", _same(whole, self._recall(requests))),
            (
                "recall() asked singly",
                all(_same(whole.rows(slice(b, b + 1)), singles[b]) for b in range(n)),
            ),
            ("recall() in another order", _same(whole.rows(order), shuffled)),
            ("recall() with more texts", _same(whole, self._recall(fresh))),
        ):
            if not same:
                yield Violation(
                    place + self._label, "another answer", "be a function of the request"
                )

    def _kept(self) -> Iterator[Violation]:
        try:
            copy = saved_copy(self._channel)
            answer = call("recall()", copy.recall, self._requests, _LIMIT)
            same = _same(self._recall(self._requests), answer)
        except Exception as error:
            yield Violation.raised(f"saving{self._label}", error, "be data")
            return
        if not same:
            yield Violation(f"saving{self._label}", "another answer", "keep the fitted channel")

    def _refreshed(self) -> Iterator[Violation]:
        assert isinstance(self._channel, Refreshable)
        try:
            call("refresh()", self._channel.refresh, sample_index(self._catalog), 0)
        except Exception as error:
            yield Violation.raised(f"refresh(){self._label}", error, "read a snapshot")
            return
        findings = list(self._valid("recall() after refresh()", self._requests, _LIMIT))
        yield from findings or self._pure()


def _same(one: Candidates, other: Candidates) -> bool:
    """Equal bit for bit, but for padding."""
    width = max(one.items_BN.shape[1], other.items_BN.shape[1])
    items, scores = zip(*(_padded(found, width) for found in (one, other)), strict=True)
    return np.array_equal(*items) and np.array_equal(*scores)


def _padded(found: Candidates, width: int) -> tuple[np.ndarray, np.ndarray]:
    missing = ((0, 0), (0, width - found.items_BN.shape[1]))
    items = np.pad(found.items_BN, missing, constant_values=-1)
    return items, np.where(items >= 0, np.pad(found.scores_BN, missing), np.float32(0))
