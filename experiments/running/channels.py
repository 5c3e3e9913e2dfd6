"""Training of channels, from the public catalogue and the history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cqsid.loggers.listening import keep_events
from experiments.config.schema import Config
from experiments.records.files import plain, write_json
from experiments.running.heldout import seen_history
from experiments.running.models import (
    CATALOG,
    LOG,
    MODEL,
    REPORT,
    PartsOf,
    heard,
    load_saved,
    loaded_parts,
    luck_of_training,
    model_rng,
)
from experiments.stages.executor import Advance
from experiments.stages.progress import Parts
from experiments.stages.stage import Stage
from ranking.examples import split_time
from recall.augmenting.augmentation import Synthetic
from recall.channel import Augmentable, Channel, Composed, Reporting, Resumable, Watchable
from recall.registry import build_channel
from recall.storage import plug_in_roots, save
from simulator.calling import blaming, call
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing
from simulator.log.history import History, load_history


@dataclass(frozen=True)
class ChannelJob:
    """One channel to be fitted.

    Attributes:
        name: name of the channel in the config.
        early: learn from the earlier part of the history alone. A ranker learns from replayed
            requests of the later part; channels that had seen the clicks of those requests
            would look better there than they will be in service.
        unseen_days: last days of the history that nothing is learned from.
        training: 0 as it serves; another number trains it again by other luck.
        made: folders of pairs that it learns from, too.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    name: str
    early: bool
    unseen_days: int = 0
    training: int = 0
    made: tuple[Path, ...] = ()


def fit_channel(job: ChannelJob, *, advance: Advance) -> None:
    """Fit one channel and finish its stage."""
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = seen_history(load_history(job.history / LOG), job.unseen_days)
    if job.early:
        history = history.before(split_time(history, job.config.examples))
    luck = luck_of_training(job.config.channels, job.name)
    rng = model_rng(job.config, f"channel.{luck}", job.training)
    train_channel(
        *(job.config, job.stage, job.name, catalog, history),
        rng=rng,
        advance=advance,
        told=not job.early,
        made=[load_saved(folder / MODEL, job.config) for folder in job.made],
    )


def train_channel(
    config: Config,
    stage: Stage,
    name: str,
    catalog: Catalog,
    history: History,
    *,
    rng: np.random.Generator,
    advance: Advance,
    told: bool = True,
    made: Sequence[Synthetic] = (),
) -> None:
    """Fit a channel on a log and finish its stage.

    Args:
        name: of the channel in the config.
        rng: luck of the training.
        told: whether the channel's report is written, too.
        made: pairs that it learns from beside those of the log.
    """
    channel = build_channel(name, config.channels[name].on_device(config.device))
    parts, place = Parts(advance), f"channels.{name}"
    if made and isinstance(channel, Augmentable):
        channel.learn_with(made)
    if isinstance(channel, Resumable):
        with blaming(f"{place}: resume_in()", "take a folder"):
            call(f"{place}: resume_in()", channel.resume_in, stage.workspace)
    if isinstance(channel, Watchable):
        with blaming(f"{place}: watch()", "take a function"):
            call(f"{place}: watch()", channel.watch, parts)
    with stage.write() as folder:
        with (
            blaming(f"{place}: fit()", "learn from the catalogue and the history"),
            placing(place),
            heard(config, stage),
        ):
            call(f"{place}: fit()", channel.fit, catalog, history, rng=rng)
        keep_events(stage.workspace, folder)
        with placing(place):
            save(folder / MODEL, channel, channel.name, plug_in_roots(config))
        if told:
            write_json(folder / REPORT, _report(name, channel))
    parts.finish()


@dataclass(frozen=True)
class ComposedJob:
    """A channel to be made of parts that are fitted already.

    Attributes:
        history: folder of this stage.
        name: name of the channel in the config.
        parts: stages of the parts, by the fields of its settings that name them.
    """

    config: Config
    stage: Stage
    history: Path
    name: str
    parts: Mapping[str, Stage]


def compose_channel(job: ComposedJob, *, advance: Advance) -> None:
    """Note where a channel's parts lie, see that it can be made of them, and tell of it."""
    config, place, parts = job.config, f"channels.{job.name}", Parts(advance)
    folders = {field: stage.path for field, stage in job.parts.items()}
    with placing(place):
        fitted = loaded_parts(config, job.name, folders)
        channel = build_channel(job.name, config.channels[job.name], fitted)
    if isinstance(channel, Composed):
        with blaming(f"{place}: recall()", "answer requests of the log"):
            call(f"{place}: try_on()", channel.try_on, load_history(job.history / LOG))
    with job.stage.write() as folder:
        names = {field: path.name for field, path in folders.items()}
        save(folder / MODEL, PartsOf(names), job.name)
        write_json(folder / REPORT, _report(job.name, channel))
    parts.finish()


def _report(name: str, channel: Channel) -> dict[str, Any]:
    """What a channel tells of its training; nothing where it tells nothing."""
    if not isinstance(channel, Reporting):
        return {}
    with blaming(f"channels.{name}: report()", "return figures that JSON can hold"):
        told = plain(dict(call(f"channels.{name}: report()", channel.report)))
        json.dumps(told, allow_nan=False)
    return dict(told)
