import logging

import numpy as np
import pytest

from ranking.recallstage import RecallStage
from recall.candidates import Candidates
from recall.settings import MergeSpec
from simulator.errors import ConfigError
from simulator.failures import take_failures
from simulator.protocols import FaultReason

UNIVERSE = ("a", "b", "other")


@pytest.fixture
def stage(channel):
    def make(batch=512, **channels):
        channels = channels or {"a": channel("a", 1), "b": channel("b", 7)}
        limits = dict.fromkeys(UNIVERSE, 12)
        return RecallStage(60, channels, UNIVERSE, limits, MergeSpec(limit=20), batch)

    return make


def test_bits_follow_the_universe_whatever_channels_an_arm_has(stage, channel, requests_):
    pool = stage(other=channel("other")).pool(requests_)
    assert set(np.unique(pool.sources_BN)) == {0, 4}
    assert (pool.ranks_BNC[..., :2] == -1).all()


@pytest.mark.parametrize("batch", [1, 5, 24])
def test_pools_do_not_depend_on_the_batch(stage, requests_, batch):
    whole, parts = stage().pool(requests_), stage(batch).pool(requests_)
    for name in whole.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_sold_out_items_are_left_out_and_the_others_keep_their_ranks(stage, index, requests_):
    made = stage()
    before = made.pool(requests_)
    made.refresh(index, 0)
    after = made.pool(requests_)
    shown = after.items_BN[after.items_BN >= 0]
    assert index.available_I[shown].all()
    assert not index.available_I[before.items_BN[before.items_BN >= 0]].all()
    for row, column in np.argwhere(after.items_BN >= 0):
        (place,) = np.flatnonzero(before.items_BN[row] == after.items_BN[row, column])
        np.testing.assert_array_equal(after.ranks_BNC[row, column], before.ranks_BNC[row, place])


class Raising:
    name = "b"

    def recall(self, requests, limit):
        raise RuntimeError("no <service> today")


def test_a_channel_that_fails_is_kept_in_mind_whoever_asked(stage, channel, requests_):
    take_failures()
    made = stage(a=channel("a", 1), b=Raising())
    made.pool(requests_)
    made.recall(requests_)
    (failure,) = take_failures()
    assert (failure.part, failure.reason) == ("channel b", FaultReason.RAISED)
    assert failure.requests == 2 * len(requests_)
    assert "RuntimeError: no <service> today (test_recallstage.py, line " in failure.detail


def test_a_late_channel_is_left_out_of_its_requests_alone(stage, requests_):
    made = stage()
    recalled = made.recall(requests_)
    late_BC = np.zeros((len(requests_), 3), np.bool_)
    late_BC[::2, 0] = True
    pool = made.merge(recalled, late_BC)
    on_time = made.merge(recalled, np.zeros_like(late_BC))
    assert set(np.unique(pool.sources_BN[::2])) == {0, 2}
    np.testing.assert_array_equal(pool.items_BN[1::2], on_time.items_BN[1::2])


class Broken:
    name = "b"

    def __init__(self, answer):
        self.answer = answer

    def fit(self, catalog, history, *, rng): ...

    def recall(self, requests, limit):
        return self.answer(len(requests))


def answers(items, scores=None):
    def answer(n_rows):
        items_BN = np.tile(np.array(items, np.int32), (n_rows, 1))
        return Candidates(items_BN, np.zeros(items_BN.shape, np.float32))

    return answer


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        (lambda n_rows: 1 // 0, FaultReason.RAISED, "ZeroDivisionError"),
        (lambda n_rows: None, FaultReason.BAD_SHAPE, "NoneType"),
        (answers([3, 60]), FaultReason.UNKNOWN_ITEMS, "60"),
        (answers(range(13)), FaultReason.BAD_SHAPE, "13"),
        (answers([4, 4]), FaultReason.BAD_SHAPE, "must not repeat"),
    ],
)
def test_a_channel_that_breaks_its_contract_is_dropped_and_named(
    stage, channel, requests_, caplog, answer, reason, detail
):
    made = stage(a=channel("a"), b=Broken(answer))
    with caplog.at_level(logging.WARNING):
        recalled = made.recall(requests_)
        made.recall(requests_)
    (drop,) = recalled.drops
    assert (drop.channel, drop.reason) == ("b", reason)
    assert detail in drop.detail
    assert set(recalled.found) == {"a"}
    assert len(caplog.records) == 1


def test_a_channel_that_breaks_in_one_chunk_is_dropped_from_all(stage, channel, requests_):
    texts = requests_.texts

    class Sometimes(Broken):
        def recall(self, requests, limit):
            if "" in {texts[text] for text in requests.text_B}:
                raise ValueError("empty text")
            return channel("b").recall(requests, limit)

    for batch in (4, 24):
        recalled = stage(batch, a=channel("a"), b=Sometimes(None)).recall(requests_)
        assert set(recalled.found) == {"a"}


def test_an_arm_needs_channels_that_exist(stage, channel):
    with pytest.raises(ConfigError, match="must hold 'z'"):
        stage(z=channel("z"))
    with pytest.raises(ConfigError, match="at least one channel"):
        RecallStage(60, {}, UNIVERSE, {}, MergeSpec())
