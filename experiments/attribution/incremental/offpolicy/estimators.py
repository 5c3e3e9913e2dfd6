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
counts nothing in IPS, like an average one in SNIPS, and as the model says in DR.

Intervals are the delta method's over shoppers, whose slots belong together. Axis suffixes:
N slots, U shoppers, E kinds of outcome.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.crossed import growth, ratio
from experiments.records.attribution import OFF_POLICY
from experiments.records.interval import UNKNOWN, Interval
from simulator.errors import DataError

Floats = NDArray[np.float64]
Estimator = Literal["ips", "snips", "dr"]

ESTIMATORS: tuple[Estimator, ...] = ("ips", "snips", "dr")

LEAST_EFFECTIVE = 10.0
"""Effective slots below which nothing is estimated. All the limits here are conventions of ours."""

MOSTLY_GUESSED = 0.5
"""Supported share below which SNIPS and DR, which fill in the rest, estimate nothing."""

FEW_EFFECTIVE = 100.0
FEW_EFFECTIVE_SHARE = 0.01
LEAST_SUPPORTED = 0.95
GREAT_WEIGHT = 1_000.0


@dataclass(frozen=True)
class Slots:
    """N slots of logged requests, each as it was logged and as it is judged.

    Attributes:
        shopper_N: row of the shopper in the totals.
        first_N: whether it is the first slot of its request; every request has one.
        logged_N: whether the log shows something here.
        propensity_N: probability of the logged item here by the log, in (0, 1].
        target_N: the same by the judged pages: 1 or 0 where these are not random.
        outcomes_EN: of the logged item.
        model_EN: what is predicted of the logged item.
        judged_N: slots that the judged pages fill here.
        supported_N: those of them whose item the log could have shown here.
        judged_model_EN: what is predicted of the judged item, 0 where there is none.
    """

    shopper_N: NDArray[np.integer]
    first_N: NDArray[np.bool_]
    logged_N: NDArray[np.bool_]
    propensity_N: Floats
    target_N: Floats
    outcomes_EN: Floats
    model_EN: Floats
    judged_N: NDArray[np.bool_]
    supported_N: NDArray[np.bool_]
    judged_model_EN: Floats


@dataclass(frozen=True)
class Totals:
    """Sums over the slots of each of U shoppers.

    Attributes:
        requests_U, slots_U, judged_U, supported_U: how many requests, logged slots, judged slots,
            and of these how many the log supports.
        random_U: logged slots that might have held another item.
        weights_U, squares_U, largest_U: of the weights.
        logged_EU: outcomes of the log.
        weighted_EU: weight times outcome.
        modelled_EU: the model's outcomes of the judged slots.
        residual_EU: weight times (outcome - model).
    """

    requests_U: Floats
    slots_U: Floats
    judged_U: Floats
    supported_U: Floats
    random_U: Floats
    weights_U: Floats
    squares_U: Floats
    largest_U: Floats
    logged_EU: Floats
    weighted_EU: Floats
    modelled_EU: Floats
    residual_EU: Floats

    @classmethod
    def empty(cls, events: int, shoppers: int) -> "Totals":
        """Nothing added yet."""
        counts = (np.zeros(shoppers) for _ in range(8))
        sums = (np.zeros((events, shoppers)) for _ in range(4))
        return cls(*counts, *sums)

    def add(self, slots: Slots) -> None:
        """Add slots to the totals of their shoppers, one after the other: the same bits however
        they are cut into batches.

        Raises:
            DataError: a propensity outside (0, 1].
        """
        logged_N, propensity_N = slots.logged_N, slots.propensity_N
        wrong_N = logged_N & ~((propensity_N > 0) & (propensity_N <= 1))
        if wrong_N.any():
            raise DataError(f"propensity == {propensity_N[wrong_N][0]}, must be > 0 and <= 1")
        weight_N = np.where(logged_N, slots.target_N / np.where(logged_N, propensity_N, 1.0), 0.0)
        added = {
            "requests_U": slots.first_N,
            "slots_U": logged_N,
            "judged_U": slots.judged_N,
            "supported_U": slots.judged_N & slots.supported_N,
            "random_U": logged_N & (propensity_N < 1),
            "weights_U": weight_N,
            "squares_U": weight_N**2,
            "logged_EU": slots.outcomes_EN * logged_N,
            "weighted_EU": slots.outcomes_EN * weight_N,
            "modelled_EU": slots.judged_model_EN,
            "residual_EU": (slots.outcomes_EN - slots.model_EN) * weight_N,
        }
        for name, value in added.items():
            np.add.at(getattr(self, name).T, slots.shopper_N, value.T)
        np.maximum.at(self.largest_U, slots.shopper_N, weight_N)


@dataclass(frozen=True)
class Diagnosis:
    """How far a log can tell of other pages.

    Attributes:
        supported: share of the judged slots whose item the log could have shown there.
        effective: effective sample size sum(w)^2 / sum(w^2) (Kish 1965), in slots.
        largest: largest weight.
        slots: of the log.
        explores: whether any of them might have held another item.
    """

    supported: float | None
    effective: float
    largest: float
    slots: int
    explores: bool


def diagnose(totals: Totals) -> Diagnosis:
    """What the weights are worth."""
    judged, squares = totals.judged_U.sum(), totals.squares_U.sum()
    return Diagnosis(
        supported=float(totals.supported_U.sum() / judged) if judged else None,
        effective=float(totals.weights_U.sum() ** 2 / squares) if squares else 0.0,
        largest=float(totals.largest_U.max(initial=0.0)),
        slots=int(totals.slots_U.sum()),
        explores=bool(totals.random_U.sum()),
    )


def doubts(diagnosis: Diagnosis, arm: str, logged: str) -> list[str]:
    """Why estimates of an arm's pages from another's log are not to be believed; [] if nothing."""
    effective, slots, supported = diagnosis.effective, diagnosis.slots, diagnosis.supported
    said = []
    left = f"the weights leave {effective:,.3g} effective slots of {slots:,}"
    if effective < LEAST_EFFECTIVE:
        said.append(f"{left}, fewer than {LEAST_EFFECTIVE:.0f}: no estimate is given")
    elif effective < FEW_EFFECTIVE or effective < FEW_EFFECTIVE_SHARE * slots:
        limit = f"{FEW_EFFECTIVE:.0f} or {FEW_EFFECTIVE_SHARE:.0%} of them"
        said.append(f"{left}, fewer than {limit}: do not trust the intervals")
    if supported is not None and supported < LEAST_SUPPORTED:
        then = ", SNIPS the average and DR what its model says"
        if supported < MOSTLY_GUESSED:
            then = ", and SNIPS and DR, which would guess most, are not given"
        said.append(
            f"{supported:.1%} of the judged slots hold an item that the log could have shown "
            f"there, less than {LEAST_SUPPORTED:.0%}: of the others IPS counts nothing{then}"
        )
    if not diagnosis.explores:
        said.append(
            "the log has no exploration (funnel.exploration), every propensity is 1: estimates "
            "are of those slots alone in which both arms agree, and biased"
        )
    if diagnosis.largest > GREAT_WEIGHT:
        said.append(
            f"the largest weight is {diagnosis.largest:,.0f}, more than {GREAT_WEIGHT:,.0f}: one "
            "slot may decide"
        )
    return [f"{OFF_POLICY}{arm} by the log of {logged}: {sentence}" for sentence in said]


@dataclass(frozen=True)
class PageValue:
    """A value per request, and its growth over what the log holds."""

    value: Interval = UNKNOWN
    relative: Interval = UNKNOWN


def estimates(totals: Totals, event: int, *, confidence: float) -> dict[Estimator, PageValue]:
    """What every estimator says of one kind of outcome.

    None says anything where weights leave fewer than `LEAST_EFFECTIVE` slots; SNIPS and DR do not
    where the log supports less than `MOSTLY_GUESSED` of the judged slots.
    """
    diagnosis = diagnose(totals)
    found: dict[Estimator, PageValue] = dict.fromkeys(ESTIMATORS, PageValue())
    given: tuple[Estimator, ...] = ESTIMATORS
    if diagnosis.supported is None or diagnosis.supported < MOSTLY_GUESSED:
        given = ("ips",)
    for estimator in given if diagnosis.effective >= LEAST_EFFECTIVE else ():
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
