"""The click model of a log, and its parameters, within their intervals as often as these say."""

import numpy as np
import pytest

from experiments.calibrate.clicks import MODEL, fit_clicks
from experiments.calibrate.looking import decays
from experiments.clickfits.impressions import Impressions, LogPages
from experiments.clickfits.userbrowsing import last_clicks
from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing
from simulator.errors import DataError
from tests.experiments.clickfits.logs import simulated

BOTH = ("phone", "desktop")
MODELS = {
    "pbm": PositionBased(eta_phone=0.9, eta_desktop=0.5),
    "cascade": Cascade(persistence_phone=0.6, persistence_desktop=0.8),
    "dbn": DynamicBayesian(perseverance_phone=0.7, perseverance_desktop=0.9),
    "ubm": UserBrowsing(eta_phone=0.3, theta_phone=0.6, eta_desktop=0.2, theta_desktop=0.4),
}


def log_of(model, pages, seed=0, pairs=40, shoppers=500):
    """A log, each shopper on a device of their own."""
    impressions = simulated(model, pages, seed=seed, pairs=pairs)
    who_P = 2 * np.random.default_rng(seed).integers(shoppers, size=pages) + impressions.device_P
    return LogPages(impressions, np.arange(pages), who_P)


def told(clicks):
    """Parameters with intervals of 99.9 %."""
    posterior = clicks.posterior
    return {
        key.removeprefix(f"{MODEL}."): posterior.interval(at, 3.29)
        for at, key in enumerate(posterior.settings)
    }


@pytest.mark.parametrize("name", MODELS)
def test_the_model_that_made_a_log_is_chosen_and_its_parameters_lie_in_their_intervals(name):
    model = MODELS[name]
    found = fit_clicks(log_of(model, 12_000), BOTH, rng=np.random.default_rng(0))
    assert found.chosen.value == name
    for key, interval in told(found).items():
        true = getattr(model, key)
        assert interval.holds(true), key
        assert interval.high - interval.low < 0.8 * true


def places(impressions, *, browsing):
    """Arguments of `decays` for the phones of a log."""
    page_N, rank_N = np.nonzero(impressions.real_PK & (impressions.device_P == 0)[:, None])
    columns = [np.log1p(rank_N)]
    if browsing:
        columns.append(np.log(rank_N + 1.0 - last_clicks(impressions)[page_N, rank_N]))
    return (
        np.stack(columns, axis=1),
        impressions.clicked_PK[page_N, rank_N],
        impressions.pair_PK[page_N, rank_N],
        page_N,
    )


LOGS = 14


@pytest.mark.parametrize(
    ("name", "true"),
    [
        pytest.param("pbm", [0.9], marks=pytest.mark.slow),
        ("ubm", [0.3, 0.6]),
    ],
)
def test_decays_are_right_although_most_pairs_are_seen_a_few_times(name, true):
    """2,000 pairs for 6,000 results of a log: an attraction fitted to each would be hopeless."""
    held = []
    for seed in range(LOGS):
        impressions = simulated(MODELS[name], 3_000, seed=seed, pairs=2_000)
        found = decays(*places(impressions, browsing=name == "ubm"), "a log")
        error_F = np.sqrt(np.diag(found.covariance_FF))
        held.append(np.abs(found.decay_F - true) <= 1.96 * error_F)
    assert np.all(np.abs(np.mean(held, axis=0) - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / LOGS))


def test_better_results_that_stand_higher_do_not_make_looking_seem_to_fall():
    """As a ranker shows them: what attracts most stands near the top, but not always at it."""
    rng, held = np.random.default_rng(3), []
    for _ in range(40):
        attraction_A = rng.uniform(0.05, 0.9, 200)
        pair_PK = np.argsort(rng.random((3_000, 200)), axis=1)[:, :6]
        order_PK = np.argsort(-attraction_A[pair_PK] + rng.normal(0, 0.3, (3_000, 6)), axis=1)
        pair_PK = np.take_along_axis(pair_PK, order_PK, axis=1)
        looks_K = np.arange(1, 7) ** -0.8
        clicked_PK = rng.random((3_000, 6)) < looks_K * attraction_A[pair_PK]
        pages = Impressions(pair_PK, clicked_PK, np.zeros(3_000, np.int64), 200)
        found = decays(*places(pages, browsing=False), "a log")
        held.append(abs(found.decay_F[0] - 0.8) <= 1.96 * np.sqrt(found.covariance_FF[0, 0]))
    assert abs(np.mean(held) - 0.95) <= 4 * np.sqrt(0.95 * 0.05 / 40)


@pytest.mark.slow
def test_shoppers_who_click_more_than_others_do_not_look_like_a_last_click_that_matters():
    """Each page has a level of its own: clicks hang together, wherever they are on the page."""
    rng, chosen = np.random.default_rng(6), []
    for _ in range(20):
        pair_PK = np.argsort(rng.random((3_000, 120)), axis=1)[:, :8]
        level_P1 = rng.gamma(1.5, 1 / 1.5, (3_000, 1))
        attraction_A = rng.uniform(0.05, 0.5, 120)
        chance_PK = np.minimum(attraction_A[pair_PK] * level_P1, 1) * np.arange(1, 9) ** -0.7
        pages = Impressions(
            pair_PK, rng.random((3_000, 8)) < chance_PK, np.zeros(3_000, np.int64), 120
        )
        log = LogPages(pages, np.arange(3_000), np.arange(3_000))
        chosen.append(fit_clicks(log, (), rng=rng).chosen.value)
    assert chosen.count("pbm") >= 17  # of 20, where one in a hundred is missed by chance


def test_a_shop_that_shows_higher_what_was_clicked_tells_the_decay_by_places_of_one_day():
    """Today's order is by the clicks so far, a little shuffled for each page."""
    found = {}
    for split in (False, True):
        held = []
        for seed in range(12):
            pages, day_P = learning_shop(np.random.default_rng(seed))
            told = fit_clicks(
                pages, (), rng=np.random.default_rng(0), day_P=day_P if split else None
            )
            held.append(told.posterior.interval(0, 1.96).holds(0.8))
        found[split] = np.mean(held)
    assert found[True] >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / 12)
    assert found[False] < found[True]


def learning_shop(rng):
    """Ten days of a shop with thirty queries of twelve results each, of which eight are shown."""
    attraction_QI, clicks_QI = rng.uniform(0.1, 0.6, (30, 12)), np.zeros((30, 12))
    pairs, clicked, days = [], [], []
    for day in range(10):
        query_P = rng.integers(30, size=300)
        score_PI = np.log1p(clicks_QI[query_P]) + rng.gumbel(0, 0.15, (300, 12))
        item_PK = np.argsort(-score_PI, axis=1)[:, :8]
        chance_PK = attraction_QI[query_P[:, None], item_PK] * np.arange(1, 9) ** -0.8
        clicked_PK = rng.random((300, 8)) < chance_PK
        np.add.at(clicks_QI, (query_P[:, None], item_PK), clicked_PK)
        pairs.append(query_P[:, None] * 12 + item_PK)
        clicked.append(clicked_PK)
        days.append(np.full(300, day))
    count = 3_000
    pages = Impressions(
        np.concatenate(pairs), np.concatenate(clicked), np.zeros(count, np.int64), 360
    )
    return LogPages(pages, np.arange(count), np.arange(count)), np.concatenate(days)


def test_without_devices_both_have_the_same_parameters():
    pages = log_of(PositionBased(eta_phone=0.7, eta_desktop=0.7), 12_000)
    impressions = pages.impressions
    one = Impressions(
        impressions.pair_PK, impressions.clicked_PK, 0 * impressions.device_P, impressions.pairs
    )
    found = fit_clicks(
        LogPages(one, pages.request_P, pages.shopper_P), (), rng=np.random.default_rng(0)
    )
    assert set(told(found)) == {"eta_phone", "eta_desktop"}
    assert told(found)["eta_phone"] == told(found)["eta_desktop"]
    assert told(found)["eta_phone"].holds(0.7)
    assert np.linalg.matrix_rank(np.array(found.posterior.covariance)) == 1


def test_results_that_always_stand_at_one_place_tell_nothing_of_looking():
    rng = np.random.default_rng(4)
    pair_PK = rng.integers(50, size=(2_000, 1)) * 6 + np.arange(6)
    pages = Impressions(pair_PK, rng.random((2_000, 6)) < 0.3, np.zeros(2_000, np.int64), 300)
    with pytest.raises(DataError, match=r"several places for one query == 0, must be >= 100"):
        fit_clicks(LogPages(pages, np.arange(2_000), np.arange(2_000)), (), rng=rng)
