"""How a page is looked at: click models of the literature behind one signature.

The models are settings, which whoever reads settings loads. So what follows from a model (its
`law`) is loaded when it is asked for: that takes scipy and numba.
"""

from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.calling import blaming, call
from simulator.errors import ContractError
from simulator.plugins import Kind
from simulator.spec import Spec

if TYPE_CHECKING:
    from simulator.behaviour.clicklaws import Law

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


class KnownClickModel(ClickModel, Protocol):
    """One whose clicks have a law in closed form."""

    def law(self, attraction_BK: Reals, phone_B: Flags, discontent_BK: Chances) -> "Law":
        """How clicks hang together over the luck of looks and clicks, and of being content.

        Args:
            attraction_BK, phone_B: see `ClickModel`.
            discontent_BK: chance that a click on the item leaves the shopper discontent.
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

    def law(self, attraction_BK: Reals, phone_B: Flags, discontent_BK: Chances) -> "Law":
        """See `KnownClickModel`."""
        from simulator.behaviour.clicklaws import Independent

        return Independent(self.click_chances(attraction_BK, phone_B))


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

    def law(self, attraction_BK: Reals, phone_B: Flags, discontent_BK: Chances) -> "Law":
        """See `KnownClickModel`."""
        from simulator.behaviour.clicklaws import OneClick

        return OneClick(self.click_chances(attraction_BK, phone_B))

    def _persistence(self, phone_B: Flags) -> Chances:
        return np.where(phone_B, self.persistence_phone, self.persistence_desktop)


class DynamicBayesian(Spec):
    """DBN: read from the top until a click satisfies (Chapelle & Zhang, WWW 2009).

    Satisfaction is this world's own: a click on an item makes content with the chance
    `expit(true utility - satisfaction)`, of each click by itself, and whoever is content reads no
    further and has met the need. So the log's `satisfied` and the end of the reading are one and
    the same. (Under the other models the best of all that was clicked decides, once it is read.)
    Anyone else goes on to the next result with the chance of perseverance, clicked or not.
    """

    type: Literal["dbn"] = "dbn"
    perseverance_phone: float = Field(0.9, gt=0, le=1, description="chance to read on, on a phone")
    perseverance_desktop: float = Field(0.95, gt=0, le=1, description="chance to read on, desktop")

    def __call__(
        self,
        attraction_BK: Reals,
        phone_B: Flags,
        look_BK: Reals,
        click_BK: Reals,
        satisfies_BK: Flags | None = None,
    ) -> tuple[Flags, Flags]:
        """See `ClickModel`.

        Args:
            attraction_BK, phone_B, look_BK, click_BK: see there.
            satisfies_BK: whether a click on the item would end the reading; None: nothing would.
        """
        goes_on_BK = look_BK < self._perseverance(phone_B)[:, None]
        goes_on_BK[:, :1] = True
        would_click_BK = click_BK < attraction_BK
        ends_BK = np.zeros_like(would_click_BK) if satisfies_BK is None else satisfies_BK
        ends_BK = would_click_BK & ends_BK
        ended_above_BK: NDArray[np.int64] = np.cumsum(ends_BK, axis=1) - ends_BK
        examined_BK = np.logical_and.accumulate(goes_on_BK, axis=1) & (ended_above_BK == 0)
        return examined_BK, examined_BK & would_click_BK

    def law(self, attraction_BK: Reals, phone_B: Flags, discontent_BK: Chances) -> "Law":
        """See `KnownClickModel`."""
        from simulator.behaviour.clicklaws import Chain

        slots = attraction_BK.shape[1]
        looks_DCK = np.ones((2, slots + 1, slots))
        looks_DCK[:, :, 1:] = self._perseverance(np.array([False, True]))[:, None, None]
        ends_BK = 1 - np.nan_to_num(discontent_BK, nan=1.0)
        return Chain(attraction_BK.astype(np.float64), looks_DCK, phone_B, ends_BK, reads_on=True)

    def _perseverance(self, phone_B: Flags) -> Chances:
        return np.where(phone_B, self.perseverance_phone, self.perseverance_desktop)


class UserBrowsing(Spec):
    """UBM: examination depends on rank and distance to the last click (Dupret & Piwowarski, 2008).

    Slot k is examined with chance (1/k)^eta (1/d)^theta, where the last click was d slots above;
    before the first click d is k, as published. So until the first click this is the position-based
    model of slope eta + theta, and a click draws the eye to what stands right below it. The
    published table has a parameter for each rank and distance; this form has two for each device.
    """

    type: Literal["ubm"] = "ubm"
    eta_phone: float = Field(0.3, ge=0, description="decay of examination with rank, on a phone")
    eta_desktop: float = Field(0.2, ge=0, description="decay of examination with rank, desktop")
    theta_phone: float = Field(
        0.6, ge=0, description="decay of examination with distance to the last click, on a phone"
    )
    theta_desktop: float = Field(
        0.4, ge=0, description="decay of examination with distance to the last click, desktop"
    )

    def examination(self, slots: int) -> Reals:
        """(2, slots + 1, slots) examination probability of slot k after a click on slot c - 1, or
        none (c = 0), slots counted from 0; on desktop (row 0) and phone (row 1). 0 where k < c.
        """
        rank_K = np.arange(1.0, slots + 1)
        distance_CK = rank_K - np.arange(slots + 1)[:, None]
        below_CK = distance_CK > 0
        eta_D = np.array([self.eta_desktop, self.eta_phone])[:, None, None]
        theta_D = np.array([self.theta_desktop, self.theta_phone])[:, None, None]
        chance_DCK = rank_K**-eta_D * np.where(below_CK, distance_CK, 1.0) ** -theta_D
        return np.asarray(below_CK * chance_DCK, np.float32)

    def __call__(
        self, attraction_BK: Reals, phone_B: Flags, look_BK: Reals, click_BK: Reals
    ) -> tuple[Flags, Flags]:
        """See `ClickModel`."""
        chance_DCK, device_B = self.examination(attraction_BK.shape[1]), phone_B.astype(np.intp)
        examined_BK, would_click_BK = np.zeros(attraction_BK.shape, bool), click_BK < attraction_BK
        last_B = np.zeros(len(attraction_BK), np.intp)
        for slot in range(attraction_BK.shape[1]):
            examined_BK[:, slot] = look_BK[:, slot] < chance_DCK[device_B, last_B, slot]
            last_B[examined_BK[:, slot] & would_click_BK[:, slot]] = slot + 1
        return examined_BK, examined_BK & would_click_BK

    def law(self, attraction_BK: Reals, phone_B: Flags, discontent_BK: Chances) -> "Law":
        """See `KnownClickModel`."""
        from simulator.behaviour.clicklaws import Chain

        looks_DCK = self.examination(attraction_BK.shape[1]).astype(np.float64)
        return Chain(attraction_BK.astype(np.float64), looks_DCK, phone_B, None, reads_on=False)


class CustomClickModel(Spec):
    """A user's own click model: an object that, called with `options`, gives a `ClickModel`."""

    type: Literal["custom"] = "custom"
    object: str = Field(description="MODULE:OBJECT")
    options: dict[str, Any] = Field({}, description="keyword arguments of the object")

    def code(self) -> tuple[str, ...]:
        """The module of the model."""
        return (CLICK_MODEL.module(self.object),)

    def made(self) -> "CheckedClickModel":
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
        examined_BK, clicked_BK = np.asarray(examined_BK), np.asarray(clicked_BK)
        if (clicked_BK & ~examined_BK).any():
            raise ContractError(
                f"{place}.clicked == True where not examined, must be examined first"
            )
        return examined_BK, clicked_BK
