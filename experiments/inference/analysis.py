"""The contents of metrics.json and truth.json, from logs alone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from experiments.inference import health as diagnostics
from experiments.inference.estimates import Estimate, SampleRatio, estimate, sample_ratio
from experiments.inference.logs import EngineSpec, Manifest, read_manifest
from experiments.inference.metrics import DAILY_METRICS, METRICS, Metric
from experiments.inference.shares import channel_shares
from experiments.inference.truth import beside, paired_truth
from experiments.inference.units import Units, open_units
from simulator.errors import ConfigError, DataError

SCHEMA = 1
"""Version of the keys of metrics.json and truth.json."""


def analyse(
    log: Path,
    history: Path | None,
    *,
    name: str,
    arms: Mapping[str, float],
    control: str,
    confidence: float = 0.95,
    primary: str = "gmv",
    metrics: Sequence[Metric] = tuple(METRICS.values()),
    retrieval: Sequence[Mapping[str, Any]] = (),
    models: Sequence[Mapping[str, Any]] = (),
    spec: EngineSpec | None = None,
) -> dict[str, Any]:
    """Everything that metrics.json holds.

    Args:
        log: the experiment's log folder.
        history: log folder of the period before, for CUPED; none: no adjusted estimates.
        name: the run's name.
        arms: the share of shoppers that each arm should hold, by name.
        control: the arm that all others are compared with.
        confidence: level of all intervals.
        primary: the metric that decides.
        metrics: what is estimated.
        retrieval: rows of `GradedRetrieval.row`, where there are human grades.
        models: rows of `training_reports`.
        spec: threads and memory.

    Raises:
        ConfigError: arms, control or primary do not fit the log or the metrics.
        DataError: a folder is not a log.
    """
    manifest = read_manifest(log)
    _check(manifest, arms, control, primary, metrics)
    with open_units(log, metrics, history=history, spec=spec) as units:
        estimates = _estimates(units, metrics, control, confidence)
        connection = units.connection
        srm = [
            sample_ratio(population, counts, arms)
            for population, counts in diagnostics.populations(connection, log, manifest).items()
        ]
        stages = diagnostics.funnel(connection, log, manifest)
        return {
            "schema": SCHEMA,
            "name": name,
            "primary": primary,
            "confidence": confidence,
            "estimates": [one.row() for one in estimates],
            "srm": [asdict(test) for test in srm],
            "shares": [
                asdict(share) for share in channel_shares(connection, log, confidence=confidence)
            ],
            "daily": _daily(units, metrics, control, confidence),
            "overlap": diagnostics.overlap(connection, log, manifest),
            "funnel": stages,
            "latency": diagnostics.latency(connection, log, manifest),
            "end_reasons": diagnostics.end_reasons(connection, log, manifest),
            "retrieval": [dict(row) for row in retrieval],
            "models": [dict(row) for row in models],
            "health": _health(units, log, srm, stages, estimates),
        }


def truth_table(
    worlds: Mapping[str, Sequence[Path]],
    metrics_json: Mapping[str, Any],
    *,
    control: str,
    metrics: Sequence[Metric] = tuple(METRICS.values()),
    spec: EngineSpec | None = None,
) -> dict[str, Any]:
    """Everything that truth.json holds: the global effects beside the naive estimates.

    Args:
        worlds: by arm, the logs of the worlds with everybody in it, one for each seed.
        metrics_json: what `analyse` made of the A/B test, for its naive (unadjusted) estimates.
        control: the arm that all others are compared with.
        metrics: what is compared.
        spec: threads and memory.

    Raises:
        DataError: an arm has no worlds, or not as many as control.
    """
    if control not in worlds:
        raise DataError(f"truth worlds == {', '.join(worlds)}, must include control {control!r}")
    naive = {
        (row["metric"], row["contrast"][1]): row
        for row in metrics_json["estimates"]
        if not row["cuped"] and row["contrast"][0] == control
    }
    table, warnings = [], []
    for arm, logs in worlds.items():
        if arm == control:
            continue
        truth = paired_truth(
            worlds[control], logs, metrics, confidence=metrics_json["confidence"], spec=spec
        )
        warnings += [f"{arm} against {control}: {warning}" for warning in truth.warnings]
        table += [
            beside(effect, (control, arm), naive.get((effect.metric, arm), {}))
            for effect in truth.effects
        ]
    return {"schema": SCHEMA, "truth": table, "warnings": warnings}


def _check(
    manifest: Manifest,
    arms: Mapping[str, float],
    control: str,
    primary: str,
    metrics: Sequence[Metric],
) -> None:
    if tuple(arms) != manifest.arms:
        raise ConfigError(
            f"arms == {', '.join(arms)}, must be those of the log: {', '.join(manifest.arms)}"
        )
    if control not in arms:
        raise ConfigError(f"control == {control!r}, must be one of: {', '.join(arms)}")
    if primary not in {metric.name for metric in metrics}:
        wanted = ", ".join(metric.name for metric in metrics)
        raise ConfigError(f"primary == {primary!r}, must be one of: {wanted}")


def _contrasts(units: Units, control: str) -> list[tuple[str, str]]:
    return [(control, arm) for arm in units.manifest.arms if arm != control]


def _estimates(
    units: Units, metrics: Sequence[Metric], control: str, confidence: float
) -> list[Estimate]:
    arms = units.aggregates(metrics, covariates=units.has_history)
    return [
        estimate(metric, contrast, arms, confidence=confidence, cuped=cuped)
        for contrast in _contrasts(units, control)
        for metric in metrics
        for cuped in ((False, True) if units.has_history else (False,))
    ]


def _daily(
    units: Units, metrics: Sequence[Metric], control: str, confidence: float
) -> list[dict[str, Any]]:
    keys = ("metric", "contrast", "effect", "effect_low", "effect_high")
    return [
        {"day": day} | {key: row[key] for key in keys}
        for day, arms in units.daily(metrics).items()
        for contrast in _contrasts(units, control)
        for metric in metrics
        if metric.name in DAILY_METRICS
        for row in (estimate(metric, contrast, arms, confidence=confidence).row(),)
    ]


def _health(
    units: Units,
    log: Path,
    srm: Sequence[SampleRatio],
    stages: diagnostics.Rows,
    estimates: Sequence[Estimate],
) -> dict[str, Any]:
    traffic = diagnostics.traffic(units.connection, log, units.manifest)
    requests = {row["arm"]: row["requests"] for row in traffic}
    health = {"requests": traffic, "dropped": diagnostics.dropped(units.manifest, requests)}
    strays = diagnostics.strayed(units.connection, log)
    return health | {"warnings": diagnostics.warnings(health, srm, stages, estimates, strays)}
