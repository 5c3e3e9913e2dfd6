"""A search service is a channel: asked once, kept on disk, late where it is late."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from recall.conformance import check_channel
from recall.contract import validate_candidates
from recall.sampleshop import sample_catalog, sample_history, sample_requests
from recall.service.answers import Answer, AnswerFile
from recall.service.channel import ServiceChannel
from recall.service.settings import ServiceSpec
from simulator.errors import ContractError, DataError
from tests.recall.service.engine import Engine, serving

CATALOG = sample_catalog()
TEXTS = ("red lamp", "chair", "zzzz qqqq", "l\u00e4mp & co?", 'say "lamp"', "")


@pytest.fixture
def engine() -> Engine:
    return Engine(list(CATALOG.key_I), list(CATALOG.title_I))


@pytest.fixture
def fitted(engine: Engine, tmp_path: Path) -> Iterator[Callable[..., ServiceChannel]]:
    with serving(engine) as address:

        def make(**changes: Any) -> ServiceChannel:
            settings = {"url": f"{address}/?q={{query}}&k={{limit}}", "scores": "hits.*.score"}
            settings |= {"cache": str(tmp_path / "answers.sqlite")} | changes
            settings = {
                k: v.replace("ADDRESS", address) if isinstance(v, str) else v
                for k, v in settings.items()
            }
            channel = ServiceChannel(ServiceSpec(**settings))
            channel.fit(CATALOG, sample_history(CATALOG), rng=np.random.default_rng(0))
            return channel

        yield make


def asked(channel: ServiceChannel, texts: tuple[str, ...] = TEXTS, limit: int = 8) -> Any:
    found = channel.recall(sample_requests(CATALOG, 3 * len(texts), texts=texts), limit)
    validate_candidates(found, 3 * len(texts), limit, len(CATALOG))
    return found


def test_the_engines_order_and_scores_are_the_channels(fitted: Any, engine: Engine) -> None:
    found = asked(fitted())
    for b, text in enumerate(TEXTS):
        hits = engine.search(text, 8)
        items = found.items_BN[b][found.items_BN[b] >= 0]
        assert sorted(CATALOG.key_I[items]) == sorted(hit["id"] for hit in hits)
        scores = sorted((np.float32(hit["score"]) for hit in hits), reverse=True)
        assert found.scores_BN[b, : len(items)].tolist() == scores
    assert found.late_B is None


def test_a_text_is_asked_once_and_then_answered_from_the_file(fitted: Any, engine: Engine) -> None:
    first = asked(fitted())
    assert sorted(engine.calls) == sorted(TEXTS)
    engine.answer = {"hits": []}  # whatever it would say now
    again = asked(fitted())
    assert np.array_equal(first.items_BN, again.items_BN)
    assert np.array_equal(first.scores_BN, again.scores_BN)
    assert len(engine.calls) == len(TEXTS)


def test_queries_are_sent_together_where_the_engine_takes_lists(
    fitted: Any, engine: Engine, tmp_path: Path
) -> None:
    one = asked(fitted())
    calls = len(engine.calls)
    together = fitted(
        url="ADDRESS/many",
        body='{"queries": "{queries}", "size": "{limit}"}',
        ids="responses.*.hits.*.id",
        scores="responses.*.hits.*.score",
        batch=4,
        cache=str(tmp_path / "other.sqlite"),
    )
    many = asked(together)
    assert np.array_equal(one.items_BN, many.items_BN)
    assert sorted(engine.calls[calls:]) == ["2 together", "4 together"]


def test_a_body_is_filled_as_json(fitted: Any, tmp_path: Path) -> None:
    one = asked(fitted())
    posted = fitted(
        url="ADDRESS/",
        body='{"query": {"match": "{query}"}, "size": "{limit}"}',
        cache=str(tmp_path / "other.sqlite"),
    )
    assert np.array_equal(one.items_BN, asked(posted).items_BN)


def test_a_call_that_takes_too_long_is_late_in_every_repetition(
    fitted: Any, engine: Engine
) -> None:
    engine.slow = {"chair"}
    channel = fitted(timeout_s=0.3)
    found = asked(channel)
    late = [text == "chair" for text in TEXTS] * 3
    assert found.late_B.tolist() == late
    assert (found.items_BN[found.late_B] == -1).all()
    engine.slow = set()
    assert asked(fitted(timeout_s=0.3)).late_B.tolist() == late


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"<html>", "must answer JSON"),
        (b"status 500", "status 500, must answer with 200"),
        ({"results": []}, "no 'hits' of hits.*.id in a dict with keys ['results'], must be there"),
        ({"hits": [{"id": 1.5, "score": 1}]}, "hits.*.id == 1.5, must be an id"),
        ({"hits": [{"id": "sku-1", "score": None}]}, "score == None, must be a finite number"),
        ({"hits": [{"id": "other", "score": 1}]}, "must be ids of the catalogue"),
        ({"hits": [{"id": "sku-1", "score": 1e300}]}, "score == 1e+300, must be a finite number"),
        (b"[" * 100_000, "must answer JSON"),
    ],
)
def test_an_answer_of_another_form_is_told(
    fitted: Any, engine: Engine, answer: Any, told: str
) -> None:
    engine.answer = answer
    with pytest.raises(ContractError) as caught:
        asked(fitted())
    assert told in str(caught.value)


def test_a_service_that_is_not_there_is_told(fitted: Any) -> None:
    with pytest.raises(ContractError, match=r"Connection refused.*, must be reachable"):
        asked(fitted(url="http://127.0.0.1:9/?q={query}"))


def test_it_keeps_the_contract_of_a_channel(fitted: Any) -> None:
    assert check_channel(lambda: fitted(scores="")) == []


def test_the_first_answer_that_is_kept_counts_for_all(tmp_path: Path) -> None:
    one, other = AnswerFile(tmp_path / "a"), AnswerFile(tmp_path / "a")
    first, second = Answer(("x",), (1.0,)), Answer(late=True)
    assert one.keep({"q": first}) == {"q": first}
    assert other.keep({"q": second}) == {"q": first}
    assert other.find(["q", "r"]) == {"q": first}


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("not a database" * 100)
    with pytest.raises(DataError, match="must be a file of answers"):
        AnswerFile(tmp_path / "a")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "ftp://x/{query}"}, "url"),
        ({"url": "http://x/"}, "must say where the text of a query goes"),
        ({"batch": 2}, "body == no {queries}"),
        ({"body": "{"}, "must be JSON"),
        ({"batch": 2, "body": '{"q": "{queries}"}'}, "must have a \\* for queries and one for"),
        ({"cache": ""}, "cache"),
    ],
)
def test_settings_that_ask_nothing_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told.replace("{", "\\{")):
        ServiceSpec(**({"url": "http://x/{query}", "cache": "c"} | changes))
