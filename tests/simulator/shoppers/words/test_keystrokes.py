from collections import Counter

import pytest
from hypothesis import given, strategies as st

from simulator.shoppers.words.keystrokes import NEIGHBOURS, misspell, neighbours, slipped

CHANCE = st.floats(0, 1, exclude_max=True)


def same_first_letters(text, other):
    return [word[0] for word in text.split()] == [word[0] for word in other.split()]


@given(text=st.text(alphabet="abcde 0é", max_size=30), place=CHANCE, slip=CHANCE)
def test_a_slip_changes_one_place_and_keeps_first_letters(text, place, slip):
    slipped_text = misspell(text, place, slip)
    if not slipped_text:
        return
    assert abs(len(slipped_text) - len(text)) <= 1
    assert same_first_letters(text, slipped_text)
    same = 0
    while same < min(len(text), len(slipped_text)) and text[same] == slipped_text[same]:
        same += 1
    if len(slipped_text) == len(text):
        assert slipped_text[same + 2 :] == text[same + 2 :]
        assert slipped_text != text


@given(text=st.text(alphabet="abcde 0é", max_size=30), place=CHANCE, key=CHANCE)
def test_a_neighbour_replaces_one_letter_by_a_key_that_touches_it(text, place, key):
    found = slipped(text, place, NEIGHBOURS / 2, key)
    if not found or len(found) != len(text):
        return
    changed = [at for at in range(len(text)) if text[at] != found[at]]
    if len(changed) == 1:
        (at,) = changed
        assert found[at] in neighbours(text[at])
    assert same_first_letters(text, found)


@pytest.mark.parametrize(("slip", "typed"), [(0.1, "buond"), (0.5, "bund"), (0.9, "boound")])
def test_slips_swap_leave_out_or_double_a_letter(slip, typed):
    assert misspell("bound", 0.0, slip) == typed


def test_short_words_and_numbers_are_typed_right():
    assert misspell("a4 tv 128", 0.5, 0.5) == ""
    assert slipped("a4 tv 128", 0.5, 0.1, 0.5) == ""


def test_neighbours_are_those_of_a_keyboard():
    assert sorted(neighbours("g")) == sorted("tyfhvb")
    assert sorted(neighbours("q")) == sorted("wa")
    assert neighbours("é") == neighbours("7") == ""


def test_a_letter_beside_the_edge_has_fewer_neighbours_and_touching_is_mutual():
    letters = "qwertyuiopasdfghjklzxcvbnm"
    touching = Counter(len(neighbours(letter)) for letter in letters)
    assert min(touching) == 2
    assert max(touching) == 6
    for letter in letters:
        assert all(letter in neighbours(other) for other in neighbours(letter))
