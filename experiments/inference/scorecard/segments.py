"""Does the effect differ between segments of shoppers?

The segments are declared before the data are seen, and known of a shopper before the experiment.
Differences are told on the absolute scale, which decides here as everywhere: where segments buy
differently, equal relative lifts are unequal differences.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from experiments.inference.estimates import Level, blank, compared
from experiments.inference.finding import holm
from experiments.inference.scorecard.multiplicity import benjamini_hochberg
from experiments.inference.scorecard.prior import spread_of
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.metrics import Contrast, Estimate


@dataclass(frozen=True)
class Segment:
    """The effect in one segment.

    Attributes:
        segment: its name.
        estimate: as of the whole experiment, of its shoppers alone.
        p_holm, p_bh: its p-value, corrected for the number of segments by Holm, and by Benjamini
            and Hochberg.
        shrunk: the effect drawn towards the mean of all segments, by as much as chance alone
            would set them apart; needs three segments.
        reason: why something is not known; "" where all is.
    """

    segment: str
    estimate: Estimate
    p_holm: Number = None
    p_bh: Number = None
    shrunk: Interval = UNKNOWN
    reason: str = ""


@dataclass(frozen=True)
class Segments:
    """The effects in all segments, and whether they are one.

    Attributes:
        rows: one of each segment.
        mean: the effects' mean, each weighed by its precision.
        q: Cochran's Q: how far they lie from it, in standard errors, squared and summed.
        freedom: its degrees of freedom, the segments that count less 1.
        p_value: of one effect in all of them.
        i2: part of their spread that chance does not explain (I squared).
    """

    rows: tuple[Segment, ...]
    mean: Number = None
    q: Number = None
    freedom: int = 0
    p_value: Number = None
    i2: Number = None


def segments(
    metric: str,
    contrast: Contrast,
    levels: Mapping[str, tuple[Level, Level] | None],
    *,
    confidence: float = 0.95,
) -> Segments:
    """Compare an effect between segments.

    By Cochran's test (Biometrics 10, 1954, 101-129), whose law is chi-square where segments have
    many shoppers, and I squared (Higgins and Thompson, Statistics in Medicine 21, 2002, 1539-1558).
    A segment whose effect has no error does not count.

    Args:
        metric, contrast: what is compared; (control, treatment) names of arms.
        levels: by segment, of control and of treatment; None where an arm has none of it.
        confidence: level of the intervals.
    """
    rows = [_segment(metric, contrast, name, pair, confidence) for name, pair in levels.items()]
    p_values = [row.estimate.p_value for row in rows]
    corrected = zip(rows, holm(p_values), benjamini_hochberg(p_values), strict=True)
    rows = [replace(row, p_holm=p_holm, p_bh=p_bh) for row, p_holm, p_bh in corrected]
    known = {
        place: math.hypot(*(level.error for level in levels[row.segment] or ()))
        for place, row in enumerate(rows)
        if row.estimate.p_value is not None
    }
    effect_S = np.array([rows[place].estimate.effect.estimate for place in known], np.float64)
    error_S = np.array(list(known.values()))
    if len(known) < 2:
        return Segments(tuple(rows))
    mean = float(np.average(effect_S, weights=error_S**-2))
    q, freedom = float((((effect_S - mean) / error_S) ** 2).sum()), len(known) - 1
    if len(known) > 2:
        centre, spread = spread_of(effect_S, error_S)
        for place, error in known.items():
            shrunk = _shrunk(rows[place].estimate.effect, error, centre, spread, confidence)
            rows[place] = replace(rows[place], shrunk=shrunk)
    return Segments(
        tuple(rows),
        mean=mean,
        q=q,
        freedom=freedom,
        p_value=float(special.chdtrc(freedom, q)),
        i2=max(0.0, 1 - freedom / q) if q > 0 else 0.0,
    )


def _segment(
    metric: str,
    contrast: Contrast,
    name: str,
    pair: tuple[Level, Level] | None,
    confidence: float,
) -> Segment:
    if pair is None:
        row = blank(metric, contrast, (0, 0))
        return Segment(name, row, reason="an arm has no estimate in this segment")
    row, reason = compared(blank(metric, contrast, (pair[0].n, pair[1].n)), *pair, confidence)
    return Segment(name, row, reason=reason)


def _shrunk(
    effect: Interval, error: float, centre: float, spread: float, confidence: float
) -> Interval:
    """An effect drawn towards the mean of all, with its credible interval.

    Normal effects around the mean are the prior; their spread is taken as given (Efron and Morris,
    Journal of the American Statistical Association 70, 1975, 311-319), so the interval is a little
    short where segments are few.
    """
    weight = spread**2 / (spread**2 + error**2)
    size = weight * (effect.estimate or 0.0) + (1 - weight) * centre
    half = -float(special.ndtri((1 - confidence) / 2)) * math.sqrt(weight) * error
    return Interval(size, size - half, size + half)
