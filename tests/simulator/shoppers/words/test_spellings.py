import numpy as np
import pytest

from simulator.shoppers.words.spellings import ALIKE, Spellings

SPELLINGS = Spellings(
    own_T=np.array([0.5, 0.0, 0.25]),
    start_T=np.array([0, 2, 2]),
    count_T=np.array([2, 0, 1]),
    text_E=np.array([3, 5, 4], np.int32),
)


def test_each_text_is_written_as_often_as_was_asked_for():
    luck = (np.arange(10_000) + 0.5) / 10_000
    for text, shares in ((0, {0: 0.5, 3: 0.25, 5: 0.25}), (1, {1: 1.0}), (2, {2: 0.75, 4: 0.25})):
        written = SPELLINGS.written(np.full(10_000, text, np.int32), luck)
        found, counts = np.unique(written, return_counts=True)
        assert dict(zip(found.tolist(), (counts / 10_000).tolist(), strict=True)) == shares


def test_no_text_is_written_as_no_text():
    np.testing.assert_array_equal(
        SPELLINGS.written(np.array([-1, -1], np.int32), np.array([0.01, 0.99])), [-1, -1]
    )


@pytest.mark.parametrize("spellings", [SPELLINGS, ALIKE])
def test_a_text_stands_for_itself_and_for_no_other(spellings):
    texts = np.arange(3, dtype=np.int32)
    np.testing.assert_array_equal(spellings.stand_for(texts[:, None], texts), np.eye(3) > 0)
    assert not spellings.stand_for(np.array([-1]), np.array([-1], np.int32)).any()


def test_a_spelling_stands_for_its_own_text_alone():
    texts = np.arange(3, dtype=np.int32)
    found = SPELLINGS.stand_for(np.array([[3], [5], [4], [9]]), texts)
    np.testing.assert_array_equal(found, [[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
