"""The analysis of those to whom the arms' pages differ."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from experiments.designs.layout import EVERY, Layout
from experiments.inference.diagnostics.srm import SRM_ALARM, sample_ratio
from experiments.inference.estimates import Scale, estimate
from experiments.inference.finding import holm
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import Cells, open_cells
from experiments.inference.randomised.grouped import grouped_estimates
from experiments.inference.triggered.dilution import Diluted, by_share, diluted
from experiments.inference.triggered.parts import NEVER, SINCE, check_watched, kept, parts
from experiments.inference.units import open_units
from experiments.records.interval import UNKNOWN
from experiments.records.metrics import Contrast, Estimate, SampleRatio, Triggered

Found = tuple[Estimate, str]

SHOPPERS = Layout("shopper", "shoppers", "shoppers", EVERY, "shopper", "shopper")
"""Of a design that has split shoppers once and for all."""

APART = "latency_sum"
"""A column that differs between arms whatever their pages show."""


@dataclass(frozen=True)
class Triggering:
    """What the analysis found.

    Attributes:
        rows: of every contrast and metric; adjusted by the history, too, where there is one.
        ratios: whether the arms have as many triggered units as they should.
        untold: the rows as estimates with the reason why something in them is None.
        warnings: where those to whom all arms show the same differ all the same.
    """

    rows: tuple[Triggered, ...] = ()
    ratios: tuple[SampleRatio, ...] = ()
    untold: tuple[Found, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What is to be analysed.

    Attributes:
        log: that tells where pages differ.
        history: log folder of the period before, for CUPED; None: not adjusted.
        layout: of the design.
        metrics, contrasts: what is compared.
        confidence: level of intervals.
        spec: threads and memory.
        scale: of relative effects.
    """

    log: Path
    history: Path | None
    layout: Layout
    metrics: Sequence[Metric]
    contrasts: Sequence[Contrast]
    confidence: float
    spec: EngineSpec | None
    scale: Scale

    @property
    def by_shopper(self) -> bool:
        """Whether shoppers were split once and for all."""
        return self.layout is SHOPPERS


def triggering(
    log: Path,
    history: Path | None,
    *,
    layout: Layout | None,
    metrics: Sequence[Metric],
    contrasts: Sequence[Contrast],
    arms: Mapping[str, float],
    confidence: float,
    spec: EngineSpec | None,
    scale: Scale = "fieller",
) -> Triggering:
    """Everything that is told of the triggered, and whether the others may be left out.

    Args:
        log: of an experiment that tells where pages differ.
        history: log folder of the period before, for CUPED of a split of shoppers.
        layout: of the design; None: shoppers were split once and for all.
        metrics: what is compared.
        contrasts: (control, treatment) arm names.
        arms: share of each arm.
        confidence: level of the intervals.
        spec: threads and memory.
        scale: of relative effects among the triggered.

    Raises:
        DataError: the log does not tell of each request whether pages differ.
    """
    layout = layout or SHOPPERS
    asked = Asked(log, history, layout, metrics, contrasts, confidence, spec, scale)
    with open_cells(log, layout, metrics, parts=parts(log, layout.key), spec=spec) as cells:
        check_watched(cells.connection, log)
        found = _compared(asked, cells, SINCE)
        others = _compared(replace(asked, history=None), cells, NEVER)
        rows, untold = [], []
        for row, reason in found:
            triggered, why = _told(asked, cells, row)
            rows.append(triggered)
            untold.append((row, reason or why))
        ratio = sample_ratio(TRIGGERED, cells.units(SINCE), arms)
    unit = layout.split
    return Triggering(
        tuple(rows),
        (replace(ratio, unit=unit),),
        tuple(untold),
        tuple(_differing(asked, others)),
    )


TRIGGERED = "triggered"
"""Name of the population."""


def _compared(asked: Asked, cells: Cells, part: int) -> list[Found]:
    """The arms compared over one part of the log, as the design does it."""
    if not asked.by_shopper:
        wanted = cells, asked.metrics, asked.contrasts
        return grouped_estimates(
            *wanted, confidence=asked.confidence, scale=asked.scale, stratum=part
        )
    only = kept(asked.log, asked.layout.key, part)
    history = asked.history
    with open_units(asked.log, asked.metrics, history=history, kept=only, spec=asked.spec) as units:
        arms = units.aggregates(asked.metrics, covariates=history is not None)
        return [
            estimate(
                *(metric, contrast, arms),
                confidence=asked.confidence,
                cuped=cuped,
                scale=asked.scale,
            )
            for contrast in asked.contrasts
            for metric in asked.metrics
            for cuped in ((False, True) if history is not None else (False,))
        ]


def _told(asked: Asked, cells: Cells, row: Estimate) -> tuple[Triggered, str]:
    """A row with what it is for everybody, and why that is not known."""
    (metric,) = (each for each in asked.metrics if each.name == row.metric)
    found = Diluted(None, None, UNKNOWN)
    if cells.possible(metric) and row.effect.estimate is not None:
        found = diluted(cells, metric, row.contrast, asked.confidence)
    units = cells.units()
    whole = sum(units[name] for name in row.contrast)
    share = row.n / whole if whole else None
    effect, reason = found.effect, found.reason
    if row.cuped and share is not None:
        mean = metric.denominator is None and cells.possible(metric)
        effect = by_share(row.effect, share, whole, asked.confidence) if mean else UNKNOWN
    if APART in metric.columns:
        effect, reason = UNKNOWN, ""
    base = found.control
    relative = effect.over(base) if base is not None and base > 0 else UNKNOWN
    own = {each.name: getattr(row, each.name) for each in fields(Estimate)}
    told = Triggered(**own, share=share, diluted=effect, diluted_relative=relative)
    return told, "" if row.cuped else reason


def _differing(asked: Asked, others: Sequence[Found]) -> Iterator[str]:
    """A warning of each contrast whose arms differ where their pages do not.

    Each metric is tested but latency, and the p-values of a contrast are corrected for their number
    (Holm).
    """
    apart = {metric.name for metric in asked.metrics if APART in metric.columns}
    for contrast in asked.contrasts:
        own = [r for r, _ in others if r.contrast == contrast and r.metric not in apart]
        corrected = holm([row.p_value for row in own])
        odd = [
            f"{row.metric} (p = {p:.2g})"
            for row, p in zip(own, corrected, strict=True)
            if p is not None and p < SRM_ALARM
        ]
        if odd:
            yield (
                f"{asked.layout.split} to whom all arms show the same pages differ between "
                f"{contrast[0]} and {contrast[1]}, in {', '.join(odd)}: something else than what "
                "pages show has an effect, such as their latency, and the triggered estimates "
                "leave it out"
            )
