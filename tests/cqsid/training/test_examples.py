from dataclasses import replace

import numpy as np
import pytest

from cqsid.training.examples import (
    Examples,
    MadePairs,
    TrainingData,
    item_examples,
    query_examples,
    shopper_examples,
)
from cqsid.training.loop import Plan
from cqsid.training.settings import StageSpec
from recall.arrays import Ragged
from simulator.errors import DataError
from simulator.log.history import History
from tests.cqsid.training.toys import ITEMS, VOCABULARY, toy_data

DATA = toy_data()


def weighted(weights):
    examples = item_examples(DATA)
    weight_N = np.asarray(weights, np.float64)
    return Examples(
        examples.prompts, examples.answer_N[: len(weight_N)], DATA.ids.codes_IL, weight_N
    )


def test_equal_weights_draw_every_example_once_a_pass():
    drawn = item_examples(DATA).draw(ITEMS, np.random.default_rng(0))
    assert sorted(drawn) == list(range(ITEMS))
    assert drawn.tolist() != sorted(drawn)


@pytest.mark.parametrize("seed", range(5))
def test_an_example_is_drawn_as_often_as_its_weight_wants_give_or_take_one(seed):
    weights = np.array([1.0, 7.0, 0.5, 3.0])
    counts = np.bincount(weighted(weights).draw(100, np.random.default_rng(seed)), minlength=4)
    assert (np.abs(counts - 100 * weights / weights.sum()) < 1).all()


def test_batches_hold_like_lengths_and_lose_nothing():
    examples = query_examples(DATA, DATA.history, 1.0)
    batches = examples.batches(len(examples), 8, np.random.default_rng(1))
    drawn = np.concatenate(batches)
    assert sorted(drawn) == sorted(examples.draw(len(examples), np.random.default_rng(1)))
    assert len(batches) == -(-len(examples) // 8)
    assert max(map(len, batches)) - min(map(len, batches)) <= 1
    spread = [np.ptp(examples.prompts.size_N[rows]) for rows in batches]
    assert np.count_nonzero(spread) <= 2  # three lengths, so two batches that straddle


def test_the_first_stage_asks_each_title_for_its_own_id():
    data = toy_data(missing=[3, 5])
    examples = item_examples(data)
    assert examples.answer_N.tolist() == [i for i in range(ITEMS) if i not in (3, 5)]
    rows = np.array([0, 3])
    prompts = examples.prompts.rows(rows)
    expected = [VOCABULARY.item, 0, 14, VOCABULARY.answer]
    assert prompts.tokens_BT[1, : prompts.length_B[1]].tolist() == expected
    assert examples.codes(rows).tolist() == data.ids.codes_IL[[0, 4]].tolist()


def test_the_second_stage_counts_clicks_and_orders_of_each_text_and_item():
    history = DATA.history
    examples = query_examples(DATA, history, order_weight=3.0)
    clicked = history.clicked_X
    pairs = [
        (t, i, 1.0)
        for t, i in zip(
            history.text_R[history.row_X[clicked]], history.item_X[clicked], strict=True
        )
    ]
    pairs += [
        (t, i, 3.0)
        for t, i in zip(history.text_R[history.order_row_O], history.order_item_O, strict=True)
    ]
    expected: dict = {}
    for text, item, weight in pairs:
        expected[int(text), int(item)] = expected.get((int(text), int(item)), 0.0) + weight
    found = zip(examples.prompts.row_N, examples.answer_N, examples.weight_N, strict=True)
    assert {(int(t), int(i)): w for t, i, w in found} == expected


def test_the_third_stage_tells_what_was_known_of_the_shopper_at_each_event():
    history = DATA.history
    examples = shopper_examples(DATA, history, order_weight=1.0)
    clicks, orders = int(history.clicked_X.sum()), len(history.order_item_O)
    assert len(examples) == clicks + orders
    row_N = np.concatenate([history.row_X[history.clicked_X], history.order_row_O]).astype(int)
    asked = history.requests(row_N)
    expected = DATA.prompts.shoppers(
        DATA.texts.take(asked.text_B),
        asked.gender_B,
        asked.age_B,
        asked.history_BH,
        DATA.ids.codes_IL,
    )
    found = examples.prompts.rows(np.arange(len(examples)))
    np.testing.assert_array_equal(found.tokens_BT, expected.tokens_BT)
    assert (asked.history_BH[:, 0] >= 0).any()
    assert examples.prompts.size_N.shape == (len(examples),)


def test_clicks_of_unrelated_categories_are_not_told():
    related_TC = np.zeros((len(DATA.history.texts), 2), np.bool_)
    data = replace(DATA, related_TC=related_TC, category_I=np.zeros(ITEMS, np.int32))
    examples = shopper_examples(data, data.history, 1.0)
    assert (examples.prompts.requests.history_BH == -1).all()


def test_items_without_an_id_are_learned_from_in_no_stage():
    data = toy_data(missing=range(ITEMS))
    assert len(item_examples(data)) == 0
    assert len(query_examples(data, data.history, 1.0)) == 0
    assert len(shopper_examples(data, data.history, 1.0)) == 0
    some = toy_data(missing=range(10))
    for examples in (
        query_examples(some, some.history, 1.0),
        shopper_examples(some, some.history, 1.0),
    ):
        assert (some.ids.sid_I[examples.answer_N] >= 0).all()


def test_an_empty_log_leaves_the_items_only():
    data = toy_data(0)
    empty = replace(data, history=History.empty(), texts=Ragged.of([]))
    for log in (data, empty):
        assert len(item_examples(log)) == ITEMS
        assert len(query_examples(log, log.history, 1.0)) == 0
        assert len(shopper_examples(log, log.history, 1.0)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"titles": Ragged.of([[1]])},
        {"texts": Ragged.of([[1]])},
        {"related_TC": np.ones((18, 3), np.bool_)},
    ],
)
def test_parts_of_another_shop_are_refused(change):
    with pytest.raises(DataError, match="must be"):
        TrainingData(**{**DATA.__dict__, **change})


def plan(**settings):
    own, earlier = query_examples(DATA, DATA.history, 1.0), item_examples(DATA)
    return Plan(StageSpec(**settings), own, (earlier,), (5, 1))


@pytest.mark.parametrize("epochs", [0.0, 0.3, 1.0, 2.5])
def test_a_plan_has_the_steps_it_says(epochs):
    made = plan(epochs=epochs, batch=16, rehearsal=0.4)
    batches = list(made.batches())
    assert len(batches) == made.steps
    own = sum(len(rows) for part, rows in batches if part is made.own)
    assert own == pytest.approx(epochs * len(made.own), abs=2)
    rehearsed = sum(len(rows) for part, rows in batches if part is not made.own)
    assert rehearsed == pytest.approx(0.4 * own, abs=2)


def test_a_plan_can_start_at_any_step():
    made = plan(epochs=2.5, batch=16, rehearsal=0.4)
    whole = [rows.tolist() for _, rows in made.batches()]
    for first in (1, made.steps // 2, made.steps - 1, made.steps):
        assert [rows.tolist() for _, rows in made.batches(first)] == whole[first:]
    assert whole[: len(whole) // 3] != whole[len(whole) // 3 : 2 * (len(whole) // 3)]


def made_pairs(items):
    texts = Ragged.of([[1, 2], [3]])
    text_P = (np.arange(len(items)) % 2).astype(np.int32)
    weight_P = np.arange(1.0, len(items) + 1)
    return MadePairs(texts, text_P, np.array(items, np.int32), weight_P)


def test_made_pairs_are_their_share_of_the_second_stage_and_touch_no_other():
    plain = query_examples(DATA, DATA.history, 1.0)
    data = replace(DATA, made=(made_pairs([0, 1, 2]), made_pairs([3])), made_share=0.25)
    examples = query_examples(data, data.history, 1.0)
    known = len(plain)
    assert examples.answer_N[known:].tolist() == [0, 1, 2, 3]
    assert np.array_equal(examples.weight_N[:known], plain.weight_N)
    made_N = examples.weight_N[known:]
    assert made_N.sum() == pytest.approx(0.25 * examples.weight_N.sum())
    assert made_N[:3] == pytest.approx(made_N[3] * np.array([1, 2, 3]) / 6)
    prompts = examples.prompts.rows(np.array([known, known + 1]))
    expected = [VOCABULARY.query, 1, 2, VOCABULARY.answer]
    assert prompts.tokens_BT[0, : prompts.length_B[0]].tolist() == expected
    assert len(item_examples(data)) == len(item_examples(DATA))
    assert len(shopper_examples(data, data.history, 1.0)) == len(
        shopper_examples(DATA, DATA.history, 1.0)
    )


def test_made_pairs_of_items_without_an_id_teach_nothing():
    data = replace(toy_data(missing=[3]), made=(made_pairs([3, 4]), made_pairs([3])))
    found = query_examples(data, data.history, 1.0)
    plain = query_examples(toy_data(missing=[3]), data.history, 1.0)
    assert found.answer_N[len(plain) :].tolist() == [4]
