"""What an effect on triggered units is for everybody.

Of N units of both arms, T = T[0] + T[1] are triggered, the share t = T / N. Let y[a] and d[a] be
what a triggered unit of arm a has of a metric's numerator and denominator from its trigger on, and
u and v what all units of both arms have of them besides, each over N. Whether a unit is triggered,
and what it does before or without, hangs on no arm; so both arms share t, u and v, and with
everybody in arm a the metric is

    R[a] = (t y[a] + u) / (t d[a] + v)

The diluted effect is R[1] - R[0]. Of a metric without a denominator, d = 1 and v = 1 - t: it is
t (y[1] - y[0]), the triggered effect times the triggered share (Kohavi, Tang and Xu, "Trustworthy
Online Controlled Experiments", 2020, ch. 20). Of a ratio it is not: both of its sums are diluted
(Deng and Hu, "Diluted treatment effect estimation for trigger analysis in online controlled
experiments", WSDM 2015).

Its variance is the delta method's: group g moves t by (T[g] - t N[g]) / N, y[a] by
(Y[g, a] - y[a] T[g, a]) / T[a], u by (U[g] - u N[g]) / N, and so on; these are put through the
derivative of R, squared and summed over groups. Without a denominator, and with each shopper a
group in one arm, that is t^2 Var(y[1] - y[0]) + (y[1] - y[0])^2 t (1 - t) / N: the share and the
triggered effect do not covary to first order.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import ndtri

from experiments.inference.intervals.student import ROUNDING, student
from experiments.inference.logs import rows
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import UNITS, Cells
from experiments.inference.triggered.parts import SINCE
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.metrics import Contrast

_SUMS = ("y0", "y1", "d0", "d1", "t0", "t1", "u", "v", "n")
"""Numerators, denominators and triggered units of control and treatment from the trigger on, both
sums besides, and all units."""


@dataclass(frozen=True)
class Diluted:
    """An effect on triggered units, as one on everybody.

    Attributes:
        share: triggered units, of those of both arms.
        control: level of control with everybody in it.
        effect: on everybody.
        reason: why something is not known; "" where all is.
    """

    share: float | None
    control: float | None
    effect: Interval
    reason: str = ""


def diluted(cells: Cells, metric: Metric, contrast: Contrast, confidence: float) -> Diluted:
    """The effect on everybody of what follows on the triggers.

    Args:
        cells: whose strata are the parts of `experiments.inference.triggered.parts`.
        metric: one that requests can be told to have.
        contrast: (control, treatment) arm names.
        confidence: level of the interval.
    """
    columns = _columns(cells, metric, contrast)
    per_group = f"SELECT grp, {columns} FROM cells GROUP BY grp"
    totals = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in _SUMS)
    counts = "count(*) FILTER (t0 + t1 > 0) AS groups"
    (found,) = rows(cells.connection, f"SELECT {totals}, {counts} FROM ({per_group})")
    share = (found["t0"] + found["t1"]) / found["n"] if found["n"] else None
    if not found["t0"] or not found["t1"]:
        return Diluted(share, None, UNKNOWN, "an arm has no page that differs")
    levels = [_level(found, share or 0.0, arm) for arm in "01"]
    if any(bottom <= 0 for _, bottom in levels):
        return Diluted(share, None, UNKNOWN, f"an arm has no {metric.denominator}")
    scale = cells.scale() if metric.denominator is None else 1.0
    control, treatment = (scale * top / bottom for top, bottom in levels)
    if found["groups"] < 2:
        alone = Interval(treatment - control, None, None)
        return Diluted(share, control, alone, "fewer than 2 groups have a page that differs")
    weights = _weights(found, share or 0.0)
    psi = " + ".join(f"({weights[name]!r}) * {name}" for name in _SUMS)
    (square,) = rows(cells.connection, f"SELECT sum(({psi}) ** 2) AS s FROM ({per_group})")
    varied = float(square["s"]) if square["s"] > (ROUNDING * control / scale) ** 2 else 0.0
    if not varied:
        alone = Interval(treatment - control, None, None)
        return Diluted(share, control, alone, "no variation of what differs")
    error = scale * math.sqrt(varied * found["groups"] / (found["groups"] - 1))
    effect, _ = student(treatment - control, error, found["groups"] - 1, confidence=confidence)
    return Diluted(share, control, effect)


def by_share(effect: Interval, share: float, units: int, confidence: float) -> Interval:
    """A mean's effect on triggered units times their share, with what is unsure of both.

    Half the width is the root of both squares: that of the effect times the share, and that of the
    share (a binomial one) times the effect. They do not covary to first order, see the module.

    Args:
        effect: on triggered units, which are independent.
        share: of triggered units.
        units: of whom that is the share.
        confidence: level of the interval.
    """
    if effect.estimate is None:
        return UNKNOWN
    size = share * effect.estimate
    if effect.low is None or effect.high is None:
        return Interval(size, None, None)
    quantile = float(ndtri((1 + confidence) / 2))
    of_share = quantile * effect.estimate * math.sqrt(share * (1 - share) / units)
    low, high = (share * (end - effect.estimate) for end in (effect.low, effect.high))
    return Interval(size, size - math.hypot(low, of_share), size + math.hypot(high, of_share))


def _columns(cells: Cells, metric: Metric, contrast: Contrast) -> str:
    """SQL of the `_SUMS` of a group."""
    arms = [cells.manifest.arms.index(name) for name in contrast]
    under, both = metric.denominator or UNITS, f"arm IN ({arms[0]}, {arms[1]})"
    summed = {"u": metric.numerator, "v": under}
    where = dict.fromkeys(summed, f"{both} AND stratum <> {SINCE}")
    for number, arm in enumerate(arms):
        for name, column in (("y", metric.numerator), ("d", under), ("t", UNITS)):
            summed[f"{name}{number}"] = column
            where[f"{name}{number}"] = f"arm = {arm} AND stratum = {SINCE}"
    summed["n"], where["n"] = UNITS, both
    return ", ".join(
        f"coalesce(sum({summed[name]}) FILTER ({where[name]}), 0) AS {name}" for name in _SUMS
    )


def _level(found: Mapping[str, float], share: float, arm: str) -> tuple[float, float]:
    """Numerator and denominator of R[a], over all units."""
    part = share / found[f"t{arm}"]
    top = part * found[f"y{arm}"] + found["u"] / found["n"]
    return top, part * found[f"d{arm}"] + found["v"] / found["n"]


def _weights(found: Mapping[str, float], share: float) -> dict[str, float]:
    """What a group moves the diluted effect by, for one of each of its sums."""
    units, weights = found["n"], dict.fromkeys(_SUMS, 0.0)
    for arm, sign in (("0", -1.0), ("1", 1.0)):
        top, bottom = _level(found, share, arm)
        ratio, one = top / bottom, sign / bottom
        triggered = found[f"t{arm}"]
        beyond = (found[f"y{arm}"] - ratio * found[f"d{arm}"]) / triggered
        besides = (found["u"] - ratio * found["v"]) / units
        weights[f"y{arm}"] += one * share / triggered
        weights[f"d{arm}"] -= one * ratio * share / triggered
        weights[f"t{arm}"] -= one * share * beyond / triggered
        for both in ("t0", "t1"):
            weights[both] += one * beyond / units
        weights["u"] += one / units
        weights["v"] -= one * ratio / units
        weights["n"] -= one * (share * beyond + besides) / units
    return weights
