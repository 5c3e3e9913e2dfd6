"""Estimates of an experiment that splits shoppers and items, where a treatment needs both.

Let Q[i, j] be what shoppers in arm i had of items in arm j (0 control, 1 treatment), over what they
could have had: per shopper, as if all items were in arm j. Johari, Li, Liskovich and Weintraub
("Experimental design in two-sided platforms: an analysis of bias", Management Science 68, 2022,
7069-7089; equations of arXiv 2002.05670v5) estimate the effect of treating all by

    naive (21)    Q[1, 1] - all other pairs together
    TSRI-k (28)   b (Q[1, 1] - Q[0, 1] - k (1 - b) (Q[0, 0] - Q[0, 1]))
                  + (1 - b) (Q[1, 1] - Q[1, 0] - k b (Q[0, 0] - Q[1, 0]))

The first line of the latter compares shoppers, which is right where demand is scarce, the second
items, which is right where supply is; b weighs them, exp(-demand over supply). What k multiplies
tells how much both sides compete: what control's shoppers lose to the treatment's at its items, and
control's items to the treatment's. Where the paper divides by shares, the numbers of shoppers and
items that came stand here. All are a level of the treatment, Q[1, 1], less a level of control, a
mean of the other three with weights that sum to 1.

Both sides are drawn, so an error is that of ratios of sums whose terms hang together where they
share a shopper or an item. It is clustered both ways (Cameron, Gelbach and Miller, Journal of
Business and Economic Statistics 29, 2011, 238-249): V over shoppers + V over items - V over pairs,
each by the linearisation of `grouped`. Where that is no variance, as it may be by chance, nothing
is subtracted, which is too wide. (The paper has standard errors from repeated simulations alone.)
"""

import math
from collections.abc import Sequence

import numpy as np

from experiments.designs.layout import Estimator
from experiments.inference.estimates import Level, Scale, blank, differing
from experiments.inference.intervals.student import ROUNDING, welch
from experiments.inference.metrics import Metric
from experiments.inference.randomised.grouped import FEWEST_GROUPS
from experiments.inference.randomised.pairs import Floats, PairMoments, Pairs
from experiments.inference.reduction.adjustment import Means
from experiments.records.metrics import Contrast, Estimate

_K = {"tsri_1": 1.0, "tsri_2": 2.0}


def two_sided_estimates(
    pairs: Pairs,
    metrics: Sequence[Metric],
    contrasts: Sequence[Contrast],
    *,
    confidence: float,
    scale: Scale = "fieller",
    last_day: int | None = None,
) -> list[tuple[Estimate, str]]:
    """Compare metrics between arms of an experiment that splits both sides.

    Args:
        pairs: of the experiment's log.
        metrics: what is compared; of one that cannot be told slot by slot nothing is said.
        contrasts: (control, treatment) arm names.
        confidence: level of the intervals.
        scale: of the relative effects.
        last_day: count what happened up to and including this day; none: all.

    Returns:
        a row for each contrast and metric, with the reason why something in it is None, else "".
    """
    found = []
    for contrast in contrasts:
        one, two = (pairs.manifest.arms.index(name) for name in contrast)
        shoppers_i = pairs.counts("shopper", (one, two))
        sizes = int(shoppers_i[0]), int(shoppers_i[1])
        for metric in metrics:
            row = blank(metric.name, contrast, sizes, design=pairs.layout.design)
            if not pairs.possible(metric):
                found.append((row, "it is no sum over pairs of a shopper and a listing"))
                continue
            moments = pairs.moments(metric, (one, two), last_day)
            found.append(_filled(row, moments, pairs, metric, confidence, scale))
    return found


def _filled(
    row: Estimate,
    moments: PairMoments,
    pairs: Pairs,
    metric: Metric,
    confidence: float,
    scale: Scale,
) -> tuple[Estimate, str]:
    """The row with the numbers that the moments determine, and why some are None."""
    for side, counts in (("shoppers", moments.shoppers_i), ("listings", moments.items_j)):
        if counts.min() < FEWEST_GROUPS:
            return row, f"an arm has fewer than {FEWEST_GROUPS} {side}"
    if moments.under_ij.min() <= 0:
        return row, f"shoppers of an arm have no {metric.denominator} of listings of an arm"
    if not moments.top_ij.any():
        return row, f"the arms have no {metric.numerator}"
    means = two_sided_means(moments, pairs.layout.estimator, pairs.layout.weight)
    if means is None:
        return row, "no variation of shoppers and listings"
    row, reason = differing(row, means, confidence, scale)
    if reason and means.levels[0] == 0:
        reason = (
            f"{row.contrast[0]} has no {metric.numerator}, so a relative effect has no interval"
        )
    return row, reason


def two_sided_means(moments: PairMoments, estimator: Estimator, weight: float) -> Means | None:
    """The levels of control and of treatment and how sure they are; None where nothing varies.

    Args:
        moments: of one metric, with denominators in all pairs of arms.
        estimator, weight: as of `level_weights`.
    """
    level_L, together_LL = levels(moments, level_weights(moments, estimator, weight))
    if not together_LL.any():
        return None
    one, two = (
        Level(float(level_L[at]), math.sqrt(max(together_LL[at, at], 0.0)), _fewest(moments, at))
        for at in (0, 1)
    )
    errors = one.error, two.error
    freedom = welch(errors, (one.n - 1, two.n - 1))
    return Means((one.mean, two.mean), errors, freedom, float(together_LL[0, 1]))


def _fewest(moments: PairMoments, at: int) -> int:
    """Clusters of an arm's smaller side, which decide its degrees of freedom (Cameron et al.)."""
    return int(min(moments.shoppers_i[at], moments.items_j[at]))


def level_weights(moments: PairMoments, estimator: Estimator, weight: float) -> Floats:
    """(2, 2, 2) of the levels of control and of treatment, the weight of each Q[i, j].

    Args:
        moments: whose denominators are the weights of the naive level of control.
        estimator: which one.
        weight: b of the interpolating ones.
    """
    weights_Lij = np.zeros((2, 2, 2))
    weights_Lij[1, 1, 1] = 1.0
    if estimator == "naive":
        rest_ij = moments.under_ij.copy()
        rest_ij[1, 1] = 0.0
        weights_Lij[0] = rest_ij / rest_ij.sum()
        return weights_Lij
    k, other = _K[estimator], 1 - weight
    weights_Lij[0, 0, 1] = weight * (1 - k * other)
    weights_Lij[0, 1, 0] = other * (1 - k * weight)
    weights_Lij[0, 0, 0] = 2 * k * weight * other
    return weights_Lij


def levels(moments: PairMoments, weights_Lij: Floats) -> tuple[Floats, Floats]:
    """(L,) levels, and (L, L) the covariance of their errors.

    Args:
        moments: of one metric.
        weights_Lij: of each level, the weight of every ratio.
    """
    ratio_ij = moments.top_ij / moments.under_ij
    level_L = (weights_Lij * ratio_ij).sum(axis=(1, 2))
    each_Lij = weights_Lij / moments.under_ij
    forms_LiV = np.concatenate((each_Lij, -each_Lij * ratio_ij), axis=2)
    turned_Lji = each_Lij.swapaxes(1, 2)
    forms_LjV = np.concatenate((turned_Lji, -turned_Lji * ratio_ij.T), axis=2)
    shoppers_LL = _clustered(forms_LiV, moments.of_shoppers_iVV, moments.shoppers_i)
    items_LL = _clustered(forms_LjV, moments.of_items_jVV, moments.items_j)
    powers_ij3 = np.stack((np.ones((2, 2)), -2 * ratio_ij, ratio_ij**2), axis=2)
    squares_ij3 = moments.of_pairs_ij3 * powers_ij3
    square_ij = _rounded(squares_ij3.sum(axis=2), np.abs(squares_ij3).sum(axis=2))
    pairs_LL = np.einsum("aij,bij,ij->ab", each_Lij, each_Lij, square_ij)
    added_LL = shoppers_LL + items_LL
    together_LL = added_LL - pairs_LL
    smallest = min(*together_LL.diagonal(), _apart(together_LL))
    lost = smallest < 0 or _apart(together_LL) == 0 < _apart(added_LL)
    return level_L, added_LL if lost else together_LL


def _apart(together_LL: Floats) -> float:
    """The variance of the difference of both levels."""
    return float(together_LL[0, 0] + together_LL[1, 1] - 2 * together_LL[0, 1])


def _clustered(forms_LgV: Floats, moments_gVV: Floats, clusters_g: Floats) -> Floats:
    """(L, L) the part of the covariance that clusters of one side make, arms apart.

    Args:
        forms_LgV: of each level and arm, what its clusters' sums are multiplied by.
        moments_gVV: sums over an arm's clusters of the products of these sums.
        clusters_g: how many there are.
    """
    inflated_g = clusters_g / (clusters_g - 1)
    made = np.einsum("agv,gvw,bgw->gab", forms_LgV, moments_gVV, forms_LgV)
    size = np.abs(forms_LgV)
    terms = np.einsum("agv,gvw,bgw->gab", size, np.abs(moments_gVV), size)
    return np.asarray(np.einsum("gab,g->ab", _rounded(made, terms), inflated_g))


def _rounded(sums: Floats, terms: Floats) -> Floats:
    """Sums, 0 where only rounding is left of their terms."""
    return np.where(np.abs(sums) > ROUNDING * terms, sums, 0.0)
