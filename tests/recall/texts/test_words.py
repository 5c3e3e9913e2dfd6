import pytest

from recall.arrays import Ragged
from recall.texts.words import WordNumbers, singular, words


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
    assert words("USB-C cables, 3.5mm (2x)") == ("usb", "c", "cable", "3", "5mm", "2x")
    assert words("Cables", plurals=False) == ("cables",)
    assert words("_ ?!") == ()


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
