"""Catalogue, shoppers and what they want: the first stage of every run."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from experiments.config.schema import Config
from experiments.running.models import CATALOG, POPULATION
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from recall.storage import save
from simulator.catalogue.catalog import Supply
from simulator.catalogue.synthetic import generate_supply
from simulator.files.demand import read_demand
from simulator.files.importer import supply_of
from simulator.files.items import Items, read_items
from simulator.files.judgments import read_judgments
from simulator.files.settings import FileCatalog
from simulator.living.world import Population
from simulator.protocols import DAY
from simulator.randomness import Draws
from simulator.scripts import is_unspaced
from simulator.shoppers.demand import NO_JUDGMENTS, generate_intents
from simulator.shoppers.intents import NOTHING_ASKED, Intents
from simulator.shoppers.needs import department_weights
from simulator.shoppers.shoppers import make_shoppers

ASKED, LOST = "texts_of_the_shop", "percent_of_them_without_meaning"
DRAWN, SKIPPED, UNSPACED = "items_with_drawn_prices", "rows_skipped", "titles_without_spaces"
"""What the record of the catalogue's stage counts of a user's file."""


@dataclass(frozen=True)
class CatalogueJob:
    """The population to be made."""

    config: Config
    stage: Stage


def make_catalogue(job: CatalogueJob, *, advance: Advance) -> None:
    """Make the population and finish its stage; the public catalogue has a file of its own."""
    with job.stage.write() as folder:
        population, told = make_population(job.config)
        save(folder / CATALOG, population.supply.catalog)
        save(folder / POPULATION, population)
        job.stage.rows = {
            "items": len(population.supply.catalog),
            "shoppers": len(population.shoppers),
            "intents": len(population.intents.category_Q),
            "texts": len(population.intents.texts),
            **told,
        }
    advance(job.stage.rows["items"])


def told_of(items: Items) -> dict[str, int]:
    """What was done to a file that results rest on: of how many items or rows, where of any."""
    counts = {
        DRAWN: int(np.isnan(items.price_I).sum()),
        SKIPPED: items.skipped,
        UNSPACED: sum(map(is_unspaced, items.title_I)),
    }
    return {name: count for name, count in counts.items() if count}


def told_of_demand(intents: Intents) -> dict[str, int]:
    """How many texts of the shop's own are asked, and which share of them nothing serves (%)."""
    own_Q = intents.asked_Q >= 0
    if not own_Q.any():
        return {}
    lost = intents.weight_Q[own_Q & (intents.category_Q < 0)].sum() / intents.weight_Q[own_Q].sum()
    return {ASKED: len(np.unique(intents.asked_Q[own_Q])), LOST: round(100 * lost)}


def remarks(config: Config, rows: Mapping[str, int]) -> tuple[str, ...]:
    """What a reader must know of the data and of the world, gravest first.

    Args:
        rows: the counts of the catalogue's stage.
    """
    return (*_of_data(rows), *_of_world(config))


_WHOSE = {
    "shared": "the log of all arms together",
    "per_arm": "the log of each arm alone, for that arm",
    "weighted": "the log of all arms, weighted for each arm so that it is distributed as its own",
}


def _of_world(config: Config) -> list[str]:
    """What of the world is off by default, and changes how results are to be read."""
    said, ramp, habit = [], config.world.ramp, config.world.habit
    updates = config.world.updates
    if ramp.days:
        days = f"{ramp.days} of the {config.world.history_days} days of the history"
        served = "trained anew on all of it" if ramp.retrain else "as it was launched then"
        said.append(
            f"In the last {days} the channels that control has not "
            f"({', '.join(config.new_channels)}) were live for {ramp.share:.0%} of the shoppers, "
            "so rankers have learned from what they found; the experiment serves them "
            f"{served}."
        )
    if updates.every_days:
        whose = _WHOSE[updates.log]
        said.append(
            f"Every {updates.every_days} days of the experiment models "
            f"({', '.join(updates.models)}) were trained anew, from the history and {whose}. In "
            "the worlds of the truth they learned from what everybody did in one arm. What arms "
            "learn from each other is in the A/B estimate, and not in its interval."
        )
        if config.truth.seeds == 1:
            said.append(
                "What models learn from in a world is what happened there. With one pair of worlds "
                "(truth.seeds 1) that luck is in the truth, and not in its interval."
            )
    if habit.strength:
        said.append(
            "Shoppers come more often after good sessions and more seldom after poor ones "
            f"(world.habit.strength {habit.strength:g}, uncalibrated), so arms change how often "
            "their shoppers come and effects grow with time: an effect is that of this many days."
        )
    return said


def _of_data(rows: Mapping[str, int]) -> list[str]:
    """By the counts of the stage."""
    items, said = f"{rows['items']:,}", []
    if drawn := rows.get(DRAWN):
        said.append(
            f"Prices of {drawn:,} of {items} items are not the shop's: they are drawn from what "
            "catalog.file.prices declares. GMV, order value and whatever else counts money rest on "
            "that."
        )
    if skipped := rows.get(SKIPPED):
        said.append(
            f"{skipped:,} rows of the catalogue's file could not be used and were left out."
        )
    if unspaced := rows.get(UNSPACED):
        said.append(
            f"Titles of {unspaced:,} of {items} items are in a script without spaces between "
            "words: pairs (Chinese, Japanese) or threes (Thai and others) of characters stand for "
            "words, in channels and in the queries of shoppers."
        )
    if asked := rows.get(ASKED):
        said.append(
            f"Shoppers ask {asked:,} queries of the shop's own. What they want is told from the "
            "names of categories, brands and values in the text, so a channel that searches by "
            f"words is favoured a little; {rows[LOST]} % of them, by count, name nothing that the "
            "shop has, and nothing serves them."
        )
    return said


def horizon(config: Config) -> float:
    """The end of the simulated time (s): no item of a file may arrive later."""
    return (config.world.history_days + config.world.days) * DAY


def make_supply(config: Config) -> tuple[Supply, dict[str, int]]:
    """What is on sale, generated or from a file; and what `told_of` it."""
    draws, catalog = Draws(config.catalogue_seed), config.catalog
    if isinstance(catalog, FileCatalog):
        items = read_items(catalog.file, horizon(config))
        return supply_of(items, catalog.file, draws), told_of(items)
    return generate_supply(catalog, draws), {}


def make_population(config: Config) -> tuple[Population, dict[str, int]]:
    """Catalogue, shoppers and what they want, generated or from a file; and what `told_of` it."""
    draws = Draws(config.seed)
    supply, told = make_supply(config)
    judgments = NO_JUDGMENTS
    if config.judgments is not None:
        judgments = read_judgments(config.judgments, supply.catalog.key_I)
    asked, share = NOTHING_ASKED, 1.0
    if config.demand is not None:
        asked, share = read_demand(config.demand), config.demand.share
    needed = Draws(config.needs_seed)
    intents = generate_intents(supply, config.queries, needed, judgments, asked, share)
    told |= told_of_demand(intents)
    departments = int(supply.truth.department_C.max()) + 1
    shoppers = make_shoppers(
        config.shoppers, supply.truth, department_weights(intents, departments), draws
    )
    return Population(supply, shoppers, intents), told
