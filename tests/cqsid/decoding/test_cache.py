"""Remembered answers."""

import numpy as np

from cqsid.decoding.cache import AnswerCache
from cqsid.generator.prompts import Prompts
from recall.storage import saved_copy


def prompts(*tokens):
    return Prompts(np.array([[t, t + 1] for t in tokens], np.int32), np.full(len(tokens), 2))


class Model:
    """Answers with the prompt's first token, and counts what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, some, first_BK):
        self.asked += some.tokens_BT[:, 0].tolist()
        sid = np.repeat(some.tokens_BT[:, :1], 3, axis=1)
        return sid, -sid.astype(np.float32)


def test_equal_prompts_are_answered_once_and_rows_keep_their_answers():
    model, cache = Model(), AnswerCache(100)
    for batch in ([3, 1, 3], [2, 1], [3]):
        sid, scores = cache(prompts(*batch), model)
        np.testing.assert_array_equal(sid[:, 0], batch)
        np.testing.assert_array_equal(scores[:, 2], -np.float32(batch))
    assert sorted(model.asked) == [1, 2, 3]
    assert (cache.asked, cache.computed) == (6, 3)


def test_a_cache_of_no_capacity_remembers_nothing_between_batches():
    model, cache = Model(), AnswerCache(0)
    for _ in range(2):
        sid, _ = cache(prompts(5, 5), model)
        np.testing.assert_array_equal(sid[:, 0], [5, 5])
    assert model.asked == [5, 5]


def test_a_full_cache_forgets_and_goes_on():
    model, cache = Model(), AnswerCache(3)
    rng = np.random.default_rng(0)
    for _ in range(50):
        batch = rng.integers(0, 9, rng.integers(1, 6))
        sid, _ = cache(prompts(*batch), model)
        np.testing.assert_array_equal(sid[:, 0], batch)


def test_what_is_forgotten_is_asked_again():
    model, cache = Model(), AnswerCache(100)
    cache(prompts(4), model)
    cache.clear()
    cache(prompts(4), model)
    assert model.asked == [4, 4]


def test_a_kept_cache_is_empty():
    cache = AnswerCache(100)
    cache(prompts(4), Model())
    model = Model()
    saved_copy(cache)(prompts(4), model)
    assert model.asked == [4]


def test_a_prompt_under_other_first_codes_is_another_question():
    cache, asked = AnswerCache(100), []

    def model(some, first_BK):
        asked.extend(first_BK.tolist())
        sid = first_BK.astype(np.int32)
        return sid, -sid.astype(np.float32)

    first_BK = np.array([[True, False], [False, True], [True, False]])
    for _ in range(2):
        sid, _ = cache(prompts(4, 4, 4), model, first_BK)
        np.testing.assert_array_equal(sid, first_BK)
    assert sorted(asked) == [[False, True], [True, False]]
