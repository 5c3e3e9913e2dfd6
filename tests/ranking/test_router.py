from dataclasses import replace

import numpy as np
import pytest

from ranking.funnel import Funnel
from ranking.rankers.ranker import MergeOrderRanker
from ranking.recallstage import RecallStage
from ranking.router import ArmRouter
from ranking.settings import FunnelSpec
from recall.settings import MergeSpec
from simulator.errors import ConfigError
from simulator.protocols import SearchService
from simulator.randomness import Draws

UNIVERSE = ("a", "b")


@pytest.fixture
def arms(channel):
    def make(universe=UNIVERSE, slots=(10, 12)):
        kept = [{"a": channel("a")}, {"a": channel("a"), "b": channel("b", 7)}]
        return [
            Funnel(
                f"arm {arm}",
                arm,
                RecallStage(
                    60, channels, universe, {"a": 12, "b": 12}, MergeSpec(limit=20), batch=5
                ),
                MergeOrderRanker(),
                FunnelSpec(slots=slots[arm]),
                {},
                Draws(1),
            )
            for arm, channels in enumerate(kept)
        ]

    return make


@pytest.fixture
def arm_S():
    return np.random.default_rng(0).integers(0, 2, 24).astype(np.int8)


@pytest.fixture
def traced(requests_):
    return replace(requests_, traced_B=np.arange(len(requests_)) % 2 == 0)


def test_each_shopper_gets_the_page_of_their_arm(arms, arm_S, traced, index):
    router = ArmRouter(arms(), arm_S)
    router.refresh(index)
    assert isinstance(router, SearchService)
    pages = router.serve(traced)
    np.testing.assert_array_equal(pages.arm_B, arm_S[traced.shopper_B])
    for arm, service in enumerate(arms()):
        service.refresh(index)
        alone, rows = service.serve(traced), pages.arm_B == arm
        width = alone.items_BK.shape[1]
        for name in ("items_BK", "sources_BK", "scores_BK"):
            np.testing.assert_array_equal(
                getattr(pages, name)[rows, :width], getattr(alone, name)[rows]
            )
        np.testing.assert_array_equal(pages.merged_B[rows], alone.merged_B[rows])
        mine = rows[pages.traces.row_R]
        theirs = rows[alone.traces.row_R]
        np.testing.assert_array_equal(pages.traces.item_R[mine], alone.traces.item_R[theirs])
    assert (np.diff(pages.traces.row_R) >= 0).all()
    assert set(pages.traces.row_R) == set(np.flatnonzero(traced.traced_B))


def test_faults_come_from_all_arms(arms, arm_S, requests_, monkeypatch):
    services = arms()
    for service in services:
        monkeypatch.setattr(service.recall.channels["a"], "n_items", 0)
    router = ArmRouter(services, arm_S)
    with np.errstate(divide="ignore"):
        router.serve(requests_)
    assert {fault.arm for fault in router.faults()} == {"arm 0", "arm 1"}
    assert sum(fault.requests for fault in router.faults()) == len(requests_)


def test_nobody_asks_and_nothing_breaks(arms, arm_S, requests_):
    assert len(ArmRouter(arms(), arm_S).serve(requests_.rows(slice(0, 0))).arm_B) == 0


def test_arms_must_agree_on_the_channels_and_exist(arms, arm_S):
    mixed = [arms()[0], arms(("b", "a"))[1]]
    with pytest.raises(ConfigError, match=r"arms\[1\]\.channels == "):
        ArmRouter(mixed, arm_S)
    with pytest.raises(ConfigError, match=r"assignment\.arm == 2, must be >= 0 and < 2"):
        ArmRouter(arms(), arm_S + 1)


def test_repr_shows_every_arm_with_its_share(arms):
    drawing = repr(ArmRouter(arms(), np.array([0, 1, 1, 1], np.int8)))
    assert drawing.startswith("25.0% of shoppers: Funnel arm 0")
    assert "75.0% of shoppers: Funnel arm 1" in drawing


def test_before_a_moment_everybody_is_served_by_the_first_arm(arms, arm_S, requests_, index):
    at_B = np.linspace(0, 100, len(requests_))
    asked = replace(requests_, at_B=at_B)
    router = ArmRouter(arms(), arm_S, since=50.0)
    router.refresh(index)
    arm_B = router.serve(asked).arm_B
    assert (arm_S[asked.shopper_B][at_B < 50] == 1).any()
    np.testing.assert_array_equal(arm_B, np.where(at_B < 50, 0, arm_S[asked.shopper_B]))
