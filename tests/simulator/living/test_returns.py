import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from simulator.behaviour.settings import BehaviorSpec
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.living.returns import Returns
from simulator.living.settings import ReturnsSpec, WorldSpec
from simulator.protocols import DAY
from simulator.randomness import Draws
from tests.simulator.worlds import population, simulate


def test_orders_come_back_with_their_chance_after_an_exponential_time():
    supply = generate_supply(CatalogSpec(items=3), Draws(1))
    returns = Returns(ReturnsSpec(share=0.2, delay_days=3.0), supply, Draws(1))
    back = [returns.back(request, 1, at=100.0) for request in range(5_000)]
    waited = np.array([(at - 100.0) / DAY for at in back if at is not None])
    chance = returns.chance_I[1]
    assert abs(len(waited) / 5_000 - chance) < 4 * np.sqrt(chance * (1 - chance) / 5_000)
    assert abs(waited.mean() - 3.0) < 4 * 3.0 / np.sqrt(len(waited))
    assert np.median(waited) == pytest.approx(3.0 * np.log(2), rel=0.1)


def test_what_promised_more_than_it_kept_comes_back_more_often():
    supply = generate_supply(CatalogSpec(items=500), Draws(1))
    spec = ReturnsSpec(share=0.2, disappointment=0.7)
    chance_I = Returns(spec, supply, Draws(1)).chance_I
    rating_I = supply.catalog.rating_I
    z_I = (rating_I - rating_I.mean()) / rating_I.std() - supply.truth.quality_I
    np.testing.assert_allclose(chance_I, expit(logit(0.2) + 0.7 * z_I), rtol=1e-5)
    alike = Returns(ReturnsSpec(share=0.2, disappointment=0.0), supply, Draws(1)).chance_I
    np.testing.assert_allclose(alike, 0.2)


@pytest.fixture(scope="module")
def people():
    return population()


@pytest.fixture(scope="module")
def lived(people, tmp_path_factory):
    """The log and the last state of a world of many orders, of which half come back in days."""
    folder = tmp_path_factory.mktemp("returns")
    returns = ReturnsSpec(share=0.5, delay_days=1.0)
    spec = WorldSpec(days=6, behavior=BehaviorSpec(outside=7.0), returns=returns)
    _, state = simulate(folder, people, spec=spec, days=6)
    return {table: pd.read_parquet(folder / table) for table in ("orders", "returns")}, state


def test_the_log_tells_what_came_back(lived):
    orders, returns = (lived[0][table] for table in ("orders", "returns"))
    assert len(returns) > 30
    keys = ["request", "session", "shopper", "arm", "item", "price", "quantity"]
    both = returns.merge(orders, on=keys, suffixes=("", "_bought"))
    assert len(both) == len(returns)
    assert (both["at"] > both["at_bought"]).all()
    assert (returns.day == returns["at"] // DAY).all()
    assert not returns.duplicated(["request", "item"]).any()


def test_what_came_back_is_on_the_shelf_and_no_longer_owned(people, lived):
    log, state = lived
    items = len(people.supply.catalog)
    sold_I, back_I = (
        np.bincount(log[table]["item"], log[table].quantity, items)
        for table in ("orders", "returns")
    )
    position_I = state["stock_I"] + state["on_order_I"]
    once_I = (sold_I == 1) & (back_I == 1)
    assert once_I.any()
    np.testing.assert_array_equal(position_I[once_I], people.supply.stock_I[once_I])
    last = log["returns"].sort_values("at").groupby(["shopper", "item"])["at"].last()
    bought = log["orders"].groupby(["shopper", "item"])["at"].agg(["max", "size"])
    gone = last.index[(bought.loc[last.index, "size"] == 1).to_numpy()]
    for shopper, item in gone:
        assert item not in state["owned_SM"][shopper]


def test_nothing_comes_back_by_default(people, tmp_path):
    simulate(tmp_path, people)
    assert not len(pd.read_parquet(tmp_path / "returns"))
