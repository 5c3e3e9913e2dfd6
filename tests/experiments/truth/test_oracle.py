"""An oracle's order and recall: what headroom promises is what a world served by it brings."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from experiments.attribution.incremental.arms import open_arm
from experiments.inference.intervals.crossed import growth, ratio
from experiments.running.worlds import open_world
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from experiments.truth.headroom import HeadroomSample
from experiments.truth.oracle import Oracle, OracleRecall, needs_of
from simulator.following.walk import follow
from tests.experiments.small_runs import run, small_config


@pytest.fixture(scope="module")
def opened(tmp_path_factory, small_run):
    """Control's world of a run in which few items reach a page, about to be lived again."""
    folder = tmp_path_factory.mktemp("oracle") / "run"
    # Few buy, so that what better pages sell leaves most needs as they were.
    few = ("funnel.keep=12", "funnel.merge.limit=12", "world.behavior.outside=9.0")
    config = small_config(*few, "truth.headroom=0")
    run(config, folder, like=small_run)
    with RunFolder(folder) as store:
        arm = open_arm(config, Maker(store, config.execution, NoProgress()), "control")
        job = arm.world(0)
    return open_world(job, folder.parent / "log")


class Watched:
    """The world, followed with its own pages and with an oracle's recall, every request weighed."""

    def __init__(self, opened):
        world, funnel = opened.world, opened.service
        self.world = world
        self.needs = []
        world.watch(self.needs_seen)
        oracle = Oracle(world.behavior, world.market)
        recall = OracleRecall(funnel.twin(), oracle, world.sampler, world.memory)
        self.own = follow(world, funnel.twin())
        self.perfect = follow(world, recall, own=False)
        known_T = np.zeros(len(world.population.intents.texts), np.bool_)
        self.sample = HeadroomSample(world, funnel.twin(), rate=1.0, known_T=known_T)
        world.watch(self.sample)
        opened.run(lambda requests: None)

    def needs_seen(self, requests, needs, pages, reactions):
        found = needs_of(requests, self.world.sampler, self.world.memory)
        self.needs.append((needs, found))


@pytest.fixture(scope="module")
def watched(opened):
    return Watched(opened)


def test_needs_are_known_from_a_request_alone(watched):
    for needs, found in watched.needs:
        for name in ("shopper_B", "session_B", "request_B", "at_B", "owned_BM"):
            np.testing.assert_array_equal(getattr(found, name), getattr(needs, name))
    same = [found.intent_B == needs.intent_B for needs, found in watched.needs]
    # Two needs of one session may be asked for in the same words.
    assert np.concatenate(same).mean() > 0.99


def test_a_world_served_by_perfect_recall_gains_what_headroom_predicts(watched, tmp_path):
    """Headroom weighs control's requests; the walk also follows where better pages lead to. Both
    gains must agree within their intervals, and be no luck."""
    watched.sample.write(tmp_path / "sample.parquet")
    rows = pq.read_table(tmp_path / "sample.parquet").to_pandas()
    by = rows.groupby("shopper")[["orders_served", "orders_recall"]].sum()
    served, recall = (by[name].to_numpy()[None] for name in ("orders_served", "orders_recall"))
    predicted = ratio(recall - served, served, confidence=0.95).interval
    tables = []
    for walk in (watched.perfect, watched.own):
        totals, wide = walk.totals(), np.zeros((1, len(watched.world.population.shoppers)))
        wide[0, totals["shopper"]] = totals["orders"] + totals["lost_orders"]
        tables += [wide, np.ones(wide.shape)]
    lived = growth(*tables, confidence=0.95).interval
    assert predicted.low > 0
    half = np.hypot(predicted.high - predicted.low, lived.high - lived.low) / 2
    assert abs(lived.estimate - predicted.estimate) < half


def test_an_oracle_finds_the_best_of_the_catalogue(watched):
    world = watched.world
    oracle = Oracle(world.behavior, world.market)
    needs = watched.needs[0][0].rows(slice(0, 20))
    items = len(world.market.price_I)
    available_I = np.ones(items, bool)
    available_I[::7] = False
    best_BK = oracle.best(needs, available_I, 5)["gmv"]
    worth_BI = oracle.worth(needs, np.tile(np.arange(items, dtype=np.int32), (20, 1)))["gmv"]
    worth_BI[:, ~available_I] = -np.inf
    wanted = np.sort(worth_BI, axis=1)[:, ::-1][:, :5]
    found = np.take_along_axis(worth_BI, best_BK.astype(np.int64), axis=1)
    np.testing.assert_array_equal(found, wanted)
    assert (oracle.best(needs, np.zeros(items, bool), 3)["orders"] == -1).all()
