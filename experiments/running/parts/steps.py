"""Training of one step, from the catalogue, the history and what it may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.config.schema import Config
from experiments.running.heldout import seen_history
from experiments.running.models import CATALOG, LOG, MODEL, load_channel, load_saved, model_rng
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.examples import split_time
from recall.augmenting.augmentation import validate_synthetic
from recall.steps.settings import build_step
from recall.steps.tools import Tools
from recall.storage import plug_in_roots, save
from simulator.calling import blaming, call
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing
from simulator.log.history import History, load_history


@dataclass(frozen=True)
class StepJob:
    """One step to be fitted.

    Attributes:
        catalog, history: folders of these stages.
        section, name: where it is set.
        early, unseen_days: as of `ChannelJob`.
        channels: model folders of the channels that it may ask, by name.
        judge: model folder of the judge that it may ask; None: none.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    section: str
    name: str
    early: bool = False
    unseen_days: int = 0
    channels: Mapping[str, Path] = field(default_factory=dict)
    judge: Path | None = None


def fit_step(job: StepJob, *, advance: Advance) -> None:
    """Fit one step and finish its stage."""
    config, place = job.config, f"{job.section}.{job.name}"
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = seen_history(load_history(job.history / LOG), job.unseen_days)
    if job.early:
        history = history.before(split_time(history, config.examples))
    tools = Tools(
        judge=load_saved(job.judge / MODEL, config) if job.judge is not None else None,
        channels={
            name: load_channel(folder / MODEL, config, name)
            for name, folder in job.channels.items()
        },
    )
    with placing(place):
        step = build_step(job.name, config.steps[job.section][job.name])
    with job.stage.write() as folder:
        kept = _learned(job, step, catalog, history, tools)
        with placing(place):
            save(folder / MODEL, kept, job.name, plug_in_roots(config))
    advance(1)


def _learned(job: StepJob, step: Any, catalog: Catalog, history: History, tools: Tools) -> Any:
    """What is kept of the step: itself, fitted, or the pairs that it made."""
    place = f"{job.section}.{job.name}"
    rng = model_rng(job.config, place)
    if job.section == "augmentations":
        with blaming(f"{place}: pairs()", "make pairs"), placing(place):
            made = call(f"{place}: pairs()", step.pairs, catalog, history, tools, rng=rng)
            validate_synthetic(made, len(catalog))
        return made
    with blaming(f"{place}: fit()", "learn from the catalogue and the history"), placing(place):
        call(f"{place}: fit()", step.fit, catalog, history, tools, rng=rng)
    return step
