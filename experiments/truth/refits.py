"""Training luck: what other trainings of the same models do, on the same requests.

A model learns from a sample of rare clicks and purchases, in an order of its own, so another
training of it makes other pages. An A/A of two trainings tells how large that is: luck that is in
no interval over shoppers and worlds.

The other training is followed in the world that the serving one has led to. What it would change in
later days (what the shop learns, what is sold out) is not in these numbers. With
`truth.trainings = "each"` every pair of worlds is lived with a training of its own instead, and
trainings are a factor of the interval together with lucks (`experiments.inference.intervals`).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from experiments.inference.intervals.crossed import growth
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import Metric
from experiments.inference.worldtotals import Floats, WorldTotals, read_world
from experiments.records.truth import Refit
from experiments.truth.expected import PREFIX, refit_shoppers
from experiments.truth.files import refits_of


def refit_rows(
    arm: str,
    logs: Sequence[Path],
    metrics: Sequence[Metric],
    *,
    confidence: float,
    spec: EngineSpec | None = None,
) -> tuple[Refit, ...]:
    """What another training of each model that was trained again adds to an arm's pages.

    Args:
        arm: its name.
        logs: of its worlds, one for each luck.
        metrics: what is compared.
        confidence: level of the intervals, over lucks and shoppers.
        spec: threads and memory.
    """
    columns = {column for metric in metrics for column in metric.columns}
    models = [set(refits_of(log.parent)) for log in logs]
    rows = []
    for model in sorted(set.intersection(*models)) if models and columns else ():
        with engine(spec or EngineSpec()) as connection:
            names = ["serves", "again"]
            for name in names:
                select = partial(
                    refit_shoppers, columns=columns, model=model, again=name == "again"
                )
                read_world(connection, name, logs, select)
            totals = WorldTotals(connection, names, len(logs))
            for metric in metrics:
                top_WSU, bottom_WSU = _tables(metric, totals, names)
                pair = (top_WSU[1], bottom_WSU[1], top_WSU[0], bottom_WSU[0])
                found = growth(*pair, confidence=confidence)
                rows.append(Refit(metric.name, arm, model, found.interval, found.shoppers))
    return tuple(rows)


def _tables(metric: Metric, totals: WorldTotals, names: Sequence[str]) -> tuple[Floats, Floats]:
    """(W, S, U) numerators and denominators of each training."""
    top_WSU = totals.of(PREFIX + metric.numerator)
    if metric.denominator is not None:
        return top_WSU, totals.of(PREFIX + metric.denominator)
    return top_WSU, np.stack([totals.exposed_SU] * len(names))
