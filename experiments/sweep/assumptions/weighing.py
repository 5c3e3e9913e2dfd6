"""What worlds drawn from ranges say together, and which range their lifts hang on most.

Lifts are on the log scale, y = log(1 + lift), each with the standard error of its own interval.
Over the worlds, mean and interval are Student's of the N numbers: they hold what differs between
worlds and what each of them is not sure of. What truly differs is what is left of their variance
when the mean of the squared standard errors is taken away.

What a range does is a straight line: y on the places of all ranges (0 at the low end, 1 at the high
one), by least squares, with standard errors that do not ask the worlds to be equally sure (HC3:
MacKinnon and White, Journal of Econometrics 29, 1985). Where there are too few worlds for all
ranges at once, each is taken alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.inference.finding import corrected
from experiments.inference.intervals.student import student
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.sweep import CellLift, Importance, Lean, OverWorlds
from experiments.sweep.assumptions.declared import Range
from experiments.sweep.assumptions.importance import importances
from experiments.sweep.assumptions.known import SPARE, Worlds, known_worlds
from experiments.sweep.cells import Sweep
from simulator.randomness import Draws, Floats

_REDRAWN = 10_000
_LUCK = Draws(0).child("one more world")  # of intervals alone


@dataclass(frozen=True)
class Weighed:
    """What drawn worlds say, of every metric and comparison.

    Attributes:
        over: together.
        leans: of each range.
        importance: of each submodel.
    """

    over: tuple[OverWorlds, ...] = ()
    leans: tuple[Lean, ...] = ()
    importance: tuple[Importance, ...] = ()


def weighed(sweep: Sweep, lifts: Sequence[CellLift], confidence: float) -> Weighed:
    """What drawn worlds say together of each metric and comparison, and what that hangs on.

    Args:
        sweep: with its ranges; without, nothing is said.
        lifts: of the worlds that have results.
        confidence: level of all intervals.
    """
    if not sweep.ranges:
        return Weighed()
    over: list[OverWorlds] = []
    leaning: list[Lean] = []
    importance: list[Importance] = []
    values = {cell.name: cell.values for cell in sweep.cells}
    for metric, contrast in dict.fromkeys((row.metric, row.contrast) for row in lifts):
        own = [row for row in lifts if (row.metric, row.contrast) == (metric, contrast)]
        places = [
            [each.place(value) for each, value in zip(sweep.ranges, values[row.cell], strict=False)]
            for row in own
        ]
        worlds = known_worlds(own, np.array(places), confidence)
        told = metric, contrast, confidence
        over.append(over_worlds(worlds, *told))
        leaning += corrected(leans(worlds, sweep.ranges, *told))
        importance += corrected(importances(worlds, sweep.ranges, *told))
    return Weighed(tuple(over), tuple(leaning), tuple(importance))


def over_worlds(
    worlds: Worlds, metric: str, contrast: tuple[str, str], confidence: float
) -> OverWorlds:
    """What the worlds say together."""
    count = len(worlds.lift_N)
    mean, spread, another = UNKNOWN, None, UNKNOWN
    if count > 1:
        middle, variance = float(worlds.lift_N.mean()), float(worlds.lift_N.var(ddof=1))
        error = math.sqrt(variance / count)
        mean = _grown(student(middle, error, count - 1, confidence=confidence)[0])
        spread = math.sqrt(max(variance - worlds.unsure, 0.0))
        another = _grown(_one_more(worlds, middle, variance, confidence))
    return OverWorlds(metric, contrast, count, mean, spread, another, _explained(worlds))


def _one_more(worlds: Worlds, middle: float, variance: float, confidence: float) -> Interval:
    """Where the lift of one more world is expected.

    How much worlds truly differ is not known either: it is drawn as it may be, given what all of
    them vary and what each is not sure of (Nagashima, Noma and Furukawa, Statistical Methods in
    Medical Research 28, 2019, 1689-1702).
    """
    count, rng = len(worlds.lift_N), np.random.default_rng(_LUCK.seed)
    whole_D = variance * (count - 1) / rng.chisquare(count - 1, _REDRAWN)
    unsure_D = np.full(_REDRAWN, worlds.unsure)
    if math.isfinite(worlds.freedom):
        unsure_D *= worlds.freedom / rng.chisquare(worlds.freedom, _REDRAWN)
    true_D = np.maximum(whole_D - unsure_D, 0.0)
    apart_D = rng.normal(size=_REDRAWN) * np.sqrt(true_D + whole_D / count)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    return Interval(middle, *(middle + float(end) for end in np.quantile(apart_D, tails)))


def _grown(interval: Interval) -> Interval:
    """From the log scale to a change of the level."""
    return Interval(*(None if each is None else math.expm1(each) for each in interval.numbers))


def leans(
    worlds: Worlds,
    ranges: Sequence[Range],
    metric: str,
    contrast: tuple[str, str],
    confidence: float,
) -> list[Lean]:
    """How much the lift changes from one end of each range to the other."""
    rows, joint = [], _jointly(worlds)
    centre = float(worlds.lift_N.mean()) if len(worlds.lift_N) else 0.0
    for at, each in enumerate(ranges):
        columns = list(range(len(ranges))) if joint else [at]
        fitted = _fitted(worlds.lift_N, worlds.places_NK[:, columns])
        change, p_value, low, high = UNKNOWN, None, None, None
        if fitted is not None:
            slope_K, error_K, freedom = fitted
            slope, error = float(slope_K[columns.index(at)]), float(error_K[columns.index(at)])
            told, p_value = student(slope, error, freedom, confidence=confidence)
            change = _grown(told)
            low, high = math.expm1(centre - slope / 2), math.expm1(centre + slope / 2)
        rows.append(Lean(metric, contrast, each.key, low, high, change, p_value, None, joint))
    return rows


def _jointly(worlds: Worlds) -> bool:
    """Whether there are worlds enough for all ranges at once."""
    count, keys = worlds.places_NK.shape
    return bool(count >= keys + 1 + SPARE)


def _explained(worlds: Worlds) -> float | None:
    """The part of what truly differs between worlds that lines explain."""
    count, keys = worlds.places_NK.shape
    if not keys or not _jointly(worlds):
        return None
    y_N = worlds.lift_N - worlds.lift_N.mean()
    design_NK = worlds.places_NK - worlds.places_NK.mean(axis=0)
    rest_N = y_N - design_NK @ np.linalg.lstsq(design_NK, y_N, rcond=None)[0]
    whole = float(y_N @ y_N) / (count - 1)
    left = float(rest_N @ rest_N) / (count - 1 - keys)  # unbiased, as the whole is
    true = whole - worlds.unsure
    if true <= 0:
        return None
    return float(min(max((whole - left) / true, 0.0), 1.0))


def _fitted(y_N: Floats, places_NK: Floats) -> tuple[Floats, Floats, int] | None:
    """Slopes, their HC3 standard errors and degrees of freedom; None where they are not known."""
    count, keys = places_NK.shape
    freedom = count - keys - 1
    design = np.column_stack([np.ones(count), places_NK])
    if freedom < 1 or np.linalg.matrix_rank(design) <= keys:
        return None
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ design.T @ y_N
    leverage_N = np.einsum("nk,kl,nl->n", design, inverse, design)
    rest_N = (y_N - design @ slopes) / np.maximum(1 - leverage_N, 1e-12)
    spread = design.T @ (design * rest_N[:, None] ** 2)
    errors = np.sqrt(np.diag(inverse @ spread @ inverse))
    return slopes[1:], errors[1:], freedom
