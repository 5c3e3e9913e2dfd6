"""How a page is looked at: click models of the literature behind one signature."""

from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.calling import blaming, call
from simulator.errors import ContractError
from simulator.plugins import Kind
from simulator.spec import Spec

Reals = NDArray[np.float32]
Flags = NDArray[np.bool_]
Chances = NDArray[np.float64]

CLICK_MODEL: Final = Kind(
    "a click model", called_with=("attraction_BK", "phone_B", "look_BK", "click_BK")
)


class ClickModel(Protocol):
    """From attraction to looks and clicks."""

    def __call__(
        self, attraction_BK: Reals, phone_B: Flags, look_BK: Reals, click_BK: Reals
    ) -> tuple[Flags, Flags]:
        """Which slots are examined and which are clicked.

        Args:
            attraction_BK: probability of a click on an examined result, 0 on padding.
            phone_B: whether the page is seen on a phone.
            look_BK, click_BK: uniform draws of the slot and of the item.

        Returns:
            (B, K) examined, (B, K) clicked; a click implies examination.
        """


class PositionBased(Spec):
    """PBM: slot k is examined with probability (1/k)^eta (Craswell et al., WSDM 2008)."""

    type: Literal["pbm"] = "pbm"
    eta_phone: float = Field(0.9, ge=0, description="decay of examination on a phone")
    eta_desktop: float = Field(0.6, ge=0, description="decay of examination on a desktop")

    def examination(self, slots: int) -> Reals:
        """(2, slots) examination probability on desktop (row 0) and phone (row 1)."""
        slot_K = np.arange(1, slots + 1, dtype=np.float32)
        eta_D = np.array([[self.eta_desktop], [self.eta_phone]], np.float32)
        return np.asarray(slot_K**-eta_D, np.float32)

    def __call__(
        self, attraction_BK: Reals, phone_B: Flags, look_BK: Reals, click_BK: Reals
    ) -> tuple[Flags, Flags]:
        """Examination depends on the slot alone, a click on the examined result alone."""
        chance_BK = self.examination(attraction_BK.shape[1])[phone_B.astype(np.intp)]
        examined_BK = look_BK < chance_BK
        return examined_BK, examined_BK & (click_BK < attraction_BK)

    def click_chances(self, attraction_BK: Reals, phone_B: Flags) -> Chances:
        """(B, K) chance of a click; clicks of one page do not depend on each other."""
        chance_BK = self.examination(attraction_BK.shape[1])[phone_B.astype(np.intp)]
        return chance_BK.astype(np.float64) * attraction_BK


class Cascade(Spec):
    """Cascade: read from the top, stop at the first click (Craswell et al., WSDM 2008).

    `persistence` below 1 lets the reader give up between two results, as every real one does;
    1 is the cascade as published.
    """

    type: Literal["cascade"] = "cascade"
    persistence_phone: float = Field(0.9, gt=0, le=1, description="chance to read on, on a phone")
    persistence_desktop: float = Field(0.95, gt=0, le=1, description="chance to read on, desktop")

    def __call__(
        self, attraction_BK: Reals, phone_B: Flags, look_BK: Reals, click_BK: Reals
    ) -> tuple[Flags, Flags]:
        """At most one click per page; nothing below it is examined."""
        goes_on_BK = look_BK < self._persistence(phone_B)[:, None]
        goes_on_BK[:, 0] = True
        would_click_BK = click_BK < attraction_BK
        clicks_above_BK: NDArray[np.int64] = np.cumsum(would_click_BK, axis=1) - would_click_BK
        examined_BK = np.logical_and.accumulate(goes_on_BK, axis=1) & (clicks_above_BK == 0)
        return examined_BK, examined_BK & would_click_BK

    def click_chances(self, attraction_BK: Reals, phone_B: Flags) -> Chances:
        """(B, K) chance of the click; those of one page exclude each other."""
        chance_BK = attraction_BK.astype(np.float64)
        reads_on_BK = self._persistence(phone_B)[:, None] * (1 - chance_BK[:, :-1])
        reached_BK = np.ones(chance_BK.shape)
        reached_BK[:, 1:] = np.cumprod(reads_on_BK, axis=1)
        return reached_BK * chance_BK

    def _persistence(self, phone_B: Flags) -> Chances:
        return np.where(phone_B, self.persistence_phone, self.persistence_desktop)


class CustomClickModel(Spec):
    """A user's own click model: an object that, called with `options`, gives a `ClickModel`."""

    type: Literal["custom"] = "custom"
    object: str = Field(description="MODULE:OBJECT")
    options: dict[str, Any] = Field({}, description="keyword arguments of the object")

    def code(self) -> tuple[str, ...]:
        """The module of the model."""
        return (CLICK_MODEL.module(self.object),)

    def made(self) -> ClickModel:
        """The user's model, held to its contract at every call.

        Raises:
            ContractError: nothing of that name, or an object that refuses its options.
        """
        made: ClickModel = CLICK_MODEL.make(self.object, options=self.options)
        return CheckedClickModel(made, f"{self.object}()")

    def check(self) -> None:
        """Make the model and show it two pages with three results each.

        Raises:
            ContractError: it cannot be made, or does not say what is examined and clicked.
        """
        attraction_BK = np.zeros((2, 5), np.float32)
        attraction_BK[:, :3] = 0.9
        luck_BK = np.full((2, 5), 0.5, np.float32)
        self.made()(attraction_BK, np.array([True, False]), luck_BK, luck_BK)


class CheckedClickModel:
    """A user's click model whose every answer is checked; it cannot write into what it is given.

    Args:
        model: the user's.
        place: how it is called, for errors.
    """

    def __init__(self, model: ClickModel, place: str) -> None:
        self._model = model
        self._place = f"{place}(...)"

    def __call__(
        self, attraction_BK: Reals, phone_B: Flags, look_BK: Reals, click_BK: Reals
    ) -> tuple[Flags, Flags]:
        """What the model says.

        Raises:
            ContractError: it raised, or its answer breaks the contract.
        """
        place, shape = self._place, attraction_BK.shape
        with blaming(place, "return what is examined and what is clicked"):
            examined_BK, clicked_BK = call(
                place, self._model, attraction_BK, phone_B, look_BK, click_BK
            )
        for what, found_BK in (("examined", examined_BK), ("clicked", clicked_BK)):
            if np.shape(found_BK) != shape or np.asarray(found_BK).dtype != np.bool_:
                found = f"{np.asarray(found_BK).dtype} of shape {np.shape(found_BK)}"
                raise ContractError(f"{place}.{what} == {found}, must be bool of shape {shape}")
        if (clicked_BK & ~examined_BK).any():
            raise ContractError(
                f"{place}.clicked == True where not examined, must be examined first"
            )
        return examined_BK, clicked_BK
