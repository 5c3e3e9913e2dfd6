"""From settings to the heavy objects: the population of a run and the funnels of its arms."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cqsid.registry import build_channel
from experiments.config.schema import ArmSpec, Config, FileCatalog
from ranking.funnel import Funnel, FunnelSpec
from ranking.rankers.ranker import MergeOrderRanker, Ranker
from ranking.recallstage import RecallStage
from recall.channel import Adjustable, Channel
from recall.merge import MergeSpec
from recall.registry import BOOTSTRAP_CHANNELS
from recall.settings import ChannelSettings
from recall.storage import load, plug_in_roots
from simulator.catalogue.catalog import Catalog
from simulator.catalogue.synthetic import generate_supply
from simulator.errors import DataError, StoreError
from simulator.files.importer import read_judgments, read_supply
from simulator.living.world import Population
from simulator.log.history import History
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.needs import department_weights
from simulator.shoppers.shoppers import make_shoppers
from simulator.spec import Spec

# The history is what a company has before the experiment: text search, best sellers, and a
# little exploration so that the log also tells of items that the ranking would not show.
BOOTSTRAP_EXPLORATION = 0.05


def make_population(config: Config) -> Population:
    """Catalogue, shoppers and what they want: generated, or read from the user's files."""
    draws = Draws(config.seed)
    if isinstance(config.catalog, FileCatalog):
        supply = read_supply(config.catalog.file, draws)
    else:
        supply = generate_supply(config.catalog, draws)
    judgments = None
    if config.judgments is not None:
        judgments = read_judgments(config.judgments, supply.catalog)
    intents = generate_intents(supply, config.queries, draws, judgments)
    departments = int(supply.truth.department_C.max()) + 1
    shoppers = make_shoppers(
        config.shoppers, supply.truth, department_weights(intents, departments), draws
    )
    return Population(supply, shoppers, intents)


def bootstrap_funnel(config: Config, catalog: Catalog, draws: Draws) -> Funnel:
    """The funnel of the history period; it has nothing to learn from but the catalogue."""
    channels = {name: build_channel(name, spec) for name, spec in BOOTSTRAP_CHANNELS.items()}
    for name, channel in channels.items():
        channel.fit(catalog, History.empty(), rng=model_rng(config, f"bootstrap.{name}"))
    return _funnel(
        config,
        name="bootstrap",
        arm=0,
        universe=tuple(BOOTSTRAP_CHANNELS),
        recall=recall_stage(config, catalog, channels, tuple(channels), BOOTSTRAP_CHANNELS),
        ranker=MergeOrderRanker(),
        specs=BOOTSTRAP_CHANNELS,
        draws=draws,
        exploration=BOOTSTRAP_EXPLORATION,
    )


def recall_stage(
    config: Config,
    catalog: Catalog,
    channels: Mapping[str, Channel],
    universe: tuple[str, ...],
    specs: Mapping[str, ChannelSettings],
    arm: ArmSpec | None = None,
) -> RecallStage:
    """The recall of an arm, or without one of the bootstrap funnel, over fitted channels."""
    limits = {name: spec.limit for name, spec in specs.items()}
    # Quotas and weights name the arms' channels; the bootstrap funnel has channels of its own.
    merge = MergeSpec(limit=config.funnel.merge.limit)
    if arm is not None:
        limits |= arm.limits
        merge = arm.merge or config.funnel.merge
    return RecallStage(
        len(catalog), channels, universe, limits, merge, batch=config.execution.batch_size
    )


def arm_funnel(
    config: Config,
    number: int,
    catalog: Catalog,
    channels: Mapping[str, Channel],
    ranker: Ranker,
    draws: Draws,
) -> Funnel:
    """The search service of one arm, from its fitted channels and ranker."""
    arm, universe = config.arms[number], tuple(config.channels)
    return _funnel(
        config,
        name=arm.name,
        arm=number,
        universe=universe,
        recall=recall_stage(config, catalog, channels, universe, config.channels, arm),
        ranker=ranker,
        specs=config.channels,
        draws=draws,
        exploration=config.funnel.exploration,
    )


def model_rng(config: Config, purpose: str) -> np.random.Generator:
    """The random stream of one training, apart from all others."""
    return np.random.default_rng(Draws(config.seed).child(f"train:{purpose}").seed)


def load_saved(path: Path, settings: Spec | None = None) -> Any:
    """An object of a run's store.

    Args:
        path: the file.
        settings: those of the run; the plug-ins that they name may be in the object.

    Raises:
        StoreError: the file is gone or spoiled, or names a plug-in that is gone.
    """
    try:
        return load(path, plug_in_roots(settings) if settings is not None else ())
    except DataError as error:
        raise StoreError(
            f"{error}: delete {path.parent}, and the same command makes it again"
        ) from error


@runtime_checkable
class InParts(Protocol):
    """What lies in a model file instead of a channel whose parts lie in several."""

    def open_in(self, folder: Path, settings: Spec) -> Channel:
        """The channel, from the folder of that file; `settings` as in `load_saved`."""


def load_channel(path: Path, spec: ChannelSettings) -> Channel:
    """A fitted channel from its file, serving with the settings of this run.

    Raises:
        StoreError: as `load_saved`.
    """
    found: Channel | InParts = load_saved(path, spec)
    channel = found.open_in(path.parent, spec) if isinstance(found, InParts) else found
    if isinstance(channel, Adjustable):
        channel.adjust(spec)
    return channel


def _funnel(
    config: Config,
    *,
    name: str,
    arm: int,
    universe: tuple[str, ...],
    recall: RecallStage,
    ranker: Ranker,
    specs: Mapping[str, ChannelSettings],
    draws: Draws,
    exploration: float,
) -> Funnel:
    spec: FunnelSpec = config.funnel.model_copy(update={"exploration": exploration})
    latencies = {channel: specs[channel].service_time() for channel in recall.channels}
    return Funnel(name, arm, recall, ranker, spec, latencies, draws)
