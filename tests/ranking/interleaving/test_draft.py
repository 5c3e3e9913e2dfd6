"""The draft: both orders kept, nothing twice or lost, and no arm favoured by anything but items."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ranking.interleaving.draft import LEFT_OFF, NOT, SHOWN, contest, draft

orders = st.lists(st.integers(0, 14), max_size=9, unique=True)


def padded(rows: list[list[int]], width: int = 0) -> np.ndarray:
    width = max([width, *map(len, rows)])
    return np.array([row + [-1] * (width - len(row)) for row in rows], np.int32)


def by_the_paper(one: list[int], two: list[int], first: list[int], depth: int) -> list[tuple]:
    """The draft in plain Python: (item, team) of each place."""
    placed: list[tuple[int, int]] = []
    for leader in first:
        for team in (leader, 1 - leader):
            there = [item for item, _ in placed]
            left = [item for item in (one, two)[team] if item not in there]
            if left and len(placed) < depth:
                placed.append((left[0], team))
    return placed


def drafted(one: list[int], two: list[int], first: list[int], depth: int) -> list[tuple]:
    arrays = padded([one]), padded([two])
    found = draft(arrays, np.array([first], np.int8), np.array([depth]))
    return told(arrays, found.team_BD[0], found.column_BD[0])


def told(arrays: tuple, team_D: np.ndarray, column_D: np.ndarray) -> list[tuple]:
    pairs = zip(team_D.tolist(), column_D.tolist(), strict=True)
    return [(int(arrays[team][0, column]), team) for team, column in pairs if team >= 0]


def test_a_draft_by_hand() -> None:
    one, two = [10, 11, 12, 13], [11, 14, 10, 15]
    # First picks first, then second: 10 | 11, then second first: 14 | 12, then 15 and 13.
    assert drafted(one, two, [0, 1, 1], 6) == [
        *[(10, 0), (11, 1)],
        *[(14, 1), (12, 0)],
        *[(15, 1), (13, 0)],
    ]
    assert drafted(one, two, [1, 0, 0], 4) == [(11, 1), (10, 0), (12, 0), (14, 1)]


@given(orders, orders, st.lists(st.integers(0, 1), min_size=20, max_size=20), st.integers(0, 20))
def test_a_draft_is_that_of_the_paper(
    one: list[int], two: list[int], first: list[int], depth: int
) -> None:
    assert drafted(one, two, first, depth) == by_the_paper(one, two, first, depth)


@given(orders, orders, st.lists(st.integers(0, 1), min_size=20, max_size=20))
def test_nothing_is_lost_or_twice_and_each_team_keeps_its_order(
    one: list[int], two: list[int], first: list[int]
) -> None:
    found = drafted(one, two, first, 20)
    items = [item for item, _ in found]
    assert sorted(items) == sorted({*one, *two})
    for team, order in enumerate((one, two)):
        own = [item for item, placed in found if placed == team]
        assert own == [item for item in order if item in own]


@given(
    st.permutations(range(12)),
    st.permutations(range(12)),
    st.lists(st.integers(0, 1), min_size=6, max_size=6),
    st.integers(1, 11),
)
def test_the_first_places_do_not_hang_on_how_many_are_asked_for(
    one: list[int], two: list[int], first: list[int], depth: int
) -> None:
    whole = drafted(one, two, first, 12)
    assert drafted(one, two, first, depth) == whole[:depth]
    assert drafted(one[:depth], two[:depth], first, depth) == whole[:depth]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        ([0, 1, 2, 3, 4, 5], [3, 0, 7, 8, 1, 9]),
        ([0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]),
    ],
)
def test_every_place_counts_for_each_team_in_half_of_all_coins(
    one: list[int], two: list[int]
) -> None:
    places = len({*one, *two})
    teams = [
        [team for _, team in drafted(one, two, [*c], places)] for c in product([0, 1], repeat=6)
    ]
    chance_D = np.mean([team[:6] for team in teams], axis=0)
    np.testing.assert_array_equal(chance_D, 0.5)


def test_equal_arms_show_the_order_of_both_and_have_equal_credit_by_all_coins() -> None:
    order, worth = [4, 2, 7, 1, 9], np.array([0.0, 3.0, 1.0, 0.0, 2.5])
    credit = np.zeros(2)
    for coins in product([0, 1], repeat=3):
        found = drafted(order, order, [*coins], 5)
        assert [item for item, _ in found] == order
        for (_, team), value in zip(found, worth, strict=True):
            credit[team] += value
    assert credit[0] == credit[1]


@given(orders, orders, st.lists(st.integers(0, 1), min_size=20, max_size=20))
def test_arms_and_coins_turned_give_the_same_page_with_teams_turned(
    one: list[int], two: list[int], first: list[int]
) -> None:
    found = drafted(one, two, first, 20)
    turned = drafted(two, one, [1 - coin for coin in first], 20)
    assert turned == [(item, 1 - team) for item, team in found]


def test_rows_are_drafted_by_themselves() -> None:
    rng = np.random.default_rng(4)
    rows = [
        [rng.permutation(15)[: rng.integers(0, 9)].tolist() for _ in range(2)] for _ in range(40)
    ]
    arrays = padded([row[0] for row in rows], 9), padded([row[1] for row in rows], 9)
    first_BR = rng.integers(0, 2, (40, 20)).astype(np.int8)
    depth_B = rng.integers(0, 19, 40)
    found = draft(arrays, first_BR, depth_B)
    for b, (one, two) in enumerate(rows):
        alone = drafted(one, two, first_BR[b].tolist(), int(depth_B[b]))
        mine = (arrays[0][b : b + 1], arrays[1][b : b + 1])
        assert told(mine, found.team_BD[b], found.column_BD[b]) == alone


def contested(
    one: list[int], two: list[int], first: list[int], coins: list[int], slots: int, depth: int
) -> tuple[list[tuple], list[tuple], list[list[int]]]:
    """First page and rest as (item, team), and the fates of both orders' first items."""
    arrays = padded([one], 1), padded([two], 1)
    found = contest(
        *(arrays, np.array([first], np.int8), np.array([coins], np.int8)),
        *(np.array([slots]), np.array([depth])),
    )
    team_D, column_D = found.drafted.team_BD[0], found.drafted.column_BD[0]
    page = told(arrays, team_D[:slots], column_D[:slots])
    rest = told(arrays, team_D[slots:], column_D[slots:])
    return page, rest, [fate_BN[0].tolist() for fate_BN in found.fates]


def test_a_contest_by_hand() -> None:
    one, two = [10, 11, 12, 13], [11, 14, 10, 15]
    # Pages of 3: 10, 11, 12 against 11, 14, 10. Contested are 12 and 14; draft 10 11 14 12 15 13.
    page, rest, fates = contested(one, two, [0, 1, 1], [0], 3, 6)
    assert page == [(10, 0), (11, 1), (12, 0)]
    assert rest == [(14, 1), (15, 1), (13, 0)]
    assert fates == [[NOT, NOT, SHOWN], [NOT, LEFT_OFF, NOT]]
    page, rest, fates = contested(one, two, [0, 1, 1], [1], 3, 6)
    assert page == [(10, 0), (11, 1), (14, 1)]
    assert rest == [(12, 0), (15, 1), (13, 0)]
    assert fates == [[NOT, NOT, LEFT_OFF], [NOT, SHOWN, NOT]]


@given(
    orders,
    orders,
    st.lists(st.integers(0, 1), min_size=20, max_size=20),
    st.lists(st.integers(0, 1), min_size=6, max_size=6),
    st.integers(1, 6),
)
def test_a_contest_loses_nothing_and_its_page_is_as_long_as_the_longer_one(
    one: list[int], two: list[int], first: list[int], coins: list[int], slots: int
) -> None:
    page, rest, fates = contested(one, two, first, coins, slots, 30)
    pages = one[:slots], two[:slots]
    items = [item for item, _ in page]
    assert len(items) == max(map(len, pages))
    assert {*pages[0]} & {*pages[1]} <= {*items} <= {*pages[0]} | {*pages[1]}
    assert sorted(items + [item for item, _ in rest]) == sorted({*one, *two})
    for own, other, fate in zip(pages, pages[::-1], fates, strict=True):
        alone = [item for item in own if item not in other]
        rivals = [item for item in other if item not in own]
        fated = [item for item, what in zip(own, fate, strict=False) if what != NOT]
        assert fated == alone[: len(rivals)]
        shown = [item for item, what in zip(own, fate, strict=False) if what == SHOWN]
        assert shown == [item for item in fated if item in items]
    teams = dict(page)
    for team, (own, other) in enumerate(zip(pages, pages[::-1], strict=True)):
        assert all(teams[i] == team for i in own if i in items and i not in other)


def test_each_contested_item_is_shown_in_half_of_all_coins_whatever_else_is_shown() -> None:
    one, two = [0, 1, 2, 3, 4], [5, 1, 6, 0, 7]
    pages = [
        {item for item, _ in contested(one, two, [0, 1, 0, 1, 0], [*coins], 5, 10)[0]}
        for coins in product([0, 1], repeat=3)
    ]
    for item in (2, 3, 4, 5, 6, 7):
        assert np.mean([item in page for page in pages]) == 0.5
    assert all({0, 1} <= page for page in pages)
    assert len({frozenset(page) for page in pages}) == 8


def test_items_without_a_rival_are_always_shown() -> None:
    page, _, fates = contested([0, 1, 2], [3], [0, 0, 0], [1], 4, 8)
    assert {item for item, _ in page} == {3, 1, 2}
    assert fates == [[LEFT_OFF, NOT, NOT, NOT], [SHOWN, NOT, NOT, NOT]]
