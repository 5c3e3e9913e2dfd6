"""Which offline measure to trust: whether it orders policies as their true lifts do.

For each offline measure and online metric, Spearman's rank correlation over the policies, between
the offline mean over seeds and the true lift. The supervised model is one of the policies, with a
lift of 0.

The interval is the percentile bootstrap's. Each draw

- weighs shoppers by independent Poisson(1) counts (Poisson bootstrap; Chamandy et al., Estimating
  Uncertainty for Massive Data Streams, 2012), the same counts offline and in every world, because
  the same shoppers ask the test requests and live in the worlds;
- draws seeds within each policy with replacement, the same offline and online, because one training
  has both its measure and its worlds;
- draws lucks with replacement, the same for all policies, whose worlds share them; and
- draws policies with replacement, as if they were a sample of those that one might try.

More than `GROUPS` shoppers are weighed in as many groups, by the remainder of their number, which
leaves the variance of their sums as it is and the cost flat.

Limits. (1) Noise of measurement pulls a rank correlation towards 0: with lifts that hardly differ
beside their intervals, a low number says little against a measure. The draws add the noise once
more, so the interval lies nearer to 0 than the estimate; no correction is made. (2) With a handful
of policies it is wide whatever the truth, and a draw with few distinct policies has a large
correlation by ties. (3) The policies are not a random sample: the answer holds for such rewards
and algorithms as were tried. (4) With one seed a policy's luck of training is taken for its worth,
with worlds of one luck what sold out in them. (5) Neither the numbers nor the intervals are
adjusted for how many pairs are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.inference.metrics import METRICS
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.rewards import ONLINE, Trust
from experiments.rewardlab.comparison.lift import Totals
from simulator.errors import DataError

Floats = NDArray[np.float64]

DRAWS = 2_000
"""Bootstrap draws."""

GROUPS = 2_000
"""Most groups of shoppers that are weighed."""

FEWEST_POLICIES = 4
"""Policies, the supervised model included, below which a rank correlation says nothing."""


@dataclass(frozen=True)
class Judged:
    """One policy, measured offline and lived online with the same S seeds.

    Attributes:
        values: (S, B) values of the test requests by offline measure.
        totals: of its worlds, pooled to `GROUPS` groups of shoppers; None: it is the supervised
            model, whose lift is 0.
    """

    values: Mapping[str, Floats]
    totals: Totals | None


def trust_rows(
    judged: Sequence[Judged],
    shopper_B: NDArray[np.integer],
    *,
    confidence: float,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> tuple[Trust, ...]:
    """The rank correlation of every offline measure with every online metric.

    None with fewer than `FEWEST_POLICIES` policies, where either side is the same for all of them,
    or where a lift is not determined. The interval is None too where less than half of the draws
    have a correlation.

    Args:
        judged: the policies; they have the same measures.
        shopper_B: who asked each test request.
        confidence: level of the intervals.
        rng: of the bootstrap.
        draws: how many.

    Raises:
        DataError: a policy has not as many seeds online as offline, or other lucks than another.
    """
    for each in judged:
        _check(each)
    names = list(judged[0].values) if judged else []
    found_XMC = np.full((3, len(names), len(ONLINE)), np.nan)  # estimate, low and high
    if len(judged) >= FEWEST_POLICIES:
        group_B = np.asarray(shopper_B, np.int64) % GROUPS
        sizes = [_seeds(each) for each in judged]
        lucks = _lucks(judged)
        even = [np.full((1, size), 1 / size) for size in (*sizes, lucks)]
        found_XMC[0] = _correlations(*_both(judged, group_B, np.ones((1, GROUPS)), even))[0]
        group_RK = rng.poisson(1.0, (draws, GROUPS)).astype(np.float64)
        drawn = [
            rng.multinomial(size, np.full(size, 1 / size), draws) / size for size in (*sizes, lucks)
        ]
        both = _both(judged, group_B, group_RK, drawn)
        found_XMC[1:] = _interval(
            *both, rng.integers(0, len(judged), (draws, len(judged))), confidence
        )
    return tuple(
        Trust(measure, metric, _interval_of(*found_XMC[:, m, c]), len(judged))
        for m, measure in enumerate(names)
        for c, metric in enumerate(ONLINE)
    )


def _check(judged: Judged) -> None:
    offline = {len(values_SB) for values_SB in judged.values.values()}
    tables = {} if judged.totals is None else judged.totals.columns_SLU
    online = {len(table_SLU) for table_SLU in tables.values()}
    if len(offline | online) > 1:
        raise DataError(
            f"seeds == {sorted(offline)} offline and {sorted(online)} online, must be the same"
        )


def _interval_of(*ends: float) -> Interval:
    """Estimate, low and high, which are NaN where they are not known."""
    if not np.isfinite(ends[0]):
        return UNKNOWN
    return Interval(*(float(end) if np.isfinite(end) else None for end in ends))


def _seeds(judged: Judged) -> int:
    return len(next(iter(judged.values.values())))


def _lucks(judged: Sequence[Judged]) -> int:
    """Lucks of all policies' worlds; 1 without worlds."""
    worlds = [each.totals.columns_SLU for each in judged if each.totals is not None]
    found = sorted({part_SLU.shape[1] for columns in worlds for part_SLU in columns.values()})
    if len(found) > 1:
        raise DataError(f"lucks of worlds == {found}, must be the same for all policies")
    return found[0] if found else 1


def _both(
    judged: Sequence[Judged],
    group_B: NDArray[np.int64],
    group_RK: Floats,
    weights: Sequence[Floats],
) -> tuple[Floats, Floats]:
    """(R, P, M) offline means and (R, P, C) lifts; NaN where a draw does not determine them.

    R draws weigh groups of shoppers, the (R, S) seeds of each policy and, last, the (R, L) lucks.
    """
    means, lifts = [], []
    *seeds, luck_RL = weights
    asked_11K = np.bincount(group_B, minlength=GROUPS)[None, None].astype(np.float64)
    for each, seed_RS in zip(judged, seeds, strict=True):
        offline = [
            np.array([[np.bincount(group_B, row, GROUPS)] for row in values_SB], np.float64)
            for values_SB in each.values.values()
        ]
        online = (
            [part for n in ONLINE for part in each.totals.terms(METRICS[n])] if each.totals else []
        )
        asked_R, *sums = _weighed([asked_11K, *offline, *online], group_RK, seed_RS, luck_RL)
        terms = sums[len(offline) :]
        means.append([_quotient(sum_R, asked_R) for sum_R in sums[: len(offline)]])
        rates = [_quotient(top, by) for top, by in zip(terms[::2], terms[1::2], strict=True)]
        known = [
            _quotient(own, base) - 1 for own, base in zip(rates[::2], rates[1::2], strict=True)
        ]
        lifts.append(known or [np.zeros(len(group_RK)) for _ in ONLINE])  # the supervised model's
    return np.moveaxis(np.array(means), -1, 0), np.moveaxis(np.array(lifts), -1, 0)


def _weighed(
    tables: Sequence[Floats], group_RK: Floats, seed_RS: Floats, luck_RL: Floats
) -> list[Floats]:
    """(R,) of each (S, L, K) table: its weighted sum, in one product for all tables.

    A table of one row is the same for all seeds, or lucks.
    """
    rows = [table_SLK.reshape(-1, GROUPS) for table_SLK in tables]
    sums_RT = group_RK @ np.concatenate(rows).T
    ends = np.cumsum([len(each) for each in rows])[:-1]
    found = []
    for table_SLK, part_RT in zip(tables, np.split(sums_RT, ends, axis=1), strict=True):
        part_RSL = part_RT.reshape(len(group_RK), *table_SLK.shape[:2])
        if part_RSL.shape[1] > 1:
            part_RSL = part_RSL * seed_RS[:, :, None]
        if part_RSL.shape[2] > 1:
            part_RSL = part_RSL * luck_RL[:, None]
        found.append(np.asarray(part_RSL.sum(axis=(1, 2))))
    return found


def _quotient(top: Floats, bottom: Floats) -> Floats:
    """The quotient, NaN where there is nothing to divide by."""
    top, bottom = np.broadcast_arrays(top, bottom)
    nothing = np.full(top.shape, np.nan)
    return np.asarray(np.divide(top, bottom, out=nothing, where=bottom > 0))


def _interval(
    x_RPM: Floats, y_RPC: Floats, pick_RP: NDArray[np.int64], confidence: float
) -> Floats:
    """(2, M, C) ends of the bootstrap's interval over the policies that each draw picks.

    NaN where fewer than half of the draws count.
    """
    picked = (np.take_along_axis(each, pick_RP[..., None], axis=1) for each in (x_RPM, y_RPC))
    found_RMC = _correlations(*picked)
    scarce_MC = 2 * np.isfinite(found_RMC).sum(axis=0) < len(found_RMC)
    tail = (1 - confidence) / 2
    ends_XMC = np.nanquantile(np.where(scarce_MC, 0.0, found_RMC), [tail, 1 - tail], axis=0)
    return np.where(scarce_MC, np.nan, ends_XMC)


def _correlations(x_RPM: Floats, y_RPC: Floats) -> Floats:
    """(R, M, C) Spearman's correlations over P; NaN where a side is constant or not known."""
    found_RMC = np.einsum("rpm,rpc->rmc", _ranked(x_RPM), _ranked(y_RPC))
    return np.asarray(np.clip(found_RMC, -1.0, 1.0))


def _ranked(values_RPN: Floats) -> Floats:
    """Ranks over P, ties averaged, centred, of length 1; NaN where constant or not known."""
    rounded_RPN = np.round(values_RPN, 12)  # equal policies summed in other orders stay equal
    rank_RPN = np.asarray(stats.rankdata(rounded_RPN, axis=1, nan_policy="propagate"))
    rank_RPN = rank_RPN - rank_RPN.mean(axis=1, keepdims=True)
    length_R1N = np.sqrt((rank_RPN**2).sum(axis=1, keepdims=True))
    return _quotient(rank_RPN, length_R1N)
