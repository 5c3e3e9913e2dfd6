from collections import Counter, defaultdict
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from experiments.attribution.incremental.coalitions import CoalitionWorlds
from experiments.attribution.incremental.fates import (
    CREDITED,
    OTHER_ITEM,
    SAME_ITEM,
    add_fates,
    replay_fate_rows,
    shopper_fates,
    world_fate_rows,
)
from experiments.inference.intervals.crossed import share
from experiments.inference.logs import EngineSpec, engine
from experiments.records.attribution import FATES
from tests.experiments.inference.logs import write_table

A, B = 1, 2  # bits of two channels; fates are those of purchases that A found


SESSIONS, PAGES = 1 << 20, 1 << 8


def write_world(folder, purchases):
    """A log of (shopper, session, page, item, sources) rows; sessions and pages follow in time."""
    names = ["shopper", "session", "page", "item", "sources"]
    table = pd.DataFrame(purchases, columns=names, dtype=np.int64)
    table["at"] = 1000.0 * table["session"] + 10.0 * table["page"]
    table["session"] += table["shopper"] * SESSIONS
    table["request"] = table["session"] * PAGES + table["page"]
    requests = table.drop_duplicates("request")
    integers = {"shopper": np.int64, "session": np.int64, "request": np.int64, "item": np.int32}

    def columns(rows, names):
        return {name: rows[name].to_numpy(integers.get(name)) for name in names}

    write_table(folder / "requests", columns(requests, ["request", "session", "shopper", "at"]))
    orders = columns(table, ["request", "session", "shopper", "item", "at"])
    orders["at"] = orders["at"] + 5 * 86_400.0 * (table["item"].to_numpy() % 2)  # odd: days later
    orders["sources"] = table["sources"].to_numpy(np.int32)
    orders["position"] = np.arange(len(table), dtype=np.int16)
    write_table(folder / "orders", orders)
    return folder


def fates(folder, full, without, bit=A):
    """By shopper, how many of A's purchases have which fate."""
    log = write_world(folder / "full", full)
    twin = None if without is None else write_world(folder / "without", without)
    with engine(EngineSpec()) as connection:
        table = connection.execute(shopper_fates(log, twin, bit)).df()
    return {
        row["shopper"]: {fate: row[fate] for fate in FATES if row[fate]}
        for row in table.to_dict("records")
    }


def test_an_item_that_another_channel_shows_too_is_bought_all_the_same(tmp_path):
    found = fates(tmp_path, [(7, 1, 0, 40, A | B)], [(7, 1, 2, 40, B)])
    assert found == {7: {"same_item": 1}}


def test_another_item_of_the_same_session_stands_in(tmp_path):
    assert fates(tmp_path, [(7, 1, 0, 40, A)], [(7, 1, 3, 41, B)]) == {7: {"other_item": 1}}


def test_what_is_bought_in_a_later_session_comes_later(tmp_path):
    without = [(7, 2, 0, 40, B)]
    assert fates(tmp_path, [(7, 1, 0, 40, A)], without) == {7: {"later": 1}}


def test_a_decision_to_buy_later_belongs_to_the_session_that_made_it(tmp_path):
    """Item 41 of session 1 is paid for five days on, after session 2 bought in its stead."""
    assert fates(tmp_path, [(7, 1, 0, 41, A)], [(7, 2, 0, 40, B)]) == {7: {"later": 1}}
    assert fates(tmp_path, [(7, 2, 0, 40, A)], [(7, 1, 0, 41, B)]) == {7: {"nowhere": 1}}


def test_a_purchase_that_nothing_replaces_goes_nowhere(tmp_path):
    before, somebody_else = (7, 1, 0, 41, B), (8, 3, 0, 40, B)
    found = fates(tmp_path, [(7, 2, 0, 40, A)], [before, somebody_else])
    assert found == {7: {"nowhere": 1}}


def test_without_the_only_channel_everything_goes_nowhere(tmp_path):
    found = fates(tmp_path, [(7, 1, 0, 40, A), (7, 1, 1, 41, A), (9, 1, 0, 40, A)], None)
    assert found == {7: {"nowhere": 2}, 9: {"nowhere": 1}}


def test_only_purchases_that_the_channel_found_have_fates(tmp_path):
    assert fates(tmp_path, [(7, 1, 0, 40, B)], []) == {}
    assert fates(tmp_path, [(7, 1, 0, 40, A)], [(7, 1, 0, 40, B)], bit=B) == {}


def test_a_replacement_is_counted_once(tmp_path):
    full = [(7, 1, 0, 40, A), (7, 1, 1, 41, A), (7, 1, 2, 42, A)]
    found = fates(tmp_path, full, [(7, 1, 0, 50, B), (7, 4, 0, 51, B)])
    assert found == {7: {"other_item": 1, "later": 1, "nowhere": 1}}


def test_an_item_bought_twice_in_a_session_needs_two_matches(tmp_path):
    full = [(7, 1, 0, 40, A), (7, 1, 3, 40, A | B)]
    assert fates(tmp_path, full, [(7, 1, 3, 40, B)]) == {7: {"same_item": 1, "nowhere": 1}}


def test_a_kept_purchase_of_another_channel_is_no_replacement(tmp_path):
    """The twin's only purchase is matched with the uncredited one that it equals."""
    full = [(7, 1, 0, 40, A), (7, 1, 1, 41, B)]
    assert fates(tmp_path, full, [(7, 1, 1, 41, B)]) == {7: {"nowhere": 1}}


def test_replacements_go_to_purchases_of_the_channel_before_those_of_others(tmp_path):
    """Both are gone, one has come: it is counted for the channel that went, though found later."""
    full = [(7, 1, 0, 41, B), (7, 1, 1, 40, A)]
    assert fates(tmp_path, full, [(7, 1, 0, 50, B)]) == {7: {"other_item": 1}}
    assert fates(tmp_path / "later", full, [(7, 2, 0, 50, B)]) == {7: {"later": 1}}


def test_what_replaced_another_channels_purchase_is_not_there_for_a_later_loss(tmp_path):
    """The channel's purchase has its own replacement, the other lost one takes the second."""
    full = [(7, 1, 0, 41, B), (7, 1, 1, 40, A), (7, 1, 2, 43, A)]
    without = [(7, 1, 0, 50, B), (7, 1, 1, 51, B), (7, 1, 2, 52, B), (7, 2, 0, 53, B)]
    assert fates(tmp_path, full, without) == {7: {"other_item": 2}}
    full.append((7, 0, 0, 44, A))  # an earlier session's loss: only the second session is left
    assert fates(tmp_path / "more", full, without) == {7: {"other_item": 2, "later": 1}}


def rows_of(shoppers=3, sessions=3):
    one = st.tuples(
        st.integers(1, shoppers), st.integers(0, sessions - 1), st.integers(0, 2),
        st.integers(0, 3), st.sampled_from([A, B, A | B]),
    )  # fmt: skip
    return st.lists(one, max_size=12)


def by_hand(full, without):
    """The rules, purchase by purchase."""
    found = defaultdict(Counter)
    lost, free = sorted(full, key=lambda row: (row[1], row[2])), list(without)

    def settle(fate, fits, waiting, spare):
        left = []
        for row in waiting:
            match = next((other for other in spare if fits(row, other)), None)
            if match is None:
                left.append(row)
                continue
            spare.remove(match)
            if row[4] & A:
                found[row[0]][fate] += 1
        return left

    free.sort(key=lambda row: (row[1], row[2]))
    lost = settle("same_item", lambda a, b: (a[:2], a[3]) == (b[:2], b[3]), lost, free)
    lost.sort(key=lambda row: not row[4] & A)
    lost = settle("other_item", lambda a, b: a[:2] == b[:2], lost, free)
    credited = [row for row in lost if row[4] & A]
    credited.sort(key=lambda row: (-row[1], -row[2]))  # the last loss has the fewest choices
    left = settle("later", lambda a, b: a[0] == b[0] and b[1] >= a[1], credited, free)
    for row in left:
        found[row[0]]["nowhere"] += 1
    return {shopper: dict(counts) for shopper, counts in found.items()}


@settings(max_examples=60)
@given(full=rows_of(), without=rows_of())
def test_fates_are_those_of_a_match_made_purchase_by_purchase(tmp_path_factory, full, without):
    found = fates(tmp_path_factory.mktemp("worlds"), full, without)
    assert found == by_hand(full, without)
    credited = Counter(row[0] for row in full if row[4] & A)
    assert {shopper: sum(of.values()) for shopper, of in found.items()} == credited


def worlds_of(tmp_path, seeds):
    logs = tuple(
        (
            write_world(tmp_path / str(seed) / "full", full),
            write_world(tmp_path / str(seed) / "no-a", without),
            write_world(tmp_path / str(seed) / "no-b", full),
        )
        for seed, (full, without) in enumerate(seeds)
    )
    return CoalitionWorlds("arm", ("a", "b"), (0, 1), (3, 2, 1), logs)


def test_rows_hold_shares_over_worlds_and_shoppers(tmp_path):
    first = [(1, 1, 0, 40, A), (1, 2, 0, 42, A | B), (2, 1, 0, 40, A), (3, 1, 0, 40, B)]
    second = [(1, 1, 0, 40, A), (4, 1, 0, 44, A | B)]
    worlds = worlds_of(
        tmp_path, [(first, [(1, 1, 0, 50, B), (1, 2, 0, 42, B)]), (second, [(4, 1, 1, 44, B)])]
    )
    rows = {(row.channel, row.fate): row for row in world_fate_rows(worlds, confidence=0.9)}
    assert [rows["a", fate].purchases for fate in FATES] == [2, 1, 0, 2]
    assert {row.method for row in rows.values()} == {"worlds"}
    credited_SU = np.array([[2.0, 1.0, 0.0], [1.0, 0.0, 1.0]])  # shoppers 1, 2, 4
    nowhere_SU = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert rows["a", "nowhere"].share == share(nowhere_SU, credited_SU, confidence=0.9).interval
    assert rows["a", "later"].share.estimate == 0
    assert (rows["b", "same_item"].purchases, rows["b", "same_item"].share.estimate) == (3, 1.0)
    assert rows["b", "same_item"].share.low is None  # no spread is no certainty


def test_purchases_that_only_the_twin_has_are_gained(tmp_path):
    full = [(1, 1, 0, 40, A), (2, 1, 0, 40, A | B)]
    twin = [(2, 1, 0, 40, B), (3, 1, 0, 50, B), (4, 1, 0, 50, B)]  # by shoppers who bought nothing
    rows = {
        row.fate: row
        for row in world_fate_rows(worlds_of(tmp_path, [(full, twin)]), confidence=0.9)
        if row.channel == "a"
    }
    assert (rows["nowhere"].purchases, rows["gained"].purchases) == (1, 2)
    assert rows["gained"].share.estimate == 1.0
    assert rows["nowhere"].purchases - rows["gained"].purchases == len(full) - len(twin)


def test_a_channel_without_purchases_has_no_shares(tmp_path):
    worlds = worlds_of(tmp_path, [([(1, 1, 0, 40, B)], [])])
    rows = [row for row in world_fate_rows(worlds, confidence=0.95) if row.channel == "a"]
    assert [(row.purchases, *row.share.numbers) for row in rows[:-1]] == 4 * [
        (0.0, None, None, None)
    ]
    # what another channel found is gone with it, and nothing of the channel's own was lost
    assert (rows[-1].fate, rows[-1].purchases, rows[-1].share.estimate) == ("gained", -1.0, None)


@pytest.mark.parametrize("order", [1, -1])
def test_fates_do_not_depend_on_the_order_of_the_log(tmp_path, order):
    full = [(7, 1, 0, 40, A), (7, 1, 1, 41, B), (7, 2, 0, 42, A)][::order]
    without = [(7, 1, 0, 50, B), (7, 3, 0, 51, B)][::order]
    assert fates(tmp_path, full, without) == {7: {"other_item": 1, "later": 1}}


def page(*slots):
    """Slots of (item, sources, expected orders)."""
    return list(slots)


def replayed(whole, without, bits=(0,), weights=None):
    """(C, 3) fates of one request, from its page and the pages without each channel.

    `weights`: what these pages count; 1 if not given.
    """
    pages = [slots for slots in (whole, *without) if slots is not None]
    width = max((len(slots) for slots in pages), default=1)
    padded = [slots + [(-1, 0, 0.0)] * (width - len(slots)) for slots in pages]
    table = np.array(padded, float).reshape(len(pages), width, 3)
    numbers = iter(range(len(pages)))
    pair = [-1 if slots is None else next(numbers) for slots in (whole, *without)]
    served = SimpleNamespace(
        pair_BX=np.array([pair]),
        pages=SimpleNamespace(
            items_BK=table[:, :, 0].astype(np.int32), sources_BK=table[:, :, 1].astype(np.int32)
        ),
    )
    found = np.zeros((2, len(without), 3))
    orders = np.ascontiguousarray(table[:, :, 2])
    columns = 0, 1 + np.arange(len(without))
    weight_BX = np.ones((1, len(pair))) if weights is None else np.array([weights])
    add_fates(found, np.array([1]), served, orders, weight_BX, columns, np.array(bits))
    assert not found[0].any()
    return found[1]


def test_an_item_that_is_still_there_keeps_what_it_had():
    whole = page((7, 0b1, 0.5), (8, 0b10, 0.2))
    (found,) = replayed(whole, [page((7, 0b10, 0.5), (8, 0b10, 0.2))])
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0])


def test_a_page_counts_by_the_chance_of_coming_to_it():
    """Twice as likely without the channel: half of what the item sold stays with it."""
    same = page((7, 0b10, 0.25))
    (found,) = replayed(page((7, 0b1, 1.0)), [same], weights=[0.5, 1.0])
    np.testing.assert_allclose(found, [0.5, 0.25, 0.0])


def test_an_item_that_is_bought_more_without_the_channel_keeps_no_more_than_it_had():
    (found,) = replayed(page((7, 1, 0.5)), [page((7, 2, 0.9))])
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0])


def test_others_take_over_what_they_gain_and_the_rest_is_lost():
    """0.5 are credited; 0.1 stay, the others grow from 0.2 to 0.45, so 0.15 are gone."""
    whole = page((7, 0b11, 0.4), (6, 0b1, 0.1), (8, 0b10, 0.2))
    without = page((8, 0b10, 0.3), (7, 0b10, 0.1), (9, 0b10, 0.15))
    (found,) = replayed(whole, [without])
    np.testing.assert_allclose(found, [0.5, 0.1, 0.25])


def test_others_take_over_no_more_than_was_lost():
    (found,) = replayed(page((7, 1, 0.3), (8, 2, 0.1)), [page((8, 2, 0.9))])
    np.testing.assert_allclose(found, [0.3, 0.0, 0.3])


def test_what_others_lose_is_nobodys_gain():
    (found,) = replayed(page((7, 1, 0.3), (8, 2, 0.4)), [page((7, 2, 0.1), (8, 2, 0.2))])
    np.testing.assert_allclose(found, [0.3, 0.1, 0.0])


def test_without_any_page_everything_is_lost():
    (found,) = replayed(page((7, 1, 0.3)), [None])
    np.testing.assert_allclose(found, [0.3, 0.0, 0.0])
    assert not replayed(None, [None]).any()


def test_each_channel_is_credited_with_what_it_found():
    whole = page((7, 0b0100, 0.3), (8, 0b0001, 0.2), (9, 0b0101, 0.1))
    found = replayed(whole, [None, None, None], bits=(0, 1, 2))
    np.testing.assert_allclose(found[:, CREDITED], [0.3, 0.0, 0.4])


def test_a_replay_tells_parts_of_the_credited_purchases_with_intervals():
    fates_SUCF = np.random.default_rng(0).uniform(0.5, 1.5, (2, 50, 2, 3))
    fates_SUCF[..., CREDITED] = 4
    lost_SUC = np.random.default_rng(1).uniform(-0.5, 1.5, (2, 50, 2))
    rows = replay_fate_rows("all", ["lexical", "popular"], fates_SUCF, lost_SUC, confidence=0.9)
    assert [(row.channel, row.fate) for row in rows[:5]] == [
        ("lexical", "same_item"),
        ("lexical", "other_item"),
        ("lexical", "nowhere"),
        ("lexical", "gained"),
        ("popular", "same_item"),
    ]
    same, other, nowhere, gained = rows[:4]
    assert nowhere.purchases - gained.purchases == pytest.approx(lost_SUC[:, :, 0].sum())
    assert same.share.estimate + other.share.estimate + nowhere.share.estimate == pytest.approx(1)
    assert same.purchases + other.purchases + nowhere.purchases == pytest.approx(400)
    assert same.share.estimate == pytest.approx(fates_SUCF[:, :, 0, SAME_ITEM].sum() / 400)
    assert other.share.estimate == pytest.approx(fates_SUCF[:, :, 0, OTHER_ITEM].sum() / 400)
    assert same.share.low < same.share.estimate < same.share.high
    assert {(row.method, row.arm) for row in rows} == {("replay", "all")}


def test_a_channel_without_credited_purchases_has_no_shares_of_a_replay():
    nothing = np.zeros((2, 5, 1, 3)), np.zeros((2, 5, 1))
    rows = replay_fate_rows("all", ["lexical"], *nothing, confidence=0.95)
    assert [(row.purchases, *row.share.numbers) for row in rows] == [(0.0, None, None, None)] * 4


def test_nobody_exposed_gives_rows_without_numbers():
    nobody = np.zeros((2, 0, 1, 3)), np.zeros((2, 0, 1))
    rows = replay_fate_rows("all", ["lexical"], *nobody, confidence=0.95)
    assert [row.share.estimate for row in rows] == [None] * 4


def test_a_fate_that_nothing_meets_is_exactly_none():
    fates_SUCF = np.zeros((1, 30, 1, 3))
    fates_SUCF[..., CREDITED] = fates_SUCF[..., SAME_ITEM] = 0.25
    lost_SUC = np.zeros((1, 30, 1))
    same, other, nowhere, gained = replay_fate_rows(
        "all", ["lexical"], fates_SUCF, lost_SUC, confidence=0.95
    )
    assert gained.share.numbers == (0.0, 0.0, 0.0)
    assert other.share.numbers == (0.0, 0.0, 0.0)
    assert nowhere.share.numbers == (0.0, 0.0, 0.0)
    assert same.share.estimate == 1.0
