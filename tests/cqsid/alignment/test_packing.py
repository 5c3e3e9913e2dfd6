import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.alignment.packing import Packed, Tree
from cqsid.generator.prompts import Prompts
from cqsid.generator.vocabulary import Vocabulary
from simulator.errors import ContractError

VOCABULARY = Vocabulary(20, (5, 4, 3))
A, B, C = (int(offset) for offset in VOCABULARY.offset_L)
PAD, END = VOCABULARY.pad, VOCABULARY.answer
# Two prompts, of one and of three tokens. The first one's ids share a code, the second one's all.
PROMPTS = Prompts(np.array([[END, PAD, PAD], [7, 8, END]], np.int32), np.array([1, 3]))
CODES = np.array([[[4, 0, 1], [2, 3, 0], [4, 1, 1]], [[0, 0, 0]] * 3], np.int32)


def packed_of(prompts):
    tree = Tree.of(prompts, CODES, VOCABULARY)
    return tree, Packed.of(prompts, CODES, VOCABULARY, tree)


groups = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4)).flatmap(
    lambda shape: st.lists(
        st.integers(0, 2), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
    ).map(lambda codes: np.array(codes, np.int32).reshape(shape))
)


def test_a_small_batch_equals_the_drawing():
    tree, packed = packed_of(PROMPTS)
    # Places: the prompt's end; first codes, two at most in a row; first two codes, three at most.
    assert tree.level_C.tolist() == [0, 1, 1, 2, 2, 2]
    assert packed.tokens_BT.tolist() == [
        [END, PAD, PAD, A + 2, A + 4, B + 3, B + 0, B + 1],
        [7, 8, END, A + 0, PAD, B + 0, PAD, PAD],
    ]
    assert packed.position_BT.tolist() == [[0, 1, 2, 1, 1, 2, 2, 2], [0, 1, 2, 3, 3, 4, 4, 4]]
    assert packed.wanted_BC.tolist() == [[0, 3, 4, 5, 6, 7], [2, 3, 4, 5, 6, 7]]
    # Nodes: two prompts, then (2) (4) | (0), then (2 3) (4 0) (4 1) | (0 0).
    assert tree.starts.tolist() == [0, 2, 5, 9]
    assert tree.row_N.tolist() == [0, 1, 0, 0, 1, 0, 0, 0, 1]
    assert tree.place_N.tolist() == [0, 0, 1, 2, 1, 3, 4, 5, 3]
    assert tree.node_BGL[0].tolist() == [[0, 3, 6], [0, 2, 5], [0, 3, 7]]
    assert tree.node_BGL[1].tolist() == [[1, 4, 8]] * 3


def test_a_code_sees_its_prompt_the_codes_before_it_and_itself_alone():
    mask_BTT = packed_of(PROMPTS)[1].mask_BTT
    seen = [np.flatnonzero(row).tolist() for row in mask_BTT[0]]
    assert seen == [[0], [0, 1], [0, 1, 2], [0, 3], [0, 4], [0, 3, 5], [0, 4, 6], [0, 4, 7]]
    used = [np.flatnonzero(mask_BTT[1, place]).tolist() for place in (3, 5)]
    assert used == [[0, 1, 2, 3], [0, 1, 2, 3, 5]]
    assert mask_BTT.any(axis=2).all()  # unused places see something too: no softmax of nothing


@given(groups)
def test_nodes_are_the_distinct_beginnings_and_predict_the_codes_behind_them(codes_BGL):
    rows, _, levels = codes_BGL.shape
    prompts = Prompts(np.zeros((rows, 1), np.int32), np.ones(rows, np.int64))
    tree = Tree.of(prompts, codes_BGL, Vocabulary(0, (3,) * levels))
    beginnings = [
        sorted(
            {(b, *map(int, id_L[:level])) for b, group in enumerate(codes_BGL) for id_L in group}
        )
        for level in range(levels)
    ]
    assert np.diff(tree.starts).tolist() == [len(level) for level in beginnings]
    every = [each for level in beginnings for each in level]
    for (b, g, level), node in np.ndenumerate(tree.node_BGL):
        assert every[node] == (b, *codes_BGL[b, g, :level].tolist())
        assert tree.row_N[node] == b
        assert tree.level_C[tree.place_N[node]] == level
    where = set(zip(tree.row_N.tolist(), tree.place_N.tolist(), strict=True))
    assert len(where) == len(every)


def test_prompts_are_cut_to_the_longest():
    wide = Prompts(np.pad(PROMPTS.tokens_BT, ((0, 0), (0, 4))), PROMPTS.length_B)
    one, other = (packed_of(each)[1] for each in (wide, PROMPTS))
    np.testing.assert_array_equal(one.tokens_BT, other.tokens_BT)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (CODES[:1], r"codes_BGL.shape == \(1, 3, 3\), must be \(2, ids, 3\)"),
        (CODES[:, :0], r"codes_BGL.shape == \(2, 0, 3\), must be .* an id at least"),
        (CODES[..., :2], r"codes_BGL.shape == \(2, 3, 2\)"),
        (CODES - 1, r"codes_BGL\[0, 0, 1\] == -1, must be 0 to 3"),
        (np.where(CODES == 3, 4, CODES), r"codes_BGL\[0, 1, 1\] == 4, must be 0 to 3"),
    ],
)
def test_groups_that_do_not_fit_are_refused_with_place_and_value(codes, message):
    with pytest.raises(ContractError, match=message):
        Tree.of(PROMPTS, codes, VOCABULARY)
