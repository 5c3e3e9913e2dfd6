"""A plan from a log: that of a run, or one by itself."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from experiments.inference.intervals.student import ROUNDING
from experiments.inference.logs import check_rows
from experiments.inference.metrics import MEANINGS, Metric
from experiments.inference.power.accrual import Accrual, accrue
from experiments.inference.power.backtest import back_test
from experiments.inference.power.growth import LAW, Growth, pilot_of, untold
from experiments.inference.power.pilot import CUPED, Pilot
from experiments.inference.power.tails import tails
from experiments.inference.power.unittable import unit_table
from experiments.inference.units import open_units
from experiments.power.asked import DAYS, MOST_DAYS, Asked
from experiments.power.plan import Plan, design_of
from experiments.power.simulating import simulated_power
from experiments.power.subject import Subject
from experiments.power.telling import told_warnings
from experiments.records.experiment.power import Law, PowerRecord
from simulator.errors import DataError

_NO_HISTORY = (
    "CUPED: there is no log of the period before, so what it would take away is not known "
    "(`--history DIR`, or `--r2` where it is known)."
)


def plan_log(
    asked: Asked, subject: Subject, advance: Callable[[], object] = lambda: None
) -> PowerRecord:
    """The plan of a test from a log.

    Args:
        asked: by the user.
        subject: the log.
        advance: called after each simulated test.

    Raises:
        ConfigError: what was asked does not fit the log.
        DataError: a log that tells nothing of the metric, or of as many days as were asked for.
    """
    metric = subject.metric(asked.metric)
    with open_units(subject.log, [metric], history=subject.history) as units:
        check_rows(units.connection, subject.log, units.manifest)
        accrual = accrue(units, metric)
        plan, missing = _planned(asked, subject, metric, accrual)
        last = accrual.first_day + min(plan.days, accrual.days) - 1
        level = float(plan.pilot.level_D[min(plan.days, accrual.days) - 1])
        found = tails(units, metric, level, last)
        simulated, reason = simulated_power(
            plan, lambda: unit_table(units, metric, last), min(plan.days, accrual.days), advance
        )
    law, untested = _law(accrual)
    record = plan.record(
        simulated=simulated,
        tails=found,
        law=law,
        missing=[*missing, *filter(None, (reason, untested))],
    )
    return replace(record, warnings=told_warnings(record))


def _planned(
    asked: Asked, subject: Subject, metric: Metric, accrual: Accrual
) -> tuple[Plan, list[str]]:
    """The plan, and what cannot be told."""
    missing: list[str] = []
    arms, running = _arms(asked, subject, accrual)
    reason = untold(accrual)
    days = asked.days or (running if running is not None else DAYS)
    if reason and asked.days is not None and days > accrual.days:
        raise DataError(f"--days == {days}: {reason}")
    if reason:
        days = min(days, accrual.days)
        missing.append(f"Days beyond the log: {reason}.")
    most = accrual.days if reason else max(MOST_DAYS, accrual.days)
    explained = {} if asked.reduction is None else {"given": asked.reduction}
    pilot = pilot_of(accrual, explained, most)
    _check_varies(pilot, metric, min(days, accrual.days))
    if accrual.layout.before is None:
        missing.append(_NO_HISTORY)
    elif not pilot.explained[CUPED][days - 1] < 1 - ROUNDING:
        missing.append(
            f"CUPED: the history has no variation in {metric.name}, or leaves the log none."
        )
        pilot = _without(pilot, CUPED)
    aim = asked.aim(subject.confidence, len(arms))
    better = MEANINGS[metric.name].better if metric.name in MEANINGS else 1
    level = float(pilot.level_D[days - 1])
    plan = Plan(
        asked=asked,
        name=subject.name,
        source=subject.source,
        metric=metric.name,
        design=design_of(asked, aim, list(arms.values()), better=better, level=level),
        arms=dict(arms),
        pilot=pilot.with_traffic(asked.traffic),
        days=days,
        running=running,
    )
    return plan, missing


def _arms(
    asked: Asked, subject: Subject, accrual: Accrual
) -> tuple[Mapping[str, float], int | None]:
    """The shares of the arms by name, and how many days the test that is meant has been running."""
    counts = {name: n for name, n in accrual.arms.items() if n}
    if asked.redesigned or len(counts) < 2:
        shares = asked.shares or (0.5, 0.5)
        others = len(shares) - 1
        names = [f"treatment {at}" if others > 1 else "treatment" for at in range(1, others + 1)]
        return dict(zip(("control", *names), shares, strict=True)), None
    whole = sum(counts.values())
    shares_of = subject.shares or {name: n / whole for name, n in counts.items()}
    return shares_of, accrual.days


def _check_varies(pilot: Pilot, metric: Metric, day: int) -> None:
    """Refuse a metric that tells nothing apart.

    Raises:
        DataError: it has no value, or the same for all shoppers.
    """
    level, variance = float(pilot.level_D[day - 1]), float(pilot.variance_D[day - 1])
    if not np.isfinite(level):
        raise DataError(f"{metric.denominator} of the log == 0, must be some for {metric.name}")
    if not variance > 0:
        raise DataError(
            f"{metric.name} == {level:g} for all shoppers of the log, must vary between them"
        )


def _without(pilot: Pilot, method: str) -> Pilot:
    left = {name: share_D for name, share_D in pilot.explained.items() if name != method}
    return Pilot(pilot.units_D, pilot.level_D, pilot.variance_D, left, pilot.found)


def _law(accrual: Accrual) -> tuple[Law | None, str]:
    """The law of further days held against the log, and why that cannot be."""
    if untold(accrual):
        return None, ""
    reach = Growth.fit(accrual, accrual.days).reach
    rows, reason = back_test(accrual)
    law = Law(LAW, accrual.days, reach.alpha, reach.beta, rows)
    return law, f"How far the law of growth is off: {reason}." if reason else ""
