import numpy as np
import pytest

from simulator.behaviour.behavior import Behavior
from simulator.behaviour.clickmodels import DynamicBayesian, PositionBased
from simulator.behaviour.settings import BehaviorSpec
from simulator.randomness import Draws
from simulator.shoppers.needs import Needs
from tests.simulator.stubs import pages_of
from tests.simulator.worlds import population

VISITS = 60_000
SLOTS = 5


@pytest.fixture(scope="module")
def people():
    return population(items=60, shoppers=50, intents=20)


def kernel(people, **settings):
    spec = BehaviorSpec(**{"click_cost": 2.0, "outside": 2.5} | settings)
    supply = people.supply
    return Behavior(spec, supply.catalog, supply.truth, people.shoppers, people.intents, Draws(5))


def needs_of(rows, intent=0, shopper=0):
    return Needs(
        shopper_B=np.full(rows, shopper),
        session_B=np.arange(rows),
        request_B=np.zeros(rows, np.int64),
        need_B=np.zeros(rows, np.int64),
        intent_B=np.full(rows, intent),
        at_B=np.zeros(rows),
        owned_BM=np.full((rows, 4), -1, np.int32),
    )


@pytest.fixture(scope="module")
def visit(people):
    """One shopper with one need sees the same page very often, with fresh luck each time."""
    behavior, needs = kernel(people), needs_of(VISITS)
    best_first = np.argsort(-behavior.utility.of(needs_of(1), np.arange(60)[None, :])[1][0])
    pages = pages_of(np.tile(best_first[:SLOTS], (VISITS, 1)).astype(np.int32), latency=0.0)
    seen_BK, true_BK = behavior.utility.of(needs, pages.items_BK)
    return behavior, pages, behavior.react(needs, pages), seen_BK[0], true_BK[0]


def close(observed, expected, n):
    return np.abs(observed - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n) + 1e-9


def test_clicks_are_examination_times_attraction(people, visit):
    behavior, _, reactions, seen_K, _ = visit
    phone = int(people.shoppers.device_S[0] == 0)
    examined_K = behavior.click_model.examination(SLOTS)[phone]
    attraction_K = 1 / (1 + np.exp(behavior.spec.click_cost - seen_K))
    assert close(reactions.examined_BK.mean(axis=0), examined_K, VISITS).all()
    assert close(reactions.clicked_BK.mean(axis=0), examined_K * attraction_K, VISITS).all()


def test_purchases_are_a_multinomial_logit_over_the_clicked_items(visit):
    behavior, pages, reactions, _, true_K = visit
    checked = 0
    codes_B = reactions.clicked_BK @ (1 << np.arange(SLOTS))
    for code in np.unique(codes_B):
        rows_B = codes_B == code
        if rows_B.sum() < 1_000 or code == 0:
            continue
        clicked_K = (code >> np.arange(SLOTS)) & 1
        worth_K = clicked_K * np.exp(true_K - behavior.spec.outside)
        chance_K = worth_K / (1 + worth_K.sum())
        first_B = reactions.choices_BC[rows_B, 0]
        observed_K = (first_B[:, None] == pages.items_BK[0]).mean(axis=0)
        assert close(observed_K, chance_K, rows_B.sum()).all()
        checked += 1
    assert checked >= 3


def test_only_clicked_items_are_carted_and_only_carted_ones_bought(visit):
    _, pages, reactions, _, _ = visit
    assert not (reactions.carted_BK & ~reactions.clicked_BK).any()
    for choice, enough_B in enumerate((reactions.worth_B > 0, reactions.joins_B > 1)):
        buyers = np.flatnonzero((reactions.worth_B > 0) & enough_B)
        assert len(buyers) > 100
        slots = reactions.slots_BC[buyers, choice]
        assert reactions.carted_BK[buyers, slots].all()
        assert (pages.items_BK[buyers, slots] == reactions.choices_BC[buyers, choice]).all()


def test_fallbacks_come_in_order_of_worth_and_never_below_buying_nothing(visit):
    _, _, reactions, _, _ = visit
    real_BC = reactions.choices_BC >= 0
    assert (real_BC[:, :-1] >= real_BC[:, 1:]).all()
    most_B = np.maximum(reactions.worth_B, reactions.joins_B)
    assert (real_BC.sum(axis=1) == np.where(reactions.worth_B > 0, most_B, 0)).all()


def test_a_page_slower_than_patience_is_left_unseen(people):
    behavior = kernel(people)
    pages = pages_of(np.zeros((4_000, SLOTS), np.int32), latency=3.0)
    reactions = behavior.react(needs_of(4_000), pages)
    expected = 1 - np.exp(-3.0 / people.shoppers.tolerance_S[0])
    assert close(reactions.left_B.mean(), expected, 4_000)
    assert not reactions.examined_BK[reactions.left_B].any()


def test_a_better_match_is_worth_more(people):
    utility, intents, truth = kernel(people).utility, people.intents, people.supply.truth
    target = np.flatnonzero(truth.category_I == intents.category_Q[0])
    other = np.flatnonzero(truth.department_C[truth.category_I] != intents.department_Q[0])
    intent_B = np.zeros(1, np.int64)
    assert utility.match(intent_B, target[None, :].astype(np.int32)).min() >= 0.5 * 0.65
    assert (utility.match(intent_B, other[None, :].astype(np.int32)) == 0).all()


def test_a_page_shows_the_kind_that_is_wanted_or_not(people):
    utility, truth = kernel(people).utility, people.supply.truth
    intent = int(np.flatnonzero(people.intents.category_Q >= 0)[0])
    category = people.intents.category_Q[intent]
    department_I = truth.department_C[truth.category_I]
    same = np.flatnonzero(truth.category_I == category)[0]
    related = np.flatnonzero(
        (truth.category_I != category) & (department_I == truth.department_C[category])
    )
    far = np.flatnonzero(department_I != truth.department_C[category])
    pages = np.array([[far[0], same], [far[0], far[1]], [-1, -1], [-1, same]], np.int32)
    assert utility.of_kind(np.full(4, intent), pages).tolist() == [True, False, False, True]
    if len(related):
        assert not utility.of_kind(np.array([intent]), related[None, :1].astype(np.int32))[0]


def test_an_owned_item_is_worth_less(people):
    utility = kernel(people).utility
    items_BK = np.array([[3, 4]], np.int32)
    needs = needs_of(1)
    before = utility.of(needs, items_BK)[1]
    needs.owned_BM[0, 2] = 4
    after = utility.of(needs, items_BK)[1]
    np.testing.assert_allclose(after - before, [[0.0, -utility.spec.owned]], atol=1e-5)


def test_luck_does_not_depend_on_where_an_item_stands(people):
    """An examined item is clicked or not whatever its slot: this is what pairs worlds."""
    behavior = kernel(people, click_model=PositionBased(eta_phone=0.0, eta_desktop=0.0))
    items_BK = np.tile(np.arange(SLOTS, dtype=np.int32), (500, 1))
    needs = needs_of(500)
    forward = behavior.react(needs, pages_of(items_BK)).clicked_BK
    backward = behavior.react(needs, pages_of(items_BK[:, ::-1].copy())).clicked_BK
    np.testing.assert_array_equal(forward, backward[:, ::-1])


def test_dynamic_bayesian_readers_stop_where_they_are_content_and_count_as_such(people):
    """Each click on an item contents with its own chance, whatever was clicked above it."""
    often = {"click_cost": 0.5, "outside": 4.0}
    behavior = kernel(people, click_model=DynamicBayesian(), satisfaction=2.0, **often)
    items_BK = np.tile(np.arange(SLOTS, dtype=np.int32), (VISITS, 1))
    needs, pages = needs_of(VISITS), pages_of(items_BK, latency=0.0)
    reactions = behavior.react(needs, pages)
    true_K = behavior.utility.of(needs_of(1), items_BK[:1])[1][0].astype(np.float64)
    last_B = SLOTS - 1 - reactions.clicked_BK[:, ::-1].argmax(axis=1)
    bought_B = reactions.worth_B > 0
    content_B = reactions.satisfied_B & ~bought_B
    assert not (content_B & ~reactions.clicked_BK.any(axis=1)).any()
    below_BK = np.arange(SLOTS) > last_B[:, None]
    assert not (reactions.examined_BK & below_BK)[content_B].any()
    # Of those who click on the last result and buy nothing, its own share is content.
    for before in (0, 1, 2):
        clicks_B = reactions.clicked_BK[:, :-1].sum(axis=1)
        some_B = reactions.clicked_BK[:, -1] & (clicks_B == before) & ~bought_B
        share = reactions.satisfied_B[some_B].mean()
        assert some_B.sum() > 100
        assert close(share, 1 / (1 + np.exp(2.0 - true_K[-1])), some_B.sum())


def test_the_mean_time_on_a_page_is_the_mean_of_what_is_drawn(people):
    behavior, rows = kernel(people, seconds_per_result=2.0, seconds_per_click=20.0), 40_000
    examined_BK = np.tile([True, True, True, False], (rows, 1))
    clicked_BK = np.tile([True, False, True, False], (rows, 1))
    drawn_B = behavior._dwell(needs_of(rows), examined_BK, clicked_BK)
    (wanted,) = behavior.mean_dwell(np.array([3.0]), np.array([2.0]))
    assert abs(drawn_B.mean() - wanted) < 4 * drawn_B.std() / np.sqrt(rows)
    nothing = np.zeros(1)
    assert behavior.mean_dwell(nothing, nothing) == [2.0], "the least there is"


class Eager:
    """A click model of one's own that clicks whatever is there, and what is not."""

    def __call__(self, attraction_BK, phone_B, look_BK, click_BK):
        return np.ones(attraction_BK.shape, bool), np.ones(attraction_BK.shape, bool)


class Listing(Eager):
    """One that answers with lists."""

    def __call__(self, *asked):
        return tuple(each.tolist() for each in super().__call__(*asked))


@pytest.mark.parametrize("model", ["Eager", "Listing"])
def test_nothing_is_clicked_where_nothing_stands_or_the_page_was_left(people, model):
    behavior = kernel(people, click_model={"type": "custom", "object": f"{__name__}:{model}"})
    items_BK = np.tile(np.arange(SLOTS, dtype=np.int32), (3, 1))
    items_BK[0, 2:] = -1
    pages = pages_of(items_BK, latency=0.0)
    pages.latency_B[2] = 1e6
    clicked_BK = behavior.react(needs_of(3), pages).clicked_BK
    assert clicked_BK.sum(axis=1).tolist() == [2, SLOTS, 0]
