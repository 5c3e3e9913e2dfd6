"""The paths of sessions that are followed in expectation, and what earlier pages tell of later."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Behavior, Flags, Reals
from simulator.behaviour.expectation import Known, Prospect
from simulator.catalogue.catalog import Ints
from simulator.living.sessions import Sessions
from simulator.protocols import Pages
from simulator.shoppers.needs import Needs

Floats = NDArray[np.float64]

_DRAWS = (1, 7, 56)
"""Reactions drawn, together, until one leaves the need as wanted; any stands where none does."""

_OTHER_LUCK = 20
"""Bits above the ordinals of requests and needs: draws with another number there are others."""


@dataclass(frozen=True)
class Paths:
    """N paths, one row each: where a session would be if its need were still open.

    A session whose need may be met goes on with its next need on a path of its own.

    Attributes:
        sessions: the session at its next request.
        visit_N: number of the session among all that are followed.
        history_NH: the shopper's last clicks at that request, newest first.
        weight_N: chance that the session comes to this request; an unbiased estimate.
        plain_N: the same as if no taste were carried from page to page of a need, in closed form.
        sets_NM: the same under each of M sets of tastes.
        since_N: when the current need began, simulated seconds.
        unbought_N: share of the weight in which the session has bought nothing yet.
        clickless_N: chance of coming to this request without a click.
        many_NXW: weights of X other services along the same path, see `simulator.following.many`.
        pace_N: what the weight is to be multiplied by were pages as late as those of another walk.
    """

    sessions: Sessions
    visit_N: NDArray[np.int64]
    history_NH: Ints
    weight_N: Floats
    plain_N: Floats
    sets_NM: Floats
    since_N: Floats
    unbought_N: Floats
    clickless_N: Floats
    pace_N: Floats
    many_NXW: Floats

    def __len__(self) -> int:
        return len(self.visit_N)

    @classmethod
    def begin(
        cls,
        sessions: Sessions,
        visit_N: NDArray[np.int64],
        history_NH: Ints,
        sets: int,
        many: int = 0,
    ) -> "Paths":
        """The paths of sessions that have just come in."""
        ones_N = np.ones(len(visit_N))
        sets_NM = np.ones((len(visit_N), sets))
        weights, shares = (ones_N, ones_N, sets_NM), (ones_N, ones_N, ones_N)
        many_NXW = np.ones((len(visit_N), many, 2 + sets))
        return cls(sessions, visit_N, history_NH, *weights, sessions.start_N, *shares, many_NXW)

    def rows(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Paths":
        """A selection of the paths."""
        return Paths(self.sessions.rows(rows), *(getattr(self, name)[rows] for name in _COLUMNS))

    def joined(self, other: "Paths") -> "Paths":
        """These paths and then the others."""
        return Paths(
            self.sessions.joined(other.sessions),
            *(np.concatenate((getattr(self, name), getattr(other, name))) for name in _COLUMNS),
        )


_COLUMNS = [column.name for column in fields(Paths) if column.name != "sessions"]


@dataclass(frozen=True)
class Glance:
    """What B shoppers do with a page, as far as later pages know of it.

    Attributes:
        examined_BK, clicked_BK: per slot.
        dwell_B: seconds until the next action.
    """

    examined_BK: Flags
    clicked_BK: Flags
    dwell_B: Floats


def glances(
    behavior: Behavior, needs: Needs, pages: Pages, worth: tuple[Reals, Reals], *, met: bool
) -> Glance:
    """Reactions to pages that came in time, drawn from those after which the need is met, or open.

    The first draw has the luck of the world itself, so where that leaves the need as wanted, the
    path is the one that is lived.

    Args:
        behavior: the kernel of the world.
        needs, pages: of B requests.
        worth: perceived and true utility of the pages' items.
        met: whether the needs are to be met.
    """
    wrong, drawn = np.arange(len(pages.latency_B)), 0
    found = None
    for draws in _DRAWS:
        row_D = np.repeat(wrong, draws)
        number_D = np.tile(np.arange(drawn, drawn + draws), len(wrong))
        again = replace(
            needs.rows(row_D),
            request_B=needs.request_B[row_D] + (number_D << _OTHER_LUCK),
            need_B=needs.need_B[row_D] + (number_D << _OTHER_LUCK),
        )
        at_once = Pages.bare(pages.items_BK[row_D], np.zeros(len(row_D), np.float32))
        reactions = behavior.react(again, at_once, (worth[0][row_D], worth[1][row_D]))
        right_BD = (reactions.satisfied_B == met).reshape(len(wrong), draws)
        first_B = np.argmax(right_BD, axis=1)  # the first of all where none is right
        at_B = np.arange(len(wrong)) * draws + first_B
        parts = (reactions.examined_BK, reactions.clicked_BK, reactions.dwell_B)
        if found is None:
            found = Glance(*(part[at_B] for part in parts))
        else:
            for column, part in zip(fields(Glance), parts, strict=True):
                getattr(found, column.name)[wrong] = part[at_B]
        wrong, drawn = wrong[~right_BD.any(axis=1)], drawn + draws
        if not len(wrong):
            break
    assert found is not None
    return found


@dataclass(frozen=True)
class Carried:
    """Of the weight of B pages with what they bring, of pages that are seen; 0 where none is.

    Attributes:
        carts_B, orders_B, gmv_B, bought_B, open_B: what to add to weight times mean.
        open_BM: chance that the need stays open under each set of tastes; 0 where not asked.
    """

    carts_B: Floats
    orders_B: Floats
    gmv_B: Floats
    bought_B: Floats
    open_B: Floats
    open_BM: Floats

    @classmethod
    def of(
        cls, paths: Paths, rows: NDArray[np.intp], known: Known, prospect: Prospect
    ) -> "Carried":
        """For those pages of a block of which it is known what each set of tastes brings."""
        apart_RM = (paths.sets_NM - paths.plain_N[:, None])[rows]
        stays_R = prospect.stays_B[rows]
        seen_R = np.divide(1.0, stays_R, out=np.zeros(len(rows)), where=stays_R > 0)
        brings = prospect.brings

        def carried(found_RM: Floats, mean_R: Floats) -> Floats:
            out_B = np.zeros(len(paths))
            together_R = (apart_RM * (found_RM - mean_R[:, None])).sum(axis=1)
            out_B[rows] = together_R / max(apart_RM.shape[1], 1)
            return out_B

        open_BM = np.zeros(paths.sets_NM.shape)
        open_BM[rows] = known.open_BM
        return cls(
            carts_B=carried(known.carts_BM, brings.carts_BK[rows].sum(axis=1) * seen_R),
            orders_B=carried(known.orders_BM, brings.orders_BK[rows].sum(axis=1) * seen_R),
            gmv_B=carried(known.gmv_BM, brings.gmv_BK[rows].sum(axis=1) * seen_R),
            bought_B=carried(known.bought_BM, prospect.bought_B[rows]),
            open_B=carried(known.open_BM, prospect.open_B[rows]),
            open_BM=open_BM,
        )
