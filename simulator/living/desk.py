"""The search desk: plans all sessions between two refreshes in vectorised waves.

A wave serves every session whose next request is due, computes all reactions in one call and so
learns the next due requests; waves follow each other until none is due before the next refresh.
What is planned here and touches other sessions (purchases) is lived by the world in events.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Reactions
from simulator.errors import ContractError
from simulator.living.plans import Ends, IntervalPlan, Purchases, planned_ends, planned_purchases
from simulator.living.recorder import record, seen
from simulator.living.scene import Scene
from simulator.living.sessions import Sessions, step
from simulator.living.settings import SessionSpec
from simulator.log.codes import NextAction
from simulator.protocols import Pages, Requests, request_ids
from simulator.shoppers.needs import Needs
from simulator.shoppers.settings import SLOTS_LIMIT

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
        self.witnesses: list[Witness] = []

    def plan(self, sessions: Sessions, until: float) -> IntervalPlan:
        """Plan every request due before `until` (simulated seconds)."""
        purchases: list[Purchases] = []
        ends: list[Ends] = []
        waiting = sessions.rows(sessions.due_N >= until)
        due = sessions.rows(sessions.due_N < until)
        served = 0
        while len(due):
            served += len(due)
            after = [self._block(due.rows(rows), purchases, ends) for rows in blocks(len(due))]
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
        scene, id_B = self.scene, request_ids(sessions.id_N, sessions.request_N)
        traced_B = scene.sampler.draws.uniform("traced", id_B) < self.trace_rate
        history_BH = scene.memory.clicked_SH[sessions.shopper_N]
        requests, needs = scene.requests(sessions, history_BH, traced_B), scene.needs(sessions)
        pages = checked(scene.service.serve(requests), requests)
        reactions = scene.behavior.react(needs, pages)
        for witness in self.witnesses:
            witness(requests, needs, pages, reactions)
        steps = step(
            *(self.spec, sessions, requests.text_B, reactions, pages, requests.slots_B),
            *(scene.sampler, scene.behavior.utility),
        )
        record(scene.log, requests, sessions, pages, reactions, steps)
        rows, slots = np.nonzero(seen(pages, reactions))
        scene.market.count_exposures(
            pages.arms_BK[rows, slots],
            pages.items_BK[rows, slots],
            reactions.clicked_BK[rows, slots],
        )
        scene.memory.click(sessions.shopper_N, pages.items_BK, reactions.clicked_BK)
        buys_B = reactions.worth_B > 0
        if buys_B.any():
            purchases.append(planned_purchases(requests, sessions, pages, reactions, steps, buys_B))
        ends = planned_ends(sessions, pages, steps)
        if len(ends.session_N):
            buyers_N = steps.after.bought_N[steps.action_N == NextAction.LEAVE]
            done = ends.rows(~buyers_N)
            scene.log.append("sessions", done.columns())
            if scene.habit is not None:
                scene.habit.ended(done.session_N, done.shopper_N, done.end_N, done.end_reason_N)
            buyers_ends.append(ends.rows(buyers_N))
        return steps.after.rows(steps.action_N != NextAction.LEAVE)


def blocks(rows: int) -> list[NDArray[np.intp]]:
    """The numbers of so many rows, at most `BLOCK` together."""
    return [np.arange(start, min(start + BLOCK, rows)) for start in range(0, rows, BLOCK)]


def checked(pages: Pages, requests: Requests) -> Pages:
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
