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


class Given:
    """Each shopper has an arm."""

    name = "shopper"
    shares = (0.25, 0.75)

    def __init__(self, arm_S):
        self.arm_S = arm_S

    def arms(self, requests):
        return self.arm_S[requests.shopper_B]


@pytest.fixture
def arm_S():
    return np.random.default_rng(0).integers(0, 2, 24).astype(np.int8)


@pytest.fixture
def traced(requests_):
    return replace(requests_, traced_B=np.arange(len(requests_)) % 2 == 0)


def test_each_shopper_gets_the_page_of_their_arm(arms, arm_S, traced, index):
    router = ArmRouter(arms(), Given(arm_S))
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
    router = ArmRouter(services, Given(arm_S))
    with np.errstate(divide="ignore"):
        router.serve(requests_)
    assert {fault.arm for fault in router.faults()} == {"arm 0", "arm 1"}
    assert sum(fault.requests for fault in router.faults()) == len(requests_)


def test_nobody_asks_and_nothing_breaks(arms, arm_S, requests_):
    assert len(ArmRouter(arms(), Given(arm_S)).serve(requests_.rows(slice(0, 0))).arm_B) == 0


def test_arms_must_agree_on_the_channels_and_exist(arms, arm_S):
    mixed = [arms()[0], arms(("b", "a"))[1]]
    with pytest.raises(ConfigError, match=r"arms\[1\]\.channels == "):
        ArmRouter(mixed, Given(arm_S))
    with pytest.raises(ConfigError, match=r"assignment\.shares == 2 arms, must be 1"):
        ArmRouter(arms()[:1], Given(arm_S))


def test_repr_shows_every_arm_with_its_share(arms):
    drawing = repr(ArmRouter(arms(), Given(np.zeros(1, np.int8))))
    assert drawing.startswith("25.0% of shoppers: Funnel arm 0")
    assert "75.0% of shoppers: Funnel arm 1" in drawing


def test_each_arm_reads_what_is_left_on_its_part_of_the_shelves(arms, arm_S, requests_, index):
    parts_AI = np.stack([np.arange(60) % 2 == 0, np.arange(60) % 2 == 1])
    router = ArmRouter(arms(), Given(arm_S))
    router.refresh(replace(index, parts_AI=parts_AI))
    pages = router.serve(requests_)
    shown = pages.items_BK >= 0
    arm_BK = np.broadcast_to(pages.arm_B[:, None], shown.shape)
    np.testing.assert_array_equal(pages.items_BK[shown] % 2, arm_BK[shown])
