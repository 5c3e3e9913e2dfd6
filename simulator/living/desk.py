"""The search desk: plans all sessions between two refreshes in vectorised waves.

A wave serves every session whose next request is due, computes all reactions in one call and so
learns the next due requests; waves follow each other until none is due before the next refresh.
What is planned here and touches other sessions (purchases) is lived by the world in events.
"""

from typing import Protocol

import numpy as np

from simulator.behaviour.behavior import Reactions
from simulator.errors import ContractError
from simulator.living.plans import Ends, IntervalPlan, Purchases, planned_ends, planned_purchases
from simulator.living.recorder import record, seen
from simulator.living.scene import Scene
from simulator.living.sessions import Sessions, SessionSpec, step
from simulator.log.codes import NextAction
from simulator.protocols import Pages, Requests, request_ids
from simulator.shoppers.needs import Needs
from simulator.shoppers.shoppers import SLOTS_LIMIT

# A service answers at most this many requests at once. A constant of the world and not a knob:
# a channel that fails is dropped for a block, so the block must not depend on tuning.
BLOCK = 8_192


class Witness(Protocol):
    """Whoever is told of each block that a world plans, in the order of planning.

    What it is told is the world's own and not a copy; latent things are among it.
    """

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """B requests, what stands behind them, the pages served and what was done with them."""


class Desk:
    """Plans the sessions of one world and logs what they see and do."""

    def __init__(self, scene: Scene, spec: SessionSpec, *, trace_rate: float) -> None:
        self.scene = scene
        self.spec = spec
        self.trace_rate = trace_rate
        self.witness: Witness | None = None

    def plan(self, sessions: Sessions, until: float) -> IntervalPlan:
        """Plan every request due before `until` (simulated seconds)."""
        purchases: list[Purchases] = []
        ends: list[Ends] = []
        waiting = sessions.rows(sessions.due_N >= until)
        due = sessions.rows(sessions.due_N < until)
        served = 0
        while len(due):
            served += len(due)
            after = [self._block(block, purchases, ends) for block in _blocks(due)]
            going_on = after[0]
            for more in after[1:]:
                going_on = going_on.joined(more)
            waiting = waiting.joined(going_on.rows(going_on.due_N >= until))
            due = going_on.rows(going_on.due_N < until)
        return IntervalPlan(purchases, ends, waiting, served)

    def _block(
        self, sessions: Sessions, purchases: list[Purchases], buyers_ends: list[Ends]
    ) -> Sessions:
        """Serve one block, log it, add what is to be lived, and return the sessions that go on."""
        scene, requests, needs = self.scene, self._requests(sessions), self._needs(sessions)
        pages = _checked(scene.service.serve(requests), requests)
        reactions = scene.behavior.react(needs, pages)
        if self.witness is not None:
            self.witness(requests, needs, pages, reactions)
        steps = step(self.spec, sessions, reactions, pages, requests.slots_B, scene.sampler)
        record(scene.log, requests, sessions, pages, reactions, steps)
        rows, slots = np.nonzero(seen(pages, reactions))
        scene.market.count_exposures(
            pages.arm_B[rows], pages.items_BK[rows, slots], reactions.clicked_BK[rows, slots]
        )
        scene.memory.click(sessions.shopper_N, pages.items_BK, reactions.clicked_BK)
        buys_B = reactions.wanted_B > 0
        if buys_B.any():
            purchases.append(planned_purchases(requests, sessions, pages, reactions, steps, buys_B))
        ends = planned_ends(sessions, pages, steps)
        if len(ends.session_N):
            buyers_N = steps.after.bought_N[steps.action_N == NextAction.LEAVE]
            scene.log.append("sessions", ends.rows(~buyers_N).columns())
            buyers_ends.append(ends.rows(buyers_N))
        return steps.after.rows(steps.action_N != NextAction.LEAVE)

    def _requests(self, sessions: Sessions) -> Requests:
        sampler, who_B = self.scene.sampler, sessions.shopper_N
        shoppers, intents = sampler.shoppers, sampler.intents
        id_B = request_ids(sessions.id_N, sessions.request_N)
        return Requests(
            id_B=id_B,
            shopper_B=who_B,
            text_B=intents.text_QX[sessions.intent_N, sessions.wording_N],
            at_B=sessions.due_N,
            history_BH=self.scene.memory.clicked_SH[who_B],
            device_B=shoppers.device_S[who_B],
            gender_B=shoppers.gender_S[who_B],
            age_B=shoppers.age_S[who_B],
            page_B=sessions.page_N,
            slots_B=shoppers.slots_S[who_B],
            traced_B=sampler.draws.uniform("traced", id_B) < self.trace_rate,
            texts=intents.texts,
        )

    def _needs(self, sessions: Sessions) -> Needs:
        return Needs(
            shopper_B=sessions.shopper_N,
            session_B=sessions.ordinal_N,
            request_B=sessions.request_N,
            need_B=sessions.need_N,
            intent_B=sessions.intent_N,
            at_B=sessions.due_N,
            owned_BM=self.scene.memory.owned_SM[sessions.shopper_N],
        )


def _blocks(sessions: Sessions) -> list[Sessions]:
    return [
        sessions.rows(np.arange(start, min(start + BLOCK, len(sessions))))
        for start in range(0, len(sessions), BLOCK)
    ]


def _checked(pages: Pages, requests: Requests) -> Pages:
    """Refuse pages that would corrupt the log: a service is the user's code, too."""
    found, rows = pages.items_BK.shape, len(requests)
    if len(found) != 2 or found[0] != rows or found[1] > SLOTS_LIMIT:
        raise ContractError(
            f"service.serve(...).items_BK.shape == {found}, must be ({rows}, <= {SLOTS_LIMIT})"
        )
    shown_B = (pages.items_BK >= 0).sum(axis=1)
    crowded = np.flatnonzero(shown_B > requests.slots_B)
    if len(crowded):
        row = crowded[0]
        raise ContractError(
            f"service.serve(...).items_BK[{row}] == {shown_B[row]} items, "
            f"must be <= {requests.slots_B[row]} (slots of the request)"
        )
    return pages
