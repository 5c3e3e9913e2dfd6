"""Training of the arms' rankers, on the later part of the history."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from experiments.config.schema import Config
from experiments.records.files import write_json
from experiments.running.funnels import recall_stage
from experiments.running.heldout import seen_history
from experiments.running.models import (
    CATALOG,
    LOG,
    MODEL,
    REPORT,
    load_channel,
    load_saved,
    model_rng,
)
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.examples import Examples, build_examples, history_index, split_time
from ranking.features import FeatureSet, PairScorer, text_scorer
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.registry import RankerSpec, build_ranker
from recall.channel import Channel
from recall.storage import plug_in_roots, save
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing
from simulator.log.history import load_history
from simulator.plugins import blaming


@dataclass(frozen=True)
class RankerJob:
    """The ranker of one arm, to be fitted.

    Attributes:
        arm: number of the arm.
        early: model folders of the arm's channels as of the earlier part of the history.
        channels: model folders of the channels as they will serve, for the scores in features.
        unseen_days: as of `ChannelJob`.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    arm: int
    early: Mapping[str, Path]
    channels: Mapping[str, Path]
    unseen_days: int = 0


def fit_ranker(job: RankerJob, *, advance: Advance) -> None:
    """Fit one arm's ranker on the later part of the history and finish its stage."""
    config, arm = job.config, job.config.arms[job.arm]
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    rng = model_rng(config, "ranker")
    early = _loaded(config, job.early)
    text = text_scorer(catalog, rng=rng)
    features = FeatureSet(catalog, tuple(config.channels), text, _dense_scorer(config, early))
    spec: RankerSpec = arm.ranker or config.ranker
    ranker = build_ranker(spec, features)
    with job.stage.write() as folder:
        if spec.type != "merge_order":
            examples = _examples(job, catalog, early, rng)
            with blaming(f"arms.{arm.name}: {ranker.name}.fit()", "learn from the examples"):
                ranker.fit(examples, rng=rng)
        features.use_scorers(text, _dense_scorer(config, _loaded(config, job.channels)))
        with placing(f"arms.{arm.name}"):
            save(folder / MODEL, ranker, ranker.name, plug_in_roots(config))
        report = ranker.report if isinstance(ranker, LearnedRanker) else None
        write_json(folder / REPORT, asdict(report) if report is not None else {})
    advance(1)


def _loaded(config: Config, folders: Mapping[str, Path]) -> dict[str, Channel]:
    return {
        name: load_channel(folder / MODEL, config.channels[name])
        for name, folder in folders.items()
    }


def _examples(
    job: RankerJob, catalog: Catalog, early: Mapping[str, Channel], rng: np.random.Generator
) -> Examples:
    """The later part of the history, replayed through the arm's early channels."""
    config, arm = job.config, job.config.arms[job.arm]
    history = seen_history(load_history(job.history / LOG), job.unseen_days)
    channels = {name: early[name] for name in arm.channels}
    universe = tuple(config.channels)
    recall = recall_stage(config, catalog, channels, universe, config.channels, arm)
    start = split_time(history, config.examples)
    recall.refresh(history_index(catalog, history, start), job.arm)
    return build_examples(history, catalog, recall.pool, config.examples, rng=rng)


def dense_name(config: Config) -> str | None:
    """The channel whose score is a feature of all arms' rankers: the first that gives vectors.

    Also an arm whose recall has no such channel gets the feature, so that a difference between
    arms is one of recall.
    """
    return next((name for name, spec in config.channels.items() if spec.gives_vectors), None)


def _dense_scorer(config: Config, channels: Mapping[str, Channel]) -> PairScorer | None:
    name = dense_name(config)
    channel = channels.get(name) if name is not None else None
    return channel if isinstance(channel, PairScorer) else None
