"""Whether shares differ between kinds of event: joint tests, and rises along the funnel."""

import math
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.attribution.credit.pages import page_credits
from experiments.attribution.credit.sums import (
    PAIR,
    add_products,
    batches,
    flush_products,
    provenance,
    slices,
)
from experiments.inference.intervals import ROUNDING, student
from experiments.inference.logs import Manifest, scan
from experiments.records.attribution import FUNNEL, JointRow, StepRow
from experiments.records.interval import Interval

Floats = NDArray[np.float64]

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
    channels, arms = len(manifest.channels), len(manifest.arms)
    size = len(FUNNEL) * (1 + channels)
    sums = np.zeros((len(COMPARED), len(FUNNEL), 1 + channels))
    unit = np.full(2, -1, np.int64)
    tables = (
        *(np.zeros(arms), np.zeros((arms, len(COMPARED), size))),
        np.zeros((arms, len(COMPARED), size, size)),
    )

    def credits(sources_M: NDArray[np.int64], best_M: NDArray[np.int64]) -> Floats:
        listed = [page_credits(rule, sources_M, best_M, channels, ()) for rule in COMPARED]
        return np.concatenate(listed, axis=1)

    for condition in slices(connection, scan(log, "exposures")):
        for batch in batches(connection, _sql(log, condition), len(COMPARED) * channels):
            arm_N, shopper_N, kind_N = (
                batch.column(name).to_numpy(zero_copy_only=False).astype(np.int64)
                for name in ("arm", "shopper", "kind")
            )
            code_N, credit_MK = provenance(batch, credits)
            credit_MRC = credit_MK.reshape(-1, len(COMPARED), channels)
            add_products(arm_N, shopper_N, kind_N, code_N, credit_MRC, sums, unit, *tables)
        if unit[0] >= 0:
            flush_products(unit[0], sums, *tables)
        unit[:] = -1
    return {
        (arm, rule): Crossed(float(tables[0][a]), tables[1][a, r], tables[2][a, r])
        for a, arm in enumerate(manifest.arms)
        for r, rule in enumerate(COMPARED)
    }


def _sql(log: Path, condition: str) -> str:
    """SQL of all rows by shopper: kind 0 seen, 1 seen and clicked, 2 bought."""
    columns = f"arm, shopper, {PAIR.format(best=0)} AS pair"
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
    """Tests of equal shares in exposure and click, click and purchase, exposure and purchase.

    Args:
        crossed: of `crossed_sums`.

    Returns:
        Rows by arm, rule and pair of events.
    """
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
        crossed: of `experiments.attribution.credit.rises.crossed_sums`.
        channels: names, in the order of the provenance bits.
        confidence: level of the intervals.

    Returns:
        Rows by arm, step and channel; None for what is not determined.
    """
    return [
        row
        for (arm, rule), one in crossed.items()
        if rule == "any_touch"
        for event, then in STEPS
        for row in _step(arm, one, channels, event, then, confidence)
    ]


def _step(
    arm: str, one: Crossed, channels: tuple[str, ...], event: int, then: int, confidence: float
) -> list[StepRow]:
    share_C, then_C = one.shares(event), one.shares(then)
    known = one.n >= 2 and one.total(event) > 0 and one.total(then) > 0
    covariance_CC = one.covariance(event, then) if known else None
    result = []
    for c, channel in enumerate(channels):
        names = (arm, channel, FUNNEL[event], FUNNEL[then])
        share, then_share = _number(share_C[c]), _number(then_C[c])
        rise = None if covariance_CC is None else float(then_C[c] - share_C[c])
        if rise is None or covariance_CC is None or covariance_CC[c, c] <= 0:
            alone = Interval(rise, None, None)
            result.append(StepRow(*names, share, then_share, alone, None))
            continue
        error = math.sqrt(covariance_CC[c, c])
        risen, p_value = student(rise, error, one.n - 1, confidence=confidence)
        result.append(StepRow(*names, share, then_share, risen, p_value))
    return result


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
