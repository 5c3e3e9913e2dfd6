"""Small worlds for tests: a generated market under a service that looks pages up in a table."""

import numpy as np

from simulator.behaviour.settings import BehaviorSpec
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.living.settings import WorldSpec
from simulator.living.world import Population, World
from simulator.log.eventlog import EventLog
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.needs import department_weights
from simulator.shoppers.settings import QuerySpec, ShopperSpec
from simulator.shoppers.shoppers import make_shoppers
from tests.simulator.stubs import TableService


def population(items=300, shoppers=1_200, intents=200, seed=1, **catalog):
    draws = Draws(seed)
    supply = generate_supply(CatalogSpec(items=items, **catalog), draws)
    wanted = generate_intents(supply, QuerySpec(intents=intents), draws)
    weights = department_weights(wanted, int(supply.truth.department_C.max()) + 1)
    people = make_shoppers(ShopperSpec(count=shoppers), supply.truth, weights, draws)
    return Population(supply, people, wanted)


def table_of(people, depth=60, seed=0):
    """(T, depth) for each text, items of the category that its intent wants, best demand first."""
    intents, truth = people.intents, people.supply.truth
    wanted_T = np.zeros(len(intents.texts), np.int64)
    rows, columns = np.nonzero(intents.text_QX >= 0)
    wanted_T[intents.text_QX[rows, columns]] = intents.category_Q[rows]
    fits_CI = truth.category_I == np.arange(len(truth.log_price_C))[:, None]
    noise_I = np.random.default_rng(seed).random(len(truth.category_I))
    order_CI = np.argsort(-(fits_CI * truth.demand_I + 1e-9 * noise_I), axis=1)
    return order_CI[wanted_T, :depth].astype(np.int32)


def simulate(folder, people, *, spec=None, service=None, seed=2, days=2, arms=("all",), **options):
    """Run a world and return its log's digest and final state.

    Without a spec of the caller's, shoppers buy more than by default: a few days have some orders.
    """
    service = service or TableService(table_of(people))
    log = EventLog(folder, channels=service.channels, arms=arms)
    world = World(
        spec or WorldSpec(days=days, behavior=BehaviorSpec(outside=9.0)),
        people,
        service,
        log,
        Draws(seed),
        arms=len(arms),
        **options,
    )
    state = world.run(0, days)
    return log.close(service.faults(), {"days": days}), state
