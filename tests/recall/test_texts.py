from dataclasses import replace

import numpy as np
import pytest

from recall.arrays import Ragged
from recall.sampleshop import sample_catalog, sample_requests
from recall.storage import saved_copy
from recall.texts import TextCache, WordNumbers, singular, words


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("laptops", "laptop"),
        ("batteries", "battery"),
        ("watches", "watche"),
        ("glass", "glass"),
        ("virus", "virus"),
        ("shoes", "shoes"),
        ("bus", "bus"),
        ("rtx3090s", "rtx3090s"),
    ],
)
def test_plurals_are_undone_as_the_s_stemmer_does(plural, expected):
    assert singular(plural) == expected


def test_words_are_lowercase_runs_of_letters_and_digits():
    assert words("USB-C cables, 3.5mm (2x)") == ["usb", "c", "cable", "3", "5mm", "2x"]
    assert words("Cables", plurals=False) == ["cables"]
    assert words("_ ?!") == []


def test_unknown_words_are_left_out_of_an_encoded_text():
    vocabulary, learned = WordNumbers.learn(["red chair", "blue chair"])
    assert learned.values.tolist() == [0, 1, 2, 1]
    encoded = vocabulary.encode(["chairs zzz red", "zzz", ""])
    assert encoded.values.tolist() == [1, 0]
    assert encoded.pointer.tolist() == [0, 2, 2, 2]


def test_ragged_lists_can_be_taken_and_expanded():
    outer, inner = Ragged.of([[1, 0], [], [2]]), Ragged.of([[7, 8], [], [9]])
    taken = outer.take([2, 0, 2])
    assert taken.values.tolist() == [2, 1, 0, 2]
    assert taken.pointer.tolist() == [0, 1, 3, 4]
    expanded = outer.expand(inner)
    assert expanded.values.tolist() == [7, 8, 9]
    assert expanded.pointer.tolist() == [0, 2, 2, 3]


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
