"""How far the law of growth is off, within a log: its first half foretells its last day."""

import numpy as np
from numpy.typing import NDArray

from experiments.inference.power.accrual import Accrual
from experiments.inference.power.betabinomial import FEWEST_DAYS
from experiments.inference.power.growth import Growth, untold
from experiments.records.experiment.power import Foretelling, ForetoldDay

Floats = NDArray[np.float64]


def back_test(accrual: Accrual) -> tuple[tuple[ForetoldDay, ...], str]:
    """What the first half of the days foretells of the last day, beside what was found there.

    Returns:
        The numbers, and why there are none; "" where there are some.
    """
    half = accrual.days // 2
    if half < FEWEST_DAYS:
        return (), (
            f"days of the log == {accrual.days}, must be >= {2 * FEWEST_DAYS} to tell how far the "
            "law of growth is off"
        )
    if reason := untold(accrual):
        return (), reason
    foretold = _told(accrual, Growth.fit(accrual, half).tables(accrual.days)[-1])
    found = _told(accrual, accrual.table_DKK[-1])
    if not all(np.isfinite(number) and found[what] > 0 for what, number in foretold.items()):
        return (), "the first half of the days has too little in it to foretell the others"
    rows = (
        ForetoldDay(what, number, found[what], number / found[what] - 1)
        for what, number in foretold.items()
    )
    return tuple(rows), ""


def _told(accrual: Accrual, table_KK: Floats) -> dict[Foretelling, float]:
    """The numbers of a day."""
    layout = accrual.layout
    units, level, variance = (
        float(of(table_KK)) for of in (layout.units, layout.level, layout.variance)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        error = float(np.sqrt(np.float64(variance) / units) / level)
    told: dict[Foretelling, float] = {
        "units": units,
        "level": level,
        "variance": variance,
        "error": error,
    }
    if layout.before is not None:
        told["cuped"] = error * float(np.sqrt(1 - layout.explained(table_KK)))
    return told
