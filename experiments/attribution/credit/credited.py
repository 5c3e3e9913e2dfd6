"""The record of what a log alone tells: credit by rule, overlap, shares along the funnel."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from experiments.attribution.credit.checks import warnings
from experiments.attribution.credit.credit import credit_rows, overlap
from experiments.attribution.credit.markov import markov_rows
from experiments.attribution.credit.pathrules import credited_rules, make_path_credits
from experiments.attribution.credit.rises import crossed_sums, joint_rows, step_rows
from experiments.attribution.credit.segments import Items
from experiments.config.attribution import AttributionSpec
from experiments.config.schema import Config
from experiments.inference.logs import EngineSpec, engine, read_manifest
from experiments.records.attribution import AttributionRecord
from experiments.records.files import read_json
from experiments.records.manifest import Failed
from experiments.records.reading import read_record, write_record
from experiments.stages.folder import RunFolder
from simulator.errors import DataError, StoreError
from simulator.protocols import FaultReason


def write_credit(run: RunFolder, config: Config, log: Path, items: Items) -> None:
    """Write the attribution of a run's log alone, unless there is a whole one of this very log.

    Args:
        run: where it goes.
        config: of the run.
        log: its log folder.
        items: of its catalogue.
    """
    with suppress(StoreError, DataError):
        known = read_record(AttributionRecord, run.path)
        same = known.log_digest == read_json(log / "manifest.json")["digest"]
        if same and not known.failed:
            return
    write_record(run.path, credit_run(config, log, items))


def credit_run(config: Config, log: Path, items: Items) -> AttributionRecord:
    """What the log of a run tells, by the run's settings; see `credit_log`."""
    return credit_log(
        log,
        items,
        config.attribution,
        name=config.name,
        arms={arm.name: arm.channels for arm in config.arms},
        confidence=config.analysis.confidence,
    )


def credit_log(
    log: Path,
    items: Items,
    spec: AttributionSpec,
    *,
    name: str,
    arms: Mapping[str, tuple[str, ...]],
    confidence: float,
) -> AttributionRecord:
    """Everything that attribution.json holds without any incrementality.

    A custom rule that fails is left out.

    Args:
        log: log folder, of simulated shoppers or not.
        items: what segments need to know of the items, and the history.
        spec: rules and their settings.
        name: of the run.
        arms: the channels of each arm, by the arms' names in the log.
        confidence: level of all intervals.

    Raises:
        DataError: the folder is not a log, or one that cannot be attributed.
        ContractError: a custom rule that is not found.
    """
    manifest = read_manifest(log)
    order = (*spec.order, *(each for each in manifest.channels if each not in spec.order))
    with engine(EngineSpec()) as connection:
        failed: dict[str, str] = {}
        warned = warnings(connection, log, manifest, spec)
        if credited_rules(spec.rules):
            failed = make_path_credits(connection, log, manifest, spec)
            kept = tuple(rule for rule in spec.rules if rule not in failed)
            spec = spec.model_copy(update={"rules": kept or ("any_touch",)})
        credits = credit_rows(
            *(connection, log, manifest, spec), order=order, catalog=items, confidence=confidence
        )
        if "markov" in spec.rules:
            credits += markov_rows(connection, log, manifest, spec, confidence=confidence)
        crossed = crossed_sums(connection, log, manifest)
        return AttributionRecord(
            name=name,
            arm=spec.arm or manifest.arms[-1],
            channels=manifest.channels,
            arms=dict(arms),
            order=order,
            rules=spec.rules,
            window_days=spec.window_days,
            half_life_days=spec.half_life_days,
            confidence=confidence,
            credits=tuple(credits),
            joint=tuple(joint_rows(crossed)),
            steps=tuple(step_rows(crossed, manifest.channels, confidence=confidence)),
            sets=tuple(overlap(connection, log, manifest)),
            values=(),
            interactions=(),
            coalitions=(),
            fates=(),
            differences=(),
            studies=(),
            warnings=tuple(warned),
            log_digest=read_json(log / "manifest.json").get("digest", ""),
            off_policy=(),
            failed=tuple(
                Failed("", f"rule {rule}", FaultReason.RAISED, 0, why)
                for rule, why in failed.items()
            ),
        )
