"""The search desk: plans all sessions between two refreshes in vectorised waves.

A wave serves every session whose next request is due, computes all reactions in one call and so
learns the next due requests; waves follow each other until none is due before the next refresh.
What is planned here and touches other sessions (purchases) is lived by the world in events.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arrivals import DAY
from simulator.behavior import Behavior, Needs, Reactions
from simulator.catalog import Ints
from simulator.errors import ContractError
from simulator.eventlog import EventLog
from simulator.market import Market
from simulator.memory import Memory
from simulator.needs import NeedSampler
from simulator.protocols import Pages, Requests, SearchService, request_ids
from simulator.randomness import Draws
from simulator.sessions import NextAction, Sessions, SessionSpec, Steps, step
from simulator.shoppers import Shoppers

# A service answers at most this many requests at once. A constant of the world and not a knob:
# a channel that fails is dropped for a block, so the block must not depend on tuning.
BLOCK = 8_192


@dataclass(frozen=True)
class Purchases:
    """P planned purchases: what a shopper will try to buy, and the fallbacks.

    Attributes:
        at_P: simulated seconds of the attempt.
        request_P, session_P, shopper_P, arm_P: where it comes from.
        choices_PC, position_PC, sources_PC: items best first, -1 padded, with the position and
            the provenance of their exposure.
        wanted_P: how many different items; quantity_P: units of the first one.
        at_once_P: whether it belongs to the session (a late one comes days after it).
    """

    at_P: NDArray[np.float64]
    request_P: NDArray[np.int64]
    session_P: NDArray[np.int64]
    shopper_P: NDArray[np.int64]
    arm_P: NDArray[np.int8]
    choices_PC: Ints
    position_PC: NDArray[np.int16]
    sources_PC: Ints
    wanted_P: NDArray[np.int16]
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

    def log(self, log: EventLog) -> None:
        """Append to the log's `sessions` table."""
        names = (column.name for column in fields(self))
        log.append("sessions", {name.removesuffix("_N"): getattr(self, name) for name in names})


@dataclass(frozen=True)
class Plan:
    """What one interval's planning leaves to be lived, and the sessions that go on after it."""

    purchases: list[Purchases]
    buyers_ends: list[Ends]
    waiting: Sessions
    requests: int


class Desk:
    """Plans the sessions of one world and logs what they see and do."""

    def __init__(
        self,
        service: SearchService,
        behavior: Behavior,
        sampler: NeedSampler,
        shoppers: Shoppers,
        market: Market,
        memory: Memory,
        log: EventLog,
        draws: Draws,
        *,
        sessions: SessionSpec,
        trace_rate: float,
    ) -> None:
        self.service = service
        self.behavior = behavior
        self.sampler = sampler
        self.shoppers = shoppers
        self.market = market
        self.memory = memory
        self.log = log
        self.draws = draws
        self.sessions = sessions
        self.trace_rate = trace_rate
        self.slots = int(shoppers.slots_S.max())

    def plan(self, sessions: Sessions, until: float) -> Plan:
        """Plan every request due before `until` (simulated seconds)."""
        plan = Plan([], [], sessions.rows(sessions.due_N >= until), 0)
        due = sessions.rows(sessions.due_N < until)
        served = 0
        waiting = plan.waiting
        while len(due):
            served += len(due)
            after = [self._block(block, plan) for block in _blocks(due)]
            going_on = after[0]
            for more in after[1:]:
                going_on = going_on.joined(more)
            waiting = waiting.joined(going_on.rows(going_on.due_N >= until))
            due = going_on.rows(going_on.due_N < until)
        return Plan(plan.purchases, plan.buyers_ends, waiting, served)

    def _block(self, sessions: Sessions, plan: Plan) -> Sessions:
        """Serve one block, log it, and return the sessions that go on."""
        requests = self._requests(sessions)
        pages = _checked(self.service.serve(requests), requests, self.slots)
        needs = self._needs(sessions)
        reactions = self.behavior.react(needs, pages)
        steps = step(
            self.sessions, sessions, reactions, pages, requests.slots_B, self.sampler, self.draws
        )
        self._log_requests(requests, sessions, pages, steps)
        self._log_exposures(requests, pages, reactions)
        self._log_latent(requests, sessions, reactions)
        self._log_candidates(requests, pages)
        self.memory.click(sessions.shopper_N, pages.items_BK, reactions.clicked_BK)
        buys_B = reactions.wanted_B > 0
        if buys_B.any():
            plan.purchases.append(_purchases(requests, sessions, pages, reactions, steps, buys_B))
        ends = _ends(sessions, pages, steps)
        if len(ends.session_N):
            buyers_N = steps.after.bought_N[steps.action_N == NextAction.LEAVE]
            ends.rows(~buyers_N).log(self.log)
            plan.buyers_ends.append(ends.rows(buyers_N))
        return steps.after.rows(steps.action_N != NextAction.LEAVE)

    def _requests(self, sessions: Sessions) -> Requests:
        who_B = sessions.shopper_N
        id_B = request_ids(sessions.id_N, sessions.request_N)
        text_QX = self.behavior.intents.text_QX
        traced_B = self.draws.uniform("traced", id_B) < self.trace_rate
        return Requests(
            id_B=id_B,
            shopper_B=who_B,
            text_B=text_QX[sessions.intent_N, sessions.wording_N],
            at_B=sessions.due_N,
            history_BH=self.memory.clicked_SH[who_B],
            device_B=self.shoppers.device_S[who_B],
            gender_B=self.shoppers.gender_S[who_B],
            age_B=self.shoppers.age_S[who_B],
            page_B=sessions.page_N,
            slots_B=self.shoppers.slots_S[who_B],
            traced_B=traced_B,
            texts=self.behavior.intents.texts,
        )

    def _needs(self, sessions: Sessions) -> Needs:
        return Needs(
            shopper_B=sessions.shopper_N,
            session_B=sessions.ordinal_N,
            request_B=sessions.request_N,
            need_B=sessions.need_N,
            intent_B=sessions.intent_N,
            at_B=sessions.due_N,
            owned_BM=self.memory.owned_SM[sessions.shopper_N],
        )

    def _log_requests(
        self,
        requests: Requests,
        sessions: Sessions,
        pages: Pages,
        steps: Steps,
    ) -> None:
        columns: dict[str, NDArray[Any]] = {
            "request": requests.id_B,
            "session": sessions.id_N,
            "shopper": requests.shopper_B,
            "arm": pages.arm_B,
            "at": requests.at_B,
            "day": requests.at_B // DAY,
            "text": requests.text_B,
            "page": requests.page_B,
            "device": requests.device_B,
            "gender": requests.gender_B,
            "age": requests.age_B,
            "latency": pages.latency_B,
            "dropped": pages.dropped_B,
            "merged": pages.merged_B,
            "ranked": pages.ranked_B,
            "shown": (pages.items_BK >= 0).sum(axis=1),
            "next_action": steps.action_N,
        }
        self.log.append("requests", columns)

    def _log_exposures(self, requests: Requests, pages: Pages, reactions: Reactions) -> None:
        """A page that came too late was seen by nobody: no exposure."""
        rows, slots = np.nonzero((pages.items_BK >= 0) & ~reactions.left_B[:, None])
        item_X, clicked_X = pages.items_BK[rows, slots], reactions.clicked_BK[rows, slots]
        self.market.count_page(pages.arm_B[rows], item_X, clicked_X)
        first_B = requests.page_B.astype(np.int16) * requests.slots_B
        columns: dict[str, NDArray[Any]] = {
            "request": requests.id_B[rows],
            "shopper": requests.shopper_B[rows],
            "arm": pages.arm_B[rows],
            "day": (requests.at_B // DAY).astype(np.int16)[rows],
            "item": item_X,
            "position": first_B[rows] + slots,
            "sources": pages.sources_BK[rows, slots],
            "clicked": clicked_X,
            "carted": reactions.carted_BK[rows, slots],
            "propensity": pages.propensity_BK[rows, slots],
        }
        self.log.append("exposures", columns)

    def _log_latent(self, requests: Requests, sessions: Sessions, reactions: Reactions) -> None:
        bit_K = np.left_shift(np.int64(1), np.arange(reactions.examined_BK.shape[1]))
        columns: dict[str, NDArray[Any]] = {
            "request": requests.id_B,
            "intent": sessions.intent_N,
            "need": sessions.need_N,
            "wording": sessions.wording_N,
            "left": reactions.left_B,
            "examined": reactions.examined_BK @ bit_K,
        }
        self.log.append("latent", columns)

    def _log_candidates(self, requests: Requests, pages: Pages) -> None:
        traces = pages.traces
        columns: dict[str, NDArray[Any]] = {
            "request": requests.id_B[traces.row_R],
            "item": traces.item_R,
            "sources": traces.sources_R,
            "merged_rank": traces.merged_R,
            "ranker_score": traces.ranker_score_R,
        }
        for channel, name in enumerate(self.log.channels):
            columns[f"rank_{name}"] = traces.ranks_RC[:, channel]
            columns[f"score_{name}"] = traces.scores_RC[:, channel]
        self.log.append("candidates", columns)


def _blocks(sessions: Sessions) -> list[Sessions]:
    return [
        sessions.rows(np.arange(start, min(start + BLOCK, len(sessions))))
        for start in range(0, len(sessions), BLOCK)
    ]


def _checked(pages: Pages, requests: Requests, slots: int) -> Pages:
    """Refuse pages that would corrupt the log: a service is the user's code, too."""
    found, most = pages.items_BK.shape, slots
    if len(found) != 2 or found[0] != len(requests) or found[1] > most:
        raise ContractError(
            f"service.serve(...).items_BK.shape == {found}, must be ({len(requests)}, <= {most})"
        )
    return pages


def _purchases(
    requests: Requests,
    sessions: Sessions,
    pages: Pages,
    reactions: Reactions,
    steps: Steps,
    buys_B: NDArray[np.bool_],
) -> Purchases:
    slots_PC = reactions.slots_BC[buys_B].astype(np.intp)
    first_P = (requests.page_B.astype(np.int16) * requests.slots_B)[buys_B]
    delay_P = reactions.delay_B[buys_B]
    return Purchases(
        at_P=steps.at_N[buys_B] + delay_P,
        request_P=requests.id_B[buys_B],
        session_P=sessions.id_N[buys_B],
        shopper_P=requests.shopper_B[buys_B],
        arm_P=pages.arm_B[buys_B],
        choices_PC=reactions.choices_BC[buys_B],
        position_PC=(first_P[:, None] + slots_PC).astype(np.int16),
        sources_PC=np.take_along_axis(pages.sources_BK[buys_B], slots_PC, axis=1),
        wanted_P=reactions.wanted_B[buys_B],
        quantity_P=reactions.quantity_B[buys_B],
        at_once_P=delay_P == 0,
    )


def _ends(sessions: Sessions, pages: Pages, steps: Steps) -> Ends:
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
