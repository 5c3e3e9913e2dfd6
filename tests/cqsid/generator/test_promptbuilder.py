import numpy as np
import pytest
from hypothesis import given, strategies as st

from cqsid.generator.prompts import PromptBuilder
from cqsid.generator.settings import PromptSpec
from cqsid.generator.subwords import Subwords
from cqsid.generator.vocabulary import Vocabulary
from recall.arrays import Ragged
from simulator.errors import DataError

SUBWORDS = Subwords.train(["red lamp", "blue table"] * 3, 30)
VOCABULARY = Vocabulary(len(SUBWORDS), (4, 3, 2))
SPEC = PromptSpec(title_subwords=3, query_subwords=2, clicks=2)
BUILDER = PromptBuilder(VOCABULARY, SUBWORDS, SPEC)
CODES_IL = np.array([[0, 1, 1], [3, 2, 0], [-1, -1, -1], [1, 0, 1]], np.int32)
V = VOCABULARY


def shopper(text, gender, age, clicked):
    return BUILDER.shoppers(
        Ragged.of([text]), np.array([gender]), np.array([age]), np.array([clicked]), CODES_IL
    )


def told(prompts):
    return [
        row[:length].tolist()
        for row, length in zip(prompts.tokens_BT, prompts.length_B, strict=True)
    ]


@st.composite
def batches(draw):
    size = draw(st.integers(0, 6))
    text = st.lists(st.integers(0, len(SUBWORDS) - 1), max_size=5)
    click = st.lists(st.integers(-1, len(CODES_IL) - 1), min_size=4, max_size=4)
    rows = [draw(st.tuples(text, st.integers(0, 2), st.integers(0, 5), click)) for _ in range(size)]
    texts, gender, age, clicked = zip(*rows, strict=True) if rows else ((), (), (), ())
    return (
        Ragged.of(texts),
        np.array(gender, np.int8),
        np.array(age, np.int8),
        np.array(clicked, np.int32).reshape(size, 4),
    )


def test_an_item_is_its_first_subwords_between_two_marks():
    prompts = BUILDER.items(Ragged.of([[7, 8, 9, 1], [], [5]]))
    assert told(prompts) == [[V.item, 7, 8, 9, V.answer], [V.item, V.answer], [V.item, 5, V.answer]]
    assert prompts.tokens_BT[1].tolist() == [V.item, V.answer, V.pad, V.pad, V.pad]


def test_a_query_is_its_first_subwords_between_two_marks():
    assert told(BUILDER.queries(Ragged.of([[7, 8, 9]]))) == [[V.query, 7, 8, V.answer]]


def test_a_shopper_is_traits_then_ids_of_clicks_oldest_first_then_the_query():
    newest, older = V.tokens(CODES_IL[[1, 0]]).tolist()
    traits = [V.shopper, V.gender + 2, V.age + 5]
    prompts = shopper([7], 2, 5, [1, 0, 3, -1])
    assert told(prompts) == [[*traits, *older, *newest, V.query, 7, V.answer]]


def test_clicks_without_an_id_make_room_for_older_ones():
    newest, older = V.tokens(CODES_IL[[3, 1]]).tolist()
    prompts = shopper([], 0, 0, [2, 3, -1, 1])
    traits = [V.shopper, V.gender, V.age]
    assert told(prompts) == [[*traits, *older, *newest, V.query, V.answer]]


def test_a_shopper_without_clicks_is_traits_and_query():
    assert told(shopper([4], 1, 3, [-1] * 4)) == [
        [V.shopper, V.gender + 1, V.age + 3, V.query, 4, V.answer]
    ]


@given(batches())
def test_every_prompt_ends_with_the_answer_mark_and_padding_only_follows(batch):
    for prompts in (BUILDER.items(batch[0]), BUILDER.shoppers(*batch, CODES_IL)):
        tokens_BT, length_B = prompts.tokens_BT, prompts.length_B
        assert tokens_BT.dtype == np.int32
        rows = np.arange(len(prompts))
        assert (tokens_BT[rows, length_B - 1] == V.answer).all()
        assert ((tokens_BT == V.answer).sum(axis=1) == 1).all()
        after_BT = np.arange(tokens_BT.shape[1]) >= length_B[:, None]
        np.testing.assert_array_equal(tokens_BT == V.pad, after_BT)
        assert ((tokens_BT >= 0) & (tokens_BT < len(V))).all()


@given(batches())
def test_a_row_does_not_depend_on_the_others(batch):
    together = BUILDER.shoppers(*batch, CODES_IL)
    for row in range(len(together)):
        one = np.array([row])
        alone = BUILDER.shoppers(batch[0].take(one), *(part[one] for part in batch[1:]), CODES_IL)
        np.testing.assert_array_equal(alone.tokens_BT[0], together.tokens_BT[row])


@given(batches())
def test_the_length_counts_every_part(batch):
    texts, _, _, clicked_BH = batch
    has_id_BH = (clicked_BH >= 0) & (clicked_BH != 2)
    clicks_B = np.minimum(has_id_BH.sum(axis=1), SPEC.clicks)
    expected = 5 + 3 * clicks_B + np.minimum(texts.lengths, SPEC.query_subwords)
    np.testing.assert_array_equal(BUILDER.shoppers(*batch, CODES_IL).length_B, expected)


def test_all_clicks_fit_when_more_are_asked_for_than_the_history_holds():
    wide = PromptBuilder(V, SUBWORDS, PromptSpec(clicks=9))
    one = np.array([0])
    prompts = wide.shoppers(Ragged.of([[]]), one, one, np.array([[0, 1]]), CODES_IL)
    assert prompts.length_B.tolist() == [5 + 2 * 3]
    none = PromptBuilder(V, SUBWORDS, PromptSpec(clicks=0))
    assert none.shoppers(
        Ragged.of([[]]), one, one, np.array([[0, 1]]), CODES_IL
    ).length_B.tolist() == [5]


def test_no_catalogue_and_no_history_are_no_special_case():
    nothing = BUILDER.shoppers(
        Ragged.of([[1]]),
        np.array([0]),
        np.array([0]),
        np.empty((1, 0), np.int32),
        np.empty((0, 3), np.int32),
    )
    assert nothing.length_B.tolist() == [6]


def test_texts_are_read_as_far_as_prompts_tell_them():
    assert BUILDER.title_tokens(["red lamp blue table xx"]).lengths.tolist() == [3]
    assert BUILDER.query_tokens(["red lamp blue table xx", "?!"]).lengths.tolist() == [2, 0]


def test_what_has_no_token_is_refused():
    with pytest.raises(DataError, match="gender_B from 3 to 3, must be 0 to 2"):
        shopper([1], 3, 0, [0])
    with pytest.raises(DataError, match="age_B from -1"):
        shopper([1], 0, -1, [0])
    with pytest.raises(DataError, match=r"must be \(items, 3\)"):
        BUILDER.shoppers(
            Ragged.of([[1]]), np.array([0]), np.array([0]), np.array([[0]]), CODES_IL[:, :2]
        )
    with pytest.raises(DataError, match=f"subwords == {len(SUBWORDS)}, must be 7"):
        PromptBuilder(Vocabulary(7, (4, 3, 2)), SUBWORDS)
