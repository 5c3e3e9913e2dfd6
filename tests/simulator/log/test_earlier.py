"""The texts that a session asked before: as they are served, and as the log tells them again."""

from dataclasses import fields, replace

import numpy as np
import pytest

from simulator.behaviour.settings import BehaviorSpec
from simulator.living.settings import SessionSpec, WorldSpec
from simulator.living.world import World
from simulator.log.eventlog import EventLog
from simulator.log.history import History, load_history
from simulator.protocols import DAY, EARLIER, REQUEST_BITS, Requests
from simulator.randomness import Draws
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, table_of


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A world of sessions that turn pages and reword, and all requests that it served."""
    people, folder = population(shoppers=400), tmp_path_factory.mktemp("log")
    service = TableService(table_of(people))
    log = EventLog(folder, channels=service.channels, arms=("all",))
    texts = people.intents.texts
    strings, text_T = np.array(texts, dtype=object), np.arange(len(texts))
    log.append("texts", {"text": text_T, "string": strings, "cluster": text_T})
    spec = WorldSpec(
        days=2,
        behavior=BehaviorSpec(outside=9.0),
        sessions=SessionSpec(next_page=0.3, reformulate=0.6),
    )
    world, served = World(spec, people, service, log, Draws(4)), []
    world.watch(lambda requests, needs, pages, reactions: served.append(requests))
    world.run(0, 2)
    log.close([], {})
    columns = {
        each.name: np.concatenate([getattr(block, each.name) for block in served])
        for each in fields(Requests)
        if each.name != "texts"
    }
    together = Requests(**columns, texts=texts)
    return together.rows(np.argsort(together.id_B)), load_history(folder)


def by_hand(history):
    """(R, Q) the same, told by walking through each session."""
    found, before, asking = [], {}, {}
    for request, text, page in zip(
        *(each.tolist() for each in (history.request_R, history.text_R, history.page_R)),
        strict=True,
    ):
        session = request >> REQUEST_BITS
        if page == 0 and session in asking:
            before[session] = [asking[session], *before.get(session, [])]
        asking[session] = text
        found.append([*before.get(session, []), *[-1] * EARLIER][:EARLIER])
    return np.array(found)


def test_the_log_tells_the_earlier_texts_that_were_served(lived):
    served, history = lived
    told = history.requests(slice(None))
    np.testing.assert_array_equal(served.id_B, told.id_B)
    np.testing.assert_array_equal(served.earlier_BQ, told.earlier_BQ)
    np.testing.assert_array_equal(told.earlier_BQ, by_hand(history))
    assert served.earlier_BQ.dtype == told.earlier_BQ.dtype == np.int32
    known_B = (told.earlier_BQ >= 0).sum(axis=1)
    assert set(known_B) == set(range(EARLIER + 1))
    assert ((told.page_B > 0) & (known_B > 0)).any()


def test_a_request_never_holds_a_text_of_later(lived):
    """What comes after a moment changes nothing of what was asked before it."""
    _, history = lived
    cut = float(np.median(history.at_R))
    early = history.before(cut)
    rows = np.flatnonzero(history.at_R < cut)
    np.testing.assert_array_equal(
        early.requests(slice(None)).earlier_BQ, history.requests(rows).earlier_BQ
    )
    other = replace(history, text_R=np.where(history.at_R < cut, history.text_R, 0).astype("i4"))
    np.testing.assert_array_equal(
        other.requests(rows).earlier_BQ, history.requests(rows).earlier_BQ
    )


def test_parts_of_requests_keep_their_earlier_texts(lived):
    _, history = lived
    whole = history.requests(slice(None))
    some = np.flatnonzero(whole.earlier_BQ[:, 0] >= 0)[::3]
    np.testing.assert_array_equal(whole.rows(some).earlier_BQ, whole.earlier_BQ[some])
    np.testing.assert_array_equal(history.requests(some).earlier_BQ, whole.earlier_BQ[some])
    parts = [history.before(DAY), history._kept(history.at_R >= DAY, history.order_at_O >= DAY)]
    joined = parts[0].joined(parts[1]).requests(slice(None))
    np.testing.assert_array_equal(joined.earlier_BQ, whole.earlier_BQ)


def test_texts_asked_alone_and_empty_logs_have_none_before():
    assert (Requests.of_texts(("lamp", "desk")).earlier_BQ == -1).all()
    assert History.empty().requests(slice(None)).earlier_BQ.shape == (0, EARLIER)


def test_a_page_whose_first_page_is_in_another_log_is_of_an_asking_of_its_own(lived):
    """Where arms split requests, the log of one may hold a second page alone."""
    _, history = lived
    turned = history.page_R > 0
    part = history._kept(turned, turned[history.order_row_O])
    told = part.requests(slice(None)).earlier_BQ
    session_R = part.request_R >> REQUEST_BITS
    first_R = np.append(True, session_R[1:] != session_R[:-1])
    assert (told[first_R] == -1).all()
    changed_R = ~first_R & np.append(False, part.text_R[1:] != part.text_R[:-1])
    assert changed_R.any()
    np.testing.assert_array_equal(told[changed_R, 0], part.text_R[np.flatnonzero(changed_R) - 1])
