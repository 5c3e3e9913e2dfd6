"""The lifts of one cell beside those of another."""

import math
from collections.abc import Sequence

from scipy import special

from experiments.inference.metrics import Metric
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.metrics import Contrast
from experiments.records.sweep import CellDifference
from experiments.records.truth import Method, Truth
from experiments.sweep.finished import Finished
from experiments.truth.between import lifts_apart


def differences(found: Finished, base: Finished, metrics: Sequence[str]) -> list[CellDifference]:
    """A cell's lifts beside those of the base: paired where both have the same luck.

    Args:
        found, base: the cells.
        metrics: names of those that are compared.
    """
    rows = []
    for contrast in dict.fromkeys(row.contrast for row in found.truths.truth):
        both = [
            (row, other)
            for name in metrics
            if (row := found.truths.of(name, contrast)) is not None
            and (other := base.truths.of(name, contrast)) is not None
        ]
        paired = _paired(found, base, contrast, both)
        for row, other in both:
            told = paired.get(row.metric)
            size, p_value = told or beside(row, other, (found.confidence, base.confidence))
            names = found.name, base.name, row.metric, contrast
            rows.append(CellDifference(*names, size, p_value, None, told is not None))
    return rows


def _paired(
    found: Finished, base: Finished, contrast: Contrast, both: Sequence[tuple[Truth, Truth]]
) -> dict[str, tuple[Interval, Number]]:
    """The differences of metrics whose worlds share their luck, by metric."""
    alike: dict[tuple[Method, int], list[Metric]] = {}
    for row, other in both:
        metric = found.metric(row.metric)
        same = (row.method, row.seeds, row.trainings) == (
            other.method,
            other.seeds,
            other.trainings,
        )
        if metric is not None and metric == base.metric(row.metric) and same:
            alike.setdefault((row.method, row.seeds), []).append(metric)
    specs = found.config.truth, base.config.truth
    if found.config.seed != base.config.seed or specs[0].share != specs[1].share:
        return {}
    apart: dict[str, tuple[Interval, Number]] = {}
    for (method, seeds), metrics in alike.items():
        worlds = [each.worlds(contrast, seeds) for each in (found, base)]
        if worlds[0] is None or worlds[1] is None:
            continue
        told = lifts_apart(
            *(worlds[0], worlds[1], metrics),
            method=method,
            confidence=base.confidence,
            same_categories=found.config.catalog == base.config.catalog,
        )
        apart |= {name: (result.interval, result.p_value) for name, result in told.items()}
    return apart


def beside(row: Truth, base: Truth, levels: tuple[float, float]) -> tuple[Interval, Number]:
    """How much greater one lift is than another, as if they were of independent samples.

    On the log scale, where half-widths are taken for those of a normal estimate: the variance of a
    difference is the sum of both.

    Args:
        row, base: of two cells.
        levels: of the intervals of both; the difference has that of the base.

    Returns:
        (1 + lift) / (1 + lift of the base) - 1, and the p-value of no difference; the latter and
        ends unknown where one of them has no interval.
    """
    one, other = row.growth, base.growth
    if one.estimate is None or other.estimate is None or min(one.estimate, other.estimate) <= -1:
        return UNKNOWN, None
    gap = math.log1p(one.estimate) - math.log1p(other.estimate)
    if one.ends is None or other.ends is None or min(*one.ends, *other.ends) <= -1:
        return Interval(math.expm1(gap), None, None), None
    reaches = [float(special.ndtri((1 + level) / 2)) for level in levels]
    error = math.hypot(
        *(
            (math.log1p(high) - math.log1p(low)) / (2 * reach)
            for (low, high), reach in zip((one.ends, other.ends), reaches, strict=True)
        )
    )
    half = reaches[1] * error
    p_value = float(2 * special.ndtr(-abs(gap) / error)) if error else float(gap == 0)
    return Interval(*(math.expm1(end) for end in (gap, gap - half, gap + half))), p_value
