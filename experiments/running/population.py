"""Catalogue, shoppers and what they want: the first stage of every run."""

from dataclasses import dataclass

from experiments.config.schema import Config
from experiments.running.models import CATALOG, POPULATION
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from recall.storage import save
from simulator.catalogue.synthetic import generate_supply
from simulator.files.importer import read_supply
from simulator.files.judgments import read_judgments
from simulator.files.settings import FileCatalog
from simulator.living.world import Population
from simulator.protocols import DAY
from simulator.randomness import Draws
from simulator.shoppers.demand import NO_JUDGMENTS, generate_intents
from simulator.shoppers.needs import department_weights
from simulator.shoppers.shoppers import make_shoppers


@dataclass(frozen=True)
class CatalogueJob:
    """The population to be made."""

    config: Config
    stage: Stage


def make_catalogue(job: CatalogueJob, *, advance: Advance) -> None:
    """Make the population and finish its stage; the public catalogue has a file of its own."""
    with job.stage.write() as folder:
        population = make_population(job.config)
        save(folder / CATALOG, population.supply.catalog)
        save(folder / POPULATION, population)
        job.stage.rows = {
            "items": len(population.supply.catalog),
            "shoppers": len(population.shoppers),
            "intents": len(population.intents.category_Q),
            "texts": len(population.intents.texts),
        }
    advance(job.stage.rows["items"])


def horizon(config: Config) -> float:
    """The end of the simulated time (s): no item of a file may arrive later."""
    return (config.world.history_days + config.world.days) * DAY


def make_population(config: Config) -> Population:
    """Catalogue, shoppers and what they want: generated, or read from the user's files."""
    draws = Draws(config.seed)
    if isinstance(config.catalog, FileCatalog):
        supply = read_supply(config.catalog.file, draws, horizon(config))
    else:
        supply = generate_supply(config.catalog, draws)
    judgments = NO_JUDGMENTS
    if config.judgments is not None:
        judgments = read_judgments(config.judgments, supply.catalog.key_I)
    intents = generate_intents(supply, config.queries, draws, judgments)
    departments = int(supply.truth.department_C.max()) + 1
    shoppers = make_shoppers(
        config.shoppers, supply.truth, department_weights(intents, departments), draws
    )
    return Population(supply, shoppers, intents)
