"""How an experiment went: what each look at it shows, and effects by days since first exposure.

A day is 24 hours, counted from the first exposure of all. Looks are at the ends of days, `LOOKS`
of them at most, evenly spaced; a look has the units that had come by then, with all they had done.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from tea_tasting.aggr import Aggregates

from experiments.analyze.facts import Facts
from experiments.analyze.reading.logdays import DAYS
from experiments.analyze.reading.logunits import TABLE
from experiments.analyze.reading.source import quoted
from experiments.inference.scorecard.novelty import Days, days_since, novelty
from experiments.inference.sequential.looks import Looks, looks_of
from experiments.inference.sequential.monitor import monitor
from experiments.inference.sequential.plans import Plan, PrecisionPlan, UnitsPlan, as_it_ended
from experiments.inference.sequential.spending import Spending
from experiments.inference.units import aggregates_of
from experiments.records.experiment.scorecard import CardNovelty, CardSeries
from experiments.records.experiment.sequential import Clock
from experiments.records.metrics import Contrast
from simulator.errors import DataError
from simulator.protocols import DAY

LOOKS = 14
"""Looks at most: more of them tell hardly more, and each costs a column for every unit."""
FEWEST = 3
"""Days of which a course can be told."""
WEEK = 7
"""Days since first exposure of which a trend is told, at most."""


def looks(facts: Facts) -> Iterator[CardSeries]:
    """What each look shows of the metrics that decide."""
    names = _named(facts)
    if facts.units.days < FEWEST or not names:
        return
    daily = _daily(facts, names, _ends(facts.units.days))
    for contrast in facts.contrasts:
        for name in names:
            found, _ = looks_of(facts.ratios[name], contrast, daily)
            if found is not None:
                yield _series(facts, name, contrast, found)


def trends(facts: Facts) -> Iterator[CardNovelty]:
    """Effects of sums by days since first exposure: a novelty wears off, a habit grows."""
    days = min(facts.units.days // 2, WEEK)
    if days < FEWEST:
        return
    units = (
        f"SELECT arm, unit FROM {TABLE} WHERE floor((first_at - {facts.units.start}) / {DAY}) "
        f"+ {days} <= {facts.units.days}"
    )
    for name in _named(facts):
        if facts.ratios[name].denominator is not None:
            continue
        rows = f"SELECT unit, since AS day, {quoted(name)} AS value FROM {DAYS}"
        found: dict[str, Days] = {
            str(arm): told
            for arm, told in days_since(facts.connection, units, rows, days=days).items()
        }
        for contrast in facts.contrasts:
            if not set(contrast) <= set(found):
                continue
            one, two = (found[arm] for arm in contrast)
            told = novelty(one, two, confidence=facts.spec.confidence)
            yield CardNovelty(
                metric=name,
                contrast=contrast,
                n_control=one.n,
                n_treatment=two.n,
                effects=told.effects,
                slope=told.slope,
                p_value=told.p_value,
                note=told.reason,
            )


def _named(facts: Facts) -> list[str]:
    """The metrics that decide and are known by day."""
    return [
        name
        for name in facts.decisive
        if all(column in facts.units.daily for column in facts.ratios[name].columns)
    ]


def _ends(days: int) -> list[int]:
    """Numbers of days after which there is a look; the last is one of them."""
    count = min(days, LOOKS)
    return sorted({round(days * (at + 1) / count) for at in range(count)})


def _daily(
    facts: Facts, names: Sequence[str], ends: Sequence[int]
) -> dict[int, dict[str, Aggregates]]:
    """Statistics of the arms at each look, all looks in one pass over days."""
    columns = list(dict.fromkeys(c for name in names for c in facts.ratios[name].columns))
    pairs = list(combinations(range(len(columns)), 2))
    sums = [
        f"coalesce(sum({quoted(column)}) FILTER (day < {end}), 0)::DOUBLE AS c{at}_{end}"
        for at, column in enumerate(columns)
        for end in ends
    ]
    told = []
    for end in ends:
        there = f"FILTER (first < {end})"
        told.append(f"count(*) {there}")
        told += [
            f"{function}(coalesce(c{at}_{end}, 0)) {there}"
            for at in range(len(columns))
            for function in ("avg", "var_samp")
        ]
        told += [
            f"covar_samp(coalesce(c{one}_{end}, 0), coalesce(c{two}_{end}, 0)) {there}"
            for one, two in pairs
        ]
    first = f"floor((first_at - {facts.units.start}) / {DAY}) AS first"
    found = facts.connection.execute(
        f"SELECT arm, {', '.join(told)} FROM (SELECT unit, arm, {first} FROM {TABLE}) LEFT JOIN "
        f"(SELECT unit, {', '.join(sums)} FROM {DAYS} GROUP BY unit) USING (unit) GROUP BY arm"
    ).fetchall()
    width, named = 1 + 2 * len(columns) + len(pairs), list(combinations(columns, 2))
    return {
        end: {
            str(row[0]): aggregates_of(row[1 + width * at : 1 + width * (at + 1)], columns, named)
            for row in found
        }
        for at, end in enumerate(ends)
    }


def _series(facts: Facts, name: str, contrast: Contrast, found: Looks) -> CardSeries:
    """The looks by every rule, under the plan that the settings state, or else as it ended."""
    spec, alpha = facts.spec.looks, 1 - facts.spec.confidence
    clock: Clock = spec.clock
    if clock == "precision" and found.control.level_K.min() <= 0:
        clock = "units"  # precision is told by the level, which there must be
    stated = _plan(facts, contrast)
    plan = stated or as_it_ended(found, clock)
    try:
        rows = monitor(found, plan, alpha=alpha, spending=Spending(spec.spending))
        note = ""
    except DataError as error:
        rows, note = (), str(error)
    return CardSeries(
        metric=name,
        contrast=contrast,
        clock=plan.clock,
        planned=plan.planned,
        stated=stated is not None,
        looks=rows,
        note=note,
    )


def _plan(facts: Facts, contrast: Contrast) -> Plan | None:
    """The plan of the settings: units, of which each arm gets its share, or a precision."""
    spec = facts.spec.looks
    if spec.units is not None:
        control, treatment = (spec.units * facts.units.expected[arm] for arm in contrast)
        return UnitsPlan(control, treatment)
    if spec.relative_error is not None:
        return PrecisionPlan(spec.relative_error)
    return None
