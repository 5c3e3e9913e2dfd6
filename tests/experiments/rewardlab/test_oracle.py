import json
import shutil
from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.rewardlab.oracle import OUTCOMES, LoggedNeeds, SimulatedOracle
from simulator.behaviour.behavior import Behavior
from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing
from simulator.behaviour.settings import BehaviorSpec
from simulator.errors import ConfigError, DataError
from simulator.living.settings import MarketSpec, WorldSpec
from simulator.log.history import load_history
from simulator.protocols import Index, request_ids, session_ids
from simulator.randomness import Draws
from simulator.shoppers.needs import Needs
from tests.simulator.stubs import pages_of
from tests.simulator.worlds import population, simulate

# Prices stand still, so that the oracle's are those of every request of the log.
SPEC = WorldSpec(
    history_days=2,
    days=2,
    index_refresh=21_600,
    behavior=BehaviorSpec(click_cost=3.0, outside=3.0),
    market=MarketSpec(price_changes=0.0),
)
REPEATS = 4_000


def index_of(people):
    supply = people.supply
    return Index(0.0, supply.catalog.price_I, np.ones(len(supply.catalog), np.bool_), ())


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A world's log, and what its shoppers wanted as the world itself knew it."""
    people, needs, react = population(), [], Behavior.react

    def watched(self, need, pages):
        needs.append(need)
        return react(self, need, pages)

    log = tmp_path_factory.mktemp("log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Behavior, "react", watched)
        simulate(log, people, spec=SPEC)
    columns = {
        column.name: np.concatenate([getattr(need, column.name) for need in needs])
        for column in fields(Needs)
    }
    history = load_history(log)
    return SimpleNamespace(
        log=log,
        people=people,
        needs=Needs(**columns),
        history=history,
        requests=history.requests(slice(None)),
    )


def oracle_of(world, **options):
    options = {"spec": SPEC, "index": index_of(world.people), "draws": Draws(3)} | options
    return SimulatedOracle(world.people, log=world.log, **options)


@pytest.fixture(scope="module")
def oracle(world):
    return oracle_of(world)


def some(world, number, n_items, seed=0):
    """Requests of the log with different items, the first half shown to them, the others not."""
    rng = np.random.default_rng(seed)
    history = world.history
    rows = rng.permutation(np.flatnonzero(world.requests.slots_B >= 10))[:number]
    items_BN = rng.permuted(np.tile(np.arange(300), (len(rows), 1)), axis=1)
    for row, items_N in zip(rows, items_BN, strict=True):
        shown = rng.permutation(history.item_X[history.row_X == row])[: -(-n_items // 2)]
        items_N[:] = [*shown, *items_N[~np.isin(items_N, shown)]]
    return world.requests.rows(rows), items_BN[:, :n_items].astype(np.int32)


def close(observed, expected, n):
    """Within 4.5 standard errors; the rest is for chances of about 1 / n, which are not normal."""
    return np.abs(observed - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n) + 4 / n


# --- whom it asks


def test_the_needs_behind_a_log_are_those_that_the_world_had(world):
    told = world.needs
    id_B = request_ids(session_ids(told.shopper_B, told.session_B), told.request_B)
    assert np.array_equal(np.sort(id_B), world.requests.id_B)
    found = LoggedNeeds(world.log, SPEC.index_refresh).behind(id_B, told.at_B)
    for column in fields(Needs):
        assert np.array_equal(getattr(found, column.name), getattr(told, column.name)), column.name
    assert (told.owned_BM[:, 0] >= 0).sum() > 50  # the case is there
    assert (told.owned_BM[:, 1] >= 0).any()
    assert not (np.diff(told.need_B) == 0).all()


def test_where_nobody_bought_anything_nobody_owns_anything(world, tmp_path):
    behavior = SPEC.behavior.model_copy(update={"outside": 60.0})
    simulate(tmp_path, world.people, spec=SPEC.model_copy(update={"behavior": behavior}), days=1)
    history = load_history(tmp_path)
    assert len(history.order_row_O) == 0
    needs = LoggedNeeds(tmp_path, SPEC.index_refresh).behind(history.request_R, history.at_R)
    assert (needs.owned_BM == -1).all()
    assert len(needs.owned_BM) > 100


def test_requests_that_the_log_does_not_hold_are_refused_by_the_first_of_them(world, oracle):
    requests, items_BN = some(world, 3, 2)
    for stranger in (0, 7, 2**60):
        id_B = np.array([requests.id_B[0], stranger, 2**61])
        with pytest.raises(DataError, match=rf"id_B == {stranger}, must be a request of .*log"):
            oracle.expected(replace(requests, id_B=id_B), items_BN, "click")


@pytest.mark.parametrize(
    ("items_BN", "message"),
    [
        (np.zeros((2, 4), np.int32), r"shape == \(2, 4\), must be \(3, N\)"),
        (np.zeros(3, np.int32), r"shape == \(3,\), must be \(3, N\)"),
        (np.full((3, 1), 300, np.int32), r"items_BN == 300, must be < 300"),
    ],
)
def test_items_that_do_not_fit_are_refused(world, oracle, items_BN, message):
    with pytest.raises(DataError, match=message):
        oracle.expected(some(world, 3, 1)[0], items_BN, "click")


def test_an_outcome_that_is_none_is_refused(world, oracle):
    with pytest.raises(ConfigError, match=r"outcome == 'love', must be one of click, purchase"):
        oracle.expected(*some(world, 3, 1), "love")


def test_a_log_that_goes_on_from_another_or_lacks_the_truth_is_refused(world, tmp_path):
    log = tmp_path / "log"
    shutil.copytree(world.log, log)
    manifest = json.loads((log / "manifest.json").read_text())
    (log / "manifest.json").write_text(json.dumps(manifest | {"start_day": 2}))
    with pytest.raises(DataError, match=r"start_day == 2, must be 0"):
        LoggedNeeds(log, 3600)
    (log / "manifest.json").write_text(json.dumps(manifest | {"start_day": 0}))
    shutil.rmtree(log / "latent")
    with pytest.raises(DataError, match=r"latent == unreadable"):
        LoggedNeeds(log, 3600)
    with pytest.raises(DataError, match=r"no manifest"):
        LoggedNeeds(tmp_path, 3600)


# --- what they answer


def lived(world, requests, items_BK, spec=SPEC.behavior):
    """What the simulated shoppers do with pages of these items, `REPEATS` times with other luck."""
    people = world.people
    needs = LoggedNeeds(world.log, SPEC.index_refresh).behind(requests.id_B, requests.at_B)
    again = Needs(*(np.repeat(getattr(needs, c.name), REPEATS, axis=0) for c in fields(Needs)))
    again = replace(again, session_B=np.arange(len(again.shopper_B)))  # a key of luck, no more
    parts = people.supply.catalog, people.supply.truth, people.shoppers, people.intents
    behavior = Behavior(spec, *parts, Draws(11))
    behavior.utility.refresh(index_of(people))
    return behavior.react(again, pages_of(np.repeat(items_BK, REPEATS, axis=0), latency=0.0))


def test_what_is_expected_of_an_item_is_what_shoppers_do_with_it_alone(world, oracle):
    requests, items_BN = some(world, 15, 1)
    did = lived(world, requests, items_BN)
    expected = {outcome: oracle.expected(requests, items_BN, outcome)[:, 0] for outcome in OUTCOMES}
    click_B = did.clicked_BK[:, 0].reshape(15, REPEATS).mean(axis=1)
    bought_BR = (did.worth_B > 0).reshape(15, REPEATS)
    assert close(click_B, expected["click"], REPEATS).all()
    assert close(bought_BR.mean(axis=1), expected["purchase"], REPEATS).all()
    price_B = world.people.supply.catalog.price_I[items_BN[:, 0]]
    spent_BR = bought_BR * did.quantity_B.reshape(15, REPEATS) * price_B[:, None]
    again = SPEC.behavior.repeat_quantity  # units are geometric: their mean square
    square_B = price_B**2 * (1 + again) / (1 - again) ** 2 * expected["purchase"]
    error_B = 4.5 * np.sqrt(square_B / REPEATS) + 4 * price_B / REPEATS
    assert (np.abs(spent_BR.mean(axis=1) - expected["gmv"]) < error_B).all()
    assert expected["purchase"].max() > 0.2 > expected["purchase"].min()  # a wide range


@pytest.mark.parametrize(
    "model",
    [PositionBased(), Cascade(), DynamicBayesian(), UserBrowsing()],
    ids=lambda model: model.type,
)
def test_on_a_page_the_click_chance_is_that_of_the_examined_results(world, oracle, model):
    requests, items_BN = some(world, 8, 4, seed=1)
    did = lived(world, requests, items_BN, SPEC.behavior.model_copy(update={"click_model": model}))
    looks_BK = did.examined_BK.reshape(8, REPEATS, 4).sum(axis=1)
    clicks_BK = did.clicked_BK.reshape(8, REPEATS, 4).sum(axis=1)
    expected_BK = oracle.expected(requests, items_BN, "click")
    enough_BK = looks_BK > 300
    assert enough_BK.sum() > 16
    observed_BK = clicks_BK / np.maximum(looks_BK, 1)
    assert close(observed_BK, expected_BK, np.maximum(looks_BK, 1))[enough_BK].all()


def test_a_sole_click_leads_to_the_purchase_that_is_expected(world, oracle):
    requests, items_BN = some(world, 8, 3, seed=2)
    did = lived(world, requests, items_BN)
    sole_BR = (did.clicked_BK.sum(axis=1) == 1).reshape(8, REPEATS)
    bought_BR = (did.worth_B > 0).reshape(8, REPEATS)
    clicked_BRK = did.clicked_BK.reshape(8, REPEATS, 3)
    chance_BK = oracle.expected(requests, items_BN, "purchase") / oracle.expected(
        requests, items_BN, "click"
    )
    checked = 0
    for row, slot in np.ndindex(8, 3):
        only_R = sole_BR[row] & clicked_BRK[row, :, slot]
        if only_R.sum() > 200:
            assert close(bought_BR[row, only_R].mean(), chance_BK[row, slot], only_R.sum())
            checked += 1
    assert checked > 8


def test_padding_is_worth_nothing_and_no_item_minds_its_neighbours(world):
    for noise in (0.0, 0.7):
        oracle = oracle_of(world, noise=noise)
        requests, items_BN = some(world, 30, 6, seed=3)
        items_BN[::2, 3] = -1
        for outcome in OUTCOMES:
            whole_BN = oracle.expected(requests, items_BN, outcome)
            assert whole_BN.dtype == np.float32
            assert (whole_BN[items_BN < 0] == 0).all()
            rows, columns = np.array([7, 2, 7]), np.array([5, 0, 3])
            part_BN = oracle.expected(requests.rows(rows), items_BN[rows][:, columns], outcome)
            assert np.array_equal(part_BN, whole_BN[rows][:, columns])


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_nobody_and_nothing_can_be_asked(world, shape):
    requests = world.requests.rows(np.arange(shape[0]))
    for noise in (0.0, 1.0):
        oracle = oracle_of(world, noise=noise)
        assert oracle.expected(requests, np.zeros(shape, np.int32), "gmv").shape == shape


def test_shoppers_see_and_pay_the_prices_of_the_index(world, oracle):
    index = index_of(world.people)
    dearer = oracle_of(world, index=replace(index, price_I=2 * index.price_I))
    requests, items_BN = some(world, 50, 4)
    for outcome in ("click", "purchase"):
        less_BN = dearer.expected(requests, items_BN, outcome)
        assert (less_BN <= oracle.expected(requests, items_BN, outcome)).all()
    ratio_BN = dearer.expected(requests, items_BN, "gmv") / dearer.expected(
        requests, items_BN, "purchase"
    )
    units = 1 / (1 - SPEC.behavior.repeat_quantity)
    np.testing.assert_allclose(ratio_BN, 2 * index.price_I[items_BN] * units, rtol=1e-5)


# --- against the log


@pytest.fixture(scope="module")
def looks(world, oracle):
    """Every examined exposure of the log: what is expected of it, and whether it was clicked."""
    read = {name: pd.read_parquet(world.log / name) for name in ("requests", "exposures", "latent")}
    rows = (
        read["exposures"]
        .merge(read["latent"], on="request")
        .merge(read["requests"][["request", "page"]], on="request")
    )
    slot_X = rows.position - rows.page * world.people.shoppers.slots_S[rows.shopper]
    rows = rows[(rows.examined.to_numpy() >> slot_X.to_numpy()) & 1 == 1]
    at_X = np.searchsorted(world.requests.id_B, rows.request)
    expected_X = oracle.expected(
        world.requests.rows(at_X), rows.item.to_numpy(np.int32)[:, None], "click"
    )
    return pd.DataFrame({"expected": expected_X[:, 0], "clicked": rows.clicked.to_numpy()})


def test_what_was_clicked_was_expected_more_than_what_was_passed_over(looks):
    mean = looks.groupby("clicked").expected.mean()
    assert mean[True] > mean[False] + 0.1


def test_expected_clicks_are_calibrated_in_every_decile(looks):
    deciles = looks.groupby(pd.qcut(looks.expected, 10, labels=False))
    assert len(deciles) == 10
    for _, decile in deciles:
        assert len(decile) > 200
        error = np.sqrt((decile.expected * (1 - decile.expected)).sum())
        assert abs(decile.clicked.sum() - decile.expected.sum()) < 4 * error


# --- noise


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_noise_is_a_normal_draw_of_the_spread_within_logged_requests(world, oracle, outcome):
    row_X, item_X = world.history.row_X, world.history.item_X
    value_X = oracle.expected(world.requests.rows(row_X), item_X[:, None], outcome)[:, 0]
    number_R = np.maximum(np.bincount(row_X), 1)
    value_X = value_X - (np.bincount(row_X, value_X) / number_R)[row_X]
    unit = np.sqrt(np.mean(value_X.astype(np.float64) ** 2))
    requests, items_BN = some(world, 300, 60, seed=4)
    noisy_BN = oracle_of(world, noise=0.5).expected(requests, items_BN, outcome)
    noise_BN = (noisy_BN - oracle.expected(requests, items_BN, outcome)).astype(np.float64)
    pairs = requests.id_B[:, None] * 300 + items_BN
    noise = noise_BN.ravel()[np.unique(pairs, return_index=True)[1]] / (0.5 * unit)
    number = len(noise)
    assert number > 5_000
    assert abs(noise.mean()) < 4 / np.sqrt(number)
    assert abs(noise.std() - 1) < 4 / np.sqrt(2 * number) + 0.05  # the unit is of a sample
    assert abs((noise**3).mean()) < 4 * np.sqrt(15 / number) + 0.05
    assert (noisy_BN < 0).any()


def test_noise_comes_from_the_draws_alone(world):
    asked = some(world, 20, 5)
    first, again, other = (
        oracle_of(world, noise=1.0, draws=Draws(seed)).expected(*asked, "purchase")
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.isclose(first, other).any()


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_noise_below_nothing_is_refused(world, noise):
    with pytest.raises(ConfigError, match=r"noise == .*, must be >= 0"):
        oracle_of(world, noise=noise)
