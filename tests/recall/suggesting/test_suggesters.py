"""Popular texts, texts by categories, and how both are held against a log."""

from dataclasses import replace

import numpy as np

from recall.sampleshop import sample_history
from recall.steps.tools import Tools
from recall.suggesting.affinity import AffinitySuggester
from recall.suggesting.popular import PopularSuggester
from recall.suggesting.replay import hits, moments
from recall.suggesting.settings import PopularTextsSpec
from simulator.log.history import History
from simulator.protocols import DAY, Requests, request_ids, session_ids
from tests.recall.rewriting.shop import CATALOG, clicked

TEXTS = ("chairs", "lamps", "mice", "never")


def fitted(suggester, log):
    suggester.fit(CATALOG, log, Tools(), rng=np.random.default_rng(0))
    return suggester


def told(suggester, requests, most=4):
    found = suggester.suggest(requests, most)
    return [[found.texts[text] for text in row if text >= 0] for row in found.text_BK.tolist()]


def test_popular_texts_are_those_of_the_last_days_without_the_one_that_was_asked():
    log = clicked(TEXTS, [(0, [])] * 3 + [(1, [])] * 2 + [(2, [])])
    log = replace(log, at_R=np.array([0, 0, 0, 5 * DAY, 5 * DAY, 5.5 * DAY]))
    asked = Requests.of_texts(TEXTS)
    assert told(fitted(PopularSuggester(), log), asked)[0] == ["lamps", "mice"]
    week = fitted(PopularSuggester(PopularTextsSpec(days=7)), log)
    assert told(week, asked) == [
        ["lamps", "mice"],
        ["chairs", "mice"],
        ["chairs", "lamps"],
        ["chairs", "lamps", "mice"],
    ]
    nothing = replace(asked, text_B=np.full(4, -1, np.int32))
    assert told(week, nothing, most=2) == [["chairs", "lamps"]] * 4


def test_affinity_gives_the_texts_of_the_shoppers_categories_and_then_popular_ones():
    # items 0, 6, 12.. are chairs, 2, 8.. lamps, 4, 10.. mice
    log = clicked(TEXTS, [(0, [0, 6]), (1, [2]), (2, [4]), (2, []), (2, [])])
    asked = replace(Requests.of_texts(TEXTS), text_B=np.full(4, -1, np.int32))
    history_BH = np.full((4, 10), -1, np.int32)
    history_BH[0, 0], history_BH[1, :2] = 6, [2, 0]
    found = told(fitted(AffinitySuggester(), log), replace(asked, history_BH=history_BH))
    assert found[0] == ["chairs", "mice", "lamps"]
    assert found[1] == ["lamps", "chairs", "mice"]  # the newer click weighs more
    assert found[2] == ["mice", "chairs", "lamps"]  # who has clicked nothing


def sessions(asked: list[tuple[int, int, list[int]]]) -> History:
    """A log of sessions: shopper, ordinal, and the texts asked."""
    rows = [(who, at, n, text) for who, at, texts in asked for n, text in enumerate(texts)]
    shopper, ordinal, number, text = (
        np.array(column, np.int64) for column in zip(*rows, strict=True)
    )
    ids = request_ids(session_ids(shopper, ordinal), number)
    log = sample_history(CATALOG, len(rows), texts=TEXTS)
    assert (np.diff(ids) > 0).all()
    return replace(
        log,
        request_R=ids,
        shopper_R=shopper,
        text_R=text.astype(np.int32),
        at_R=(ordinal * DAY + number * 60.0).astype(np.float64),
    )


LOG = sessions([(0, 0, [0, 1]), (0, 1, [0, 0, 2]), (1, 0, [1]), (1, 2, [2, 1])])


def test_the_first_texts_of_sessions_are_what_is_asked_before_the_first_query():
    found = moments(LOG, 0.0, "start", 100)
    assert found.next_B.tolist() == [0, 0, 1, 2]
    assert found.repeated_B.tolist() == [False, True, False, False]
    assert (found.requests.text_B == -1).all()
    late = moments(LOG, DAY, "start", 100)
    assert late.next_B.tolist() == [0, 2]
    assert late.repeated_B.tolist() == [True, False]  # asked before, though not lately
    assert moments(LOG, 0.0, "start", 2).next_B.tolist() == [0, 2]


def test_the_next_text_is_another_one_of_the_same_session():
    found = moments(LOG, 0.0, "next", 100)
    assert found.requests.text_B.tolist() == [0, 0, 2]
    assert found.next_B.tolist() == [1, 2, 1]
    assert found.repeated_B.tolist() == [False, False, True]


def test_a_hit_is_the_next_text_among_the_first_suggestions():
    found = moments(LOG, 0.0, "start", 100)
    popular = fitted(PopularSuggester(PopularTextsSpec(days=10)), LOG)  # chairs and lamps 3 each
    assert hits(popular, found, 1).tolist() == [True, True, False, False]
    assert hits(popular, found, 2).tolist() == [True, True, True, False]
    np.testing.assert_array_equal(hits(popular, found, 2, batch=1), hits(popular, found, 2))
    nobody = moments(LOG, 99 * DAY, "next", 5)
    assert hits(popular, nobody, 2).tolist() == []
