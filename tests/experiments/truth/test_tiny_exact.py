"""On a market that can be enumerated, what is expected of a world is what is to be expected.

The oracle (`tests.experiments.tiny`) takes from a world what arms share of its visits: when they
are, what is wanted, how patient the shopper is, and whether they would turn the page or reword. All
else is summed by hand.
"""

import shutil
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from experiments.inference.metrics import METRICS
from experiments.truth.effects import paired_truth
from simulator.following.tally import EXPECTED
from simulator.living.settings import SessionSpec
from tests.experiments.small_runs import table
from tests.experiments.tiny import market as tiny
from tests.experiments.tiny.market import CASCADE, CLICK_MODELS, DBN, OVERLAPPING, PBM, UBM
from tests.experiments.tiny.needs import Shop, brought
from tests.experiments.tiny.runs import exact, followed
from tests.experiments.tiny.shelves import apart, expected_sales, in_one_day, sold

EXACT = 1e-9
BY_PAGE = SessionSpec(next_page=1.0, reformulate=0.0, retry_empty=0.0, pages=3)
BY_WORDS = SessionSpec(next_page=0.0, reformulate=1.0, retry_empty=0.0, pages=1)
MIXED = SessionSpec(next_page=0.5, reformulate=0.4, retry_empty=0.7, pages=3)


def behavior(click_model=PBM, basket_cost=0.25, **more):
    """Shoppers who spend no time on results, and are content with some clicks."""
    still = {"seconds_per_click": 0.0, "seconds_per_result": 0.0, "satisfaction": 2.5}
    return tiny.behavior(click_model, basket_cost).model_copy(update=still | more)


def shop(sessions, *args, channels=OVERLAPPING, days=2, slow=False, lasting=True, **more):
    return Shop(
        channels,
        behavior(*args, **more),
        sessions,
        days=days,
        slow=slow,
        reworded=sessions.reformulate > 0,
        lasting=lasting,
    )


def follow(folder, found, *, shoppers=150, seed=5, patience=2.0, stock=10**9, tastes=8):
    """A followed world of a shop, with needs of one to a dozen pages where these may go on."""
    kind_U = tiny.drawn_kinds(shoppers, np.random.default_rng(seed))
    people = tiny.population(kind_U, patience=patience, stock=stock, reworded=found.reworded)
    return followed(folder, people, kind_U, found, seed, tastes=tastes if found.lasting else 0)


def check_exact(totals, wanted):
    for name in EXPECTED:
        np.testing.assert_allclose(totals[name], wanted[name], rtol=EXACT, atol=EXACT, err_msg=name)


SHOPS = {
    "pbm": shop(tiny.ONCE),
    "cascade": shop(tiny.ONCE, CASCADE),
    "dbn": shop(tiny.ONCE, DBN),
    "ubm": shop(tiny.ONCE, UBM),
    "one item a basket": shop(tiny.ONCE, PBM, 60.0),
    "slow": shop(tiny.ONCE, slow=True),
    "content at once": shop(tiny.ONCE, satisfaction=-3.0),
}


@pytest.mark.parametrize("found", SHOPS.values(), ids=SHOPS)
def test_needs_of_one_page_are_exact_and_so_are_the_needs_that_follow_them(tmp_path, found):
    world = follow(tmp_path / "world", found)
    assert any(len(visit.intents) == 2 for own in world.visits for visit in own)
    check_exact(world.totals, exact(found, world.visits))
    assert world.totals["orders"].sum() > 10


PAGES = {
    f"{name}, {model}{', slow' * slow}": shop(sessions, click_model, slow=slow, lasting=False)
    for (name, sessions), (model, click_model), slow in product(
        {"by page": BY_PAGE, "by words": BY_WORDS, "mixed": MIXED}.items(),
        CLICK_MODELS.items(),
        [False, True],
    )
}


@pytest.mark.parametrize("found", PAGES.values(), ids=PAGES)
def test_needs_of_several_pages_are_exact_where_each_page_has_tastes_of_its_own(tmp_path, found):
    world = follow(tmp_path / "world", found)
    check_exact(world.totals, exact(found, world.visits))
    assert world.totals["requests"].sum() > 1.05 * world.totals["sessions"].sum()


def mean_gap(gap_U):
    return gap_U.mean(), gap_U.std(ddof=1) / np.sqrt(len(gap_U))


KEEN = {"outside": 1.0, "click_cost": 0.5, "satisfaction": 9.0}
"""They click, buy, and are never content with a click: much is known of their tastes."""

LASTING = {
    "by page": shop(BY_PAGE),
    "by words": shop(BY_WORDS, **KEEN),
    "by words, cascade": shop(BY_WORDS, CASCADE, **KEEN),
    "by words, dbn": shop(BY_WORDS, DBN, **KEEN),
    "by words, ubm": shop(BY_WORDS, UBM, **KEEN),
}


@pytest.mark.parametrize("found", LASTING.values(), ids=LASTING)
def test_tastes_that_last_are_followed_without_bias(tmp_path, found):
    """Only the covariance of pages is estimated: its error is below 0.05 %, in 600 shoppers."""
    world = follow(tmp_path / "world", found, shoppers=600, patience=1.6)
    few = [max((len(v.steps[: v.patience]) for v in own), default=0) <= 4 for own in world.visits]
    wanted = exact(found, [own if ok else [] for own, ok in zip(world.visits, few, strict=True)])
    for name in EXPECTED:
        gap, error = mean_gap((world.totals[name] - wanted[name])[few])
        level = wanted[name][few].mean()
        assert abs(gap) <= 3.5 * error + EXACT * level, (name, gap, error)
        assert error <= 5e-4 * level + 1e-12, (name, error, level)


def test_more_sets_of_tastes_come_closer_by_the_root_of_their_number(tmp_path):
    found = shop(BY_PAGE)
    errors = []
    for tastes in (2, 128):
        world = follow(tmp_path / str(tastes), found, shoppers=300, tastes=tastes)
        wanted = exact(found, world.visits)
        errors.append((world.totals["orders"] - wanted["orders"]).std())
    assert 5 < errors[0] / errors[1] < 13  # 8, if it falls with the root


def test_tastes_that_last_matter(tmp_path):
    """Without them a purchase would be counted on several pages; the test above could tell."""
    found = shop(BY_WORDS, **KEEN)
    world = follow(tmp_path / "world", found, patience=1.6, tastes=0)
    wanted = exact(found, world.visits)
    gap, error = mean_gap(world.totals["orders"] - wanted["orders"])
    assert gap > 6 * error
    assert gap > 2e-3 * wanted["orders"].mean()


@pytest.mark.parametrize("sessions", [tiny.ONCE, MIXED], ids=["one page", "mixed"])
def test_purchases_that_come_after_the_end_are_left_out_exactly(tmp_path, sessions):
    """The period is a day, and half of what is bought comes hours after it was decided."""
    found = shop(sessions, days=1, delayed=0.5, delay_days=0.2, lasting=False)
    world = follow(tmp_path / "world", found, shoppers=300)
    check_exact(world.totals, exact(found, world.visits))
    endless = exact(replace(found, days=1000), world.visits)
    assert world.totals["orders"].sum() < 0.9 * endless["orders"].sum()


@pytest.mark.parametrize("click_model", CLICK_MODELS.values(), ids=CLICK_MODELS)
def test_what_is_lost_of_shelves_that_empty_is_exact_given_what_others_left(tmp_path, click_model):
    """Three units of each item for some 200 visits; sales are those of the log."""
    found = shop(BY_PAGE, click_model, days=1, delayed=0.0, lasting=False)
    world = follow(tmp_path / "world", found, stock=3)
    log = table(world.log, "orders")
    sales = list(zip(log["at"], log["session"], log["item"], log["quantity"], strict=True))

    def left(moment, session, since):
        shelf = [3] * len(tiny.PRICE_I)
        for at, buyer, item, units in sales:
            own = buyer == session and at > since
            shelf[item] -= units * (at < moment and not own)
        return tuple(shelf)

    for shopper, own in enumerate(world.visits):
        wanted = np.zeros(3)
        for visit in own:
            for page in brought(found, visit).pages:
                wanted += sold(found, page, left(page.moment, visit.session, page.since))
        brings = [world.totals[name][shopper] for name in ("orders", "gmv", "baskets")]
        np.testing.assert_allclose(brings, wanted, rtol=EXACT, atol=EXACT)
    assert world.totals["lost_orders"].sum() > 2 * world.totals["orders"].sum() > 10


def lost_by_worlds(folder, found, worlds, *, shoppers, patience, longest):
    """(R, 3) exact, followed and realised orders of worlds with one unit of each item."""
    rows = []
    for seed in range(worlds):
        world = follow(
            folder / "once", found, shoppers=shoppers, seed=seed, patience=patience, stock=1
        )
        visits = [visit for own in world.visits for visit in own]
        real = len(table(world.log, "orders"))
        shutil.rmtree(folder / "once")
        few = all(visit.patience <= longest for visit in visits)
        if visits and few and apart(visits, longest) and in_one_day(visits):
            wanted, _, _ = expected_sales(found, visits, (1,) * len(tiny.PRICE_I))
            rows.append((wanted, world.totals["orders"].sum(), real))
    return np.array(rows)


STOCK = {
    "one page": (shop(tiny.ONCE, days=1, delayed=0.0), 5, 1.0),
    "the very session empties the shelf": (
        shop(BY_WORDS, days=1, delayed=0.0, satisfaction=9.0, click_cost=1.0),
        1,
        2.0,
    ),
}


def check_stock(rows, precision):
    """No bias of what is followed, nor of the oracle against worlds that are really lived."""
    assert len(rows) > 50
    for column in (1, 2):
        gap, error = mean_gap(rows[:, column] - rows[:, 0])
        assert abs(gap) <= 3.5 * error, (column, gap, error)
    assert mean_gap(rows[:, 1] - rows[:, 0])[1] < precision * rows[:, 0].mean()


@pytest.mark.parametrize(
    "name", [pytest.param("one page", marks=pytest.mark.slow), "the very session empties the shelf"]
)
def test_stock_that_runs_out_is_expected_without_bias(tmp_path, name):
    found, shoppers, patience = STOCK[name]
    rows = lost_by_worlds(tmp_path, found, 110, shoppers=shoppers, patience=patience, longest=3)
    check_stock(rows, precision=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("found", "shoppers", "patience"), STOCK.values(), ids=STOCK)
def test_stock_that_runs_out_is_expected_without_bias_in_many_worlds(
    tmp_path, found, shoppers, patience
):
    rows = lost_by_worlds(tmp_path, found, 2_500, shoppers=shoppers, patience=patience, longest=3)
    check_stock(rows, precision=0.01)


ARMS = (("words", "clicks", "vectors"), ("words", "clicks"))


@pytest.mark.parametrize("sessions", [tiny.ONCE, MIXED], ids=["one page", "mixed"])
def test_the_expected_truth_is_the_exact_global_effect(tmp_path, sessions):
    """Of a channel more, everybody having it: truth.json against the enumeration."""
    wanted, logs = [], []
    for channels in ARMS:
        found = shop(sessions, channels=channels, lasting=False)
        world = follow(tmp_path / "-".join(channels), found)
        totals = exact(found, world.visits)
        sums = {name: column.sum() for name, column in totals.items()}
        wanted.append(sums | {None: (world.totals["requests"] > 0).sum()})
        logs.append([world.log])
    rows = paired_truth(logs[1], logs[0], tuple(METRICS.values())).effects
    for metric, row in zip(METRICS.values(), rows, strict=True):
        more, less = (sums[metric.numerator] / sums[metric.denominator] for sums in wanted)
        assert row.effect.estimate == pytest.approx(more - less, rel=EXACT, abs=EXACT)
        if less:
            assert row.relative.estimate == pytest.approx(more / less - 1, rel=EXACT, abs=EXACT)
    changed = {row.metric for row in rows if abs(row.effect.estimate) > 1e-3}
    assert {"gmv", "orders"} < changed
