"""Estimates of an experiment whose requests fall into groups, some with requests in both arms.

Let y be what a request has of a metric's numerator and n of its denominator (where there is none:
whether it stands for a unit), N[s, a] the sum of n over stratum s and arm a, and R[s, a] the ratio
of sums there. The level of an arm is the average of its ratios over the strata,

    L[a] = sum_s w[s] R[s, a],   w[s] = N[s, .] / N[., .], the stratum's part of both arms

(direct standardisation), so that arms whose time is spread otherwise over strata are compared like
with like. Group g moves it, to first order, by

    z[g, a] = sum_s w[s] (y[g, s, a] - R[s, a] n[g, s, a]) / N[s, a]

which sums to 0 over groups. So the variance of L[a] is G / (G - 1) sum_g z[g, a]^2, its covariance
with that of the other arm the same with the product of both: the delta method for ratios of sums
over independent groups (the linearised, cluster-robust variance of a ratio; Binder, International
Statistical Review 51, 1983; with one stratum, and groups in one arm each, that of Deng, Knoblich
and Lu, KDD 2018, eq. 4). G are the groups of the arm. Where groups have requests in both arms, each
tells a difference by itself, and there are as many degrees of freedom as groups less one; else
Welch's.

Where groups may be few, or a few of them most (`Layout.permuted`), interval and p-value are those
of `permutation` and not Student's.

w is taken as given: arms share it. So is the number of units of a shopper by which a level without
a denominator is multiplied, so that it tells of a shopper, like the truth.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.inference.estimates import Level, Scale, blank, differing
from experiments.inference.intervals.student import ROUNDING, welch
from experiments.inference.logs import rows
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import UNITS, Cells
from experiments.inference.randomised.permutation import PermutationTest, permutation_tests
from experiments.inference.reduction.adjustment import Means
from experiments.records.interval import Interval
from experiments.records.metrics import Contrast, Estimate

FEWEST_GROUPS = 2
"""Groups of an arm below which nothing is known of how they vary."""


@dataclass(frozen=True)
class _Moments:
    """Levels of two arms and how they vary; see the module.

    Attributes:
        levels: of control and of treatment.
        together: covariance of the errors.
        numerators: sums of the metric's numerator in both arms.
        freedom: degrees of freedom of their difference; None: Welch's.
    """

    levels: tuple[Level, Level]
    together: float
    numerators: tuple[float, float]
    freedom: float | None


def grouped_estimates(
    cells: Cells,
    metrics: Sequence[Metric],
    contrasts: Sequence[Contrast],
    *,
    confidence: float,
    scale: Scale = "fieller",
    last_day: int | None = None,
    stratum: int | None = None,
) -> list[tuple[Estimate, str]]:
    """Compare metrics between arms, whatever the experiment has randomised.

    Args:
        cells: of the experiment's log.
        metrics: what is compared; of one that cannot be told request by request nothing is said.
        contrasts: (control, treatment) arm names.
        confidence: level of the intervals.
        scale: of the relative effect.
        last_day: count what happened up to and including this day; none: all.
        stratum: the only one that is compared; none: all.

    Returns:
        a row for each contrast and metric, with the reason why something in it is None, else "".
    """
    units, each, found = cells.units(stratum), cells.scale(last_day), []
    possible = [metric for metric in metrics if cells.possible(metric)]
    for contrast in contrasts:
        where = _where(cells, contrast, last_day, stratum)
        moments = _moments(cells, possible, contrast, where)
        exact = _exact(cells, possible, contrast, where, confidence) if scale == "fieller" else {}
        for metric in metrics:
            counts = units[contrast[0]], units[contrast[1]]
            row = blank(metric.name, contrast, counts, design=cells.layout.design)
            if cells.layout.shared:  # all units are in both arms
                row = replace(row, n=max(counts))
            if metric not in possible:
                of = "slots: both arms share a page" if cells.layout.shared else cells.layout.unit
                found.append((row, f"it is no sum over {of}"))
                continue
            made = moments[metric.name]
            by = each if metric.denominator is None else 1.0
            asked = metric, confidence, scale
            told = _filled(row, made, by, *asked, cells.layout.unit)
            if test := exact.get(metric.name):
                told = _permuted(*told, test, by, cells.layout.split)
            found.append(told)
    return found


def _where(cells: Cells, contrast: Contrast, last_day: int | None, stratum: int | None) -> str:
    """SQL of the cells that are compared."""
    one, two = (cells.manifest.arms.index(name) for name in contrast)
    where = f"arm IN ({one}, {two})" + (f" AND day <= {last_day}" if last_day is not None else "")
    return where + (f" AND stratum = {stratum}" if stratum is not None else "")


def _exact(
    cells: Cells, metrics: Sequence[Metric], contrast: Contrast, where: str, confidence: float
) -> dict[str, PermutationTest]:
    """Permutation tests by metric, where the layout asks for them and there is one."""
    if not cells.layout.permuted or not metrics:
        return {}
    sums, treated_G = cells.by_group(cells.manifest.arms.index(contrast[1]), where)
    if min(treated_G.sum(), (~treated_G).sum()) < FEWEST_GROUPS:
        return {}
    asked = [(sums[metric.numerator], sums[metric.denominator or UNITS]) for metric in metrics]
    tests = permutation_tests(asked, treated_G, confidence=confidence)
    return {m.name: test for m, test in zip(metrics, tests, strict=True) if test is not None}


def _permuted(
    row: Estimate, reason: str, test: PermutationTest, by: float, groups: str
) -> tuple[Estimate, str]:
    """The row with the interval and the p-value of a permutation test."""
    if row.p_value is None:
        return row, reason
    effect = Interval(*(None if each is None else each * by for each in test.effect.numbers))
    relative = row.relative.alone if test.relative.ends is None else test.relative
    if effect.ends is None:
        reason = f"so few {groups} can be given arms in too few ways for an interval"
    elif test.relative.ends is not None:
        reason = ""
    return replace(row, effect=effect, relative=relative, p_value=test.p_value), reason


def _filled(
    row: Estimate,
    made: _Moments | str,
    by: float,
    metric: Metric,
    confidence: float,
    scale: Scale,
    units: str,
) -> tuple[Estimate, str]:
    """The row with the numbers that the arms determine, and why some are None."""
    if isinstance(made, str):
        return row, made
    one, two = (Level(each.mean * by, each.error * by, each.n) for each in made.levels)
    if min(one.n, two.n) < FEWEST_GROUPS:
        return row, f"an arm has fewer than {FEWEST_GROUPS} groups of {units} that may vary"
    if not one.error and not two.error:
        none = not any(made.numerators)
        return row, f"the arms have no {metric.numerator}" if none else f"no variation of {units}"
    errors = one.error, two.error
    freedom = made.freedom or welch(errors, (one.n - 1, two.n - 1))
    means = Means((one.mean, two.mean), errors, freedom, made.together * by**2)
    row, reason = differing(row, means, confidence, scale)
    for number, name in zip(made.numerators, row.contrast, strict=True):
        if reason and number == 0:
            reason = f"{name} has no {metric.numerator}, so a relative effect has no interval"
    return row, reason


def _moments(
    cells: Cells,
    metrics: Sequence[Metric],
    contrast: Contrast,
    where: str,
) -> Mapping[str, _Moments | str]:
    """Levels of two arms and their errors, by metric; a reason where there are none."""
    one, two = (cells.manifest.arms.index(name) for name in contrast)
    ratios, found = _ratios(cells, metrics, (one, two), where), dict[str, _Moments | str]()
    known = [metric for metric in metrics if ratios[metric.name].weights]
    varied = _variation(cells, known, ratios, (one, two), where) if known else {}
    for metric in metrics:
        ratio = ratios[metric.name]
        if metric not in known:
            missing = metric.denominator or cells.layout.unit
            found[metric.name] = f"an arm has no {missing}"
            continue
        square_one, square_two, product, groups_one, groups_two, groups = varied[metric.name]
        sizes = (square_one, groups_one), (square_two, groups_two)
        level_one, level_two = (
            Level(ratio.level(arm), math.sqrt(_inflated(square, count)), int(count))
            for arm, (square, count) in zip((one, two), sizes, strict=True)
        )
        found[metric.name] = _Moments(
            (level_one, level_two),
            math.copysign(_inflated(abs(product), groups), product),
            (ratio.numerators[one], ratio.numerators[two]),
            groups - 1 if groups_one + groups_two > groups else None,
        )
    return found


def _inflated(square: float, groups: float) -> float:
    """A sum of squares over groups, as an estimate of variance."""
    return square * groups / (groups - 1) if groups > 1 else 0.0


@dataclass(frozen=True)
class _Ratio:
    """The ratios of a metric by stratum and arm.

    Attributes:
        weights: of the strata in which both arms have a denominator; none: nothing is known.
        ratios: of each such stratum and arm.
        sums: denominators there.
        numerators: of each arm, in these strata.
    """

    weights: Mapping[int, float]
    ratios: Mapping[tuple[int, int], float]
    sums: Mapping[tuple[int, int], float]
    numerators: Mapping[int, float]

    def level(self, arm: int) -> float:
        """The arm's ratios averaged over strata."""
        return math.fsum(weight * self.ratios[s, arm] for s, weight in self.weights.items())


def _ratios(
    cells: Cells, metrics: Sequence[Metric], arms: tuple[int, int], where: str
) -> dict[str, _Ratio]:
    """The ratios of all metrics; strata in which an arm has nothing to divide by are left out."""
    columns = ", ".join(f"sum({name}) AS {name}" for name in (UNITS, *cells.columns))
    sums = rows(
        cells.connection,
        f"SELECT stratum, arm, {columns} FROM cells WHERE {where} GROUP BY ALL ORDER BY ALL",
    )
    at = {(row["stratum"], row["arm"]): row for row in sums}
    found = {}
    for metric in metrics:
        under = metric.denominator or UNITS
        strata = sorted(
            {s for s, _ in at if all((s, a) in at and at[s, a][under] > 0 for a in arms)}
        )
        total = math.fsum(at[s, a][under] for s in strata for a in arms)
        places = [(s, a) for s in strata for a in arms]
        found[metric.name] = _Ratio(
            {s: math.fsum(at[s, a][under] for a in arms) / total for s in strata},
            {each: at[each][metric.numerator] / at[each][under] for each in places},
            {each: at[each][under] for each in places},
            {a: math.fsum(at[s, a][metric.numerator] for s in strata) for a in arms},
        )
    return found


def _variation(
    cells: Cells,
    metrics: Sequence[Metric],
    ratios: Mapping[str, _Ratio],
    arms: tuple[int, int],
    where: str,
) -> dict[str, tuple[float, float, float, float, float, float]]:
    """By metric: sums of z^2 of both arms and of their product, and how many groups each has."""
    linear, wanted = [], []
    for number, metric in enumerate(metrics):
        ratio, under = ratios[metric.name], metric.denominator or UNITS
        cases = {
            (s, a): f"({metric.numerator} - {ratio.ratios[s, a]!r} * {under}) * "
            f"{weight / ratio.sums[s, a]!r}"
            for s, weight in ratio.weights.items()
            for a in arms
        }
        for name, arm in zip("ct", arms, strict=True):
            whens = " ".join(
                f"WHEN stratum = {s} THEN {value}" for (s, a), value in cases.items() if a == arm
            )
            counted = " OR ".join(f"stratum = {s}" for s in ratio.weights)
            linear.append(
                f"coalesce(sum(CASE {whens} END) FILTER (arm = {arm}), 0) AS {name}{number}"
            )
            linear.append(f"count(*) FILTER (arm = {arm} AND ({counted})) AS n{name}{number}")
        c, t, nc, nt = (f"{name}{number}" for name in ("c", "t", "nc", "nt"))
        wanted += [f"sum({c} * {c})", f"sum({t} * {t})", f"sum({c} * {t})"]
        wanted += [f"count(*) FILTER ({nc} > 0)", f"count(*) FILTER ({nt} > 0)"]
        wanted += [f"count(*) FILTER ({nc} > 0 OR {nt} > 0)"]
    inner = f"SELECT grp, {', '.join(linear)} FROM cells WHERE {where} GROUP BY grp"
    row = cells.connection.execute(f"SELECT {', '.join(wanted)} FROM ({inner})").fetchone() or ()
    numbers = [float(each) for each in row]
    found = {}
    for number, metric in enumerate(metrics):
        first, second, both, *counts = numbers[6 * number : 6 * number + 6]
        scale = max(ratios[metric.name].level(arm) ** 2 for arm in arms)
        first, second = (0.0 if each < ROUNDING**2 * scale else each for each in (first, second))
        found[metric.name] = (first, second, both, counts[0], counts[1], counts[2])
    return found
