"""How an effect grows while it lasts: early against late in the period, in the paired worlds.

Where shoppers have habits, an arm that serves well brings them back, so its effect on visits is
nothing on the first day and grows from then on. Told of what really happened in the worlds of the
truth, whose visits are paired: the first third of the days, and the last.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from experiments.inference.intervals.crossed import Grown, growth, growth_apart
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.units import shopper_days
from experiments.inference.worldtotals import Floats, WorldTotals, read_world
from experiments.records.metrics import Contrast
from experiments.records.truth import Lasting, LongRun

LASTING: dict[Lasting, str] = {"visits": "sessions", "orders": "orders", "gmv": "gmv"}
"""What is told early and late: totals of shoppers, by column of the unit table."""

_WORLDS = ("control", "treatment")
Terms = tuple[Floats, Floats, Floats, Floats]


def long_run_rows(
    control_logs: Sequence[Path],
    treatment_logs: Sequence[Path],
    contrast: Contrast,
    period: tuple[int, int],
    *,
    confidence: float,
    spec: EngineSpec | None = None,
) -> tuple[LongRun, ...]:
    """The effect on visits, purchases and money early and late.

    Args:
        control_logs, treatment_logs: of paired worlds, one of each for each luck.
        contrast: names of the two arms.
        period: its first day, and how many.
        confidence: level of the intervals, over lucks and shoppers.
        spec: threads and memory.

    Returns:
        a row for each of them; none of a period of a single day.
    """
    first, days = period
    each = max(days // 3, 1)
    if days < 2:
        return ()
    spans = {"early": (first, first + each), "late": (first + days - each, first + days)}
    with engine(spec or EngineSpec()) as connection:
        for name, logs in zip(_WORLDS, (control_logs, treatment_logs), strict=True):
            read_world(connection, name, logs, partial(_totals, spans=spans))
        totals = WorldTotals(connection, list(_WORLDS), len(control_logs))
        rows = []
        for metric in LASTING:
            early, late = (_terms(totals, f"{when}_{metric}") for when in spans)
            rows.append(
                LongRun(
                    metric=metric,
                    contrast=contrast,
                    days=each,
                    early=growth(*early, confidence=confidence).interval,
                    late=growth(*late, confidence=confidence).interval,
                    grown=growth_apart(
                        Grown(late), Grown(early), confidence=confidence, alike=True
                    ).interval,
                )
            )
        return tuple(rows)


def _totals(log: Path, spans: dict[str, tuple[int, int]]) -> str:
    """SQL of a row for each shopper of a log who came, with the totals of each span of days."""
    listed = ", ".join(
        f"coalesce(sum({column}) FILTER (day >= {start} AND day < {end}), 0) AS {when}_{metric}"
        for when, (start, end) in spans.items()
        for metric, column in LASTING.items()
    )
    return f"SELECT shopper, {listed} FROM ({shopper_days(log, LASTING.values())}) GROUP BY shopper"


def _terms(totals: WorldTotals, column: str) -> Terms:
    """Totals and numbers of shoppers in treatment, and in control."""
    control_SU, treatment_SU = totals.of(column)
    return treatment_SU, totals.exposed_SU, control_SU, totals.exposed_SU
