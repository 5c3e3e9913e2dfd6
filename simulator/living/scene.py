"""What the planning of a world needs of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.behaviour.behavior import Behavior
from simulator.catalogue.catalog import Ints
from simulator.living.habit import Habit
from simulator.living.market import Market
from simulator.living.sessions import Sessions
from simulator.log.eventlog import EventLog
from simulator.protocols import Requests, SearchService, request_ids
from simulator.shoppers.memory import Memory
from simulator.shoppers.needs import Needs, NeedSampler


@dataclass(frozen=True)
class Scene:
    """Who acts in a world, and what keeps what they did.

    Attributes:
        service: answers requests.
        behavior: what shoppers do with a page.
        sampler: what they want and how they word it.
        market: what the shop counts of each item.
        memory: what is remembered of each shopper.
        log: where everything is written.
        habit: how content shoppers are, where it changes anything.
    """

    service: SearchService
    behavior: Behavior
    sampler: NeedSampler
    market: Market
    memory: Memory
    log: EventLog
    habit: Habit | None = None

    def requests(
        self, sessions: Sessions, history_NH: Ints, traced_N: NDArray[np.bool_]
    ) -> Requests:
        """The next request of each session.

        Args:
            sessions: under way.
            history_NH: the shoppers' last clicks, newest first, -1 padded.
            traced_N: whose candidates the log is to hold.
        """
        shoppers = self.sampler.shoppers
        who_N = sessions.shopper_N
        return Requests(
            id_B=request_ids(sessions.id_N, sessions.request_N),
            shopper_B=who_N,
            text_B=self.sampler.texts(
                sessions.intent_N, sessions.wording_N, who_N, sessions.ordinal_N, sessions.need_N
            ),
            at_B=sessions.due_N,
            history_BH=history_NH,
            device_B=shoppers.device_S[who_N],
            gender_B=shoppers.gender_S[who_N],
            age_B=shoppers.age_S[who_N],
            page_B=sessions.page_N,
            slots_B=shoppers.slots_S[who_N],
            traced_B=traced_N,
            earlier_BQ=sessions.earlier_NQ,
            texts=self.sampler.intents.texts,
        )

    def needs(self, sessions: Sessions) -> Needs:
        """What stands behind the next request of each session."""
        return Needs(
            shopper_B=sessions.shopper_N,
            session_B=sessions.ordinal_N,
            request_B=sessions.request_N,
            need_B=sessions.need_N,
            intent_B=sessions.intent_N,
            at_B=sessions.due_N,
            owned_BM=self.memory.owned_SM[sessions.shopper_N],
        )
