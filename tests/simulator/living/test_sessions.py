from types import SimpleNamespace

import numpy as np
import pytest

from simulator.behaviour.behavior import Reactions
from simulator.living.sessions import REQUESTS_LIMIT, Sessions, step
from simulator.living.settings import SessionSpec
from simulator.log.codes import EndReason, NextAction
from tests.simulator.stubs import pages_of

SPEC = SessionSpec(next_page=0.3, reformulate=0.3, retry_empty=0.5, pages=3)
LUCKY, MIDDLING, UNLUCKY = 0.1, 0.4, 0.9  # the next page, other words, neither
WORDING, INTENT = 4, 6  # what a stubbed shopper would say and want next
TEXT = 3  # what it has asked for


class Sampler:
    """Everybody has the same luck, one other wording and one other need."""

    def __init__(self, luck, other_words=WORDING):
        self.draws = SimpleNamespace(uniform=lambda purpose, *keys: np.full(len(keys[0]), luck))
        self.other_words = other_words

    def rewordings(self, intent_B, *keys, narrower_B=None):
        self.narrower_B = narrower_B
        return np.full(len(intent_B), self.other_words)

    def intents_of(self, *keys):
        return np.full(len(keys[0]), INTENT)

    def first_wordings(self, intent_B, *keys):
        return np.zeros(len(intent_B), np.int64)


def going(luck=UNLUCKY, items=(1, 2), other_words=WORDING, session=None, **reaction):
    """What one session does after a page with these items, two to a full page."""
    return stepped(SPEC, Sampler(luck, other_words), None, items, session, **reaction)


def stepped(spec, sampler, utility, items=(1, 2), session=None, **reaction):
    one = np.ones(1, np.int64)
    state = {
        **dict.fromkeys(
            ("shopper_N", "ordinal_N", "id_N", "intent_N", "wording_N", "needs_N"), one
        ),
        **dict.fromkeys(("request_N", "need_N"), 0 * one),
        "patience_N": 9 * one,
        "page_N": np.zeros(1, np.int16),
        "start_N": np.zeros(1),
        "due_N": np.full(1, 100.0),
        "bought_N": np.zeros(1, np.bool_),
        "arm_N": np.full(1, -1, np.int8),
        "earlier_NQ": np.array([[7, 8, 9, -1]], np.int32),
    }
    state |= {name: np.array([value]) for name, value in (session or {}).items()}
    flags = np.zeros((1, len(items)), np.bool_)
    reacting = Reactions(
        left_B=np.array([reaction.get("left", False)]),
        examined_BK=flags,
        clicked_BK=flags,
        carted_BK=flags,
        choices_BC=np.full((1, 1), -1, np.int32),
        slots_BC=np.zeros((1, 1), np.int16),
        worth_B=np.array([reaction.get("worth", 0)], np.int16),
        joins_B=np.zeros(1, np.int16),
        quantity_B=np.ones(1, np.int16),
        delay_B=np.array([reaction.get("delay", 0.0)]),
        satisfied_B=np.array([reaction.get("satisfied", False)]),
        dwell_B=np.array([reaction.get("dwell", 7.0)]),
    )
    pages = pages_of(np.array([items], np.int32), latency=0.5)
    slots_N = np.array([2], np.int16)
    text_N = np.array([TEXT], np.int32)
    return step(spec, Sessions(**state), text_N, reacting, pages, slots_N, sampler, utility)


@pytest.mark.parametrize("shown", [True, False])
def test_who_heeds_a_page_rewords_by_whether_it_showed_the_kind(shown):
    asked = []

    def of_kind(intent_B, items_BK):
        asked.append((intent_B.tolist(), items_BK.tolist()))
        return np.array([shown])

    sampler = Sampler(MIDDLING)
    spec = SPEC.model_copy(update={"heed": 1.5})
    stepped(spec, sampler, SimpleNamespace(of_kind=of_kind), items=(1, 2))
    assert asked == [([1], [[1, 2]])]
    assert sampler.narrower_B == pytest.approx([np.exp(1.5 if shown else -1.5)])


def test_by_default_words_do_not_depend_on_the_page():
    sampler = Sampler(MIDDLING)
    stepped(SPEC, sampler, None)
    assert sampler.narrower_B is None


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        (EndReason.SATISFIED, {"satisfied": True}),
        (EndReason.PAGE_TOO_SLOW, {"left": True, "satisfied": True}),
        (EndReason.OUT_OF_PATIENCE, {"luck": LUCKY, "session": {"patience_N": 1}}),
        (EndReason.IDLE, {"luck": LUCKY, "dwell": 1_801.0}),
        (EndReason.NOTHING_FOUND, {"items": (-1, -1)}),
        (EndReason.NOTHING_FOUND, {"items": (-1, -1), "luck": LUCKY, "other_words": -1}),
        (EndReason.FRUSTRATED, {}),
        (EndReason.FRUSTRATED, {"luck": MIDDLING, "other_words": -1}),
    ],
)
def test_a_session_that_leaves_says_why(reason, what):
    found = going(**what)
    assert found.action_N == NextAction.LEAVE
    assert found.end_reason_N == reason


@pytest.mark.parametrize(
    ("action", "what"),
    [
        (NextAction.NEXT_PAGE, {"luck": LUCKY}),
        (NextAction.REFORMULATE, {"luck": MIDDLING}),
        (NextAction.REFORMULATE, {"luck": MIDDLING, "items": (-1, -1)}),  # retries an empty page
        (NextAction.NEXT_NEED, {"satisfied": True, "session": {"needs_N": 2}}),
        (NextAction.LEAVE, {"luck": LUCKY, "items": (1, -1)}),  # no next page after a short one
        (NextAction.LEAVE, {"luck": LUCKY, "session": {"page_N": 2}}),  # nor after the last one
        (
            NextAction.LEAVE,
            {"satisfied": True, "session": {"needs_N": 2, "request_N": REQUESTS_LIMIT - 1}},
        ),
    ],
)
def test_a_session_goes_on_as_its_page_and_luck_allow(action, what):
    assert going(**what).action_N == action


def test_the_next_page_is_of_the_same_words_and_other_words_begin_at_the_first_page():
    turned, reworded = going(LUCKY, session={"page_N": 1}), going(MIDDLING, session={"page_N": 1})
    assert (turned.after.page_N, turned.after.wording_N) == (2, 1)
    assert (reworded.after.page_N, reworded.after.wording_N) == (0, WORDING)
    assert turned.after.intent_N == reworded.after.intent_N == 1


def test_another_need_has_its_own_intent_and_first_words():
    after = going(satisfied=True, session={"needs_N": 2, "wording_N": 3, "page_N": 1}).after
    assert (after.need_N, after.intent_N, after.wording_N, after.page_N) == (1, INTENT, 0, 0)


def test_a_text_is_an_earlier_one_as_soon_as_another_is_asked():
    turned, reworded = going(LUCKY).after, going(MIDDLING).after
    renewed = going(satisfied=True, session={"needs_N": 2}).after
    assert turned.earlier_NQ.tolist() == [[7, 8, 9, -1]]
    assert reworded.earlier_NQ.tolist() == renewed.earlier_NQ.tolist() == [[TEXT, 7, 8, 9]]


def test_the_next_request_comes_after_the_page_and_the_time_spent_on_it():
    assert going(LUCKY, dwell=7.0).at_N == 100.0 + 0.5 + 7.0
    assert going(dwell=9_999.0).at_N == 100.0 + 0.5 + 1_800.0  # the session is idle by then
    assert going(left=True, dwell=7.0).at_N == 100.0 + 0.5


def test_only_a_purchase_at_once_marks_the_session_as_buying():
    assert going(worth=1, satisfied=True).after.bought_N
    assert not going(worth=1, delay=86_400.0, satisfied=True).after.bought_N
    assert going(session={"bought_N": True}).after.bought_N
