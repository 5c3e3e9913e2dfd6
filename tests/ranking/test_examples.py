from dataclasses import replace

import numpy as np
import pytest

from ranking.examples import build_examples, history_index, split_time
from ranking.recallstage import RecallStage
from ranking.settings import ExamplesSpec
from recall.sampleshop import sample_history
from recall.settings import MergeSpec
from simulator.errors import DataError

SPEC = ExamplesSpec(requests=100, statistics_share=0.4, batch=32)


@pytest.fixture
def stage(channel):
    channels = {"a": channel("a", 1), "b": channel("b", 3)}
    return RecallStage(60, channels, ("a", "b"), {"a": 15, "b": 15}, MergeSpec(limit=25))


@pytest.fixture
def examples(history, catalog, stage):
    return build_examples(history, catalog, stage.pool, SPEC, rng=np.random.default_rng(0))


def test_examples_carry_the_exposures_and_labels_of_the_log(history, examples):
    rows = np.searchsorted(history.request_R, examples.requests.id_B)
    bought = set(zip(history.order_row_O.tolist(), history.order_item_O.tolist(), strict=True))
    for row, request in enumerate(rows):
        shown = np.flatnonzero(history.row_X == request)
        shown = shown[np.argsort(history.position_X[shown])]
        size = len(shown)
        np.testing.assert_array_equal(examples.pool.items_BN[row, :size], history.item_X[shown])
        np.testing.assert_array_equal(examples.clicked_BN[row, :size], history.clicked_X[shown])
        np.testing.assert_array_equal(examples.position_BN[row, :size], np.arange(size))
        pairs = [(request, item) in bought for item in history.item_X[shown]]
        np.testing.assert_array_equal(examples.bought_BN[row, :size], pairs)
        assert (examples.pool.items_BN[row, size:] == -1).all()
    assert examples.bought_BN.any()


def test_channel_ranks_are_those_that_the_funnel_would_have_seen(examples, stage):
    pool = stage.pool(examples.requests)
    found = 0
    for row, column in np.argwhere(examples.pool.items_BN >= 0):
        (places,) = np.nonzero(pool.items_BN[row] == examples.pool.items_BN[row, column])
        if len(places):
            found += 1
            expected = pool.ranks_BNC[row, places[0]]
            assert examples.pool.sources_BN[row, column] == pool.sources_BN[row, places[0]]
        else:
            expected = [-1, -1]
            assert examples.pool.sources_BN[row, column] == 0
        np.testing.assert_array_equal(examples.pool.ranks_BNC[row, column], expected)
    assert 0 < found < (examples.pool.items_BN >= 0).sum()


def test_statistics_come_from_before_every_example(history, catalog, examples):
    start = split_time(history, SPEC)
    assert examples.requests.at_B.min() >= start
    early = history.at_R[history.row_X] < start
    counted = examples.index.statistics[0]
    assert counted.exposures_I.sum() == early.sum()
    assert counted.clicks_I.sum() == history.clicked_X[early].sum()
    assert counted.orders_I.sum() == (history.order_at_O < start).sum()
    assert (
        counted.exposures_I.sum()
        < history_index(catalog, history).statistics[0].exposures_I.sum()
        == len(history.item_X)
    )


def test_the_sample_is_bounded_and_depends_on_the_generator_alone(
    history, catalog, stage, examples
):
    assert len(examples.requests) == SPEC.requests
    again = build_examples(history, catalog, stage.pool, SPEC, rng=np.random.default_rng(0))
    other = build_examples(history, catalog, stage.pool, SPEC, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(again.requests.id_B, examples.requests.id_B)
    assert (other.requests.id_B != examples.requests.id_B).any()


def test_the_replay_batch_changes_nothing(history, catalog, stage, examples):
    spec = SPEC.model_copy(update={"batch": 7})
    other = build_examples(history, catalog, stage.pool, spec, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(other.pool.ranks_BNC, examples.pool.ranks_BNC)


def test_without_a_replay_the_examples_are_the_same_and_no_channel_is_known(
    history, catalog, examples
):
    other = build_examples(history, catalog, None, SPEC, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(other.pool.items_BN, examples.pool.items_BN)
    np.testing.assert_array_equal(other.clicked_BN, examples.clicked_BN)
    np.testing.assert_array_equal(other.bought_BN, examples.bought_BN)
    assert (
        other.pool.ranks_BNC.shape == other.pool.scores_BNC.shape == (*other.pool.items_BN.shape, 0)
    )
    assert not other.pool.sources_BN.any()


def test_a_log_without_requests_is_refused(catalog, stage):
    with pytest.raises(DataError, match=r"history\.requests == 0, must be > 0"):
        build_examples(
            sample_history(catalog, 0), catalog, stage.pool, SPEC, rng=np.random.default_rng(0)
        )


def test_requests_that_showed_nothing_are_no_examples(history, catalog, stage):
    nothing = replace(
        history,
        **{name: getattr(history, name)[:0] for name in vars(history) if name.endswith("_X")},
    )
    examples = build_examples(nothing, catalog, stage.pool, SPEC, rng=np.random.default_rng(0))
    assert examples.pool.items_BN.shape == (0, 0)


def test_whoever_waits_hears_how_many_requests_the_channels_were_asked(history, catalog, stage):
    told = []
    rng = np.random.default_rng(0)
    build_examples(history, catalog, stage.pool, SPEC, rng=rng, tell=told.append)
    assert told == [0.32, 0.64, 0.96, 1.0]
