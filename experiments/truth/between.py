"""The true lifts of two runs beside each other, paired by the shoppers that both have.

Where two runs share a seed, a shopper has the same luck in both, as far as what they do is the
same. So what moves a shopper in both lifts alike cancels in the difference of the lifts. With
linearised log lifts z[u] of one run and y[u] of the other, whose means the log lifts are, the
variance of the difference is that of z - y over shoppers, and of what groups of shoppers share in
it. It needs no luck to be the same: of independent worlds z and y have no covariance, and the
variance is the sum of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.inference.intervals.crossed import Grown, Result, growth_apart
from experiments.inference.intervals.shared import Shared
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.inference.worldtotals import Floats
from experiments.records.truth import Method
from experiments.truth.pairs import Pairs, read_pairs


@dataclass(frozen=True)
class PairLogs:
    """The truth worlds of one run: logs of control and of a treatment, one for each seed."""

    control: Sequence[Path]
    treatment: Sequence[Path]


def lifts_apart(
    run: PairLogs,
    base: PairLogs,
    metrics: Sequence[Metric],
    *,
    method: Method,
    confidence: float,
    same_categories: bool,
    spec: EngineSpec | None = None,
) -> dict[str, Result]:
    """How much greater a run's true lifts are than those of another, by metric.

    Args:
        run, base: of as many seeds each.
        metrics: what is compared.
        method: of the truth of both.
        confidence: level of the intervals.
        same_categories: whether both have the same categories of items.
        spec: threads and memory.

    Raises:
        DataError: worlds that are not there, or not as `method` needs them.
    """
    columns = {column for metric in metrics for column in metric.columns}
    with (
        read_pairs(run.control, run.treatment, columns, method, spec) as one,
        read_pairs(base.control, base.treatment, columns, method, spec) as other,
    ):
        shopper_U = np.union1d(one.totals.shopper_U, other.totals.shopper_U)
        return {
            metric.name: growth_apart(
                *(_grown(each, metric, shopper_U) for each in (one, other)),
                confidence=confidence,
                alike=same_categories,
            )
            for metric in metrics
        }


def _grown(pairs: Pairs, metric: Metric, shopper_U: np.ndarray) -> Grown:
    """A lift with zeros for shoppers whom its worlds do not have."""
    place = np.searchsorted(shopper_U, pairs.totals.shopper_U)

    def wide(values: Floats) -> Floats:
        found = np.zeros((*values.shape[:-1], len(shopper_U)))
        found[..., place] = values
        return found

    top, bottom, base, base_bottom = map(wide, pairs.terms(metric))
    shared: Shared | None = pairs.shared(metric)
    if shared is not None:
        (part, part_bottom), (under, under_bottom) = shared.part_U, shared.base_U
        shared = replace(
            shared,
            part_U=(wide(part), wide(part_bottom)),
            base_U=(wide(under), wide(under_bottom)),
        )
    return Grown((top, bottom, base, base_bottom), shared)
