"""Other lives of a simulated shop: the same items, needs and settings, other shoppers.

Two lives of one shop differ by more than who came. Which items become bestsellers is luck that all
shoppers of a life share, for what is clicked is shown higher. So whoever compares a log with one
life must know how far lives are apart from each other.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from experiments.config.estimate import plan_history
from experiments.config.schema import Config
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.stages.progress import NoProgress, Progress
from experiments.validate.opening import of_history
from experiments.validate.ownlog.sales import Sales, simulated_sales
from simulator.files.settings import FileCatalog
from simulator.living.settings import RampSpec
from simulator.randomness import Draws


def other_life(config: Config, number: int) -> Config:
    """The settings of another life: luck of its own for all but the items and what is needed.

    Without a ramp, for which models would have to be trained.
    """
    catalog, kept = config.catalog, {"seed": config.catalogue_seed}
    if isinstance(catalog, FileCatalog):
        same: object = FileCatalog(file=catalog.file.model_copy(update=kept))
    else:
        same = catalog.model_copy(update=kept)
    return config.model_copy(
        update={
            "seed": Draws(config.seed).child(f"life.{number}").seed % 2**63,
            "catalog": same,
            "queries": config.queries.model_copy(update={"seed": config.needs_seed}),
            "world": config.world.model_copy(update={"ramp": RampSpec()}),
        }
    )


def sales_of_lives(config: Config, lives: int, progress: Progress) -> Iterator[Sales]:
    """What was bought in the history of other lives.

    Args:
        config: of the shop.
        lives: how many.
        progress: is told of each.
    """
    if not lives:
        return
    seconds = lives * sum(each for _, each in plan_history(config))
    progress.plan(f"{lives} other lives of the simulated shop: about {seconds:.0f} s")
    with (
        tempfile.TemporaryDirectory(prefix="funnelab-lives-") as folder,
        progress.stage("other lives", total=lives, unit="lives") as bar,
    ):
        for number in range(lives):
            life = other_life(config, number)
            with open_run(life, Path(folder) / str(number), NoProgress(), overwrite=False) as maker:
                pipeline = Pipeline(life, maker)
                catalogue = pipeline.catalogue()
                history = pipeline.history(catalogue)
                with of_history(life, catalogue, history) as evidence:
                    sales = simulated_sales(evidence.history)
            bar.advance()
            yield sales
