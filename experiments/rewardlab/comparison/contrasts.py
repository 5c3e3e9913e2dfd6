"""Policies compared with their controls, not only with the supervised model.

With all rollouts tied, injected experts push like supervised learning of a certain weight, so a
gain over the supervised model alone does not show that reinforcement learning brought it. Each
policy is therefore compared with the SFT control and with plain GRPO.

Pairing. Seed s of two policies draws the same logged requests, both are asked the same test
requests, and their worlds have the same shoppers on the same draws. So they are compared seed by
seed and request by request, or shopper by shopper, with both policies' luck of training in the
interval (`experiments.inference.intervals`). Whether two intervals against the supervised model
overlap is no test: what both policies share widens either and cancels between them.

Online the worlds of one training and luck are paired, too: intervals go across training seeds,
lucks and shoppers, and with one luck hold what is told of it from categories
(`experiments.rewardlab.comparison.lift`). The totals are those of groups of shoppers
(`Totals.pooled`), which leaves all sums as they are and, for more than a few hundred groups, hardly
changes an interval; nobody's group is left out. With no more shoppers than groups the comparison is
by shopper.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import difference, relative
from experiments.inference.metrics import METRICS, Metric
from experiments.records.interval import Interval
from experiments.records.rewards import ONLINE, Contrast, PolicyRow
from experiments.rewardlab.comparison.gains import Table
from experiments.rewardlab.comparison.lift import EXPOSED, Totals, compared, over
from experiments.rewardlab.comparison.roles import pairs
from experiments.truth.categories import Pair
from simulator.errors import DataError


def contrast_rows(
    policies: Sequence[PolicyRow],
    table: Table,
    shopper_B: NDArray[np.integer],
    pooled: Mapping[str, Totals],
    *,
    confidence: float,
) -> tuple[Contrast, ...]:
    """Every policy beside its controls, in each measure and, where worlds were lived, each metric.

    p-values are adjusted (Holm) for all contrasts offline at once, and for all online.

    Args:
        policies: rows of the grid.
        table: offline values, of `experiments.rewardlab.comparison.gains.tabled`.
        shopper_B: who asked each test request.
        pooled: totals of equal groups of shoppers by policy; without those of a policy it has no
            online contrast.
        confidence: level of the intervals.

    Raises:
        DataError: two policies have not the same seeds or requests, or a value is not finite.
    """
    found = pairs(policies)
    offline = [
        offline_contrast(policy, against, measure, table, shopper_B, confidence=confidence)
        for policy, against in found
        for measure in table[policy]
    ]
    online = [
        online_contrast(policy, against, metric, pooled, confidence=confidence)
        for policy, against in found
        if policy in pooled and against in pooled
        for metric in ONLINE
    ]
    return corrected([*offline, *online], lambda row: row.kind)


def offline_contrast(
    policy: str,
    against: str,
    measure: str,
    table: Table,
    shopper_B: NDArray[np.integer],
    *,
    confidence: float,
) -> Contrast:
    """Two policies in an offline measure; the p-value, not yet adjusted, is of the difference.

    Raises:
        DataError: they have not the same seeds or requests, or a value is not finite.
    """
    pair = table[policy][measure], table[against][measure], shopper_B
    gap, growing = (each(*pair, confidence=confidence) for each in (difference, relative))
    names = policy, against, "offline", measure
    return Contrast(*names, gap.interval, growing.interval, gap.p_value, None)


def online_contrast(
    policy: str, against: str, metric: str, pooled: Mapping[str, Totals], *, confidence: float
) -> Contrast:
    """Two policies' worlds in a metric; interval and p-value, not yet adjusted, of the growth.

    Raises:
        DataError: their totals are of other groups of shoppers, seeds or lucks.
    """
    own, other = pooled[policy], pooled[against]
    terms = _terms(own, other, METRICS[metric])
    by_category = own.columns_SG, other.columns_SG
    found = compared(METRICS[metric], terms, *by_category, confidence=confidence)
    top, by, base_top, base_by = (float(part.sum()) for part in terms)
    value, base = over(top, by), over(base_top, base_by)
    effect = Interval(None if value is None or base is None else value - base, None, None)
    names = policy, against, "online", metric
    return Contrast(*names, effect, found.interval, found.p_value, None)


def _terms(own: Totals, other: Totals, metric: Metric) -> Pair:
    """(S, L, U) numerators and denominators of both, of groups that somebody is in.

    A mean is over the shoppers that either policy's worlds have.
    """
    tables = [own.columns_SLU, other.columns_SLU]
    shapes = [table[EXPOSED].shape for table in tables]
    if shapes[0] != shapes[1] or not np.array_equal(own.shopper_U, other.shopper_U):
        raise DataError(
            f"totals of two policies == {shapes[0]} and {shapes[1]} (seeds, lucks, groups of "
            "shoppers), must be of the same"
        )
    exposed_SLU = np.maximum(*(table[EXPOSED] for table in tables))
    there_U = exposed_SLU.any(axis=(0, 1))
    top, bottom = metric.numerator, metric.denominator
    own_top, own_by, base_top, base_by = (
        np.compress(there_U, part_SLU, axis=-1)
        for table in tables
        for part_SLU in (table[top], table[bottom] if bottom else exposed_SLU)
    )
    return own_top, own_by, base_top, base_by
