"""Training luck: what other trainings of the same rankers do, on the same requests.

A ranker learns from a sample of rare purchases, in an order of its own, so another training of it
makes other pages. An A/A of two trainings tells how large that is: luck that is in no interval over
shoppers and worlds. Where each arm's models are retrained, as a shop would launch a change, the
effect is the mean over R trainings, and trainings are a factor of its interval beside shoppers
(`experiments.inference.intervals`, with trainings as its seeds).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from experiments.inference.intervals import growth
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.metrics import Metric
from experiments.inference.worldtotals import Floats, WorldTotals, read_world
from experiments.records.truth import Refit
from experiments.truth.expected import PREFIX, refit_shoppers, refits_of


def refit_rows(
    logs: Sequence[Path],
    metrics: Sequence[Metric],
    *,
    confidence: float,
    spec: EngineSpec | None = None,
) -> tuple[Refit, ...]:
    """What each other training of control's ranker adds to what the shipped one brings.

    Args:
        logs: of control's worlds, one for each luck.
        metrics: what is compared.
        confidence: level of the intervals, over lucks and shoppers.
        spec: threads and memory.
    """
    trainings = min((len(refits_of(log)) for log in logs), default=0)
    columns = {column for metric in metrics for column in metric.columns}
    if not trainings or not columns:
        return ()
    rows = []
    with engine(spec or EngineSpec()) as connection:
        names = [f"training_{number}" for number in range(trainings + 1)]
        for number, name in enumerate(names):
            select = partial(refit_shoppers, columns=columns, number=number)
            read_world(connection, name, logs, select)
        totals = WorldTotals(connection, names, len(logs))
        for metric in metrics:
            top_WSU, bottom_WSU = _tables(metric, totals, names)
            for number in range(1, trainings + 1):
                pair = (top_WSU[number], bottom_WSU[number], top_WSU[0], bottom_WSU[0])
                found = growth(*pair, confidence=confidence)
                rows.append(Refit(metric.name, number, found.interval, found.shoppers))
    return tuple(rows)


def _tables(metric: Metric, totals: WorldTotals, names: Sequence[str]) -> tuple[Floats, Floats]:
    """(W, S, U) numerators and denominators of each training."""
    top_WSU = totals.of(PREFIX + metric.numerator)
    if metric.denominator is not None:
        return top_WSU, totals.of(PREFIX + metric.denominator)
    return top_WSU, np.stack([totals.exposed_SU] * len(names))
