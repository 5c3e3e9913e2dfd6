"""A plan that never was."""

from dataclasses import replace

from experiments.records.experiment.power import (
    CurvePoint,
    Day,
    ForetoldDay,
    Law,
    Need,
    PowerRecord,
    SimulatedPower,
    Size,
    TailsOfLog,
)
from experiments.records.interval import Interval

LAST = 40
FOUND = 14
PLAIN = Need(
    method="plain",
    explained=0.0,
    units=7_882,
    units_of_arms=(3_941, 3_941),
    days_needed=34,
    days_left=20,
    least=Size(0.0149, 0.0581),
    power=0.671,
)
CUPED = replace(
    PLAIN,
    method="cuped",
    explained=0.162,
    units=6_634,
    units_of_arms=(3_317, 3_317),
    days_needed=18,
    days_left=4,
    least=Size(0.0136, 0.0532),
    power=0.746,
)
NOTHING = SimulatedPower(
    asked="false positives",
    method="plain",
    way="none",
    effect=Size(0.0, 0.0),
    day=FOUND,
    control=2_902,
    treatment=2_902,
    replaced=False,
    repetitions=1_000,
    found=Interval(0.051, 0.038, 0.066),
    formula=0.05,
)
LIFT = replace(
    NOTHING,
    asked="power",
    method="cuped",
    way="events",
    effect=Size(0.0128, 0.05),
    found=Interval(0.72, 0.69, 0.748),
    formula=0.746,
)


def curve(method: str, scale: float) -> list[CurvePoint]:
    return [
        CurvePoint(
            method=method,
            day=day,
            least=Size(0.05 * scale * day**-0.4, 0.2 * scale * day**-0.4),
            power=min(0.95, 0.1 + 0.02 * day),
        )
        for day in range(1, LAST + 1)
    ]


def fake_power(**changes: object) -> PowerRecord:
    record = PowerRecord(
        name="<demo>",
        source="run",
        metric="ctr",
        confidence=0.95,
        power=0.8,
        arms=("control", "<new>"),
        shares=(0.5, 0.5),
        traffic=1.0,
        comparisons=1,
        false_positives=0.05,
        effect=Size(0.0128, 0.05),
        margin=None,
        days=FOUND,
        most_days=365,
        running=FOUND,
        needs=(PLAIN, CUPED),
        accrued=tuple(
            Day(
                day=day,
                found=day <= FOUND,
                units=1_500 * day**0.5,
                level=0.0256,
                variance=0.0024 / day**0.3,
            )
            for day in range(1, LAST + 1)
        ),
        curve=(*curve("plain", 1.0), *curve("cuped", 0.9)),
        simulated=(NOTHING, LIFT),
        tails=TailsOfLog(5_804, 4_210, 1_893.0, 0.092, 0.8, 0.0),
        law=Law(
            name="exchangeable days",
            days=FOUND,
            alpha=0.5,
            beta=4.1,
            foretold=(
                ForetoldDay("units", 5_975.0, 5_804.0, 0.0295),
                ForetoldDay("error", 0.0067, 0.0064, 0.047),
            ),
        ),
        warnings=("Some <warning>.",),
        missing=("Some <gap>.",),
    )
    return replace(record, **changes)
