"""A channel that asks a search service over HTTP: any engine that answers JSON."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np

from recall.arrays import blank
from recall.candidates import Candidates
from recall.service.answers import Answer, AnswerFile
from recall.service.settings import LIMIT, QUERIES, QUERY, ServiceSpec
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError
from simulator.log.history import History
from simulator.protocols import Requests

_GREATEST = float(np.finfo(np.float32).max)
_MOST_BYTES = 64 * 2**20  # of one answer


class ServiceChannel:
    """Asks a service for each text once, and answers from the file of its answers ever after.

    A call that takes longer than the time limit is late: it counts as a missed deadline, in every
    repetition too. One that fails otherwise raises, so that the channel is dropped and told of.
    """

    def __init__(self, spec: ServiceSpec, name: str = "http") -> None:
        self.name = name
        self._spec = spec

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Learn which item has which id."""
        self._number = {str(key): item for item, key in enumerate(catalog.key_I)}

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """The items that the service has for each request's text."""
        texts = [requests.texts[text] for text in requests.text_B]
        known = self._answers(list(dict.fromkeys(texts)), limit)
        found, late_B = blank(len(requests), limit), np.zeros(len(requests), np.bool_)
        for b, text in enumerate(texts):
            answer = known[text]
            late_B[b] = answer.late
            items, scores = self._items(answer, text, limit)
            found.items_BN[b, : len(items)] = items
            found.scores_BN[b, : len(items)] = scores
        return Candidates(found.items_BN, found.scores_BN, late_B if late_B.any() else None)

    def _answers(self, texts: Sequence[str], limit: int) -> dict[str, Answer]:
        """What the service says to these texts, asked where it is not known yet."""
        spec, file = self._spec, AnswerFile(Path(self._spec.cache))
        told = json.dumps([spec.url, spec.body, spec.ids, spec.scores, limit])
        questions = {text: f"{told}\n{text}" for text in texts}
        known = file.find(list(questions.values()))
        missing = [text for text in texts if questions[text] not in known]
        parts = [missing[at : at + spec.batch] for at in range(0, len(missing), spec.batch)]
        with ThreadPoolExecutor(spec.parallel) as pool:
            for part, answers in zip(
                parts, pool.map(lambda part: self._asked(part, limit), parts), strict=True
            ):
                new = zip(part, answers, strict=True)
                known |= file.keep({questions[text]: answer for text, answer in new})
        return {text: known[question] for text, question in questions.items()}

    def _asked(self, texts: Sequence[str], limit: int) -> list[Answer]:
        """One call for a batch of texts.

        Raises:
            ContractError: the service cannot be reached, refuses, or answers something else.
        """
        spec, place = self._spec, self._spec.url
        address, data = _filled(spec, texts, limit)
        headers = {"Accept": "application/json"} | (
            {"Content-Type": "application/json"} if data is not None else {}
        )
        try:
            with urlopen(Request(address, data, headers), timeout=spec.timeout_s) as stream:
                raw = stream.read(_MOST_BYTES + 1)
        except HTTPError as error:
            error.close()
            raise ContractError(f"{place} == status {error.code}, must answer with 200") from error
        except (TimeoutError, URLError, OSError) as error:
            if isinstance(getattr(error, "reason", error), TimeoutError):
                return [Answer(late=True) for _ in texts]
            raise ContractError(f"{place} == {error}, must be reachable") from error
        try:
            if len(raw) > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES:,} bytes")
            answer = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise ContractError(f"{place} == {error}, must answer JSON") from error
        return list(_taken(spec, answer, len(texts)))

    def _items(self, answer: Answer, text: str, limit: int) -> tuple[list[int], list[float]]:
        """Known items, best first, and their scores."""
        pairs: dict[int, float] = {}
        for place, key in enumerate(answer.ids):
            if key in self._number:
                score = answer.scores[place] if answer.scores else -float(place)
                pairs.setdefault(self._number[key], score)
        if answer.ids and not pairs:
            raise ContractError(
                f"{self._spec.url} == ids {list(answer.ids[:3])} for {text!r}, must be ids of the "
                "catalogue (is `ids` the right path?)"
            )
        best = sorted(pairs.items(), key=lambda pair: -pair[1])[:limit]
        return [item for item, _ in best], [score for _, score in best]


def _filled(spec: ServiceSpec, texts: Sequence[str], limit: int) -> tuple[str, bytes | None]:
    """Address and body of a call."""
    address = spec.url.replace(QUERY, quote(texts[0], safe="")).replace(LIMIT, str(limit))
    if not spec.body:
        return address, None
    values = {QUERY: texts[0], QUERIES: list(texts), LIMIT: limit}

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: put(each) for key, each in value.items()}
        if isinstance(value, list):
            return [put(each) for each in value]
        if isinstance(value, str):
            if value in values:
                return values[value]
            return value.replace(QUERY, texts[0]).replace(LIMIT, str(limit))
        return value

    return address, json.dumps(put(json.loads(spec.body))).encode()


def _taken(spec: ServiceSpec, answer: Any, queries: int) -> Iterator[Answer]:
    """The answer to each query of a call.

    Raises:
        ContractError: its form is not that of the settings.
    """
    for number in range(queries):
        at = number if spec.batch > 1 else None
        ids = [_key(spec, each) for each in _followed(spec, answer, spec.ids, at)]
        scores = [] if not spec.scores else _followed(spec, answer, spec.scores, at)
        if spec.scores and len(scores) != len(ids):
            raise ContractError(
                f"{spec.url} == {len(ids)} ids and {len(scores)} scores, must be as many of each"
            )
        yield Answer(tuple(ids), tuple(_score(spec, each) for each in scores))


def _key(spec: ServiceSpec, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ContractError(f"{spec.url}: {spec.ids} == {value!r}, must be an id (text or number)")
    return str(value)


def _score(spec: ServiceSpec, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not abs(value) <= _GREATEST:
        raise ContractError(f"{spec.url}: {spec.scores} == {value!r}, must be a finite number")
    return float(np.float32(value))


def _followed(spec: ServiceSpec, answer: Any, path: str, first: int | None) -> list[Any]:
    """What lies at a path of an answer; `first` is the entry that its first `*` means."""
    found = [answer]
    for step in path.split("."):
        deeper: list[Any] = []
        for each in found:
            if step == "*" and isinstance(each, list):
                if first is None:
                    deeper += each
                elif first < len(each):
                    deeper.append(each[first])
                else:
                    raise ContractError(
                        f"{spec.url} == {len(each)} answers, must be one for each query"
                    )
            elif step != "*" and isinstance(each, dict) and step in each:
                deeper.append(each[step])
            else:
                kind = type(each).__name__
                keys = f" with keys {list(each)[:8]}" if isinstance(each, dict) else ""
                raise ContractError(
                    f"{spec.url}: no {step!r} of {path} in a {kind}{keys}, must be there"
                )
        if step == "*":
            first = None
        found = deeper
    return found
