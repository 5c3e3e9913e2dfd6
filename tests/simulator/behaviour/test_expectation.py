from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit

from simulator.behaviour.behavior import Behavior
from simulator.behaviour.clickmodels import (
    Cascade,
    CustomClickModel,
    DynamicBayesian,
    PositionBased,
    UserBrowsing,
)
from simulator.behaviour.expectation import (
    REPLICATES,
    Expected,
    Outlook,
    expected,
    mean_units,
)
from simulator.behaviour.settings import BehaviorSpec
from simulator.randomness import Draws
from simulator.shoppers.needs import Needs
from tests.simulator.stubs import pages_of
from tests.simulator.worlds import population

ITEMS, SHOPPERS, INTENTS = 60, 50, 20
ROWS, SLOTS, LUCKS = 400, 8, 360
OURS = [PositionBased(), Cascade(), DynamicBayesian(), UserBrowsing()]
COLUMNS = [column.name for column in fields(Expected)]


class Impatient(PositionBased):
    """A user's click model: one that inherits and looks at the first result alone."""

    def __call__(self, attraction_BK, phone_B, look_BK, click_BK):
        examined_BK, clicked_BK = super().__call__(attraction_BK, phone_B, look_BK, click_BK)
        first_K = np.arange(attraction_BK.shape[1]) == 0
        return examined_BK & first_K, clicked_BK & first_K


class Careless:
    """A user's click model that clicks on everything, padding included."""

    def __call__(self, attraction_BK, phone_B, look_BK, click_BK):
        everything_BK = np.ones(attraction_BK.shape, bool)
        return everything_BK, everything_BK.copy()


class Wrapped(PositionBased):
    """The position-based model, not known as such."""


def custom(name):
    return CustomClickModel(object=f"{__name__}:{name}")


@pytest.fixture(scope="module")
def people():
    return population(items=ITEMS, shoppers=SHOPPERS, intents=INTENTS)


def kernel(people, click_model=None, luck="0", **settings):
    settings = {"click_cost": 1.0, "outside": 1.5, "basket_cost": -0.4, **settings}
    spec = BehaviorSpec(click_model=click_model or PositionBased(), **settings)
    supply, draws = people.supply, Draws(5).child(luck)
    return Behavior(spec, supply.catalog, supply.truth, people.shoppers, people.intents, draws)


@pytest.fixture(scope="module")
def visits():
    """Different shoppers with different needs, and pages of different length and slowness."""
    rng = np.random.default_rng(8)
    needs = Needs(
        shopper_B=rng.integers(0, SHOPPERS, ROWS),
        session_B=np.arange(ROWS),
        request_B=np.zeros(ROWS, np.int64),
        need_B=np.zeros(ROWS, np.int64),
        intent_B=rng.integers(0, INTENTS, ROWS),
        at_B=rng.uniform(0, 1e6, ROWS),
        owned_BM=rng.integers(-1, ITEMS, (ROWS, 3)).astype(np.int32),
    )
    items_BK = np.argsort(rng.random((ROWS, ITEMS)), axis=1)[:, :SLOTS].astype(np.int32)
    length_B = rng.choice([0, 1, 2, SLOTS - 1, SLOTS, SLOTS], ROWS)
    items_BK[np.arange(SLOTS) >= length_B[:, None]] = -1
    pages = pages_of(items_BK)
    latency_B = rng.choice([0.0, 0.3, 8.0], ROWS).astype(np.float32)
    return needs, replace(pages, latency_B=latency_B)


@pytest.fixture(scope="module")
def price_I(people):
    return people.supply.catalog.price_I.astype(np.float64)


def logged(behavior, needs, pages, price_I):
    """What a world would log of one reaction, in a shop where nothing is sold out."""
    reactions, items_BK = behavior.react(needs, pages), pages.items_BK
    orders_BK, units_BK = np.zeros((2, *items_BK.shape))
    for choice in (0, 1):
        enough_B = (reactions.joins_B if choice else reactions.worth_B) > choice
        rows = np.flatnonzero((reactions.worth_B > 0) & enough_B)
        slots = reactions.slots_BC[rows, choice]
        orders_BK[rows, slots] += 1
        units_BK[rows, slots] += reactions.quantity_B[rows] if choice == 0 else 1
    return Expected(
        seen_BK=(items_BK >= 0) & ~reactions.left_B[:, None],
        clicks_BK=reactions.clicked_BK,
        carts_BK=reactions.carted_BK,
        orders_BK=orders_BK,
        gmv_BK=units_BK * price_I[items_BK],
    )


@pytest.mark.parametrize(
    "model",
    [
        PositionBased(),
        Cascade(persistence_phone=0.7),
        DynamicBayesian(perseverance_phone=0.7),
        UserBrowsing(theta_phone=1.0),
        PositionBased(eta_phone=0, eta_desktop=0),
    ],
    ids=["pbm", "cascade", "dbn", "ubm", "everything examined"],
)
def test_expectations_are_means_over_many_lucks(people, visits, price_I, model):
    """Of every column, each slot within 4.7 and the total within 4 standard errors of the mean
    over independent lucks; the last line holds that error small enough for a mistake to show."""
    exact = expected(kernel(people, model), *visits, price_I)
    lived = [
        logged(kernel(people, model, luck=str(luck)), *visits, price_I) for luck in range(LUCKS)
    ]
    for name in COLUMNS:
        sums_RK = np.array([getattr(reactions, name).sum(axis=0) for reactions in lived])
        wanted_K = getattr(exact, name).sum(axis=0)
        error_K = sums_RK.std(axis=0, ddof=1) / np.sqrt(LUCKS) + 1e-12
        assert np.all(np.abs(sums_RK.mean(axis=0) - wanted_K) < 4.7 * error_K), name
        total_R = sums_RK.sum(axis=1)
        error = total_R.std(ddof=1) / np.sqrt(LUCKS)
        assert abs(total_R.mean() - wanted_K.sum()) < 4 * error, name
        assert error < 0.02 * wanted_K.sum(), name


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.type)
def test_single_pages_have_the_mean_of_their_lucks(people, visits, price_I, model):
    """A right sum may hide wrong rows: whether a page is clicked at all, whether something is
    bought, and whether the need is met deviate, squared and in units of their variance, by 1 in the
    mean over pages, as chi-square variables do."""
    behavior = kernel(people, model, satisfaction=2.0)
    prospect = Outlook(behavior, *visits, price_I).prospect()
    seen_B = prospect.stays_B * (visits[1].items_BK >= 0).any(axis=1)
    happened = {"clicked": [], "bought": [], "met": []}
    for luck in range(LUCKS):
        reactions = kernel(people, model, luck=str(luck), satisfaction=2.0).react(*visits)
        happened["clicked"].append(reactions.clicked_BK.any(axis=1))
        happened["bought"].append(reactions.worth_B > 0)
        happened["met"].append(reactions.satisfied_B)
    chances = {
        "clicked": seen_B * (1 - prospect.clickless_B),
        "bought": seen_B * prospect.bought_B,
        "met": seen_B * (1 - prospect.open_B),
    }
    for what, chance_B in chances.items():
        busy_B = (chance_B > 0.04) & (chance_B < 0.96)
        deviation_B = np.mean(happened[what], axis=0)[busy_B] - chance_B[busy_B]
        z2_B = deviation_B**2 * LUCKS / (chance_B * (1 - chance_B))[busy_B]
        assert busy_B.sum() > 150, what
        assert abs(z2_B.mean() - 1) < 5 * np.sqrt(2 / busy_B.sum()), what


@pytest.mark.parametrize("model", [*OURS, custom("Careless")])
def test_padding_brings_nothing(people, visits, price_I, model):
    found = expected(kernel(people, model), *visits, price_I)
    padding_BK = visits[1].items_BK < 0
    for name in COLUMNS:
        values_BK = getattr(found, name)
        assert values_BK.dtype == np.float64
        assert not values_BK[padding_BK].any(), name
        assert (values_BK[~padding_BK] > 0).all(), name


@pytest.mark.parametrize("model", [*OURS, custom("Careless")])
def test_more_padding_changes_nothing(people, visits, price_I, model):
    needs, pages = visits
    behavior = kernel(people, model)
    padded_BK = np.pad(pages.items_BK, ((0, 0), (0, 5)), constant_values=-1)
    padded = replace(pages_of(padded_BK), latency_B=pages.latency_B)
    narrow, wide = (expected(behavior, needs, shown, price_I) for shown in (pages, padded))
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(wide, name)[:, :SLOTS], getattr(narrow, name), rtol=1e-5)
        assert not getattr(wide, name)[:, SLOTS:].any()


@pytest.mark.parametrize("model", [*OURS, custom("Wrapped")])
def test_each_step_of_the_funnel_is_rarer_than_the_one_before(people, visits, price_I, model):
    found = expected(kernel(people, model), *visits, price_I)
    steps = (found.seen_BK, found.clicks_BK, found.carts_BK, found.orders_BK)
    for wide_BK, narrow_BK in pairwise(steps):
        assert (narrow_BK <= wide_BK + 1e-10).all()
    assert (found.orders_BK.sum(axis=1) <= 2).all()


def clicked_once_and_twice(found):
    """(B,) chances of at least one and of at least two clicks that do not depend on each other."""
    seen_B = found.seen_BK.max(axis=1)
    click_BK = found.clicks_BK / np.maximum(seen_B, 1e-300)[:, None]
    none_B = (1 - click_BK).prod(axis=1)
    one_B = none_B * (click_BK / (1 - click_BK)).sum(axis=1)
    return seen_B * (1 - none_B), seen_B * (1 - none_B - one_B)


def test_a_basket_that_costs_too_much_leaves_one_order_for_each_page(people, visits, price_I):
    dear = expected(kernel(people, basket_cost=100.0, outside=-40.0), *visits, price_I)
    once_B, _ = clicked_once_and_twice(dear)
    np.testing.assert_allclose(dear.orders_BK.sum(axis=1), once_B, atol=1e-8)


def test_only_the_first_of_two_items_is_bought_in_numbers(people, visits):
    """Whoever would buy anything buys two of what is clicked, and several of the first."""
    found = expected(kernel(people, outside=-40.0, repeat_quantity=0.9), *visits, np.ones(ITEMS))
    once_B, twice_B = clicked_once_and_twice(found)
    units_B = mean_units(0.9) * once_B + twice_B
    assert twice_B.max() > 0.1
    np.testing.assert_allclose(found.orders_BK.sum(axis=1), once_B + twice_B, atol=1e-8)
    np.testing.assert_allclose(found.gmv_BK.sum(axis=1), units_B, atol=1e-8)


def test_a_page_that_never_comes_is_worth_nothing(people, visits, price_I):
    needs, pages = visits
    never = replace(pages, latency_B=np.full(ROWS, np.inf, np.float32))
    found = expected(kernel(people), needs, never, price_I)
    assert not any(getattr(found, name).any() for name in COLUMNS)


def test_shoppers_without_any_patience_leave_all_but_instant_pages(people, visits, price_I):
    needs, pages = visits
    behavior = kernel(people)
    behavior.shoppers = replace(behavior.shoppers, tolerance_S=np.zeros(SHOPPERS, np.float32))
    seen_B = expected(behavior, needs, pages, price_I).seen_BK[:, 0]
    instant_B = (pages.latency_B == 0) & (pages.items_BK[:, 0] >= 0)
    np.testing.assert_array_equal(seen_B, instant_B)
    np.testing.assert_array_equal(behavior.react(needs, pages).left_B, pages.latency_B > 0)


def test_slowness_scales_a_page_as_a_whole(people, visits, price_I):
    needs, pages = visits
    behavior = kernel(people)
    fast = expected(behavior, needs, replace(pages, latency_B=np.zeros(ROWS)), price_I)
    slow = expected(behavior, needs, replace(pages, latency_B=np.full(ROWS, 2.0)), price_I)
    stays_B1 = np.exp(-2.0 / people.shoppers.tolerance_S[needs.shopper_B].astype(float))[:, None]
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(slow, name), stays_B1 * getattr(fast, name), rtol=1e-12)


@pytest.mark.parametrize("model", OURS)
def test_a_single_result_is_a_product_of_logits(people, visits, price_I, model):
    needs, _ = visits
    pages = pages_of(np.full((ROWS, 1), 7, np.int32), latency=0.0)
    behavior = kernel(people, model, repeat_quantity=0.25)
    shown_BK, true_BK = behavior.utility.of(needs, pages.items_BK)
    found = expected(behavior, needs, pages, price_I)
    click_BK, gain_BK = expit(shown_BK.astype(float) - 1.0), true_BK.astype(float) - 1.5
    near = {"atol": 1e-6, "rtol": 0}  # attraction is a float32, as in the world
    np.testing.assert_array_equal(found.seen_BK, 1.0)
    np.testing.assert_allclose(found.clicks_BK, click_BK, **near)
    np.testing.assert_allclose(
        found.carts_BK, click_BK * expit(gain_BK + behavior.spec.cart_margin), **near
    )
    np.testing.assert_allclose(found.orders_BK, click_BK * expit(gain_BK), **near)
    np.testing.assert_allclose(found.gmv_BK, found.orders_BK * price_I[7] / 0.75, rtol=1e-9)


@pytest.mark.parametrize("model", [*OURS, custom("Wrapped")])
@pytest.mark.parametrize("shape", [(ROWS, 0), (ROWS, 3), (0, 3), (0, 0)])
def test_empty_pages_are_worth_nothing(people, visits, price_I, model, shape):
    needs = visits[0].rows(slice(shape[0]))
    pages = pages_of(np.full(shape, -1, np.int32))
    found = expected(kernel(people, model), needs, pages, price_I)
    for name in COLUMNS:
        assert getattr(found, name).shape == shape
        assert not getattr(found, name).any()


def test_a_users_click_model_is_drawn_and_what_follows_is_exact(people, visits, price_I):
    """Beside the closed form of the same model: every draw of a page is a mean of independent
    clicks, so sums err by no more than their standard error."""
    drawn = expected(kernel(people, custom("Wrapped")), *visits, price_I)
    exact = expected(kernel(people), *visits, price_I)
    np.testing.assert_array_equal(drawn.seen_BK, exact.seen_BK)
    variance_BK = exact.clicks_BK * (exact.seen_BK - exact.clicks_BK) / REPLICATES
    error = np.sqrt(variance_BK.sum())
    assert error < 0.02 * exact.clicks_BK.sum()
    assert abs(drawn.clicks_BK.sum() - exact.clicks_BK.sum()) < 4.5 * error
    for name in ("carts_BK", "orders_BK"):
        wanted_BK = getattr(exact, name)
        error = np.sqrt((wanted_BK * exact.seen_BK).sum() / REPLICATES)
        assert abs(getattr(drawn, name).sum() - wanted_BK.sum()) < 4.5 * error


def test_draws_of_a_users_click_model_are_the_same_whenever_asked_for(people, visits, price_I):
    needs, pages = visits
    whole = expected(kernel(people, custom("Wrapped")), needs, pages, price_I)
    half = needs.rows(slice(None, None, 2))
    alone = replace(pages_of(pages.items_BK[::2]), latency_B=pages.latency_B[::2])
    part = expected(kernel(people, custom("Wrapped")), half, alone, price_I)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[::2])


def test_a_click_model_that_inherits_is_not_taken_for_its_parent(people, visits, price_I):
    found = expected(kernel(people, custom("Impatient")), *visits, price_I)
    assert found.clicks_BK[:, 0].any()
    assert not found.clicks_BK[:, 1:].any()


@pytest.mark.parametrize("model", [*OURS, custom("Wrapped")])
def test_hostile_utilities_leave_chances_chances(people, visits, price_I, model):
    """Whoever cannot say what an item is worth neither clicks nor buys it, as in the world."""
    needs, pages = visits
    behavior = kernel(people, model)
    hostile_K = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 90.0, -90.0, 0.0], np.float32)
    hostile_BK = np.tile(hostile_K, (ROWS, 1))
    behavior.utility.of = lambda needs, items_BK: (hostile_BK, hostile_BK)
    found = expected(behavior, needs, pages, price_I)
    for name in COLUMNS:
        assert np.isfinite(getattr(found, name)).all()
    for values_BK in (found.clicks_BK, found.carts_BK, found.orders_BK):
        assert ((values_BK >= 0) & (values_BK <= found.seen_BK + 1e-9)).all()
        assert not values_BK[:, [0, 2, 4]].any()


@pytest.mark.parametrize("repeat", [0.0, 0.25, 0.9])
def test_units_are_the_mean_of_those_bought(people, repeat):
    rows = 40_000
    needs = Needs(
        shopper_B=np.zeros(rows, np.int64),
        session_B=np.arange(rows),
        request_B=np.zeros(rows, np.int64),
        need_B=np.zeros(rows, np.int64),
        intent_B=np.zeros(rows, np.int64),
        at_B=np.zeros(rows),
        owned_BM=np.full((rows, 1), -1, np.int32),
    )
    behavior = kernel(people, repeat_quantity=repeat)
    bought_B = behavior.react(needs, pages_of(np.zeros((rows, 1), np.int32))).quantity_B
    error = bought_B.std() / np.sqrt(rows)
    assert abs(bought_B.mean() - mean_units(repeat)) <= 4.5 * error + 1e-12


def test_units_are_geometric_up_to_a_hundred():
    assert mean_units(0.0) == 1.0
    assert mean_units(0.25) == pytest.approx(4 / 3, rel=1e-15)
    assert mean_units(0.99) == pytest.approx((1 - 0.99**99) / 0.01, rel=1e-12)
