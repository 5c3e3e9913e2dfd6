"""`funnelab attribute`: what each channel of a finished run contributes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import get_args

import numpy as np

from experiments.attribution.credit.credited import credit_run
from experiments.attribution.credit.customrules import check_rules
from experiments.attribution.credit.segments import Items
from experiments.attribution.incremental.arms import Arm, open_arm
from experiments.attribution.incremental.causes.difference import difference_rows
from experiments.attribution.incremental.coalitions import (
    live_coalitions,
    lonely_shoppers,
    open_totals,
    world_worths,
)
from experiments.attribution.incremental.fates import replay_fate_rows, world_fate_rows
from experiments.attribution.incremental.games import Index
from experiments.attribution.incremental.offpolicy.rows import off_policy_rows
from experiments.attribution.incremental.replay import make_replays
from experiments.attribution.incremental.study import live_studies, study_rows
from experiments.attribution.incremental.values import (
    Worths,
    coalition_rows,
    interaction_rows,
    value_rows,
)
from experiments.config.attribution import AttributionSpec, Method
from experiments.config.estimate import plan_attribution
from experiments.config.overrides import suggestion
from experiments.config.schema import Config
from experiments.inference.intervals.crossed import FEWEST_SEEDS
from experiments.records.attribution import AttributionRecord, FateRow, OffPolicyRow
from experiments.records.manifest import RunManifest
from experiments.records.metrics import PREFERENCE
from experiments.records.reading import read_record, write_record
from experiments.report import write_report
from experiments.running.models import CATALOG, LOG, load_saved
from experiments.running.opening import announce, at_work
from experiments.running.plugins import check_plug_ins
from experiments.stages.finished import finished_config, finished_stage
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import Progress
from simulator.errors import ConfigError

_OWN = ("attribution.", "execution.")
_NONE = "none"

FEWEST_CHANGED = 30
"""Shoppers who must buy differently without a channel for an interval to be believed."""


def asked(rules: Sequence[str], incremental: Sequence[str]) -> list[str]:
    """Overrides of the settings that say the same as the options of the command.

    Raises:
        ConfigError: a method that does not exist, or "none" beside one.
    """
    known = [*get_args(Method), _NONE]
    for method in incremental:
        if method not in known:
            raise ConfigError(f"--incremental == {method!r}, must be {suggestion(method, known)}")
    if _NONE in incremental and len(incremental) > 1:
        raise ConfigError(f"--incremental == {', '.join(incremental)}, must be none alone")
    methods = [method for method in incremental if method != _NONE]
    found = [f"attribution.rules={list(rules)!r}"] if rules else []
    return [*found, *([f"attribution.incremental={methods!r}"] if incremental else [])]


def attribute_run(folder: Path, *, overrides: Sequence[str] = (), progress: Progress) -> Path:
    """Attribute a finished run's log to its channels; returns the path of the report.

    Writes attribution.json into the run folder, and the report again. Replays and worlds are
    stages of the run: an interrupted attribution goes on behind the last finished one.

    Args:
        folder: of a finished run.
        overrides: `attribution.key=value` or `execution.key=value` each.
        progress: is told what is done.

    Raises:
        FunnelabError: bad input, or a run whose worlds cannot be lived again.
        PartFailedError: a part failed where nothing could go on without it.
    """
    for override in overrides:
        if not override.startswith(_OWN):
            raise ConfigError(f"--set {override}, must be a setting of attribution or execution")
    config = finished_config(folder, overrides)
    check_rules(config.attribution.rules)
    check_models_stay(config)
    check_pages_are_whole(config)
    check_plug_ins(config)
    catalogue = finished_stage(folder, "catalogue")
    history, log = (finished_stage(folder, name) / LOG for name in ("history", "experiment"))
    kept = {each.key for each in read_record(RunManifest, folder).stages}
    with RunFolder(folder) as run, at_work():
        announce(progress, plan_attribution(config))
        with progress.stage("credit"):
            items = Items.of(load_saved(catalogue / CATALOG), history)
            record = credit_run(config, log, items)
        maker = Maker(run, config.execution, progress, kept)
        record = measure(record, config, cache(partial(open_arm, config, maker)))
        write_record(folder, replace(record, failed=(*record.failed, *maker.failed)))
        with progress.stage("report"):
            return write_report(folder)


def check_models_stay(config: Config) -> None:
    """Refuse what serves requests by the models with which an experiment begins.

    Raises:
        ConfigError: models were trained anew in the experiment, so other ones served later.
    """
    every, methods = config.world.updates.every_days, list(config.attribution.incremental)
    if every and methods:
        raise ConfigError(
            f"attribution.incremental == {methods}, must be [] (--incremental none) where "
            f"world.updates.every_days is {every}: models were trained anew in the experiment, and "
            "in a world without a channel they would learn from another log"
        )


def check_pages_are_whole(config: Config) -> None:
    """Refuse to judge pages by a log whose pages are not of one arm each.

    Raises:
        ConfigError: off-policy estimates of a run whose pages are interleaved.
    """
    methods = list(config.attribution.incremental)
    if config.design.type == PREFERENCE and "offpolicy" in methods:
        raise ConfigError(
            f"attribution.incremental == {methods}, must be without offpolicy where design.type is "
            "'interleaving': the chance of an item at its place is not known"
        )


def measure(
    record: AttributionRecord, config: Config, open_arm: Callable[[str], Arm]
) -> AttributionRecord:
    """The record with what incrementality and the studies add to it.

    Args:
        record: of the log.
        config: of the finished run; `attribution` says which methods, worlds and studies.
        open_arm: opens an arm of the run by its name.
    """
    confidence, spec = record.confidence, config.attribution
    if not spec.incremental:
        return record
    found, arm = record, open_arm(spec.arm)
    if spec.studies or {"replay", "worlds"} & set(spec.incremental):
        found = replace(record, warnings=(*record.warnings, *_of_seeds(spec.seeds)))
    if "replay" in spec.incremental:
        found = _replayed(found, arm, spec)
    if "worlds" in spec.incremental:
        found = _lived(found, arm, spec)
    if {"replay", "worlds"} <= set(spec.incremental):
        differences = difference_rows(arm, spec, confidence=confidence)
        found = replace(found, differences=tuple(differences))
    if "offpolicy" in spec.incremental:
        rows, warned = _off_policy(config, arm, confidence)
        found = replace(found, off_policy=tuple(rows), warnings=(*found.warnings, *warned))
    if spec.studies:
        worlds = live_studies(config, open_arm, spec)
        found = replace(found, studies=tuple(study_rows(worlds, confidence=confidence)))
    return found


def _off_policy(
    config: Config, arm: Arm, confidence: float
) -> tuple[list[OffPolicyRow], list[str]]:
    """As of `off_policy_rows`; nothing, with the reason, where pages of the log are of no arm."""
    layout = config.design.layout(config.world.history_days)
    if layout is not None and layout.slots:
        why = f"slots of one page count for several arms (design.type {layout.design!r})"
        return [], [f"no off-policy estimates: {why}, so no page is as control would show it"]
    return off_policy_rows(arm, confidence=confidence)


def _replayed(record: AttributionRecord, arm: Arm, spec: AttributionSpec) -> AttributionRecord:
    replayed = make_replays(arm, spec)
    worths, channels = replayed.worths, replayed.worths.channels
    lost = [worths.table("purchase", Index("leave_one_out", c)) for c in range(len(channels))]
    tables = replayed.fates_SUCF, np.stack(lost, axis=2)
    fates = replay_fate_rows(record.arm, channels, *tables, confidence=record.confidence)
    return _told(record, "replay", worths, fates)


def _lived(record: AttributionRecord, arm: Arm, spec: AttributionSpec) -> AttributionRecord:
    worlds = live_coalitions(arm, spec)
    with open_totals(worlds) as totals:
        worths = world_worths(worlds, totals)
        warned = (*lonely_shoppers(totals), *few_changed(worths))
    fates = world_fate_rows(worlds, confidence=record.confidence)
    found = _told(record, "worlds", worths, fates)
    return replace(found, warnings=(*found.warnings, *warned))


def _told(
    record: AttributionRecord, method: str, worths: Worths, fates: Sequence[FateRow]
) -> AttributionRecord:
    """The record with what a method tells, behind what is there."""
    place, confidence = (method, record.arm, worths), record.confidence
    interactions = interaction_rows(*place, confidence=confidence)
    return replace(
        record,
        values=(*record.values, *value_rows(*place, confidence=confidence)),
        interactions=(*record.interactions, *interactions),
        coalitions=(*record.coalitions, *coalition_rows(*place)),
        fates=(*record.fates, *fates),
    )


def few_changed(worths: Worths) -> list[str]:
    """Warnings of channels whose worth in worlds rests on too few shoppers for its interval.

    In a small market with two or three such shoppers, intervals of 90 % held the truth in half of
    the worlds.
    """
    told = []
    for c, channel in enumerate(worths.channels):
        change_U = np.abs(worths.table("purchase", Index("leave_one_out", c)).sum(axis=0))
        # As many who change alike would make a sum as uneven as this one (Kish).
        shoppers = change_U.sum() ** 2 / max(float((change_U**2).sum()), np.finfo(float).tiny)
        if 0 < shoppers < FEWEST_CHANGED:
            told.append(
                f"without {channel} what is bought more or less in re-simulated worlds is that of "
                f"about {max(round(shoppers), 1)} shoppers, fewer than {FEWEST_CHANGED}: intervals "
                "of its worth are rough"
            )
    return told


def _of_seeds(seeds: int) -> list[str]:
    if seeds == 1:
        return [
            "one world: intervals of incrementality are over its shoppers and, for values and "
            "lifts in worlds, over what these share by category"
        ]
    if seeds < FEWEST_SEEDS:
        return [
            f"{seeds} worlds, fewer than {FEWEST_SEEDS}: intervals across worlds and shoppers are "
            "somewhat too narrow"
        ]
    return []
