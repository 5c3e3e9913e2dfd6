from types import SimpleNamespace

import numpy as np
import pytest

from experiments.attribution.incremental.replayfates import (
    CREDITED,
    OTHER_ITEM,
    SAME_ITEM,
    add_fates,
    fate_rows,
)


def page(*slots):
    """Slots of (item, sources, expected orders)."""
    return list(slots)


def fates(whole, without, bits=(0,)):
    """(C, 3) fates of one request, from its page and the pages without each channel."""
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
    add_fates(found, np.array([1]), served, orders, columns, np.array(bits))
    assert not found[0].any()
    return found[1]


def test_an_item_that_is_still_there_keeps_what_it_had():
    whole = page((7, 0b1, 0.5), (8, 0b10, 0.2))
    (found,) = fates(whole, [page((7, 0b10, 0.5), (8, 0b10, 0.2))])
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0])


def test_an_item_that_is_bought_more_without_the_channel_keeps_no_more_than_it_had():
    (found,) = fates(page((7, 1, 0.5)), [page((7, 2, 0.9))])
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0])


def test_others_take_over_what_they_gain_and_the_rest_is_lost():
    """0.5 are credited; 0.1 stay, the others grow from 0.2 to 0.45, so 0.15 are gone."""
    whole = page((7, 0b11, 0.4), (6, 0b1, 0.1), (8, 0b10, 0.2))
    without = page((8, 0b10, 0.3), (7, 0b10, 0.1), (9, 0b10, 0.15))
    (found,) = fates(whole, [without])
    np.testing.assert_allclose(found, [0.5, 0.1, 0.25])


def test_others_take_over_no_more_than_was_lost():
    (found,) = fates(page((7, 1, 0.3), (8, 2, 0.1)), [page((8, 2, 0.9))])
    np.testing.assert_allclose(found, [0.3, 0.0, 0.3])


def test_what_others_lose_is_nobodys_gain():
    (found,) = fates(page((7, 1, 0.3), (8, 2, 0.4)), [page((7, 2, 0.1), (8, 2, 0.2))])
    np.testing.assert_allclose(found, [0.3, 0.1, 0.0])


def test_without_any_page_everything_is_lost():
    (found,) = fates(page((7, 1, 0.3)), [None])
    np.testing.assert_allclose(found, [0.3, 0.0, 0.0])
    assert not fates(None, [None]).any()


def test_each_channel_is_credited_with_what_it_found():
    whole = page((7, 0b0100, 0.3), (8, 0b0001, 0.2), (9, 0b0101, 0.1))
    found = fates(whole, [None, None, None], bits=(0, 1, 2))
    np.testing.assert_allclose(found[:, CREDITED], [0.3, 0.0, 0.4])


def test_rows_tell_parts_of_the_credited_purchases_with_intervals():
    fates_SUCF = np.random.default_rng(0).uniform(0.5, 1.5, (2, 50, 2, 3))
    fates_SUCF[..., CREDITED] = 4
    lost_SUC = np.random.default_rng(1).uniform(-0.5, 1.5, (2, 50, 2))
    rows = fate_rows("all", ["lexical", "popular"], fates_SUCF, lost_SUC, confidence=0.9)
    assert [(row.channel, row.fate) for row in rows[:5]] == [
        ("lexical", "same_item"),
        ("lexical", "other_item"),
        ("lexical", "nowhere"),
        ("lexical", "gained"),
        ("popular", "same_item"),
    ]
    same, other, nowhere, gained = rows[:4]
    assert nowhere.purchases - gained.purchases == pytest.approx(lost_SUC[:, :, 0].sum())
    assert same.share + other.share + nowhere.share == pytest.approx(1)
    assert same.purchases + other.purchases + nowhere.purchases == pytest.approx(400)
    assert same.share == pytest.approx(fates_SUCF[:, :, 0, SAME_ITEM].sum() / 400)
    assert other.share == pytest.approx(fates_SUCF[:, :, 0, OTHER_ITEM].sum() / 400)
    assert same.low < same.share < same.high
    assert {(row.method, row.arm) for row in rows} == {("replay", "all")}


def test_a_channel_without_credited_purchases_has_no_shares():
    nothing = np.zeros((2, 5, 1, 3)), np.zeros((2, 5, 1))
    rows = fate_rows("all", ["lexical"], *nothing, confidence=0.95)
    assert [(row.purchases, row.share, row.low, row.high) for row in rows] == [
        (0.0, None, None, None)
    ] * 4


def test_nobody_exposed_gives_rows_without_numbers():
    nobody = np.zeros((2, 0, 1, 3)), np.zeros((2, 0, 1))
    rows = fate_rows("all", ["lexical"], *nobody, confidence=0.95)
    assert [row.share for row in rows] == [None] * 4


def test_a_fate_that_nothing_meets_is_exactly_none():
    fates_SUCF = np.zeros((1, 30, 1, 3))
    fates_SUCF[..., CREDITED] = fates_SUCF[..., SAME_ITEM] = 0.25
    lost_SUC = np.zeros((1, 30, 1))
    same, other, nowhere, gained = fate_rows(
        "all", ["lexical"], fates_SUCF, lost_SUC, confidence=0.95
    )
    assert (gained.share, gained.low, gained.high) == (0.0, 0.0, 0.0)
    assert (other.share, other.low, other.high) == (0.0, 0.0, 0.0)
    assert (nowhere.share, nowhere.low, nowhere.high) == (0.0, 0.0, 0.0)
    assert same.share == 1.0
