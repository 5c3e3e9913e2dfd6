"""Items are split by draws of their own: whoever is in an arm says nothing of which items are."""

import numpy as np
import pytest

from experiments.designs.layout import ListingLayout, TwoSidedLayout
from experiments.designs.settings import ListingDesign, ShopperDesign, TwoSidedDesign
from experiments.designs.shopper import ShopperSplit
from experiments.designs.sides.listing import ListingSplit
from experiments.designs.sides.twosided import TwoSidedSplit
from experiments.running.assigning.designed import OF_LISTINGS, SALT
from ranking.router import Assignment
from simulator.protocols import Requests
from simulator.randomness import Draws

SHARES = (0.3, 0.7)
COUNT = 20_000


def both(seed: int = 1) -> TwoSidedSplit:
    shoppers = ShopperSplit(SHARES, SALT, Draws(seed))
    return TwoSidedSplit(shoppers, ListingSplit((0.6, 0.4), OF_LISTINGS, Draws(seed)))


def test_each_arm_has_its_share_of_the_items() -> None:
    arm_I = ListingSplit(SHARES, OF_LISTINGS, Draws(1)).items(COUNT)
    assert abs(arm_I.mean() - 0.7) < 4.5 * np.sqrt(0.21 / COUNT)


def test_more_items_never_move_those_that_are_there() -> None:
    split = ListingSplit(SHARES, OF_LISTINGS, Draws(1))
    np.testing.assert_array_equal(split.items(50), split.items(COUNT)[:50])
    np.testing.assert_array_equal(split.items(50), split.assign(np.arange(50), np.zeros(50)))


@pytest.mark.parametrize("seed", range(5))
def test_the_splits_of_both_sides_are_independent(seed: int) -> None:
    """Shopper n and item n are drawn apart: as often in the same arm as chance has it."""
    split = both(seed)
    arm_S = split.shoppers.assign(np.arange(COUNT), np.zeros(COUNT)).astype(float)
    arm_I = split.listings.items(COUNT).astype(float)
    assert abs(np.corrcoef(arm_S, arm_I)[0, 1]) < 4.5 / np.sqrt(COUNT)


def test_splits_of_other_salts_and_seeds_are_independent() -> None:
    first = ListingSplit(SHARES, OF_LISTINGS, Draws(1)).items(COUNT)
    for other in (
        ListingSplit(SHARES, "another", Draws(1)),
        ListingSplit(SHARES, OF_LISTINGS, Draws(2)),
    ):
        assert abs(np.corrcoef(first, other.items(COUNT))[0, 1]) < 4.5 / np.sqrt(COUNT)


def test_the_router_asks_a_two_sided_split_of_its_shoppers() -> None:
    routed: Assignment = both()
    requests = Requests.of_texts(tuple("abcdefgh"))
    shoppers = both().shoppers
    np.testing.assert_array_equal(routed.arms(requests), shoppers.arms(requests))
    assert (routed.name, routed.shares) == ("two_sided", SHARES)


def test_weights_of_the_sides_follow_the_balance_of_the_market() -> None:
    layout = TwoSidedDesign(type="two_sided", balance=0.0).layout(0)
    assert layout == TwoSidedLayout("tsri_1", 1.0, None)
    assert TwoSidedDesign(type="two_sided", balance=2.0).layout(0).weight == pytest.approx(
        0.1353353
    )


def test_layouts_tell_the_shares_of_both_sides() -> None:
    arms = {"control": 0.3, "treatment": 0.7}
    assert ListingLayout().shares(arms, "control") == arms
    assert TwoSidedLayout("naive", 1.0).listing_shares(arms, "control") == arms
    asked = TwoSidedLayout("naive", 1.0, 0.9)
    assert asked.listing_shares(arms, "control") == pytest.approx(
        {"control": 0.1, "treatment": 0.9}
    )
    assert asked.listing_shares(arms, "treatment") == pytest.approx(
        {"control": 0.9, "treatment": 0.1}
    )


def test_how_a_log_is_read_makes_no_other_world() -> None:
    one = TwoSidedDesign(type="two_sided", estimator="naive", balance=3.0)
    other = TwoSidedDesign(type="two_sided")
    assert one.lived == other.lived
    assert one.lived != TwoSidedDesign(type="two_sided", listing_share=0.4).lived
    assert ShopperDesign().lived != ShopperDesign(stock="per_arm").lived


@pytest.mark.parametrize(
    ("design", "using", "share"),
    [
        (ShopperDesign(), ["treatment"], 0.25),
        (ShopperDesign(), ["control", "treatment"], 1.0),
        (ListingDesign(type="listing"), ["treatment"], 1.0),
        (ListingDesign(type="listing"), [], 0.0),
        (TwoSidedDesign(type="two_sided"), ["treatment"], 0.25),
        (TwoSidedDesign(type="two_sided"), ["control"], 1.0),
    ],
)
def test_channels_are_asked_by_whoever_sees_their_items(
    design: ShopperDesign | ListingDesign | TwoSidedDesign, using: list[str], share: float
) -> None:
    shares = {"control": 0.75, "treatment": 0.25}
    assert design.traffic(shares, using, "control") == pytest.approx(share)
