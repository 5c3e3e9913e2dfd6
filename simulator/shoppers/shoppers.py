"""Who comes: heterogeneous shoppers, their public columns and their latent traits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints, ItemTruth
from simulator.protocols import DAY
from simulator.randomness import Draws
from simulator.shoppers.settings import ShopperSpec

PHONE = 0  # of `device_S`; 1 is a desktop


AGE_BANDS = 6
_GENDER_EDGES = (0.47, 0.94)  # the rest did not say
_GROUPS = (len(_GENDER_EDGES) + 1) * AGE_BANDS

Reals = NDArray[np.float32]


@dataclass(frozen=True)
class Shoppers:
    """S shoppers. Device, gender and age are public; the rest is latent.

    Attributes:
        device_S, gender_S, age_S: public columns, see `Requests`.
        slots_S: results on a page of the shopper's device.
        rate_S: mean visits per day.
        affinity_SD: cumulative probability of a need in each department.
        taste_ST, drift_ST: taste vector on day 0 and the direction in which it turns.
        budget_S: log of the price one is ready to pay relative to the category's mean.
        sensitivity_S: utility lost per unit of log price over the budget, won below it.
        loyalty_S, favourite_S: utility of the favourite brand, and which one it is (-1 none).
        patience_S: mean number of requests in one visit.
        tolerance_S: mean time after which a waiting shopper leaves (seconds).
        taste_drift: turn of the taste vector per day (radians).
    """

    device_S: NDArray[np.int8]
    gender_S: NDArray[np.int8]
    age_S: NDArray[np.int8]
    slots_S: NDArray[np.int16]
    rate_S: Reals
    affinity_SD: Reals
    taste_ST: Reals
    drift_ST: Reals
    budget_S: Reals
    sensitivity_S: Reals
    loyalty_S: Reals
    favourite_S: Ints
    patience_S: Reals
    tolerance_S: Reals
    taste_drift: float

    def __len__(self) -> int:
        return len(self.device_S)

    def tastes(self, shopper_B: NDArray[np.int64], at_B: NDArray[np.float64]) -> Reals:
        """(B, T) taste vectors at simulated seconds at_B; a slow turn keeps their length."""
        angle_B = (self.taste_drift * at_B / DAY).astype(np.float32)[:, None]
        turned_BT = np.cos(angle_B) * self.taste_ST[shopper_B]
        turned_BT += np.sin(angle_B) * self.drift_ST[shopper_B]
        return turned_BT


def make_shoppers(
    spec: ShopperSpec, truth: ItemTruth, department_weight_D: NDArray[np.float64], draws: Draws
) -> Shoppers:
    """Draw the population; shopper s is the same whatever `spec.count` is.

    Args:
        department_weight_D: share of all needs in each department.
    """
    shopper_S = np.arange(spec.count, dtype=np.int64)
    tastes = truth.vector_IT.shape[1]
    device_S = np.where(draws.uniform("shopper.device", shopper_S) < spec.phone_share, 0, 1)

    def normal(purpose: str) -> Reals:
        return np.asarray(draws.normal(purpose, shopper_S), np.float32)

    def positive(purpose: str, mean: float, sigma: float) -> Reals:
        return np.asarray(mean * np.exp(sigma * normal(purpose) - sigma**2 / 2), np.float32)

    gender_S = np.searchsorted(_GENDER_EDGES, draws.uniform("shopper.gender", shopper_S))
    age_S = (AGE_BANDS * draws.uniform("shopper.age", shopper_S)).astype(np.int64)
    group_S = gender_S * AGE_BANDS + age_S

    def leanings(purpose: str, axes: int) -> NDArray[np.float64]:
        """(S, axes) standard normal traits, in part those of one's gender and age."""
        axis_A, part = np.arange(axes), spec.demographics
        own_SA = draws.normal(purpose, shopper_S[:, None], slot=axis_A)
        groups_GA = draws.normal(f"{purpose}.group", np.arange(_GROUPS)[:, None], slot=axis_A)
        return np.asarray(np.sqrt(part) * groups_GA[group_S] + np.sqrt(1 - part) * own_SA)

    return Shoppers(
        device_S=device_S.astype(np.int8),
        gender_S=gender_S.astype(np.int8),
        age_S=age_S.astype(np.int8),
        slots_S=np.where(device_S == PHONE, spec.phone_slots, spec.desktop_slots).astype(np.int16),
        rate_S=positive("shopper.rate", spec.visits_per_week / 7, spec.activity_sigma),
        affinity_SD=_affinities(
            department_weight_D,
            spec.affinity_sigma * leanings("shopper.affinity", len(department_weight_D)),
        ),
        taste_ST=leanings("shopper.taste", tastes).astype(np.float32),
        drift_ST=leanings("shopper.drift", tastes).astype(np.float32),
        budget_S=spec.budget_sigma * normal("shopper.budget"),
        sensitivity_S=positive("shopper.sensitivity", spec.price_sensitivity, 0.4),
        loyalty_S=positive("shopper.loyalty", spec.loyalty, 0.5),
        favourite_S=_favourite_brands(truth, shopper_S, draws),
        patience_S=1 + positive("shopper.patience", spec.patience - 1, 0.5),
        tolerance_S=positive("shopper.tolerance", spec.tolerance, 0.5),
        taste_drift=spec.taste_drift,
    )


def _affinities(department_weight_D: NDArray[np.float64], leaning_SD: NDArray[np.float64]) -> Reals:
    """(S, D) cumulative shares: the market's, bent by each shopper's leanings."""
    cumulative_SD = np.cumsum(department_weight_D * np.exp(leaning_SD), axis=1)
    return np.asarray(cumulative_SD / cumulative_SD[:, -1:], np.float32)


def _favourite_brands(truth: ItemTruth, shopper_S: NDArray[np.int64], draws: Draws) -> Ints:
    """The brand of an item drawn by demand, so that large brands have many followers."""
    cumulative_I = np.cumsum(truth.demand_I)
    point_S = draws.uniform("shopper.favourite", shopper_S) * cumulative_I[-1]
    return np.asarray(truth.brand_I[np.searchsorted(cumulative_I, point_S)])
