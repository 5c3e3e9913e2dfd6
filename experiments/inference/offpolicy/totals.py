"""Sums over the slots of each shopper: all that the estimators need."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.offpolicy.slots import Slots
from experiments.inference.offpolicy.support import (
    ROUNDED,
    WEAK_WEIGHT,
    Diagnosis,
    effective_size,
)
from simulator.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """Sums over the slots of each of U shoppers.

    Attributes:
        requests_U, slots_U: how many requests and logged slots.
        judged_U: how many judged slots.
        supported_U, weak_U: how many of these the log could have shown; and how many it shows too
            seldom (a weight above `WEAK_WEIGHT`) or never.
        random_U: logged slots that might have held another item.
        weights_U, squares_U, largest_U: of the weights.
        logged_EU: outcomes of the log.
        weighted_EU: weight times outcome.
        kept_EU: the same where the support is not weak.
        modelled_EU: the model's outcomes of the judged slots.
        residual_EU: weight times (outcome - model).
    """

    requests_U: Floats
    slots_U: Floats
    judged_U: Floats
    supported_U: Floats
    weak_U: Floats
    random_U: Floats
    weights_U: Floats
    squares_U: Floats
    largest_U: Floats
    logged_EU: Floats
    weighted_EU: Floats
    kept_EU: Floats
    modelled_EU: Floats
    residual_EU: Floats

    @classmethod
    def empty(cls, events: int, shoppers: int) -> "Totals":
        """Nothing added yet."""
        counts = (np.zeros(shoppers) for _ in range(9))
        sums = (np.zeros((events, shoppers)) for _ in range(5))
        return cls(*counts, *sums)

    @classmethod
    def of(cls, slots: Slots, shoppers: int) -> "Totals":
        """The totals of all slots at once.

        Raises:
            DataError: as of `add`.
        """
        totals = cls.empty(len(slots.outcomes_EN), shoppers)
        totals.add(slots)
        return totals

    def add(self, slots: Slots) -> None:
        """Add slots to the totals of their shoppers, one after the other: the same bits however
        they are cut into batches.

        Raises:
            DataError: a propensity outside (0, 1], or a probability that is none.
        """
        weight_N = _weights(slots)
        judged_N, logged_N = slots.judged_N.astype(np.float64), slots.logged_N
        kept_N = weight_N <= ROUNDED * WEAK_WEIGHT
        added = {
            "requests_U": slots.first_N,
            "slots_U": logged_N,
            "judged_U": judged_N,
            "supported_U": judged_N * (slots.chance_N > 0),
            "weak_U": judged_N * (judged_N > ROUNDED * WEAK_WEIGHT * slots.chance_N),
            "random_U": logged_N & (slots.propensity_N < 1),
            "weights_U": weight_N,
            "squares_U": weight_N**2,
            "logged_EU": slots.outcomes_EN * logged_N,
            "weighted_EU": slots.outcomes_EN * weight_N,
            "kept_EU": slots.outcomes_EN * (weight_N * kept_N),
            "modelled_EU": slots.judged_model_EN,
            "residual_EU": (slots.outcomes_EN - slots.model_EN) * weight_N,
        }
        for name, value in added.items():
            np.add.at(getattr(self, name).T, slots.shopper_N, value.T)
        np.maximum.at(self.largest_U, slots.shopper_N, weight_N)

    @property
    def diagnosis(self) -> Diagnosis:
        """What the weights are worth."""
        judged = self.judged_U.sum()
        return Diagnosis(
            supported=float(self.supported_U.sum() / judged) if judged else None,
            effective=float(effective_size(self.weights_U.sum(), self.squares_U.sum())),
            largest=float(self.largest_U.max(initial=0.0)),
            slots=int(self.slots_U.sum()),
            explores=bool(self.random_U.sum()),
            burden=float(self.weak_U.sum() / judged) if judged else None,
        )


def _weights(slots: Slots) -> Floats:
    """(N,) how much more often the judged pages show the logged item than the log does."""
    logged_N, propensity_N = slots.logged_N, slots.propensity_N
    wrong_N = logged_N & ~((propensity_N > 0) & (propensity_N <= 1))
    if wrong_N.any():
        raise DataError(f"propensity == {propensity_N[wrong_N][0]}, must be > 0 and <= 1")
    for name in ("target_N", "judged_N", "chance_N"):
        value_N = np.asarray(getattr(slots, name), np.float64)
        wrong_N = ~((value_N >= 0) & (value_N <= ROUNDED))
        if wrong_N.any():
            raise DataError(f"{name} == {value_N[wrong_N][0]}, must be >= 0 and <= 1")
    return np.where(logged_N, slots.target_N / np.where(logged_N, propensity_N, 1.0), 0.0)
