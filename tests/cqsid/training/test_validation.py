from dataclasses import replace

import numpy as np
import pytest
import torch

from cqsid.generator.transformer import Weights
from cqsid.training.validation import Split, Validator, title_sample
from recall.arrays import Ragged
from tests.cqsid.training.toys import ITEMS, VOCABULARY, toy_data, toy_ids, toy_model

DATA = toy_data()


def test_everything_learned_from_is_earlier_than_everything_that_validates():
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(DATA.history.at_R)  # request ids then do not follow the time
    late = replace(DATA.history, at_R=shuffled, order_at_O=DATA.history.order_at_O + 1e7)
    for history in (DATA.history, replace(DATA.history, at_R=shuffled), late):
        split = Split.of(history, DATA.ids, 0.1, 500)
        until = history.at_R[split.row_V].min()
        assert split.before.at_R.max() < until
        assert (split.before.order_at_O < until).all()
        assert len(split.before.at_R) == (history.at_R < until).sum()


def test_the_last_requests_that_led_to_items_are_held_out():
    history = DATA.history
    split = Split.of(history, DATA.ids, 0.1, 500)
    led = np.union1d(history.row_X[history.clicked_X], history.order_row_O)
    assert split.row_V.tolist() == led[-int(0.1 * len(led)) :].tolist()
    for row, first, last in zip(
        split.row_V, split.targets.pointer, split.targets.pointer[1:], strict=False
    ):
        taken = history.item_X[(history.row_X == row) & history.clicked_X]
        assert split.targets.values[first:last].tolist() == np.unique(taken).tolist()


def test_no_more_requests_are_held_out_than_asked_for():
    assert len(Split.of(DATA.history, DATA.ids, 0.5, 7).row_V) == 7


def test_requests_of_one_moment_are_not_torn_apart():
    history = replace(DATA.history, at_R=np.floor(DATA.history.at_R / 1200.0))
    split = Split.of(history, DATA.ids, 0.05, 500)
    assert split.before.at_R.max() < history.at_R[split.row_V].min()
    assert len(split.row_V) > 0


@pytest.mark.parametrize(("share", "most", "requests"), [(0.0, 9, 150), (0.5, 0, 150), (0.5, 9, 0)])
def test_where_nothing_is_held_out_all_is_learned_from(share, most, requests):
    data = toy_data(requests)
    split = Split.of(data.history, data.ids, share, most)
    assert len(split.row_V) == len(split.targets) == 0
    assert split.before is data.history


def test_items_without_an_id_are_no_targets():
    ids = toy_ids(missing=range(0, ITEMS, 2))
    split = Split.of(DATA.history, ids, 0.2, 500)
    assert (ids.sid_I[split.targets.values] >= 0).all()
    assert (split.targets.lengths > 0).all()


def validator(data, softmax="level"):
    split = Split.of(data.history, data.ids, 0.2, 500)
    return Validator(split.queries(data), split.targets, data.ids, VOCABULARY, softmax)


def test_hit_rates_are_the_mean_share_of_targets_in_the_beam():
    made = validator(DATA)
    with torch.no_grad():
        weights = Weights.of(toy_model())
        one, ten = made.hit_rates(weights)
    assert 0.0 <= one <= ten < 1.0
    assert 0.2 < ten < 0.7  # about 10 of 24 equally likely items


@pytest.mark.parametrize("softmax", ["level", "full"])
def test_the_loss_of_an_untrained_model_is_that_of_guessing(softmax):
    with torch.no_grad():
        loss = validator(DATA, softmax).loss(Weights.of(toy_model()))
    sizes = VOCABULARY.sizes if softmax == "level" else [len(VOCABULARY)] * 3
    assert loss == pytest.approx(np.log(sizes).mean(), rel=0.15)


def test_titles_are_sampled_over_the_whole_catalogue():
    prompts, targets = title_sample(toy_data(missing=[0, 1]), 5)
    assert targets.values.tolist() == prompts.row_N.tolist()
    assert (targets.values.min(), targets.values.max(), len(targets)) == (2, ITEMS - 1, 5)
    assert len(title_sample(DATA, 0)[1]) == 0
    assert isinstance(title_sample(toy_data(missing=range(ITEMS)), 5)[1], Ragged)
