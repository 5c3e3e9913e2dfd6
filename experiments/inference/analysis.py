"""The contents of metrics.json, from logs alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from experiments.designs.layout import AnyLayout, Layout
from experiments.inference.diagnostics import health as diagnostics
from experiments.inference.diagnostics.service import service
from experiments.inference.diagnostics.srm import strayed
from experiments.inference.estimates import Scale, blank
from experiments.inference.interleaved.causalcredit import (
    causal_credit,
    has_contest,
    told_by_item,
)
from experiments.inference.logs import EngineSpec, Manifest, check_rows, engine, read_manifest
from experiments.inference.metrics import METRICS, Metric, followed
from experiments.inference.own.estimating import Found, own_estimates
from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.randomised.comparison import (
    Comparison,
    open_by_shopper,
    open_grouped,
)
from experiments.inference.triggered.parts import is_watched
from experiments.inference.triggered.triggering import triggering
from experiments.records.metrics import (
    CausalCredit,
    Contrast,
    Daily,
    FunnelCount,
    Health,
    Metrics,
    Model,
    Retrieval,
    SampleRatio,
    Triggered,
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
    layout: AnyLayout | None = None,
    scale: Scale = "fieller",
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
        layout: how its design reads the log; None: shoppers were assigned once and for all.
        scale: of relative effects.
        spec: threads and memory.

    Raises:
        ConfigError: arms, control or primary do not fit the log or the metrics.
        DataError: a folder is not a log.
    """
    manifest = read_manifest(log)
    names = [*(each.name for each in metrics), *(each.name for each in own)]
    _check(manifest, arms, control, primary, names)
    pairs = [(control, arm) for arm in manifest.arms if arm != control]
    special = _special(log, history, layout, metrics, pairs, arms, confidence, scale, spec)
    with _opened(log, history, metrics, layout, scale, spec) as units:
        check_rows(units.connection, log, manifest)
        found = units.estimates(metrics, pairs, confidence)
        found += _of_own(own, found, (log, history, catalog, pairs), confidence, layout, spec)
        connection, warned = units.connection, special.warned(unestimated(found))
        srm = *_ratios(units, log, arms, control), *special.ratios
        stages = _funnel(connection, log, manifest, layout)
        return Metrics(
            name=name,
            primary=primary,
            confidence=confidence,
            estimates=tuple(row for row, _ in found),
            srm=srm,
            daily=tuple(_daily(units, followed(metrics), pairs, confidence)),
            funnel=stages,
            **_service(connection, log, manifest, pairs if layout is None else (), confidence),
            retrieval=tuple(retrieval),
            models=tuple(models),
            triggered=special.triggered,
            causal=special.causal,
            health=_health(connection, log, manifest, srm, stages, warned, layout, control),
        )


@dataclass(frozen=True)
class _Special:
    """What only logs of some designs tell.

    Attributes:
        triggered, causal: rows of metrics.json.
        ratios: sample ratio tests beside those of all designs.
        warnings: what a reader must know.
        untold: sentences of triggered estimates that are missing.
    """

    triggered: tuple[Triggered, ...] = ()
    causal: tuple[CausalCredit, ...] = ()
    ratios: tuple[SampleRatio, ...] = ()
    warnings: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    def warned(self, untold: Sequence[str]) -> tuple[str, ...]:
        """All warnings, with those of the other estimates; what is missing of both is said once."""
        further = (f"triggered: {line}" for line in self.untold if line not in untold)
        return *self.warnings, *untold, *further


def _special(
    log: Path,
    history: Path | None,
    layout: AnyLayout | None,
    metrics: Sequence[Metric],
    pairs: Sequence[Contrast],
    arms: Mapping[str, float],
    confidence: float,
    scale: Scale,
    spec: EngineSpec | None,
) -> _Special:
    """Of a log that tells where pages differ, or what coins have left off."""
    if is_watched(log):
        found = triggering(
            *(log, history),
            layout=layout if isinstance(layout, Layout) else None,
            metrics=metrics,
            contrasts=pairs,
            arms=arms,
            confidence=confidence,
            spec=spec,
            scale=scale,
        )
        return _Special(found.rows, (), found.ratios, found.warnings, unestimated(found.untold))
    if has_contest(log):
        with engine(spec or EngineSpec()) as connection:
            credit = causal_credit(
                connection, log, told_by_item(metrics), pairs[0], confidence=confidence
            )
        reasons = tuple(f"causal credit of {row.metric}: {why}" for row, why in credit if why)
        return _Special((), tuple(row for row, _ in credit), (), reasons)
    return _Special()


def _opened(
    log: Path,
    history: Path | None,
    metrics: Sequence[Metric],
    layout: AnyLayout | None,
    scale: Scale,
    spec: EngineSpec | None,
) -> AbstractContextManager[Comparison]:
    """The log as its design has it read."""
    if layout is None:
        return open_by_shopper(log, metrics, history, scale=scale, spec=spec)
    return open_grouped(log, metrics, layout, scale=scale, spec=spec)


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


def _funnel(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest, layout: AnyLayout | None
) -> tuple[FunnelCount, ...]:
    """What is left after each stage."""
    slots = layout is not None and layout.shared
    return tuple(diagnostics.funnel(connection, log, manifest, slots=slots))


def _ratios(
    units: Comparison, log: Path, arms: Mapping[str, float], control: str
) -> tuple[SampleRatio, ...]:
    """Whether the arms are as large as they should be at the end."""
    return tuple(counted.ratio() for counted in units.populations(log, arms, control))


def _of_own(
    own: Sequence[OwnMetric],
    others: Sequence[Found],
    asked: tuple[Path, Path | None, Catalog | None, Sequence[Contrast]],
    confidence: float,
    layout: AnyLayout | None,
    spec: EngineSpec | None,
) -> list[Found]:
    """Estimates of metrics of the user's own; they are of shoppers, who must be in one arm."""
    if layout is not None:
        sizes = {row.contrast: (row.n_control, row.n_treatment) for row, _ in others}
        why = f"it is told shopper by shopper, and not {layout.unit} by {layout.unit}"
        return [
            (blank(metric.name, pair, n, design=layout.design), why)
            for metric in own
            for pair, n in sizes.items()
        ]
    of_own = partial(own_estimates, confidence=confidence, spec=spec)
    return [
        each for metric in own for each in _tried(metric, others, lambda m: of_own([m], *asked))
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


def _daily(
    units: Comparison, metrics: Sequence[Metric], contrasts: Sequence[Contrast], confidence: float
) -> list[Daily]:
    return [
        Daily(day, row.metric, row.contrast, row.effect)
        for day in units.days()
        for row, _ in units.so_far(day, metrics, contrasts, confidence)
    ]


def _service(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    manifest: Manifest,
    contrasts: Sequence[Contrast],
    confidence: float,
) -> dict[str, Any]:
    """How late pages are, over all and by hour of the day, how sessions end, how arms differ."""
    asked = connection, log, manifest
    late, ended = diagnostics.latency(*asked), diagnostics.end_reasons(*asked)
    hours, without = diagnostics.by_hour(*asked)
    return {
        "latency": tuple(late),
        "hours": hours,
        "without": without,
        "end_reasons": tuple(ended),
        "service": service(*asked, late, ended, contrasts, confidence),
    }


def _health(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    manifest: Manifest,
    srm: Sequence[SampleRatio],
    stages: Sequence[FunnelCount],
    warned: Iterable[str],
    layout: AnyLayout | None,
    control: str,
) -> Health:
    slots = layout is not None and layout.shared
    traffic = diagnostics.traffic(connection, log, manifest, slots=slots)
    answered = {row.arm: row.requests for row in traffic}
    every = sum(answered.values())
    if layout is not None and layout.asks != "own":
        asked = manifest.arms if layout.asks == "all" else (control,)
        answered |= dict.fromkeys(asked, every)
    failed = diagnostics.dropped(manifest, answered)
    strays = strayed(connection, log) if layout is None else 0
    if layout is not None and layout.asks == "all":
        stages = [row for row in stages if row.stage not in ("requests", "shown")]
    warnings = diagnostics.warnings(failed, srm, stages, warned, strays)
    return Health(tuple(traffic), tuple(failed), tuple(warnings))
