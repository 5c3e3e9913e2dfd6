"""A metric of a log in every contrast and in every way: plain, narrowed, and of other means."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from experiments.analyze.facts import Facts
from experiments.analyze.reading.logunits import COVARIATE, SEGMENT, TABLE
from experiments.analyze.reading.source import quoted
from experiments.inference.estimates import adjusted, blank, compared
from experiments.inference.reduction.adjustment import Adjustment
from experiments.inference.reduction.covariate import treatment_cannot_move
from experiments.inference.reduction.cuped import Cuped
from experiments.inference.reduction.narrowed import Narrowed, narrowed
from experiments.inference.reduction.poststratification import PostStratification
from experiments.inference.reduction.regression import Regression
from experiments.inference.scorecard.multiplicity import adjusted as corrected
from experiments.inference.scorecard.tails import Robust, winsorised
from experiments.records.experiment.scorecard import CardRow
from experiments.records.interval import UNKNOWN
from experiments.records.metrics import Contrast, Estimate

PLAIN = "plain"
WINSORISED = 0.99
"""Quantile of the values other than 0 at which they are drawn in, for a mean that few can move."""


def rows_of(facts: Facts) -> tuple[CardRow, ...]:
    """Every metric in every contrast, in every way, with corrected p-values."""
    found: list[tuple[Estimate, CardRow]] = []
    for contrast in facts.contrasts:
        for name in facts.metrics:
            ways = list(_ways(facts, name, contrast))
            best = _best([row for _, row in ways if row.method in (PLAIN, Cuped().name)])
            decides = facts.roles[name] != "secondary"
            found += [(each, replace(row, decides=decides and row is best)) for each, row in ways]
    for method in dict.fromkeys(row.method for _, row in found):
        places = [at for at, (_, row) in enumerate(found) if row.method == method]
        p_values = corrected([found[at][0] for at in places], facts.spec.primary)
        for at, p_value in zip(places, p_values, strict=True):
            found[at] = (found[at][0], replace(found[at][1], p_adjusted=p_value))
    return tuple(row for _, row in found)


def _ways(facts: Facts, name: str, contrast: Contrast) -> Iterator[tuple[Estimate, CardRow]]:
    """The estimates of one metric: plain, narrowed, and of means that few cannot move."""
    if name in facts.quantiles:
        yield _quantile(facts, name, contrast)
        return
    ratio, confidence = facts.ratios[name], facts.spec.confidence
    scale = facts.spec.relative
    row, reason = adjusted(
        ratio, contrast, facts.sample.whole, None, confidence=confidence, scale=scale
    )
    yield row, _row(row, PLAIN, note=reason)
    for adjustment in _adjustments(facts, name):
        sample = facts.sample
        if adjustment.strata:
            sample = facts.table.sample(ratio.columns, strata=adjustment.strata)
        made = narrowed(ratio, contrast, sample, adjustment, confidence=confidence, scale=scale)
        yield made.estimate, _narrowed(made)
    robust = _robust(facts, name)
    if robust is not None:
        row = blank(name, contrast, (row.n_control, row.n_treatment))
        reason = robust.reason
        if not reason:
            one, two = (robust.levels[arm] for arm in contrast)
            row, reason = compared(row, one, two, confidence)
        yield row, _row(row, robust.name, note=reason, narrowed=False)


def _quantile(facts: Facts, name: str, contrast: Contrast) -> tuple[Estimate, CardRow]:
    """The difference of a quantile of rows, whose error is that between units."""
    found, pair = facts.quantiles[name], facts.pair(name, contrast)
    if pair is None:
        row = blank(name, contrast, (0, 0))
        reason = next(found.reasons[arm] for arm in contrast if arm in found.reasons)
        control, treatment = (found.values.get(arm) for arm in contrast)
        row = replace(row, control=control, treatment=treatment)
    else:
        row = blank(name, contrast, (pair[0].n, pair[1].n))
        row, reason = compared(row, *pair, facts.spec.confidence)
    return row, _row(row, PLAIN, note=reason)


def _adjustments(facts: Facts, name: str) -> list[Adjustment]:
    """In which ways a metric may be narrowed."""
    found: list[Adjustment] = []
    if facts.has_before(name):
        found.append(Cuped())
    if facts.spec.covariates:
        claims = treatment_cannot_move(*(COVARIATE + each for each in facts.spec.covariates))
        found.append(Regression(claims))
    if facts.spec.segments:
        strata = treatment_cannot_move(*(SEGMENT + each for each in facts.spec.segments))
        found.append(PostStratification(strata))
    return found


def _robust(facts: Facts, name: str) -> Robust | None:
    """A winsorised mean, of what is a sum that may be large."""
    if facts.metrics[name].share or facts.ratios[name].denominator is not None:
        return None
    (most,) = facts.table.one(f"SELECT max({quoted(name)})")
    if most is None or most <= 1:
        return None
    sql = f"SELECT arm, {quoted(name)} AS value FROM {TABLE}"
    return winsorised(facts.connection, sql, upper=WINSORISED, zeros=False)


def _best(rows: Sequence[CardRow]) -> CardRow | None:
    """The row that decides: adjusted by the time before where that can be done, else plain."""
    usable = [
        row for row in rows if row.effect.ends is not None and not (row.narrowed and row.note)
    ]
    return usable[-1] if usable else (rows[0] if rows else None)


def _row(row: Estimate, method: str, *, note: str, narrowed: bool = False) -> CardRow:
    return CardRow(
        metric=row.metric,
        contrast=row.contrast,
        method=method,
        narrowed=narrowed,
        decides=False,
        n_control=row.n_control,
        n_treatment=row.n_treatment,
        control=row.control,
        treatment=row.treatment,
        effect=row.effect,
        relative=row.relative,
        p_value=row.p_value,
        p_adjusted=None,
        gain=UNKNOWN,
        note=note,
    )


def _narrowed(made: Narrowed) -> CardRow:
    notes = "; ".join(each for each in (made.reason, *made.notes) if each)
    notes = notes.replace(COVARIATE, "").replace(SEGMENT, "")
    method = made.method.replace(COVARIATE, "").replace(SEGMENT, "")
    return replace(_row(made.estimate, method, note=notes, narrowed=True), gain=made.gain)
