"""Many metrics, one experiment: p-values corrected for how many questions were asked.

One metric is declared primary; over several treatment arms its p-values are Holm's, so that a false
claim about any arm is as rare as the level says. The rest are secondary: among those that are told
as differences, Benjamini and Hochberg keep the expected share of false ones at the level.
"""

from collections.abc import Sequence

from experiments.inference.finding import holm
from experiments.records.interval import Number
from experiments.records.metrics import Estimate


def benjamini_hochberg(p_values: Sequence[Number]) -> tuple[Number, ...]:
    """p-values adjusted for the false discovery rate; None stays None and is not counted.

    The i-th smallest of n is multiplied by n / i; none ends above one that was larger (Benjamini
    and Hochberg, Journal of the Royal Statistical Society B 57, 1995, 289-300). Holds where the
    metrics are independent or positively dependent (Benjamini and Yekutieli, Annals of Statistics
    29, 2001, 1165-1188).
    """
    found: list[Number] = [None] * len(p_values)
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    most = 1.0
    for rank in range(len(known), 0, -1):
        p, place = known[rank - 1]
        most = min(most, len(known) / rank * p)
        found[place] = most
    return tuple(found)


def adjusted(rows: Sequence[Estimate], primary: str) -> tuple[Number, ...]:
    """p-values of a table of estimates, corrected for how many there are.

    Those of the primary metric by Holm over its contrasts, those of the others by Benjamini and
    Hochberg over metrics and contrasts. Rows that are adjusted by the history ask the questions of
    the plain ones again, so each kind is a family of its own.

    Args:
        rows: estimates of several metrics and contrasts.
        primary: the metric that decides.

    Returns:
        one of each row, in their order.
    """
    found: list[Number] = [None] * len(rows)
    for cuped in (False, True):
        for method, first in ((holm, True), (benjamini_hochberg, False)):
            places = [
                place
                for place, row in enumerate(rows)
                if row.cuped == cuped and (row.metric == primary) == first
            ]
            corrected = method([rows[place].p_value for place in places])
            for place, p_value in zip(places, corrected, strict=True):
                found[place] = p_value
    return tuple(found)
