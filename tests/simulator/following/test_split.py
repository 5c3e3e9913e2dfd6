"""Sums by part of the requests: the same however they come in, and none that nobody has."""

from dataclasses import replace

import numpy as np

from simulator.following.shortfall import Missed
from simulator.following.split import SPLIT, SplitTally
from simulator.following.tally import Brought

PARTS, CATEGORIES, SHOPPERS = 6, 4, 50


def brought(rng, size):
    columns = {name: rng.random(size) for name in ("requests", "orders", "gmv")}
    seen = {name: columns[name] for name in ("orders", "gmv")}
    nothing = np.zeros(size)
    return Brought(
        shopper_B=rng.integers(0, SHOPPERS, size),
        visit_B=np.arange(size),
        category_B=rng.integers(-1, CATEGORIES, size),
        asked={"requests": columns["requests"]},
        seen=seen,
        bought_B=nothing,
        clicked_B=nothing,
    )


def test_sums_are_those_of_all_pages_whatever_waits(monkeypatch):
    rng = np.random.default_rng(1)
    blocks = [(brought(rng, 40), rng.integers(-1, PARTS, (40, 2))) for _ in range(5)]
    tallies = []
    for pending in (1, 100, 10_000):
        monkeypatch.setattr("simulator.following.split._PENDING", pending)
        tally = SplitTally(PARTS, CATEGORIES)
        for pages, part_BC in blocks:
            tally.add(pages, part_BC)
        tallies.append(tally.by_shopper())
    wanted = np.zeros((SHOPPERS, PARTS))
    for pages, part_BC in blocks:
        for part_B in part_BC.T:
            inside = part_B >= 0
            at = pages.shopper_B[inside], part_B[inside]
            np.add.at(wanted, at, pages.seen["orders"][inside])
    for found in tallies:
        sums = np.zeros_like(wanted)
        sums[found["shopper"], found["part"]] = found["orders"]
        np.testing.assert_allclose(sums, wanted)
        assert len(found["orders"]) == (wanted > 0).sum()


def test_what_is_lost_is_taken_off_where_it_was_asked_for():
    rng = np.random.default_rng(2)
    pages = brought(rng, 3)
    pages = replace(pages, shopper_B=np.array([7, 7, 8]), category_B=np.array([0, 0, -1]))
    part_BC = np.array([[0, 3], [1, 3], [0, -1]])
    tally = SplitTally(PARTS, CATEGORIES)
    tally.add(pages, part_BC)
    lost = np.array([0.25])
    missed = Missed(orders_R=lost, baskets_R=lost, gmv_R=4 * lost, bought_R=lost)
    tally.miss(np.array([7]), np.array([0]), np.array([[1, 3]]), missed)
    found = {name: column.tolist() for name, column in tally.by_shopper().items()}
    assert list(zip(found["shopper"], found["part"], strict=True)) == [
        (7, 0),
        (7, 1),
        (7, 3),
        (8, 0),
    ]
    orders = pages.seen["orders"]
    wanted = [orders[0], orders[1] - 0.25, orders[0] + orders[1] - 0.25, orders[2]]
    np.testing.assert_allclose(found["orders"], wanted)
    assert found["lost_gmv"] == [0, 1, 1, 0]
    by_category = tally.by_category()
    assert set(by_category) == {"part", *SPLIT}
    none = by_category["orders"].reshape(PARTS, CATEGORIES + 1)[0, -1]
    assert none == orders[2]
