"""Whether shares differ between kinds of event: joint tests, and rises along the funnel."""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from experiments.attribution.credit.pages import page_credits
from experiments.attribution.credit.sums import PAIR, ShopperSums, provenance
from experiments.inference.intervals.student import ROUNDING, student
from experiments.inference.logs import Manifest, scan
from experiments.records.attribution import FUNNEL, JointRow, StepRow
from experiments.records.interval import Interval

Floats = NDArray[np.float64]

_COUNTS = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
"""What a row of each kind counts as in each event of `FUNNEL`."""

PAIRS = ((0, 1), (1, 2), (0, 2))
COMPARED = ("any_touch", "fractional")
"""Rules whose shares are compared."""

RANK = 1e-9
"""Part of the largest eigenvalue above which a direction has spread."""


@dataclass(frozen=True)
class Crossed:
    """Sums and products over n shoppers of one arm, of a rule's credits in all kinds of event.

    With V = 3 (1 + C): of each of `FUNNEL` the total, then the credit of each channel.

    Attributes:
        n: shoppers with a row.
        sum_V: sums over shoppers.
        gram_VV: sums of products over shoppers.
    """

    n: float
    sum_V: Floats
    gram_VV: Floats

    @property
    def channels(self) -> int:
        """Number C of channels."""
        return len(self.sum_V) // len(FUNNEL) - 1

    def total(self, event: int) -> float:
        """The number of events of a kind."""
        return float(self.sum_V[event * (1 + self.channels)])

    def shares(self, event: int) -> Floats:
        """(C,) share of each channel; NaN without events."""
        start = event * (1 + self.channels)
        if not self.sum_V[start]:
            return np.full(self.channels, np.nan)
        share_C: Floats = self.sum_V[start + 1 : start + 1 + self.channels] / self.sum_V[start]
        return share_C

    def covariance(self, event: int, then: int) -> Floats:
        """(C, C) of the shares' differences; exactly 0 for a channel without spread."""
        linear_CV = self._linear(then) - self._linear(event)
        size_C = np.diag(np.abs(linear_CV) @ self.gram_VV @ np.abs(linear_CV).T)
        covariance_CC = linear_CV @ self.gram_VV @ linear_CV.T * self.n / max(self.n - 1, 1)
        flat_C = np.diag(covariance_CC) <= ROUNDING * size_C
        covariance_CC[flat_C, :] = covariance_CC[:, flat_C] = 0.0
        return (covariance_CC + covariance_CC.T) / 2

    def _linear(self, event: int) -> Floats:
        """(C, V) matrix that turns a shopper's sums into their part of each share's deviation."""
        start, one_C = event * (1 + self.channels), np.arange(self.channels)
        linear_CV = np.zeros((self.channels, len(self.sum_V)))
        linear_CV[:, start] = -self.shares(event)
        linear_CV[one_C, start + 1 + one_C] = 1.0
        return linear_CV / self.total(event)


def crossed_sums(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest
) -> dict[tuple[str, str], Crossed]:
    """What joint tests and steps need, by arm and rule of `COMPARED`, in one pass over a log.

    The log must be one that `experiments.attribution.credit.checks.refuse` lets pass.
    """
    channels, events = len(manifest.channels), len(FUNNEL)
    credits, everything = len(COMPARED) * channels, np.zeros((1, 1), np.int32)
    sums = ShopperSums(len(manifest.arms), everything, events, credits, products=True)

    def masks(sources_M: NDArray[np.int64], best_M: NDArray[np.int64]) -> Floats:
        listed = [page_credits(rule, sources_M, best_M, channels, ()) for rule in COMPARED]
        return np.concatenate(listed, axis=1)

    def credited(batch: pa.RecordBatch) -> tuple[Floats, NDArray[np.int64], Floats]:
        return _COUNTS[batch.column("kind").to_numpy()], *provenance(batch, masks)

    sums.read(connection, scan(log, "exposures"), partial(_sql, log), credited)
    found, result = sums.moments, {}
    column_EV = np.arange(events * (1 + credits)).reshape(events, -1)
    for a, arm in enumerate(manifest.arms):
        sum_EV = np.concatenate([found.t_APE[a, 0, :, None], found.x_APEK[a, 0]], axis=1)
        for r, rule in enumerate(COMPARED):
            own = np.r_[0, 1 + r * channels : 1 + (r + 1) * channels]
            own_V = column_EV[:, own].ravel()
            gram_VV = found.gram_AVV[a][np.ix_(own_V, own_V)]
            result[arm, rule] = Crossed(float(found.units_AP[a, 0]), sum_EV.ravel()[own_V], gram_VV)
    return result


def _sql(log: Path, condition: str) -> str:
    """SQL of all rows by shopper: kind 0 seen, 1 seen and clicked, 2 bought."""
    columns = f"arm, shopper, {PAIR.format(best=0)} AS pair, 0::TINYINT AS place"
    return (
        f"SELECT {columns}, clicked::TINYINT AS kind FROM {scan(log, 'exposures')} "
        f"WHERE {condition} UNION ALL SELECT {columns}, 2::TINYINT AS kind "
        f"FROM {scan(log, 'orders')} WHERE {condition} ORDER BY ALL"
    )


def wald(difference_C: Floats, covariance_CC: Floats) -> tuple[float | None, int, float | None]:
    """Wald's statistic of no difference, its degrees of freedom and p-value.

    Returns:
        None for statistic and p-value where nothing has spread, or where a difference has none.
    """
    spread_C = np.sqrt(np.diag(covariance_CC))
    kept_C = spread_C > 0
    if not kept_C.any() or (np.abs(difference_C[~kept_C]) > RANK).any():
        return None, 0, None
    scaled_C = difference_C[kept_C] / spread_C[kept_C]
    correlation_CC = covariance_CC[np.ix_(kept_C, kept_C)] / np.outer(
        spread_C[kept_C], spread_C[kept_C]
    )
    value_C, vector_CC = np.linalg.eigh(correlation_CC)
    along_C = vector_CC.T @ scaled_C
    with_C = value_C > RANK * value_C.max()
    freedom = int(with_C.sum())
    if (np.abs(along_C[~with_C]) > 1e-6 * (1 + np.abs(scaled_C).max())).any():
        return None, freedom, None
    statistic = float(np.sum(along_C[with_C] ** 2 / value_C[with_C]))
    return statistic, freedom, float(stats.chi2.sf(statistic, freedom))


def joint_rows(crossed: dict[tuple[str, str], Crossed]) -> list[JointRow]:
    """Tests of equal shares in exposure and click, click and purchase, exposure and purchase."""
    result = []
    for (arm, rule), one in crossed.items():
        for event, then in PAIRS:
            found: tuple[float | None, int, float | None] = (None, 0, None)
            if one.n >= 2 and one.total(event) and one.total(then):
                difference_C = one.shares(then) - one.shares(event)
                found = wald(difference_C, one.covariance(event, then))
            result.append(JointRow(arm, rule, FUNNEL[event], FUNNEL[then], *found))
    return result


STEPS = ((0, 1), (1, 2))


def step_rows(
    crossed: dict[tuple[str, str], Crossed], channels: tuple[str, ...], *, confidence: float
) -> list[StepRow]:
    """The rise of each channel's any-touch share from each kind of event to the next.

    Args:
        crossed: of `crossed_sums`.
        channels: names, in the order of the provenance bits.
        confidence: level of the intervals.

    Returns:
        Rows by arm, step and channel; None for what is not determined.
    """
    result = []
    whole = {arm: one for (arm, rule), one in crossed.items() if rule == "any_touch"}
    for arm, one in whole.items():
        for event, then in STEPS:
            share_C, then_C = one.shares(event), one.shares(then)
            known = one.n >= 2 and one.total(event) > 0 and one.total(then) > 0
            covariance_CC = one.covariance(event, then) if known else np.zeros((len(channels),) * 2)
            for c, channel in enumerate(channels):
                risen = Interval(float(then_C[c] - share_C[c]) if known else None, None, None)
                p_value = None
                error = math.sqrt(covariance_CC[c, c])
                if risen.estimate is not None and error > 0:
                    freedom = one.n - 1
                    risen, p_value = student(risen.estimate, error, freedom, confidence=confidence)
                shares = _number(share_C[c]), _number(then_C[c])
                names = arm, channel, FUNNEL[event], FUNNEL[then]
                result.append(StepRow(*names, *shares, risen, p_value))
    return result


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
