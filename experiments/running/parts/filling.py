"""The stage of a catalogue step: it learns, and what it fills surely enough is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cqsid.registry import build_understanding
from experiments.config.schema import Config
from experiments.records.files import plain, write_json
from experiments.running.heldout import seen_history
from experiments.running.models import CATALOG, LOG, MODEL, REPORT, load_saved, model_rng
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.examples import split_time
from recall.channel import Reporting
from recall.storage import plug_in_roots, save
from recall.understanding.contract import violations
from recall.understanding.filled import Filled, trusted
from recall.understanding.hidden import hidden
from recall.understanding.twin import shuffled
from recall.understanding.understanding import Understanding
from simulator.calling import blaming, call
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError, placing
from simulator.log.history import load_history
from simulator.randomness import Draws

GUESSES = "guesses.safetensors"


@dataclass(frozen=True)
class FillJob:
    """A catalogue to be filled.

    Attributes:
        name: of the step in the settings.
        catalog, history: folders of these stages.
        unseen_days: last days of the history that nothing is learned from.
    """

    config: Config
    stage: Stage
    name: str
    catalog: Path
    history: Path
    unseen_days: int = 0


@dataclass(frozen=True)
class HidingJob:
    """A user's catalogue, a part of which is to be hidden.

    Attributes:
        catalog: folder of this stage.
    """

    config: Config
    stage: Stage
    catalog: Path


def hide_part(job: HidingJob, *, advance: Advance) -> None:
    """Hide a part of what a file publishes."""
    luck = np.random.default_rng(Draws(job.config.seed).child("understanding.hidden").seed)
    with job.stage.write() as folder:
        save(folder / CATALOG, hidden(load_saved(job.catalog / CATALOG), luck))
    advance(1)


def fill_catalogue(job: FillJob, *, advance: Advance) -> None:
    """Fit one step, fill the catalogue, and finish its stage.

    A step learns from the part of the log that rankers do not learn from, as early channels do: so
    one filled catalogue serves both.
    """
    config, place = job.config, f"understanding.{job.name}"
    spec, rng = config.understanding[job.name], model_rng(config, place)
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = seen_history(load_history(job.history / LOG), job.unseen_days)
    if len(history.at_R):
        history = history.before(split_time(history, config.examples))
    lessons = shuffled(catalog, rng) if spec.permuted else catalog
    step = build_understanding(spec)
    with job.stage.write() as folder:
        with blaming(f"{place}: fit()", "learn from the catalogue"), placing(place):
            call(f"{place}: fit()", step.fit, lessons, history, rng=rng)
        with blaming(f"{place}: fill()", "fill the catalogue"), placing(place):
            filled = asked(place, step, catalog)
            save(folder / MODEL, step, place, plug_in_roots(config))
        save(folder / GUESSES, filled)
        save(folder / CATALOG, trusted(catalog, filled, spec.confidence))
        write_json(folder / REPORT, _report(place, step))
    advance(1)


def asked(place: str, step: Understanding, catalog: Catalog) -> Filled:
    """What a fitted step fills.

    Raises:
        ContractError: it breaks, or breaks its contract.
    """
    filled: Filled = call(f"{place}: fill()", step.fill, catalog)
    corrects = bool(getattr(step, "corrects", False))
    for violation in violations(catalog, filled, corrects=corrects):
        raise ContractError(f"{place}: {violation}")
    return filled


def _report(place: str, step: Understanding) -> Mapping[str, Any]:
    if not isinstance(step, Reporting):
        return {}
    with blaming(f"{place}: report()", "return figures that JSON can hold"):
        return dict(plain(dict(call(f"{place}: report()", step.report))))
