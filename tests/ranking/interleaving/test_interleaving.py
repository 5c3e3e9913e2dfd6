"""Interleaved pages: whole searches without loss, provenance of who placed, and one latency."""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from ranking.funnel import Funnel
from ranking.interleaving.interleaving import Interleaving
from ranking.rankers.ranker import MergeOrderRanker
from ranking.recallstage import RecallStage
from ranking.settings import FunnelSpec
from recall.latency import LatencySpec
from recall.settings import MergeSpec
from simulator.errors import ConfigError
from simulator.protocols import Index, Pages, Requests, SearchService, Traces, request_ids
from simulator.randomness import Draws

SLOTS, DEPTH = 8, 24
Make = Callable[..., Interleaving]


@pytest.fixture
def interleaved(channel: Callable, index: Index) -> Make:
    """Makes a service over two arms, of which the second has a channel more or another one."""

    def make(
        alike: bool = False,
        seed: int = 1,
        causal: bool = False,
        control: int = 0,
        latencies: tuple[dict, dict] = ({}, {}),
    ) -> Interleaving:
        kept = [{"a": channel("a")}, {"a": channel("a")} if alike else {"b": channel("b", 7)}]
        spec = FunnelSpec(slots=SLOTS, keep=DEPTH)
        funnels = [
            Funnel(
                f"arm {arm}",
                arm,
                RecallStage(
                    60, channels, ("a", "b"), {"a": 30, "b": 30}, MergeSpec(limit=40), batch=9
                ),
                MergeOrderRanker(),
                spec,
                latencies[arm],
                Draws(3),
            ).longer(DEPTH)
            for arm, channels in enumerate(kept)
        ]
        service = Interleaving(
            *(funnels, Draws(seed)), slots=SLOTS, depth=DEPTH, control=control, causal=causal
        )
        service.refresh(index)
        return service

    return make


@pytest.fixture
def searches(requests_: Requests) -> Requests:
    """40 searches of three pages each, page by page; phones show 5 results and desktops 8."""
    search = np.repeat(np.arange(40), 3)
    page = np.tile(np.arange(3), 40)
    rows = requests_.rows(search % len(requests_))
    return replace(
        rows,
        id_B=request_ids(search.astype(np.int64) << 20, page),
        shopper_B=search.astype(np.int64),
        page_B=page.astype(np.int16),
        slots_B=np.where(search % 2, SLOTS, 5).astype(np.int16),
        traced_B=search % 3 == 0,
    )


def whole_orders(service: Interleaving, requests: Requests) -> list[np.ndarray]:
    """(B, DEPTH) what either arm would show on one long page."""
    asked = replace(
        requests,
        page_B=np.zeros_like(requests.page_B),
        slots_B=np.full_like(requests.slots_B, DEPTH),
    )
    return [each.serve(asked).items_BK for each in service.services]


def test_it_is_a_search_service_that_draws_both_arms(interleaved: Make) -> None:
    service = interleaved()
    assert isinstance(service, SearchService)
    drawn = repr(service)
    assert drawn.startswith("Page 8, drafted in turns:\nFunnel arm 0")
    assert "Funnel arm 1" in drawn
    assert "contested items by coins" in repr(interleaved(causal=True))


@pytest.mark.parametrize("causal", [False, True])
def test_pages_of_a_search_repeat_nothing_and_lose_nothing_of_either_order(
    interleaved: Make, searches: Requests, causal: bool
) -> None:
    service = interleaved(causal=causal)
    pages, orders = service.serve(searches), whole_orders(service, searches)
    for first in range(0, len(searches), 3):
        shown = pages.items_BK[first : first + 3]
        slots = int(searches.slots_B[first])
        assert (shown[:, slots:] < 0).all()
        items = shown[:, :slots].ravel().tolist()
        assert min(items) >= 0
        assert len({*items}) == len(items)
        # Each team has picked from its order without a gap: what both pages left is below.
        for order in (each[first].tolist() for each in orders):
            places = sorted(order.index(item) for item in items if item in order)
            reached = len(items) // 2 - (slots if causal else 0)
            assert places[:reached] == list(range(reached))


@pytest.mark.parametrize("causal", [False, True])
def test_a_page_does_not_hang_on_what_else_is_asked(
    interleaved: Make, searches: Requests, causal: bool
) -> None:
    service = interleaved(causal=causal)
    whole = service.serve(searches)
    for start in range(0, len(searches), 17):
        rows = slice(start, min(start + 17, len(searches)))
        part = service.serve(searches.rows(rows))
        for field in fields(Pages):
            if field.name not in ("traces", "differs_B", "contested"):
                ours, theirs = getattr(part, field.name), getattr(whole, field.name)[rows]
                np.testing.assert_array_equal(ours, theirs, field.name)
        if causal:
            assert whole.contested is not None
            assert part.contested is not None
            own = (whole.contested.row_R >= rows.start) & (whole.contested.row_R < rows.stop)
            np.testing.assert_array_equal(part.contested.item_R, whole.contested.item_R[own])
            np.testing.assert_array_equal(part.contested.on_page_R, whole.contested.on_page_R[own])


def test_equal_arms_show_their_page_and_coins_give_slots_to_both(
    interleaved: Make, searches: Requests
) -> None:
    service = interleaved(alike=True)
    pages = service.serve(searches)
    alone = service.services[0].serve(searches)
    np.testing.assert_array_equal(pages.items_BK, alone.items_BK[:, :SLOTS])
    np.testing.assert_array_equal(pages.sources_BK, alone.sources_BK[:, :SLOTS])
    given = np.mean(
        [
            interleaved(alike=True, seed=seed).serve(searches).arms_BK[pages.items_BK >= 0].mean()
            for seed in range(30)
        ]
    )
    # Of each round's two slots one is of each team, so only odd pages' ends are luck.
    assert given == pytest.approx(0.5, abs=4.5 * 0.5 * np.sqrt(1 / (30 * 120)))


def test_what_is_told_of_a_slot_is_told_by_the_arm_that_placed_it(
    interleaved: Make, searches: Requests
) -> None:
    service = interleaved()
    pages = service.serve(searches)
    shown_BK = pages.items_BK >= 0
    np.testing.assert_array_equal(pages.sources_BK[shown_BK], 1 << pages.arms_BK[shown_BK])
    orders = whole_orders(service, searches)
    for b, k in np.argwhere(shown_BK)[::5]:
        assert pages.items_BK[b, k] in orders[pages.arms_BK[b, k]][b]
    assert np.isnan(pages.propensity_BK[shown_BK]).all()
    assert (pages.propensity_BK[~shown_BK] == 1).all()
    assert {*np.unique(pages.arms_BK[shown_BK])} == {0, 1}


@pytest.mark.parametrize("control", [0, 1])
def test_what_is_told_of_a_request_is_controls(
    interleaved: Make, searches: Requests, control: int
) -> None:
    service = interleaved(control=control)
    pages, own = service.serve(searches), service.services[control].serve(searches)
    assert (pages.arm_B == control).all()
    np.testing.assert_array_equal(pages.merged_B, own.merged_B)
    np.testing.assert_array_equal(pages.ranked_B, own.ranked_B)
    for field in fields(Traces):
        ours, theirs = getattr(pages.traces, field.name), getattr(own.traces, field.name)
        np.testing.assert_array_equal(ours, theirs)
    assert (pages.arms_BK[pages.items_BK < 0] == control).all()


def test_a_page_is_as_late_as_the_slower_arm_and_lacks_what_either_lacks(
    interleaved: Make, searches: Requests
) -> None:
    slow = LatencySpec(base_s=0.045, per_item_s=0.0, sigma=0.3)
    quick = LatencySpec(base_s=0.01, per_item_s=0.0, sigma=0.2)
    service = interleaved(latencies=({"a": quick}, {"b": slow}))
    pages = service.serve(searches)
    one, two = (each.serve(searches) for each in service.services)
    np.testing.assert_array_equal(pages.latency_B, np.maximum(one.latency_B, two.latency_B))
    assert (two.dropped_B == 2).any()
    np.testing.assert_array_equal(pages.dropped_B, two.dropped_B)
    late_B = two.dropped_B > 0
    assert (pages.arms_BK[late_B] == 0).all()
    assert {fault.arm for fault in service.faults()} == {"arm 1"}


def test_contested_items_are_those_that_one_page_alone_has(
    interleaved: Make, searches: Requests
) -> None:
    service = interleaved(causal=True)
    pages = service.serve(searches)
    found = pages.contested
    assert found is not None
    assert (searches.page_B[found.row_R] == 0).all()
    sides = [
        each.serve(replace(searches, page_B=np.zeros_like(searches.page_B))).items_BK[:, :SLOTS]
        for each in service.services
    ]
    for b in np.flatnonzero(searches.page_B == 0):
        here = found.row_R == b
        for arm in (0, 1):
            own, other = (
                {*side[b][side[b] >= 0].tolist()} for side in (sides[arm], sides[1 - arm])
            )
            of_arm = here & (found.arm_R == arm)
            assert {*found.item_R[of_arm].tolist()} == own - other
            shown = {*found.item_R[of_arm & found.on_page_R].tolist()}
            on_page = {*pages.items_BK[b].tolist()}
            assert shown == (own - other) & on_page
        assert found.on_page_R[here].sum() * 2 == here.sum()
    shares = [
        interleaved(causal=True, seed=s)
        .serve(searches)
        .contested.on_page_R.mean(where=found.arm_R == 0)
        for s in range(20)
    ]
    spread = 0.5 / np.sqrt(20 * (found.arm_R == 0).sum())
    assert abs(np.mean(shares) - 0.5) < 4.5 * spread


def test_nobody_asks_and_nothing_breaks(interleaved: Make, searches: Requests) -> None:
    for causal in (False, True):
        assert len(interleaved(causal=causal).serve(searches.rows(slice(0, 0))).arm_B) == 0


def test_other_than_two_arms_and_other_channels_are_refused(interleaved: Make) -> None:
    one, two = interleaved().services
    how = {"slots": SLOTS, "depth": DEPTH}
    for services in ([one], [one, two, one]):
        with pytest.raises(ConfigError, match=r"arms == \d arms, must be 2 to be interleaved"):
            Interleaving(services, Draws(1), **how)
    other = Funnel(
        *(
            "arm",
            1,
            RecallStage(60, {"a": one.recall.channels["a"]}, ("a",), {"a": 5}, MergeSpec()),
        ),
        *(MergeOrderRanker(), FunnelSpec(), {}, Draws(1)),
    )
    with pytest.raises(ConfigError, match=r"arms\[1\]\.channels == "):
        Interleaving([one, other], Draws(1), **how)


def test_pages_longer_than_a_funnels_are_refused(interleaved: Make, searches: Requests) -> None:
    wide = replace(searches, slots_B=np.full_like(searches.slots_B, SLOTS + 1))
    with pytest.raises(ConfigError, match=r"requests.slots == 9, must be <= 8 \(funnel.slots\)"):
        interleaved().serve(wide)
