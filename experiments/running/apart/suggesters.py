"""The stage that holds suggesters against what shoppers of the log asked next."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.schema import Config
from experiments.inference.intervals.binomial import exact_share
from experiments.records.files import write_json
from experiments.running.heldout import seen_history
from experiments.running.models import CATALOG, LOG, MODEL, REPORT, load_saved
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.examples import split_time
from recall.steps.tools import Tools
from recall.suggesting.popular import PopularSuggester
from recall.suggesting.replay import Moment, hits, moments
from recall.suggesting.suggester import Suggester
from simulator.catalogue.catalog import Catalog
from simulator.errors import placing
from simulator.log.history import load_history

SHOWN = 4
"""Suggestions at one moment."""
MOST = 2_000
"""Moments of each kind."""


@dataclass(frozen=True)
class ReplayJob:
    """Suggesters to be held against the later part of the log, which they have not learned from.

    Attributes:
        catalog, history: folders of these stages.
        suggesters: model folders, by name.
        unseen_days: as of `ChannelJob`.
    """

    config: Config
    stage: Stage
    catalog: Path
    history: Path
    suggesters: Mapping[str, Path]
    unseen_days: int = 0


def replay_suggesters(job: ReplayJob, *, advance: Advance) -> None:
    """Tell of each suggester, and of popular texts beside it, how often they know the next text."""
    config = job.config
    catalog: Catalog = load_saved(job.catalog / CATALOG)
    history = seen_history(load_history(job.history / LOG), job.unseen_days)
    since = split_time(history, config.examples)
    control = PopularSuggester()
    control.fit(catalog, history.before(since), Tools(), rng=np.random.default_rng(0))
    fitted: dict[str, Suggester] = {
        name: load_saved(folder / MODEL, config) for name, folder in job.suggesters.items()
    }
    told: dict[str, dict[str, Any]] = {name: {} for name in fitted}
    kinds: tuple[Moment, ...] = ("start", "next")
    for kind in kinds:
        found = moments(history, since, kind, MOST)
        popular_B = hits(control, found, SHOWN)
        for name, suggester in fitted.items():
            with placing(f"suggesters.{name}"):
                hit_B = hits(suggester, found, SHOWN)
            for label, kept_B in (("", found.next_B >= 0), ("_new_texts", ~found.repeated_B)):
                told[name] |= _rates(f"{kind}{label}", hit_B[kept_B], popular_B[kept_B], config)
    with job.stage.write() as folder:
        write_json(folder / REPORT, told)
    advance(len(fitted))


def _rates(place: str, hit_B: np.ndarray, popular_B: np.ndarray, config: Config) -> dict[str, Any]:
    """Of some moments: how many, and the hit rates with their intervals."""
    if not len(hit_B):
        return {f"{place}_moments": 0}
    found: dict[str, Any] = {f"{place}_moments": len(hit_B)}
    confidence = config.analysis.confidence
    for name, flag_B in (("hit_rate", hit_B), ("popular", popular_B)):
        rate = exact_share(int(flag_B.sum()), len(flag_B), confidence=confidence)
        found[f"{place}_{name}"] = [round(each, 4) for each in rate.numbers if each is not None]
    return found
