"""What planning hands over to life: purchases to be tried, ends of sessions to be logged."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Reactions
from simulator.catalogue.catalog import Ints
from simulator.living.sessions import Sessions, Steps
from simulator.log.codes import NextAction
from simulator.protocols import Pages, Requests


@dataclass(frozen=True)
class Purchases:
    """P planned purchases: what a shopper will try to buy, and the fallbacks.

    Attributes:
        at_P: simulated seconds of the attempt.
        request_P, session_P, shopper_P: where it comes from.
        choices_PC, position_PC, sources_PC, best_ranked_PC, arm_PC: items best first, -1 padded,
            with the position and the provenance of their exposure, and the arm it counts for.
        worth_P, joins_P: how many of the choices, the best of them, are worth buying, and would be
            bought beside another item.
        quantity_P: units of the first item bought.
        at_once_P: whether it belongs to the session (a late one comes days after it).
    """

    at_P: NDArray[np.float64]
    request_P: NDArray[np.int64]
    session_P: NDArray[np.int64]
    shopper_P: NDArray[np.int64]
    choices_PC: Ints
    position_PC: NDArray[np.int16]
    sources_PC: Ints
    best_ranked_PC: Ints
    arm_PC: NDArray[np.int8]
    worth_P: NDArray[np.int16]
    joins_P: NDArray[np.int16]
    quantity_P: NDArray[np.int16]
    at_once_P: NDArray[np.bool_]


@dataclass(frozen=True)
class Ends:
    """N sessions that end, as in the log's `sessions` table."""

    session_N: NDArray[np.int64]
    shopper_N: NDArray[np.int64]
    arm_N: NDArray[np.int8]
    start_N: NDArray[np.float64]
    end_N: NDArray[np.float64]
    requests_N: NDArray[np.int64]
    end_reason_N: NDArray[np.int8]

    def rows(self, rows: NDArray[np.bool_]) -> "Ends":
        """A selection of the ends."""
        return Ends(*(getattr(self, column.name)[rows] for column in fields(self)))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of the log's `sessions` table."""
        return {each.name.removesuffix("_N"): getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True)
class IntervalPlan:
    """What one interval's planning leaves to be lived, and the sessions that go on after it."""

    purchases: list[Purchases]
    buyers_ends: list[Ends]
    waiting: Sessions
    requests: int


def planned_purchases(
    requests: Requests,
    sessions: Sessions,
    pages: Pages,
    reactions: Reactions,
    steps: Steps,
    buys_B: NDArray[np.bool_],
) -> Purchases:
    """The purchases of the requests `buys_B`, with everything an order will log."""
    slots_PC = reactions.slots_BC[buys_B].astype(np.intp)
    first_P = (requests.page_B.astype(np.int16) * requests.slots_B)[buys_B]
    delay_P = reactions.delay_B[buys_B]
    return Purchases(
        at_P=steps.at_N[buys_B] + delay_P,
        request_P=requests.id_B[buys_B],
        session_P=sessions.id_N[buys_B],
        shopper_P=requests.shopper_B[buys_B],
        choices_PC=reactions.choices_BC[buys_B],
        position_PC=(first_P[:, None] + slots_PC).astype(np.int16),
        sources_PC=np.take_along_axis(pages.sources_BK[buys_B], slots_PC, axis=1),
        best_ranked_PC=np.take_along_axis(pages.best_ranked_BK[buys_B], slots_PC, axis=1),
        arm_PC=np.take_along_axis(pages.arms_BK[buys_B], slots_PC, axis=1),
        worth_P=reactions.worth_B[buys_B],
        joins_P=reactions.joins_B[buys_B],
        quantity_P=reactions.quantity_B[buys_B],
        at_once_P=delay_P == 0,
    )


def planned_ends(sessions: Sessions, pages: Pages, steps: Steps) -> Ends:
    """The ends of the sessions that leave."""
    leaves_N = steps.action_N == NextAction.LEAVE
    return Ends(
        session_N=sessions.id_N[leaves_N],
        shopper_N=sessions.shopper_N[leaves_N],
        arm_N=pages.arm_B[leaves_N],
        start_N=sessions.start_N[leaves_N],
        end_N=steps.at_N[leaves_N],
        requests_N=sessions.request_N[leaves_N] + 1,
        end_reason_N=steps.end_reason_N[leaves_N],
    )
