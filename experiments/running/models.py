"""Training: every channel and every arm's ranker, from the public catalogue and the history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cqsid.registry import build_channel
from experiments.config.schema import Config
from experiments.records.metrics import Model, Retrieval
from experiments.running.building import (
    load_channel,
    load_saved,
    model_rng,
    recall_stage,
)
from experiments.running.grades import graded_retrieval
from experiments.running.heldout import test_start
from experiments.running.worlds import LOG, MODEL
from experiments.stages.executor import Advance
from experiments.stages.files import plain, read_json, write_json
from experiments.stages.folder import Stage
from experiments.stages.progress import Parts
from ranking.examples import Examples, build_examples, history_index, split_time
from ranking.features import FeatureSet, PairScorer, text_scorer
from ranking.rankers.learned import LearnedRanker
from ranking.rankers.registry import RankerSpec, build_ranker
from recall.channel import Channel, Refreshable, Reporting, Resumable, Watchable
from recall.storage import plug_in_roots, save
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing
from simulator.log.history import History, load_history
from simulator.plugins import blaming
from simulator.protocols import Requests
from simulator.shoppers.intents import Judgments

CATALOG = "catalog.safetensors"
REPORT = "report.json"
RETRIEVAL = "retrieval.json"
_GRADED_DEPTH = 100


@dataclass(frozen=True)
class ChannelJob:
    """One channel to be fitted.

    Attributes:
        name: name of the channel in the config.
        early: learn from the earlier part of the history alone. A ranker learns from replayed
            requests of the later part; channels that had seen the clicks of those requests
            would look better there than they will be in service.
        unseen_days: last days of the history that nothing is learned from.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    name: str
    early: bool
    unseen_days: int = 0


def fit_channel(job: ChannelJob, *, advance: Advance) -> None:
    """Fit one channel and finish its stage."""
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = _seen(job.history, job.unseen_days)
    if job.early:
        history = history.before(split_time(history, job.config.examples))
    channel = build_channel(job.name, job.config.channels[job.name].on_device(job.config.device))
    if isinstance(channel, Resumable):
        channel.resume_in(job.stage.workspace)
    parts = Parts(advance)
    if isinstance(channel, Watchable):
        channel.watch(parts)
    with job.stage.write() as folder:
        place = f"channels.{job.name}"
        with blaming(f"{place}: fit()", "learn from the catalogue and the history"), placing(place):
            channel.fit(catalog, history, rng=model_rng(job.config, f"channel.{job.name}"))
        with placing(place):
            save(folder / MODEL, channel, channel.name, plug_in_roots(job.config))
        if not job.early:
            write_json(folder / REPORT, _report(job.name, channel))
    parts.finish()


def _seen(folder: Path, unseen_days: int) -> History:
    """A history without its last days."""
    history = load_history(folder / LOG)
    if not unseen_days:
        return history
    return history.before(test_start(history, unseen_days, "unseen_days"))


def _report(name: str, channel: Channel) -> dict[str, Any]:
    """What a channel tells of its training; nothing where it tells nothing."""
    if not isinstance(channel, Reporting):
        return {}
    with blaming(f"channels.{name}: report()", "return figures that JSON can hold"):
        told = plain(dict(channel.report()))
        json.dumps(told, allow_nan=False)
    return dict(told)


def taught_as(config: Config, name: str) -> str:
    """The channel whose training this one shares: the first that learns by the same settings.

    So arms can serve one trained generator with different beams. Other channels train alone.
    """
    spec = config.channels[name]
    if not spec.shares_training:
        return name
    same = (other for other, its in config.channels.items() if its.learned() == spec.learned())
    return next(same)


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
    history = _seen(job.history, job.unseen_days)
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


def grade_channels(
    config: Config,
    catalog: Catalog,
    judgments: Judgments,
    history: Path,
    channels: Mapping[str, Path],
) -> list[Retrieval]:
    """Each channel's recall@100, NDCG@10 and judged@10 on the human-judged queries.

    The shopper is unknown (no history of clicks), and every item is on sale.
    """
    index = history_index(catalog, load_history(history / LOG))
    requests = Requests.of_texts(judgments.queries)
    query_B = np.arange(len(judgments.queries), dtype=np.int32)
    rows = []
    for name, folder in channels.items():
        channel = load_channel(folder / MODEL, config.channels[name])
        if isinstance(channel, Refreshable):
            channel.refresh(index, 0)
        found = channel.recall(requests, _GRADED_DEPTH)
        grades = graded_retrieval(found.items_BN, query_B, judgments, len(catalog))
        rows.append(grades.row(name))
    return rows


def training_reports(
    config: Config, channels: Mapping[str, Path], rankers: Sequence[Path]
) -> list[Model]:
    """What the models that serve tell of their training, a row for each that tells anything.

    Args:
        channels: model folders of the channels, by name.
        rankers: model folders of the arms' rankers, in the order of the arms; arms may share one.
    """
    rows = [
        _row("channel", name, [arm.name for arm in config.arms if name in arm.channels], folder)
        for name, folder in channels.items()
    ]
    for folder in dict.fromkeys(rankers):
        arms = [arm for arm, own in zip(config.arms, rankers, strict=True) if own == folder]
        kind = (arms[0].ranker or config.ranker).type
        rows.append(_row("ranker", kind, [arm.name for arm in arms], folder))
    return [row for row in rows if row.report]


def _row(model: str, name: str, arms: list[str], folder: Path) -> Model:
    return Model(model, name, tuple(arms), read_json(folder / REPORT))
