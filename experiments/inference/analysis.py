"""The contents of metrics.json, from logs alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from experiments.inference import health as diagnostics
from experiments.inference.estimates import blank, estimate
from experiments.inference.logs import EngineSpec, Manifest, check_rows, read_manifest
from experiments.inference.metrics import METRICS, Metric, followed
from experiments.inference.own.estimating import Found, own_estimates
from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.srm import populations, sample_ratio, strayed
from experiments.inference.units import Units, open_units
from experiments.records.metrics import (
    Daily,
    FunnelCount,
    Health,
    Metrics,
    Model,
    Retrieval,
    SampleRatio,
)
from simulator.catalogue.catalog import Catalog
from simulator.errors import ConfigError, ContractError
from simulator.failures import Failure, note_failure
from simulator.protocols import FaultReason


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
    retrieval: Sequence[Retrieval] = (),
    models: Sequence[Model] = (),
    own: Sequence[OwnMetric] = (),
    catalog: Catalog | None = None,
    spec: EngineSpec | None = None,
) -> Metrics:
    """Everything that metrics.json holds.

    A metric of a user's own that fails has no numbers, and the others have theirs.

    Args:
        log: the experiment's log folder.
        history: log folder of the period before, for CUPED; none: no adjusted estimates.
        name: the run's name.
        arms: the share of shoppers that each arm should hold, by name.
        control: the arm that all others are compared with.
        confidence: level of all intervals.
        primary: the metric that decides.
        metrics: what is estimated.
        retrieval: channels against human grades, where there are any.
        models: what channels and rankers tell of their training.
        own: metrics of a user's own, beside those.
        catalog: the items, which these may read.
        spec: threads and memory.

    Raises:
        ConfigError: arms, control or primary do not fit the log or the metrics.
        DataError: a folder is not a log.
    """
    manifest = read_manifest(log)
    names = [*(each.name for each in metrics), *(each.name for each in own)]
    _check(manifest, arms, control, primary, names)
    pairs = [(control, arm) for arm in manifest.arms if arm != control]
    with open_units(log, metrics, history=history, spec=spec) as units:
        check_rows(units.connection, log, manifest)
        found = _estimates(units, metrics, control, confidence)
        of_own = partial(own_estimates, confidence=confidence, spec=spec)
        asked = log, history, catalog, pairs
        found += [each for m in own for each in _tried(m, found, lambda m: of_own([m], *asked))]
        estimates, warned = tuple(row for row, _ in found), unestimated(found)
        connection = units.connection
        srm = tuple(
            sample_ratio(population, counts, arms)
            for population, counts in populations(connection, log, manifest).items()
        )
        stages = diagnostics.funnel(connection, log, manifest)
        return Metrics(
            name=name,
            primary=primary,
            confidence=confidence,
            estimates=estimates,
            srm=srm,
            daily=tuple(_daily(units, metrics, control, confidence)),
            funnel=tuple(stages),
            **_service(units, log),
            retrieval=tuple(retrieval),
            models=tuple(models),
            health=_health(units, log, srm, stages, warned),
        )


def _check(
    manifest: Manifest,
    arms: Mapping[str, float],
    control: str,
    primary: str,
    names: Sequence[str],
) -> None:
    if tuple(arms) != manifest.arms:
        raise ConfigError(
            f"arms == {', '.join(arms)}, must be those of the log: {', '.join(manifest.arms)}"
        )
    if control not in arms:
        raise ConfigError(f"control == {control!r}, must be one of: {', '.join(arms)}")
    if primary not in names:
        wanted = ", ".join(names)
        raise ConfigError(f"primary == {primary!r}, must be one of: {wanted}")


def _contrasts(units: Units, control: str) -> list[tuple[str, str]]:
    return [(control, arm) for arm in units.manifest.arms if arm != control]


def _estimates(
    units: Units, metrics: Sequence[Metric], control: str, confidence: float
) -> list[Found]:
    arms = units.aggregates(metrics, covariates=units.has_history)
    return [
        estimate(metric, contrast, arms, confidence=confidence, cuped=cuped)
        for contrast in _contrasts(units, control)
        for metric in metrics
        for cuped in ((False, True) if units.has_history else (False,))
    ]


def _tried(
    metric: OwnMetric,
    others: Sequence[Found],
    estimates: Callable[[OwnMetric], list[Found]],
) -> list[Found]:
    """Estimates of a metric of the user's own; without numbers where it fails.

    Args:
        others: of the same contrasts, which tell how many shoppers were exposed.
        estimates: makes them.
    """
    try:
        return estimates(metric)
    except ContractError as error:
        note_failure(Failure(f"metric {metric.name}", FaultReason.RAISED, 0, str(error)))
        sizes = {row.contrast: (row.n_control, row.n_treatment) for row, _ in others}
        return [(blank(metric.name, pair, n), "it failed") for pair, n in sizes.items()]


def unestimated(found: Sequence[Found]) -> tuple[str, ...]:
    """A sentence for each reason for which something was not estimated, whatever it left out.

    Args:
        found: estimates, and the reason why something in each is None; "" where nothing is.
    """
    missing: dict[tuple[str, tuple[str, str]], dict[str, set[bool]]] = {}
    for row, reason in found:
        if reason:
            names = missing.setdefault((reason, row.contrast), {})
            names.setdefault(row.metric, set()).add(row.cuped)
    contrasts: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (reason, contrast), names in missing.items():
        told = ", ".join(f"{name}{_WAYS[tuple(sorted(ways))]}" for name, ways in names.items())
        contrasts.setdefault((told, reason), []).append(contrast)
    return tuple(
        f"{told}, {', '.join(treatment for _, treatment in pairs)} against {pairs[0][0]}: {reason}"
        for (told, reason), pairs in contrasts.items()
    )


_WAYS = {(False,): "", (True,): " (CUPED)", (False, True): " (also CUPED)"}


def _daily(units: Units, metrics: Sequence[Metric], control: str, confidence: float) -> list[Daily]:
    chosen = followed(metrics)
    return [
        Daily(day, row.metric, row.contrast, row.effect)
        for day, arms in units.daily(chosen).items()
        for contrast in _contrasts(units, control)
        for metric in chosen
        for row, _ in (estimate(metric, contrast, arms, confidence=confidence),)
    ]


def _service(units: Units, log: Path) -> dict[str, Any]:
    """How late pages are, over all and by hour of the day, and how sessions end."""
    asked = units.connection, log, units.manifest
    hours, without = diagnostics.by_hour(*asked)
    return {
        "latency": tuple(diagnostics.latency(*asked)),
        "hours": hours,
        "without": without,
        "end_reasons": tuple(diagnostics.end_reasons(*asked)),
    }


def _health(
    units: Units,
    log: Path,
    srm: Sequence[SampleRatio],
    stages: Sequence[FunnelCount],
    warned: Iterable[str],
) -> Health:
    traffic = diagnostics.traffic(units.connection, log, units.manifest)
    failed = diagnostics.dropped(units.manifest, {row.arm: row.requests for row in traffic})
    strays = strayed(units.connection, log)
    warnings = diagnostics.warnings(failed, srm, stages, warned, strays)
    return Health(tuple(traffic), tuple(failed), tuple(warnings))
