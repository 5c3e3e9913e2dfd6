import numpy as np
from hypothesis import given, strategies as st

from cqsid.rewards.of_log import right_prefixes
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from tests.cqsid.rewards.shops import CODES, SIZES, everything

IDS = SemanticIds(CODES, SIZES)


def test_a_prefix_is_right_as_far_as_it_agrees_with_one_item():
    right_BGL = right_prefixes(everything().codes_BGL, Ragged.of([[0, 5], [], [7, 2]]), IDS)
    assert right_BGL.astype(int).tolist() == [
        [[1, 1], [1, 0], [1, 0], [1, 1], [0, 0], [0, 0]],
        [[0, 0]] * 6,
        [[1, 0], [1, 1], [0, 0], [0, 0], [0, 0], [0, 0]],
    ]


def test_levels_of_two_items_are_not_put_together():
    ids = SemanticIds(np.array([[0, 0, 0], [1, 1, 1]], np.int32), (2, 2, 2))
    right_BGL = right_prefixes(np.array([[[0, 1, 1]]], np.int32), Ragged.of([[0, 1]]), ids)
    assert right_BGL.tolist() == [[[True, False, False]]]


def test_padding_is_never_right():
    codes_BGL = np.full((2, 1, 2), -1, np.int32)
    assert not right_prefixes(codes_BGL, Ragged.of([[0, 0, 1, 2], [7]]), IDS).any()


@given(
    codes=st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=8),
    targets=st.lists(st.lists(st.integers(0, 7), max_size=5), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_it_agrees_with_comparing_prefixes_one_by_one(codes, targets, seed):
    codes_IL = np.array(codes, np.int32)
    codes_IL[len(codes) // 2 :: 3] = -1
    ids = SemanticIds(codes_IL, (3, 3, 3))
    targets = [[item % len(codes) for item in items] for items in targets]
    drawn_BGL = np.random.default_rng(seed).integers(0, 3, (len(targets), 4, 3), np.int32)
    wanted = [
        [
            [
                any(
                    codes_IL[item, 0] >= 0 and (codes_IL[item, : n + 1] == id_L[: n + 1]).all()
                    for item in items
                )
                for n in range(3)
            ]
            for id_L in drawn_GL
        ]
        for items, drawn_GL in zip(targets, drawn_BGL, strict=True)
    ]
    assert right_prefixes(drawn_BGL, Ragged.of(targets), ids).tolist() == wanted


def test_no_requests_and_no_targets_are_no_trouble():
    nobody = right_prefixes(np.zeros((0, 4, 2), np.int32), Ragged.of([]), IDS)
    assert nobody.shape == (0, 4, 2)
    nothing = right_prefixes(np.zeros((2, 4, 2), np.int32), Ragged.of([[], []]), IDS)
    assert nothing.shape == (2, 4, 2)
    assert not nothing.any()
