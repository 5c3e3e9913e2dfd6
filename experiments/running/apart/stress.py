"""The stage that tries the models of a run on requests of several conditions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.config.schema import Config
from experiments.records.apart.stress import Ordering, StressRecord, WinRate
from experiments.records.reading import write_record
from experiments.running.models import CATALOG, LOG, MODEL, POPULATION, load_channel, load_saved
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from experiments.stress.conditions import FEWEST_VALUES, ConditionSet, Facts, condition_set
from experiments.stress.measuring import Kind, filled_conditions, orderings, win_rates
from experiments.stress.scoring import compare
from ranking.examples import history_index
from ranking.rankers.pairs import RankerPairs
from ranking.rankers.ranker import Ranker
from recall.channel import PairScorer, Refreshable
from recall.judge import Judge
from simulator.calling import call
from simulator.errors import ConfigError, placing
from simulator.files.settings import FileCatalog
from simulator.living.world import Population
from simulator.log.history import History, load_history
from simulator.protocols import Index
from simulator.randomness import Draws


@dataclass(frozen=True)
class StressJob:
    """Models to be tried.

    Attributes:
        catalog, history: folders of these stages.
        channels: model folders of the channels, by name.
        rankers: model folders of the rankers, by what they are called.
        judges: model folders of the judges, by name.
        filled: folders of the catalogues that channels and judges read, by catalogue step.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    channels: Mapping[str, Path]
    rankers: Mapping[str, Path]
    judges: Mapping[str, Path]
    filled: Mapping[str, Path]

    def step(self, name: str, kind: Kind) -> str:
        """The catalogue step that a scorer reads; "": none."""
        if kind == "channel":
            return self.config.channels[name].understanding
        return self.config.judges[name].understanding if kind == "judge" else ""


def try_conditions(job: StressJob, *, advance: Advance) -> None:
    """Ask every scorer of pairs about requests of several conditions."""
    config = job.config
    with job.stage.write() as folder:
        population: Population = load_saved(job.catalog / POPULATION)
        history = load_history(job.history / LOG)
        index = history_index(population.supply.catalog, history)
        found = asked_set(config, population, history)
        told_by = {
            step: filled_conditions(found, load_saved(path / CATALOG))
            for step, path in job.filled.items()
        }
        wins: list[WinRate] = []
        orders: list[Ordering] = []
        for name, kind, scorer in _scorers(job, index):
            with placing(f"{kind} {name}"):
                compared = call(f"{kind} {name}: pair_scores()", compare, scorer, found)
            told_PK = told_by[step] if (step := job.step(name, kind)) else None
            wins += win_rates(name, kind, compared, found, config.analysis.confidence, told_PK)
            orders += orderings(name, kind, compared, config.analysis.confidence)
        asked_PK = np.arange(found.negative_PK.shape[1]) < found.count_P[:, None]
        left_out_K = (asked_PK & (found.negative_PK < 0)).sum(axis=0)
        record = StressRecord(
            name=config.name,
            confidence=config.analysis.confidence,
            positives=len(found),
            left_out=tuple(left_out_K.tolist()),
            wins=tuple(wins),
            orders=tuple(orders),
            against="published" if isinstance(config.catalog, FileCatalog) else "truth",
        )
        write_record(folder, record)
    advance(len(found))


def asked_set(config: Config, population: Population, history: History) -> ConditionSet:
    """The set of a run, which no model of it may have seen.

    Raises:
        ConfigError: no item has values enough, or somebody has asked a request of the set.
    """
    spec = config.stress.conditions
    assert spec is not None
    luck = Draws(config.seed).child("stress.conditions")
    supply = population.supply
    own = isinstance(config.catalog, FileCatalog)
    facts = Facts.published(supply.catalog) if own else Facts.true(supply)
    found = condition_set(facts, luck, positives=spec.positives, most=spec.most)
    if not len(found):
        raise ConfigError(
            "stress.conditions == a catalogue without an item of "
            f"{FEWEST_VALUES} attribute values, must be one of richer items (catalog.depth)"
        )
    asked = {history.texts[text] for text in np.unique(history.text_R).tolist()}
    several = [text for text in found.texts_SPK[:, :, 1:].ravel().tolist() if text in asked]
    if several:  # one condition alone is a word that anybody may ask
        raise ConfigError(
            f"stress.conditions: the history holds {several[0]!r}, must hold no request of the "
            "set: a model that has learned from it is not tried by it"
        )
    return found


def _scorers(job: StressJob, index: Index) -> list[tuple[str, Kind, PairScorer]]:
    """Every channel, ranker and judge that scores pairs, as of the end of the history."""
    found: list[tuple[str, Kind, PairScorer]] = []
    for name, model in job.channels.items():
        channel = load_channel(model / MODEL, job.config, name)
        _refresh(channel, index)
        if isinstance(channel, PairScorer):
            found.append((name, "channel", channel))
    for name, model in job.rankers.items():
        ranker: Ranker = load_saved(model / MODEL, job.config)
        _refresh(ranker, index)
        found.append((name, "ranker", RankerPairs(ranker, len(job.config.channels), index.at)))
    for name, model in job.judges.items():
        judge: Judge = load_saved(model / MODEL, job.config)
        found.append((name, "judge", judge))
    return found


def _refresh(model: object, index: Index) -> None:
    if isinstance(model, Refreshable):
        model.refresh(index, 0)


def ranker_names(config: Config, folders: Sequence[Path]) -> dict[str, Path]:
    """Each ranker by its type; with the arms that it serves, where several are of one type.

    Args:
        folders: model folders of the arms' rankers, in the order of the arms; arms may share one.
    """
    arms_of: dict[Path, list[str]] = {}
    for arm, folder in zip(config.arms, folders, strict=True):
        arms_of.setdefault(folder, []).append(arm.name)
    types = {
        folder: (
            next(arm for arm in config.arms if arm.name == arms[0]).ranker or config.ranker
        ).type
        for folder, arms in arms_of.items()
    }
    several = len(set(types.values())) < len(types)
    return {
        f"{kind} of {' and '.join(arms_of[folder])}" if several else kind: folder
        for folder, kind in types.items()
    }
