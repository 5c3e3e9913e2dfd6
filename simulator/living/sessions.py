"""Sessions under way: their state as columns, and what happens to them after each page."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Reactions
from simulator.behaviour.utility import Utility
from simulator.catalogue.catalog import Ints
from simulator.living.arrivals import Arrivals
from simulator.living.settings import SessionSpec
from simulator.log.codes import EndReason, NextAction
from simulator.protocols import EARLIER, REQUEST_BITS, Pages, session_ids
from simulator.shoppers.needs import NeedSampler

REQUESTS_LIMIT = 2**REQUEST_BITS
_ONE_MORE_NEED = 0.114  # share of web sessions with several tasks, a published value
IDLE_SECONDS = 1_800.0  # 30 idle minutes end a session


@dataclass(frozen=True)
class Sessions:
    """N sessions under way, one row each; `due_N` is when the next request comes.

    Attributes:
        shopper_N, ordinal_N: who, and the number of the session among the shopper's.
        id_N: session id.
        request_N: ordinal of the next request.
        need_N, needs_N: ordinal of the current need, and how many the session has.
        intent_N, wording_N: the need and its current wording.
        page_N: page of results asked for next.
        patience_N: requests the shopper is ready to make.
        start_N, due_N: simulated seconds.
        bought_N: whether a purchase at once is planned already.
        arm_N: arm that served the latest request, -1 before the first one.
        earlier_NQ: texts asked before the current one, as of `Requests.earlier_BQ`.
    """

    shopper_N: NDArray[np.int64]
    ordinal_N: NDArray[np.int64]
    id_N: NDArray[np.int64]
    request_N: NDArray[np.int64]
    need_N: NDArray[np.int64]
    needs_N: NDArray[np.int64]
    intent_N: NDArray[np.int64]
    wording_N: NDArray[np.int64]
    page_N: NDArray[np.int16]
    patience_N: NDArray[np.int64]
    start_N: NDArray[np.float64]
    due_N: NDArray[np.float64]
    bought_N: NDArray[np.bool_]
    arm_N: NDArray[np.int8]
    earlier_NQ: Ints

    def __len__(self) -> int:
        return len(self.id_N)

    def rows(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> "Sessions":
        """A selection of the sessions."""
        return Sessions(*(getattr(self, column.name)[rows] for column in fields(self)))

    def joined(self, other: "Sessions") -> "Sessions":
        """These sessions and then the others."""
        return Sessions(
            *(
                np.concatenate((getattr(self, column.name), getattr(other, column.name)))
                for column in fields(self)
            )
        )


def open_sessions(visits: Arrivals, sampler: NeedSampler) -> Sessions:
    """The sessions that visits begin."""
    shoppers, draws = sampler.shoppers, sampler.draws
    shopper_N, ordinal_N = visits.shopper_V, visits.ordinal_V
    zeros = np.zeros(len(shopper_N), np.int64)
    another_N = draws.uniform("session.needs", shopper_N, ordinal_N) < _ONE_MORE_NEED
    stop_N = 1.0 / np.maximum(shoppers.patience_S[shopper_N].astype(np.float64), 1.0 + 1e-6)
    luck_N = draws.uniform("session.patience", shopper_N, ordinal_N)
    patience_N = 1 + np.floor(np.log(luck_N) / np.log1p(-stop_N)).astype(np.int64)
    intent_N = sampler.intents_of(shopper_N, ordinal_N, zeros)
    return Sessions(
        shopper_N=shopper_N,
        ordinal_N=ordinal_N,
        id_N=session_ids(shopper_N, ordinal_N),
        request_N=zeros,
        need_N=zeros,
        needs_N=1 + another_N.astype(np.int64),
        intent_N=intent_N,
        wording_N=sampler.first_wordings(intent_N, shopper_N, ordinal_N, zeros),
        page_N=np.zeros(len(shopper_N), np.int16),
        patience_N=np.minimum(patience_N, REQUESTS_LIMIT),
        start_N=visits.start_V,
        due_N=visits.start_V,
        bought_N=np.zeros(len(shopper_N), np.bool_),
        arm_N=np.full(len(shopper_N), -1, np.int8),
        earlier_NQ=np.full((len(shopper_N), EARLIER), -1, np.int32),
    )


@dataclass(frozen=True)
class Steps:
    """What N sessions do after their pages.

    Attributes:
        action_N: `NextAction` codes.
        end_reason_N: `EndReason` codes, meaningful where the action is LEAVE.
        at_N: simulated seconds of the next request or of the end.
        after: the sessions as they go on, for all rows; rows that leave are to be dropped.
    """

    action_N: NDArray[np.int8]
    end_reason_N: NDArray[np.int8]
    at_N: NDArray[np.float64]
    after: Sessions


def step(
    spec: SessionSpec,
    sessions: Sessions,
    text_N: Ints,
    reactions: Reactions,
    pages: Pages,
    slots_N: NDArray[np.int16],
    sampler: NeedSampler,
    utility: Utility,
) -> Steps:
    """Decide how each session goes on.

    Args:
        text_N: what each session has asked for with this page.
        slots_N: results that a full page shows; only after a full page there may be a next one.
        sampler: of the next words and needs.
        utility: tells whether a page showed what is wanted, where shoppers heed that.
    """
    now = sessions
    shown_N = (pages.items_BK >= 0).sum(axis=1)
    luck_N = sampler.draws.uniform("step", now.shopper_N, now.ordinal_N, now.request_N)
    met_N = reactions.satisfied_B & ~reactions.left_B
    empty_N = (shown_N == 0) & ~reactions.left_B
    idle_N = reactions.dwell_B > IDLE_SECONDS
    tired_N = ~met_N & (now.request_N + 1 >= np.minimum(now.patience_N, REQUESTS_LIMIT))
    open_N = ~(reactions.left_B | met_N | tired_N | idle_N)
    turns_N = open_N & ~empty_N & (shown_N >= slots_N) & (now.page_N + 1 < spec.pages)
    turns_N &= luck_N < spec.next_page
    upper_N = np.where(empty_N, spec.retry_empty, spec.next_page + spec.reformulate)
    lower_N = np.where(empty_N, 0.0, spec.next_page)
    wording_N = sampler.rewordings(
        *(now.intent_N, now.wording_N, now.shopper_N, now.ordinal_N, now.request_N),
        narrower_B=_narrower(spec, utility, now, pages),
    )
    rewords_N = open_N & (luck_N >= lower_N) & (luck_N < upper_N) & (wording_N >= 0)
    renews_N = met_N & ~idle_N & (now.need_N + 1 < now.needs_N)
    renews_N &= now.request_N + 1 < REQUESTS_LIMIT
    action_N = np.select(
        [turns_N, rewords_N, renews_N],
        [NextAction.NEXT_PAGE, NextAction.REFORMULATE, NextAction.NEXT_NEED],
        NextAction.LEAVE,
    ).astype(np.int8)
    reason_N = np.select(
        [reactions.left_B, met_N, tired_N, idle_N, empty_N],
        [
            EndReason.PAGE_TOO_SLOW,
            EndReason.SATISFIED,
            EndReason.OUT_OF_PATIENCE,
            EndReason.IDLE,
            EndReason.NOTHING_FOUND,
        ],
        EndReason.FRUSTRATED,
    ).astype(np.int8)
    waited_N = np.minimum(reactions.dwell_B, IDLE_SECONDS) * ~reactions.left_B
    at_N = now.due_N + pages.latency_B + waited_N
    bought_N = now.bought_N | ((reactions.worth_B > 0) & (reactions.delay_B == 0))
    return Steps(
        action_N=action_N,
        end_reason_N=reason_N,
        at_N=at_N,
        after=_after(now, text_N, action_N, wording_N, at_N, bought_N, pages.arm_B, sampler),
    )


def _narrower(
    spec: SessionSpec, utility: Utility, now: Sessions, pages: Pages
) -> NDArray[np.float64] | None:
    """(N,) factor of the odds of narrower words after these pages; None: 1."""
    if not spec.heed:
        return None
    of_kind_N = utility.of_kind(now.intent_N, pages.items_BK)
    return np.exp(np.where(of_kind_N, spec.heed, -spec.heed))


def _after(
    now: Sessions,
    text_N: Ints,
    action_N: NDArray[np.int8],
    wording_N: NDArray[np.int64],
    at_N: NDArray[np.float64],
    bought_N: NDArray[np.bool_],
    arm_N: NDArray[np.int8],
    sampler: NeedSampler,
) -> Sessions:
    renews_N = action_N == NextAction.NEXT_NEED
    need_N = now.need_N + renews_N
    intent_N, next_wording_N = now.intent_N.copy(), now.wording_N.copy()
    rewords_N = action_N == NextAction.REFORMULATE
    next_wording_N[rewords_N] = wording_N[rewords_N]
    keys = now.shopper_N[renews_N], now.ordinal_N[renews_N], need_N[renews_N]
    intent_N[renews_N] = sampler.intents_of(*keys)
    next_wording_N[renews_N] = sampler.first_wordings(intent_N[renews_N], *keys)
    turns_N = action_N == NextAction.NEXT_PAGE
    earlier_NQ = np.concatenate([text_N[:, None], now.earlier_NQ[:, :-1]], axis=1)
    return Sessions(
        shopper_N=now.shopper_N,
        ordinal_N=now.ordinal_N,
        id_N=now.id_N,
        request_N=now.request_N + 1,
        need_N=need_N,
        needs_N=now.needs_N,
        intent_N=intent_N,
        wording_N=next_wording_N,
        page_N=np.where(turns_N, now.page_N + 1, 0).astype(np.int16),
        patience_N=now.patience_N,
        start_N=now.start_N,
        due_N=at_N,
        bought_N=bought_N,
        arm_N=arm_N,
        earlier_NQ=np.where(turns_N[:, None], now.earlier_NQ, earlier_NQ),
    )
