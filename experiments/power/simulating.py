"""Simulated tests of a plan, beside what the formula says of them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from experiments.inference.intervals.binomial import exact_share
from experiments.inference.power.analytic import power_of
from experiments.inference.power.change import Change
from experiments.inference.power.pilot import CUPED
from experiments.inference.power.planting import Planted
from experiments.inference.power.simulated import Simulated, replaced, simulate
from experiments.inference.power.unittable import UnitTable
from experiments.power.plan import METHODS, Plan, changed, known, size_of
from experiments.records.experiment.power import SimulatedPower
from simulator.errors import ConfigError

MOST_UNITS = 5_000_000
"""Units of a test above which none is simulated."""
_LUCK = 0  # of all simulated tests: the same plan has the same ones


def simulated_power(
    plan: Plan, table: Callable[[], UnitTable], day: int, advance: Callable[[], object]
) -> tuple[list[SimulatedPower], str]:
    """Simulated tests without an effect, and with the one that is to be found.

    Where no effect is asked for, it is the least that the formula promises to find.

    Args:
        plan: what is planned.
        table: gives the units of the log after a day.
        day: which.
        advance: called after each test.

    Returns:
        Their rows, and why there are none or not all; "" where there are.
    """
    if not plan.asked.repetitions:
        return [], ""
    whole = plan.pilot.units_D[plan.days - 1]
    sizes = (int(whole * plan.design.shares[0]), int(whole * plan.design.shares[1]))
    if min(sizes) < 2:
        return [], "Simulated tests: an arm has fewer than 2 units."
    if sum(sizes) > MOST_UNITS:
        return [], f"Simulated tests: more than {MOST_UNITS:,} units would have to be drawn."
    units = table()
    rows, reason = [], ""
    cases = {"false positives": _nothing(plan), "power": _something(plan, units)}
    for asked, change in cases.items():
        try:
            planted = Planted.of(units, change)
        except ConfigError as error:
            reason = f"Simulated tests of the effect: {error}."
            continue
        tests = simulate(
            units,
            sizes,
            planted,
            repetitions=plan.asked.repetitions,
            rng=np.random.default_rng(_LUCK),
            advance=advance,
        )
        methods = [name for name in tests.methods if name in plan.pilot.explained]
        for method in methods:
            row = _row(plan, units, tests, method, planted, change, day)
            rows.append(row if asked == "power" else replace(row, asked="false positives"))
    return rows, reason


def _nothing(plan: Plan) -> Change | None:
    """What is planted so that nothing is to be found."""
    margin = plan.design.margin
    return None if margin is None else Change(-plan.design.better * margin.size, margin.relative)


def _something(plan: Plan, units: UnitTable) -> Change | None:
    """What is planted so that something is to be found."""
    if plan.design.effect is not None or plan.design.margin is not None:
        return plan.design.effect
    least = float(plan.design.least(plan.pilot, "plain")[plan.days - 1])
    level = float(units.layout.level(units.table))
    return Change(least / level, True) if level > 0 else Change(least, False)


def _row(
    plan: Plan,
    units: UnitTable,
    tests: Simulated,
    method: str,
    planted: Planted,
    change: Change | None,
    day: int,
) -> SimulatedPower:
    """A row of tests with an effect that were told by one method."""
    design, layout = plan.design, units.layout
    level, variance = float(layout.level(units.table)), float(layout.variance(units.table))
    if method == CUPED:
        variance *= 1 - float(layout.explained(units.table))
    effect = 0.0 if change is None else changed(change, level)
    margin = 0.0 if design.margin is None else changed(design.margin, level)
    found_R = tests.found(method, design.aim, margin=margin, better=design.better)
    sizes = (
        int(layout.units(tests.control_RKK)[0]),
        int(layout.units(tests.treatment_RKK)[0]),
    )
    distance = margin + design.better * effect if design.aim.one_sided else effect
    formula = (
        known(float(power_of(distance, variance, sizes, design.aim))) if variance > 0 else None
    )
    return SimulatedPower(
        asked="power",
        method=METHODS[method],
        way=planted.way,
        effect=size_of(effect, level),
        day=day,
        control=sizes[0],
        treatment=sizes[1],
        replaced=replaced(units, sizes),
        repetitions=len(found_R),
        found=exact_share(int(found_R.sum()), len(found_R), confidence=design.aim.confidence),
        formula=formula,
    )
