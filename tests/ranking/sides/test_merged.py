"""A page of several arms' lists shows each item where the list of its own arm has it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ranking.funnel import Funnel
from ranking.rankers.ranker import MergeOrderRanker
from ranking.recallstage import RecallStage
from ranking.settings import FunnelSpec
from ranking.sides.listingrouter import ListingRouter
from ranking.sides.twosidedrouter import TwoSidedRouter
from recall.latency import LatencySpec
from recall.settings import MergeSpec
from simulator.errors import ConfigError
from simulator.protocols import Index, Pages, Requests, SearchService
from simulator.randomness import Draws
from tests.ranking.funnels import assert_same

UNIVERSE = ("a", "b")
SPEC = FunnelSpec(keep=20, slots=12)
SLOW = LatencySpec(base_s=0.04, per_item_s=0.0, sigma=0.5)


@pytest.fixture
def funnels(channel: Callable[..., object], index: Index) -> Callable[..., list[Funnel]]:
    """A funnel for each arm; the second has another channel, and a second one."""

    def make(spec: FunnelSpec = SPEC, *, alike: bool = False, slow: bool = False) -> list[Funnel]:
        kept = [{"a": channel("a")}, {"a": channel("a")} if alike else {"b": channel("b", 7)}]
        made = [
            Funnel(
                f"arm {arm}",
                arm,
                RecallStage(60, channels, UNIVERSE, {"a": 18, "b": 18}, MergeSpec(limit=24)),
                MergeOrderRanker(),
                spec,
                {"a": SLOW, "b": SLOW} if slow else {},
                Draws(1),
            )
            for arm, channels in enumerate(kept)
        ]
        for each in made:
            each.refresh(index)
        return made

    return make


@pytest.fixture
def arm_I() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 2, 60).astype(np.int8)


def router(funnels: list[Funnel], arm_I: np.ndarray) -> ListingRouter:
    return ListingRouter(funnels, arm_I, 0, Draws(5))


def ranked(funnel: Funnel, requests: Requests) -> np.ndarray:
    """Everything that a funnel ranks, by pages of its own."""
    first = replace(requests, slots_B=np.full(len(requests), 12, np.int16))
    pages = [replace(first, page_B=np.full(len(requests), n, np.int16)) for n in range(2)]
    return np.concatenate([funnel.serve(each).items_BK for each in pages], axis=1)


def test_every_item_on_a_page_is_ranked_by_its_own_arm(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, many: Requests
) -> None:
    pages = router(funnels(), arm_I).serve(many)
    lists = [ranked(each, many) for each in funnels()]
    shown = pages.items_BK >= 0
    np.testing.assert_array_equal(pages.arms_BK[shown], arm_I[pages.items_BK[shown]])
    assert set(pages.arm_B) == {0}
    for row, slot in zip(*np.nonzero(shown), strict=True):
        assert pages.items_BK[row, slot] in lists[pages.arms_BK[row, slot]][row]


def test_ranks_of_ones_own_arm_rise_along_the_pages_of_a_query(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, requests_: Requests
) -> None:
    """Brute force: own items of all lists by rank; ties in either order, the same on all pages."""
    asked = replace(requests_, slots_B=np.full(len(requests_), 6, np.int16))
    session_B = asked.id_B >> 8 << 8
    pages = [
        replace(asked, id_B=session_B + page, page_B=np.full(len(asked), page, np.int16))
        for page in range(4)
    ]
    served = [router(funnels(), arm_I).serve(each) for each in pages]
    lists = [ranked(each, asked) for each in funnels()]
    tied = 0
    for row in range(len(asked)):
        shown = np.concatenate([each.items_BK[row, :6] for each in served])
        shown = shown[shown >= 0]
        own = [
            (rank, item)
            for arm, items in enumerate(lists)
            for rank, item in enumerate(items[row].tolist())
            if item >= 0 and arm_I[item] == arm
        ]
        rank_of = {item: rank for rank, item in own}
        assert len(shown) == len(set(shown.tolist())) == min(len(own), 24)
        ranks = [rank_of[item] for item in shown.tolist()]
        assert ranks == sorted(rank for rank, _ in own)[: len(ranks)]
        tied += len(ranks) - len(set(ranks))
        assert served[0].ranked_B[row] == len(own)
    assert tied > 20


def test_where_arms_tie_each_goes_first_as_often(
    funnels: Callable[..., list[Funnel]], many: Requests
) -> None:
    """Both lists begin alike; of the second items one is of each arm, so both stand at rank 1."""
    first = replace(many, page_B=np.zeros(len(many), np.int16))
    ranks = [each.serve(first).items_BK for each in funnels()]
    both = (ranks[0][:, 0] == ranks[1][:, 0]) & (ranks[0][:, 1] >= 0) & (ranks[1][:, 1] >= 0)
    rows = np.flatnonzero(both & (ranks[0][:, 1] != ranks[1][:, 1]))
    assert len(rows) > 60
    firsts = []
    for row in rows.tolist():
        arm_I = np.zeros(60, np.int8)
        arm_I[ranks[1][row, 1]] = 1
        page = router(funnels(), arm_I).serve(first.rows(np.array([row])))
        assert set(page.items_BK[0, 1:3]) == {ranks[0][row, 1], ranks[1][row, 1]}
        firsts.append(int(page.arms_BK[0, 1]))
    assert abs(np.mean(firsts) - 0.5) < 4.5 * 0.5 / np.sqrt(len(rows))


def test_arms_that_are_alike_make_the_page_of_one_of_them(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, many: Requests
) -> None:
    alone = funnels(alike=True, slow=True)[0].serve(many)
    for made in (
        router(funnels(alike=True, slow=True), arm_I).serve(many),
        two_sided(funnels(alike=True, slow=True), arm_I).serve(many),
    ):
        np.testing.assert_array_equal(made.ranked_B, alone.ranked_B)
        assert_same(replace(made, arm_B=alone.arm_B, slot_arms_BK=None), alone)


def test_a_page_is_as_late_as_the_latest_arm_and_lacks_what_any_lacks(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, many: Requests
) -> None:
    one, two = (each.serve(each.whole(many)) for each in (f.unpaged() for f in funnels(slow=True)))
    pages = router(funnels(slow=True), arm_I).serve(many)
    np.testing.assert_array_equal(pages.latency_B, np.maximum(one.latency_B, two.latency_B))
    np.testing.assert_array_equal(pages.dropped_B, one.dropped_B | two.dropped_B)
    assert (pages.dropped_B == 3).any()
    assert (pages.dropped_B == 0).any()


class Halves:
    """Shoppers with even numbers are in arm 0."""

    name = "two_sided"
    shares = (0.5, 0.5)

    def arms(self, requests: Requests) -> np.ndarray:
        return (requests.shopper_B % 2).astype(np.int8)


def two_sided(funnels: list[Funnel], arm_I: np.ndarray, control: int = 0) -> TwoSidedRouter:
    return TwoSidedRouter(funnels, Halves(), arm_I, control, Draws(5))


@pytest.mark.parametrize("control", [0, 1])
def test_only_treated_shoppers_see_treated_items_as_the_treatment_has_them(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, many: Requests, control: int
) -> None:
    service = two_sided(funnels(), arm_I, control)
    assert isinstance(service, SearchService)
    pages = service.serve(many)
    own = many.shopper_B % 2 == control
    np.testing.assert_array_equal(pages.arm_B, np.where(own, control, 1 - control))
    alone = funnels()[control].serve(many)
    np.testing.assert_array_equal(pages.items_BK[own], alone.items_BK[own])
    merged = ListingRouter(funnels(), arm_I, control, Draws(5)).serve(many)
    np.testing.assert_array_equal(pages.items_BK[~own], merged.items_BK[~own])
    shown = pages.items_BK >= 0
    treated = ~own[:, None] & (arm_I[pages.items_BK] != control)
    np.testing.assert_array_equal((pages.arms_BK != control)[shown], treated[shown])
    assert set(pages.arms_BK[shown]) == {0, 1}


def test_candidates_in_the_log_are_those_of_each_items_own_arm(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, many: Requests
) -> None:
    traces = router(funnels(), arm_I).serve(many).traces
    lists = [each.serve(each.whole(many)).traces for each in (f.unpaged() for f in funnels())]
    expected = {
        (row, item, arm)
        for arm, each in enumerate(lists)
        for row, item in zip(each.row_R.tolist(), each.item_R.tolist(), strict=True)
        if arm_I[item] == arm
    }
    found = zip(traces.row_R.tolist(), traces.item_R.tolist(), strict=True)
    assert {(row, item, int(arm_I[item])) for row, item in found} == expected
    assert (np.diff(traces.row_R) >= 0).all()


def test_faults_are_told_once_for_each_arm_and_channel(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, many: Requests
) -> None:
    service = two_sided(funnels(slow=True), arm_I)
    service.serve(many)
    keys = [(fault.arm, fault.channel, fault.reason) for fault in service.faults()]
    assert len(keys) == len(set(keys)) == 2
    by_arm = {fault.arm: fault.requests for fault in service.faults()}
    late = funnels(slow=True)[0]
    late.serve(many)
    assert by_arm["arm 0"] == late.faults()[0].requests


def test_pages_that_explore_are_refused(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray
) -> None:
    with pytest.raises(ConfigError, match=r"funnel.exploration == 0.1, must be 0 where items"):
        router(funnels(FunnelSpec(exploration=0.1)), arm_I)
    with pytest.raises(ConfigError, match=r"arms == 1 arms, must be 2 where two sides are split"):
        TwoSidedRouter(funnels()[:1], Halves(), arm_I, 0, Draws(1))


def test_nobody_asks_and_nothing_breaks(
    funnels: Callable[..., list[Funnel]], arm_I: np.ndarray, many: Requests
) -> None:
    nobody = many.rows(slice(0, 0))
    pages: Pages = router(funnels(), arm_I).serve(nobody)
    assert len(pages.arm_B) == len(two_sided(funnels(), arm_I).serve(nobody).arm_B) == 0


def test_repr_draws_every_arm(funnels: Callable[..., list[Funnel]], arm_I: np.ndarray) -> None:
    drawn = repr(two_sided(funnels(), np.zeros(60, np.int8)))
    assert drawn.startswith("50.0% of shoppers: Funnel arm 0")
    assert "100.0% of listings: Funnel arm 0" in drawn
