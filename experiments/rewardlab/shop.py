"""The shop of the lab: what rewards may look up, as it stands when the training log ends."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cqsid.decoding.shelves import Shelves, item_values
from cqsid.learned import Learned
from cqsid.registry import generative
from cqsid.rewards.shop import Elsewhere, Shop
from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.scheme import with_newcomers
from experiments.config.schema import Config
from experiments.running.funnels import recall_stage
from experiments.running.models import MODEL, load_channel, load_saved
from ranking.examples import history_index
from ranking.rankers.ranker import Ranker
from recall.channel import Refreshable
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.protocols import Index


@dataclass(frozen=True)
class Folders:
    """The stages that all trainings of a lab read.

    Attributes:
        catalog, history: as everywhere.
        sft: the supervised model.
        channels: the other channels of the lab's arm, by name.
        ranker: the arm's.
    """

    catalog: Path
    history: Path
    sft: Path
    channels: Mapping[str, Path]
    ranker: Path


def shop_at(
    config: Config,
    folders: Folders,
    catalog: Catalog,
    history: History,
    until: float,
    learned: Learned,
    *,
    arm: int,
) -> Shop:
    """The shop at a moment, without a door to the simulated shoppers.

    The ids are those of all items that have entered by then: an item that has left keeps its id,
    so that prompts which tell of it and logged clicks on it keep their meaning. It is on no shelf.

    Args:
        config: its lab's channel is the generative one.
        folders: where the arm's other channels and its ranker lie.
        catalog, history: the public catalogue, and the log.
        until: the moment (simulated seconds).
        learned: the generative channel's supervised system.
        arm: number of the arm whose funnel serves.
    """
    on_sale_I = (catalog.created_at_I <= until) & (catalog.retired_at_I > until)
    index = replace(history_index(catalog, history, until), available_I=on_sale_I)
    ids = ids_at(learned, until)
    return Shop(
        catalog=catalog,
        ids=ids,
        shelves=shelves_at(config, learned, ids, index, arm).on_sale(on_sale_I),
        index=index,
        vectors=learned.vectors,
        item_ID=learned.signals.item_ID,
        elsewhere=_elsewhere(config, catalog, index, arm, folders.channels),
        ranker=_ranker(config, folders.ranker, index, arm),
    )


def ids_at(learned: Learned, until: float) -> SemanticIds:
    """Ids of all items that have entered the shop by a moment (simulated seconds)."""
    signals = learned.signals
    return with_newcomers(
        learned.scheme, signals, learned.ids, signals.known_I | (signals.created_at_I <= until)
    )


def shelves_at(
    config: Config, learned: Learned, ids: SemanticIds, index: Index, arm: int
) -> Shelves:
    """Items behind the ids in the order of service, by the statistics of a snapshot."""
    spec = generative(config.channels)[config.reward_lab.channel]
    values_I = item_values(
        spec.serving.shelves, index.statistics_of(arm), learned.signals.created_at_I
    )
    return Shelves.of(ids, values_I)


def _elsewhere(
    config: Config, catalog: Catalog, index: Index, arm: int, channels: Mapping[str, Path]
) -> Elsewhere | None:
    """What the arm's other channels find, in the merge of the arm."""
    if not channels:
        return None
    universe = tuple(config.channels)
    fitted = {
        name: load_channel(folder / MODEL, config.channels[name])
        for name, folder in channels.items()
    }
    stage = recall_stage(config, catalog, fitted, universe, config.channels, config.arms[arm])
    stage.refresh(index, arm)
    return Elsewhere(stage.pool, universe.index(config.reward_lab.channel), len(universe))


def _ranker(config: Config, folder: Path, index: Index, arm: int) -> Ranker:
    ranker: Ranker = load_saved(folder / MODEL, config)
    if isinstance(ranker, Refreshable):
        ranker.refresh(index, arm)
    return ranker
