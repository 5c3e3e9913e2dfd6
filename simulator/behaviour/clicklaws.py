"""How the clicks of a page hang together, and what follows for choices: one law a click model."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from simulator.behaviour import clickchains, tastechains
from simulator.behaviour.choices import (
    Basket,
    Choices,
    Known,
    choice_chances,
    clipped,
    known_taste,
)

Floats = NDArray[np.float64]


class Law(Protocol):
    """The joint distribution of the clicks on B pages of K slots."""

    @property
    def click_BK(self) -> Floats:
        """(B, K) chance of a click."""

    @property
    def clickless_B(self) -> Floats:
        """(B,) chance of no click at all."""

    def chances(self, gain_BK: Floats, basket: Basket, discontent_BK: Floats) -> Choices:
        """Chances of the first and the second choice, of the cart, and that a need stays open.

        Args:
            gain_BK: true utility less that of the outside option (logits). NaN, and minus
                infinity, is clicked but never chosen.
            basket: what the cart and a second choice ask for.
            discontent_BK: chance that a click on the item leaves the shopper discontent; it never
                rises with the gain.
        """

    def known(
        self, gain_BK: Floats, basket: Basket, discontent_BK: Floats, taste_BMK: Floats
    ) -> Known:
        """The same where the shopper's taste shocks are known, (B, M, K) logits."""


@dataclass(frozen=True)
class Independent:
    """Clicks that do not depend on each other."""

    click_BK: Floats

    @property
    def clickless_B(self) -> Floats:
        """See `Law`."""
        return np.asarray((1 - self.click_BK).prod(axis=1))

    def chances(self, gain_BK: Floats, basket: Basket, discontent_BK: Floats) -> Choices:
        """See `Law`."""
        return choice_chances(self.click_BK, gain_BK, basket, discontent_BK)

    def known(
        self, gain_BK: Floats, basket: Basket, discontent_BK: Floats, taste_BMK: Floats
    ) -> Known:
        """See `Law`."""
        return known_taste(self.click_BK, gain_BK, basket, discontent_BK, taste_BMK)


@dataclass(frozen=True)
class OneClick:
    """Clicks that exclude each other."""

    click_BK: Floats

    @property
    def clickless_B(self) -> Floats:
        """See `Law`."""
        return np.asarray(1 - self.click_BK.sum(axis=1))

    def chances(self, gain_BK: Floats, basket: Basket, discontent_BK: Floats) -> Choices:
        """See `Law`."""
        bought_BK = np.nan_to_num(expit(gain_BK))
        first_BK = self.click_BK * bought_BK
        stays_BK = self.click_BK * np.nan_to_num(discontent_BK) * (1 - bought_BK)
        carted_BK = self.click_BK * np.nan_to_num(expit(gain_BK + basket.margin))
        open_B = self.clickless_B + stays_BK.sum(axis=1)
        return Choices(first_BK, np.zeros(first_BK.shape), carted_BK, open_B)

    def known(
        self, gain_BK: Floats, basket: Basket, discontent_BK: Floats, taste_BMK: Floats
    ) -> Known:
        """See `Law`."""
        value_BMK = np.nan_to_num(gain_BK, nan=-np.inf)[:, None] + taste_BMK
        with np.errstate(over="ignore"):
            bought_BMK = np.exp(-np.exp(-value_BMK))
            carted_BMK = np.exp(-np.exp(-value_BMK - basket.margin))
        click_B1K = self.click_BK[:, None]
        stays_BMK = click_B1K * np.nan_to_num(discontent_BK)[:, None] * (1 - bought_BMK)
        first_BMK = click_B1K * bought_BMK
        open_BM = self.clickless_B[:, None] + stays_BMK.sum(axis=2)
        return Known(first_BMK, np.zeros(first_BMK.shape), click_B1K * carted_BMK, open_BM)


@dataclass(frozen=True)
class Chain:
    """Clicks that follow each other down the page, see `simulator.behaviour.clickchains`.

    Attributes:
        attraction_BK: chance of a click on an examined result.
        looks_DCK: (2, K + 1, K) chance to look at slot k after a click on slot c - 1, or after none
            (c = 0), on a desktop (row 0) and a phone (row 1).
        phone_B: whether the page is seen on a phone.
        ends_BK: chance that a click ends the reading, and makes content; None: none does, and the
            best of what was clicked makes content.
        reads_on: whoever does not look at a slot looks at nothing below it.
    """

    attraction_BK: Floats
    looks_DCK: Floats
    phone_B: NDArray[np.bool_]
    ends_BK: Floats | None
    reads_on: bool
    click_BK: Floats = field(init=False)
    clickless_B: Floats = field(init=False)

    def __post_init__(self) -> None:
        found = np.zeros(self.attraction_BK.shape), np.ones(len(self.attraction_BK))
        clickchains.click_chances(*self._pages(), *found)
        for name, column in zip(("click_BK", "clickless_B"), found, strict=True):
            object.__setattr__(self, name, column)

    def chances(self, gain_BK: Floats, basket: Basket, discontent_BK: Floats) -> Choices:
        """See `Law`; exact up to 1e-10."""
        shape = gain_BK.shape
        found = Choices(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.ones(shape[0]))
        rates_BK = np.exp(clipped(gain_BK))
        discontent_BK = np.nan_to_num(discontent_BK, nan=1.0)
        by_best = self.ends_BK is None
        asked = by_best, rates_BK, discontent_BK, *basket.rates
        clickchains.choices(*self._pages(), *asked, *found)
        return found

    def known(
        self, gain_BK: Floats, basket: Basket, discontent_BK: Floats, taste_BMK: Floats
    ) -> Known:
        """See `Law`; exact up to 1e-12."""
        shape = taste_BMK.shape
        found = Known(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.ones(shape[:2]))
        gain_BK = clipped(gain_BK)
        discontent_BK = np.nan_to_num(discontent_BK, nan=1.0)
        by_best = self.ends_BK is None
        asked = by_best, gain_BK, discontent_BK, *basket.rates, taste_BMK
        tastechains.known(*self._pages(), *asked, *found)
        return found

    def _pages(self) -> tuple[Floats, Floats, NDArray[np.intp], Floats, bool]:
        """What the kernels ask of the pages."""
        ends_BK = np.zeros(self.attraction_BK.shape) if self.ends_BK is None else self.ends_BK
        device_B = self.phone_B.astype(np.intp)
        return self.attraction_BK, self.looks_DCK, device_B, ends_BK, self.reads_on
