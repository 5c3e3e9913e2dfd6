from dataclasses import replace

import numpy as np
import pytest

from recall.arrays import Ragged
from recall.sampleshop import sample_catalog, sample_requests
from recall.storage import saved_copy
from recall.texts.cache import TextCache


class Lengths:
    """Counts how often each text is asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        return (np.array([len(text) for text in texts], np.int64),)


def requests(text_B, texts=("a", "bb", "ccc", "dddd")):
    made = sample_requests(sample_catalog(), len(text_B), texts=texts)
    return replace(made, text_B=np.array(text_B, np.int32))


def test_each_text_is_computed_once():
    cache, lengths, world = TextCache(), Lengths(), requests([0, 1, 1, 0])
    assert cache(world, lengths)[0].tolist() == [1, 2, 2, 1]
    later = replace(world, text_B=np.array([3, 1, 0, 3], np.int32))
    assert cache(later, lengths)[0].tolist() == [4, 2, 1, 4]
    assert sorted(lengths.asked) == ["a", "bb", "dddd"]


def test_another_key_or_another_world_is_computed_afresh():
    cache, lengths = TextCache(), Lengths()
    world = requests([1])
    cache(world, lengths, 10)
    cache(world, lengths, 20)
    other = requests([1], ("x", "yyyyy"))
    assert cache(other, lengths, 20)[0].tolist() == [5]
    assert lengths.asked == ["bb", "bb", "yyyyy"]


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_a_small_capacity_changes_no_answer(capacity):
    cache, lengths, world = TextCache(capacity), Lengths(), requests([0])
    for text_B in ([0, 1], [2, 3, 0], [1, 1], [3, 2, 1, 0], []):
        asked = replace(requests(text_B), texts=world.texts)
        assert cache(asked, lengths)[0].tolist() == [text + 1 for text in text_B]


def test_a_cache_is_kept_empty():
    cache, lengths, world = TextCache(), Lengths(), requests([1])
    cache(world, lengths)
    copy = saved_copy(cache)
    assert copy(world, lengths)[0].tolist() == [2]
    assert lengths.asked == ["bb", "bb"]


@pytest.mark.parametrize("capacity", [1, 2, 3, 100])
def test_lists_come_back_as_arrays_do(capacity):
    cache, world = TextCache(capacity), requests([0])

    def letters(texts):
        lists = Ragged.of([[ord(letter) for letter in text] for text in texts])
        return lists, np.array([len(text) for text in texts], np.int64)

    for text_B in ([], [2, 0, 2], [3, 1], [], [0, 1, 2, 3, 3]):
        asked = replace(requests(text_B), texts=world.texts)
        lists, lengths = cache(asked, letters)
        expected, sizes = letters([world.texts[text] for text in text_B])
        np.testing.assert_array_equal(lists.values, expected.values)
        np.testing.assert_array_equal(lists.pointer, expected.pointer)
        np.testing.assert_array_equal(lengths, sizes)
