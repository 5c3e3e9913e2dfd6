from dataclasses import replace

import numpy as np
import pytest

from ranking.funnel import Funnel
from ranking.rankers.ranker import MergeOrderRanker
from ranking.recallstage import RecallStage
from ranking.router import ArmRouter, same_items
from ranking.settings import FunnelSpec
from recall.settings import MergeSpec
from simulator.errors import ConfigError
from simulator.protocols import SearchService
from simulator.randomness import Draws
from tests.ranking.funnels import assert_same

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


def beside(arms, arm_S, index, **options):
    """A router that also makes the pages of the other arm."""
    services = arms(**options)
    router = ArmRouter(services, Given(arm_S), [each.twin() for each in services])
    router.refresh(index)
    return router


def test_the_other_arms_page_tells_whether_pages_differ_and_changes_nothing(
    arms, arm_S, traced, index
):
    watched, plain = beside(arms, arm_S, index), ArmRouter(arms(), Given(arm_S))
    plain.refresh(index)
    pages, alone = watched.serve(traced), plain.serve(traced)
    assert alone.differs_B is None
    assert_same(replace(pages, differs_B=None), alone)
    of_arm = [service.serve(traced).items_BK for service in plain.services]
    wide_BK = np.pad(of_arm[0], ((0, 0), (0, 2)), constant_values=-1)
    np.testing.assert_array_equal(pages.differs_B, (wide_BK != of_arm[1]).any(axis=1))
    assert pages.differs_B.any()


def test_equal_arms_never_differ_whatever_the_width_of_their_pages(arms, arm_S, traced, index):
    router = beside(arms, arm_S, index)
    same = [router.services[0], router.services[0].longer(14)]
    short = replace(traced, slots_B=np.minimum(traced.slots_B, 10))
    equal = ArmRouter(same, Given(arm_S), [each.twin() for each in same])
    assert not equal.serve(short).differs_B.any()


def test_pages_of_unlike_width_are_the_same_where_the_wider_one_shows_no_more():
    short_BK = np.array([[1, 2], [1, 2], [1, -1]], np.int32)
    wide_BK = np.array([[1, 2, -1], [1, 2, 3], [1, -1, -1]], np.int32)
    for one_BK, other_BK in ((short_BK, wide_BK), (wide_BK, short_BK)):
        np.testing.assert_array_equal(same_items(one_BK, other_BK), [True, False, True])


def test_of_three_arms_any_that_differs_counts_whichever_serves(arms, traced, index):
    one, two = arms()
    one.refresh(index)
    two.refresh(index)
    services = [one, one.twin(), two]
    found = []
    for arm in range(3):
        given = Given(np.full(24, arm, np.int8))
        given.shares = (0.2, 0.3, 0.5)
        found.append(ArmRouter(services, given, services).serve(traced).differs_B)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert found[0].any()


def test_faults_of_pages_that_nobody_sees_are_not_counted(arms, requests_, index, monkeypatch):
    services = arms()
    monkeypatch.setattr(services[1].recall.channels["b"], "n_items", 0)
    everybody = Given(np.zeros(24, np.int8))
    router = ArmRouter(services, everybody, [each.twin() for each in services])
    with np.errstate(divide="ignore"):
        router.serve(requests_)
    assert router.faults() == []


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
