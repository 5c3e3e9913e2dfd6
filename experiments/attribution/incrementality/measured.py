"""The parts of the record that further worlds and replays of an arm tell."""

from collections.abc import Callable
from dataclasses import replace

from experiments.attribution.incrementality import replayfates, worldfates
from experiments.attribution.incrementality.coalitionworlds import live_coalitions, open_totals
from experiments.attribution.incrementality.difference import difference_rows
from experiments.attribution.incrementality.replay import make_replays
from experiments.attribution.incrementality.stages import Arm
from experiments.attribution.incrementality.study import live_studies, study_rows
from experiments.attribution.incrementality.values import (
    Worths,
    coalition_rows,
    interaction_rows,
    value_rows,
)
from experiments.attribution.record import AttributionRecord
from experiments.attribution.settings import AttributionSpec
from experiments.schema import Config


def measure(
    record: AttributionRecord, config: Config, open_arm: Callable[[str], Arm]
) -> AttributionRecord:
    """The record with what incrementality and the studies add to it.

    Args:
        record: of the log.
        config: of the finished run; `attribution` says which methods, worlds and studies.
        open_arm: opens an arm of the run by its name.
    """
    found, confidence, spec = record, record.confidence, config.attribution
    arm = open_arm(spec.arm) if spec.incremental else None
    if arm is not None and "replay" in spec.incremental:
        found = _replayed(found, arm, spec)
    if arm is not None and "worlds" in spec.incremental:
        found = _lived(found, arm, spec)
    if arm is not None and {"replay", "worlds"} <= set(spec.incremental):
        differences = difference_rows(arm, spec, confidence=confidence)
        found = replace(found, differences=tuple(differences))
    if spec.studies and spec.incremental:
        worlds = live_studies(config, open_arm, spec)
        found = replace(found, studies=tuple(study_rows(worlds, confidence=confidence)))
    return found


def _replayed(record: AttributionRecord, arm: Arm, spec: AttributionSpec) -> AttributionRecord:
    replayed = make_replays(arm, spec)
    fates = replayfates.fate_rows(
        record.arm, replayed.channels, replayed.fates_SUCF, confidence=record.confidence
    )
    return replace(_valued(record, "replay", replayed.worths), fates=(*record.fates, *fates))


def _lived(record: AttributionRecord, arm: Arm, spec: AttributionSpec) -> AttributionRecord:
    worlds = live_coalitions(arm, spec)
    with open_totals(worlds) as totals:
        found = _valued(record, "worlds", totals.worths())
        warned = totals.warnings
    fates = worldfates.fate_rows(worlds, confidence=record.confidence)
    return replace(found, fates=(*found.fates, *fates), warnings=(*found.warnings, *warned))


def _valued(record: AttributionRecord, method: str, worths: Worths) -> AttributionRecord:
    arm, confidence = record.arm, record.confidence
    return replace(
        record,
        values=(*record.values, *value_rows(method, arm, worths, confidence=confidence)),
        interactions=(
            *record.interactions,
            *interaction_rows(method, arm, worths, confidence=confidence),
        ),
        coalitions=(*record.coalitions, *coalition_rows(method, arm, worths)),
    )
