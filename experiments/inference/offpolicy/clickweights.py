"""Click weights: what other pages would bring, from a log without exploration.

A log whose pages are not random (every propensity is 1) shows an item at one place and never at the
new one, so weights of pages say nothing. But whether the item is clicked is random, at the old
place and at the new one, and what a click brings is seen wherever it is made. So the click is
weighted:

    weight of an item = chance of a click on it on the judged page / on the logged page

    CIPS   sum(weight outcome)                                       over the clicks of a request
    CDR    sum over the judged page(chance' model) + sum(weight (outcome - model))

with chance' that of a click on the judged page, and model what a click on the item is predicted to
bring. CIPS is that of Tanaka, Kawamura, Muroi et al., "Off-Policy Evaluation for Ranking Policies
under Deterministic Logging Policies" (ICLR 2026, arXiv 2603.21485), of which the abstract, reviews
and conditions were read here, and not the appendix: the form of CDR is ours. Under the
position-based model a click is looking times liking, the item's liking is the same at both places,
and the weight is examination(new place) / examination(old place) (Li, Abbasi-Yadkori, Kveton et
al., KDD 2018; for deterministic logs, Wood et al., 2022, arXiv 2208.14980).

What is assumed. (1) Clicks follow the click model that gives the chances. (2) What a click on an
item brings depends on request and item, not on the rest of the page ("independence of potential
rewards"): a purchase is a choice among what was clicked, so there this is an approximation. (3) The
judged items are on the logged page, with some chance of a click. Of the others the log tells
nothing.

Bias. Of one request let P and P' be the true chances of a click on the logged and on the judged
page, v and v' the ratio used and the true one, q what a click brings on average, m its model and c'
the chance used for the judged page; s the judged items on the logged page, u the others. Then

    CIPS   sum over s of P' q (v / v' - 1)  -  sum over u of P' q
    CDR    sum over s of P' (v / v' - 1) (q - m) + (c' - P') m  +  sum over u of c' m - P' q

CIPS needs the ratio alone, CDR the chances too. Where these are right, CDR is unbiased on s
whatever the model and has less variance the better it is; a right model does not make up for wrong
chances. For clicks themselves (an outcome of 1 for each) CDR with a model of 1 is the click model's
own word.

Axis suffixes: P pages, K places, N slots, E kinds of outcome, D devices.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.offpolicy.moments import Moments
from experiments.inference.offpolicy.policyvalue import PolicyValue, policy_value
from experiments.inference.offpolicy.slots import Floats, Slots
from experiments.inference.offpolicy.support import CLICKS
from experiments.inference.offpolicy.totals import Totals
from simulator.errors import DataError

Ints = NDArray[np.integer]


@dataclass(frozen=True)
class JudgedPages:
    """P logged pages of at most K places, and the pages that are judged in their stead.

    Attributes:
        shopper_P: row of the shopper in the totals.
        logged_PK, judged_PK: items, -1 where there is none; no item twice on a page.
        clicked_PK: whether the logged item was clicked.
        outcomes_EPK: what the click brought; not looked at where there is none.
        chance_PK: chance of a click on the logged item at its place.
        judged_chance_PK: chance of a click on the judged item at its place. If liking is left out
            of both, weights are the same, `supported` counts looks, and CDR is not to be used.
            Where pages are random, both are means over all that may be shown.
        model_EPK, judged_model_EPK: what a click on the logged, the judged item is predicted to
            bring; zeros without a model.
    """

    shopper_P: Ints
    logged_PK: Ints
    judged_PK: Ints
    clicked_PK: NDArray[np.bool_]
    outcomes_EPK: Floats
    chance_PK: Floats
    judged_chance_PK: Floats
    model_EPK: Floats
    judged_model_EPK: Floats


def looked_at(examination_DK: Floats, device_P: Ints, items_PK: Ints) -> Floats:
    """(P, K) chance to look at each item of a page by a position-based model, 0 without an item.

    Args:
        examination_DK: chance to look at a place, by device; as of a fitted or a known model.
        device_P: number of the device.
        items_PK: items, -1 where there is none.
    """
    return np.where(items_PK >= 0, examination_DK[device_P, : items_PK.shape[1]], 0.0)


def click_slots(pages: JudgedPages) -> Slots:
    """Clicks as slots: those with a click are logged, and have its chance as propensity.

    Raises:
        DataError: an item twice on a page, or a chance that is none.
    """
    _check(pages)
    pages_, places = pages.logged_PK.shape
    target_PK, support_PK = np.zeros((pages_, places)), np.zeros((pages_, places))
    for place in range(places):  # pairs of places, one axis at a time: memory stays that of pages
        judged_P1 = pages.judged_PK[:, place : place + 1]
        same_PK = (pages.logged_PK == judged_P1) & (judged_P1 >= 0)
        target_PK += same_PK * pages.judged_chance_PK[:, place : place + 1]
        support_PK[:, place] = (same_PK * pages.chance_PK).sum(axis=1)
    clicked_PK = pages.clicked_PK & (pages.logged_PK >= 0)
    judged_PK = np.where(pages.judged_PK >= 0, pages.judged_chance_PK, 0.0)
    events = len(pages.outcomes_EPK)
    outcomes_EPK = np.where(clicked_PK, pages.outcomes_EPK, 0.0)
    return Slots(
        shopper_N=np.repeat(pages.shopper_P, places),
        first_N=np.tile(np.arange(places) == 0, pages_),
        logged_N=clicked_PK.ravel(),
        propensity_N=pages.chance_PK.ravel(),
        target_N=target_PK.ravel(),
        outcomes_EN=outcomes_EPK.reshape(events, -1),
        model_EN=np.where(clicked_PK, pages.model_EPK, 0.0).reshape(events, -1),
        judged_N=judged_PK.ravel(),
        chance_N=support_PK.ravel(),
        judged_model_EN=(pages.judged_model_EPK * judged_PK).reshape(events, -1),
    )


def click_values(totals: Totals, event: int, *, confidence: float) -> dict[str, PolicyValue]:
    """What CIPS and CDR say of one kind of outcome, per request, over shoppers.

    Args:
        totals: of `click_slots`.
        event: which kind of outcome.
        confidence: level of the intervals.
    """
    moments, diagnosis = Moments.of(totals, event), totals.diagnosis
    said = {
        "cips": moments.linear({"weighted": 1.0}, confidence=confidence),
        "cdr": moments.linear({"doubly": 1.0}, confidence=confidence),
    }
    return {
        name: policy_value(
            name, value, diagnosis, moments.events, fills_in=name == "cdr", wording=CLICKS
        )
        for name, value in said.items()
    }


def _check(pages: JudgedPages) -> None:
    for name in ("logged_PK", "judged_PK"):
        items_PK = np.sort(getattr(pages, name), axis=1)
        twice_PK = (np.diff(items_PK, axis=1) == 0) & (items_PK[:, 1:] >= 0)
        if twice_PK.any():
            page = int(np.flatnonzero(twice_PK.any(axis=1))[0])
            raise DataError(f"{name}[{page}] == an item twice, must be there once")
    for name, items in (("chance_PK", "logged_PK"), ("judged_chance_PK", "judged_PK")):
        chance_PK, real_PK = getattr(pages, name), getattr(pages, items) >= 0
        wrong_PK = real_PK & ~((chance_PK > 0) & (chance_PK <= 1))
        if wrong_PK.any():
            raise DataError(f"{name} == {chance_PK[wrong_PK][0]}, must be > 0 and <= 1")
