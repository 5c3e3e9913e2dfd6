"""Off-policy estimators: what other pages would bring, from the log of a policy that explores.

The item-position model: the outcome of a slot depends on its request, its place and the item in it,
not on the other items of the page. A logged slot then tells of the judged pages as far as they put
the same item there, and the more the rarer the log does so:

    weight = probability of the item at the place by the judged pages / by the log (its propensity)

    IPS    sum(weight outcome)                       unbiased where the log could have shown all
    SNIPS  sum(weight outcome) / sum(weight), times the slots of the judged pages
    DR     sum over judged slots(model) + sum(weight (outcome - model))

each over the requests (Horvitz and Thompson 1952; Swaminathan and Joachims, NeurIPS 2015; Dudik,
Langford and Li, ICML 2011; for slots, Li, Abbasi-Yadkori, Kveton et al., KDD 2018). DR is unbiased
where either the propensities or the model are right. A slot that the log could not have filled so
counts nothing in IPS, like an average one in SNIPS, and as the model says in DR. With q the true
outcome of a judged item, rho its probability and u the judged items without support, the bias is

    IPS  -sum over u of rho q              DR  sum over u of rho (model - q)

and SNIPS has one of order 1 / n besides (it is a ratio).

Intervals are the delta method's over shoppers, whose slots belong together. Axis suffixes:
N slots, U shoppers, E kinds of outcome.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.crossed import growth, ratio
from experiments.inference.offpolicy.support import refusal
from experiments.inference.offpolicy.totals import Totals
from experiments.records.interval import UNKNOWN, Interval

Floats = NDArray[np.float64]
Estimator = Literal["ips", "snips", "dr"]

ESTIMATORS: tuple[Estimator, ...] = ("ips", "snips", "dr")

FILLS_IN: frozenset[Estimator] = frozenset({"snips", "dr"})
"""Estimators that guess what the log does not support."""


@dataclass(frozen=True)
class PageValue:
    """A value per request, and its growth over what the log holds."""

    value: Interval = UNKNOWN
    relative: Interval = UNKNOWN


def estimates(totals: Totals, event: int, *, confidence: float) -> dict[Estimator, PageValue]:
    """What every estimator says of one kind of outcome; nothing where it is refused (`refusal`)."""
    diagnosis = totals.diagnosis
    found: dict[Estimator, PageValue] = dict.fromkeys(ESTIMATORS, PageValue())
    for estimator in ESTIMATORS:
        if not refusal(diagnosis, fills_in=estimator in FILLS_IN):
            total_U = estimated(totals, estimator)[event]
            logged_U, requests_U = totals.logged_EU[event], totals.requests_U
            found[estimator] = compared(total_U, logged_U, requests_U, confidence=confidence)
    return found


def estimated(totals: Totals, estimator: Estimator) -> Floats:
    """(E, U) an estimator's total of each shopper.

    SNIPS is no sum over shoppers. Its columns sum to its total, and vary over shoppers as its
    linearisation does (delta method).
    """
    if estimator == "ips":
        return totals.weighted_EU
    if estimator == "dr":
        return np.asarray(totals.modelled_EU + totals.residual_EU)
    weight, judged = totals.weights_U.sum(), totals.judged_U.sum()
    if not weight or not judged:
        return np.zeros(totals.weighted_EU.shape)
    scale = judged / weight
    total_E1 = scale * totals.weighted_EU.sum(axis=1, keepdims=True)
    return np.asarray(
        scale * totals.weighted_EU
        + total_E1 * (totals.judged_U / judged - totals.weights_U / weight)
    )


def compared(
    total_U: Floats, logged_U: Floats, requests_U: Floats, *, confidence: float
) -> PageValue:
    """Totals of shoppers per request, and their growth over the log's on the log scale."""
    total_1U, logged_1U, requests_1U = total_U[None], logged_U[None], requests_U[None]
    value = ratio(total_1U, requests_1U, confidence=confidence).interval
    if total_U.sum() < 0:  # a model may say less than nothing, of which there is no logarithm
        return PageValue(value)
    grown = growth(total_1U, requests_1U, logged_1U, requests_1U, confidence=confidence)
    return PageValue(value, grown.interval)
