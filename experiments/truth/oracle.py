"""The best that recall and ranking could do: an order by what the shopper would really buy.

Only this room may look at what is latent. What an oracle finds is an upper bound for any channel,
up to two conventions: items are ordered by their own worth (the chance of a click on an examined
result, times that of a purchase against buying nothing, times the price for GMV), not by the best
combination of a page; and "best" means for what the shopper wants, not for what the words say.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ranking.funnel import Answers, Funnel
from recall.candidates import Pool
from simulator.behaviour.behavior import Behavior
from simulator.catalogue.catalog import Ints
from simulator.living.market import Market
from simulator.protocols import REQUEST_BITS, SESSION_BITS, Fault, Index, Pages, Requests
from simulator.shoppers.memory import Memory
from simulator.shoppers.needs import Needs, NeedSampler

Floats = NDArray[np.float32]
Goal = Literal["orders", "gmv"]
GOALS: tuple[Goal, ...] = ("orders", "gmv")
"""What an oracle orders for: purchases, and money."""

_PAIRS = 400_000  # weighed at once; a matter of memory alone


class Oracle:
    """Knows what items are worth to the shoppers of one world.

    Args:
        behavior: the kernel of the world.
        market: its prices and what is on the shelf.
    """

    def __init__(self, behavior: Behavior, market: Market) -> None:
        self.behavior = behavior
        self.market = market

    def worth(self, needs: Needs, items_BN: Ints) -> dict[Goal, Floats]:
        """By goal, (B, N) what each item is worth at the top of a page, -inf on padding."""
        behavior, real_BN = self.behavior, items_BN >= 0
        shown_BN, true_BN = behavior.utility.of(needs, items_BN)
        attraction_BN = behavior.attraction(shown_BN, real_BN)
        orders_BN = attraction_BN * expit(true_BN - np.float32(behavior.spec.outside))
        gmv_BN = orders_BN * self.market.price_I[items_BN].astype(np.float32)
        nothing = np.float32(-np.inf)
        return {
            "orders": np.where(real_BN, orders_BN, nothing),
            "gmv": np.where(real_BN, gmv_BN, nothing),
        }

    def best(self, needs: Needs, available_I: NDArray[np.bool_], count: int) -> dict[Goal, Ints]:
        """By goal, (B, count) the best items that are there, best first, -1 padded."""
        items_J = np.flatnonzero(available_I).astype(np.int32)
        shape = (len(needs.shopper_B), count)
        found: dict[Goal, Ints] = {goal: np.full(shape, -1, np.int32) for goal in GOALS}
        kept = min(count, len(items_J))
        if not kept:
            return found
        rows = max(1, _PAIRS // len(items_J))
        for start in range(0, shape[0], rows):
            some = slice(start, start + rows)
            asked = needs.rows(some)
            items_BJ = np.tile(items_J, (len(asked.shopper_B), 1))
            for goal, worth_BJ in self.worth(asked, items_BJ).items():
                top_BK = np.argpartition(-worth_BJ, kept - 1, axis=1)[:, :kept]
                order_BK = np.argsort(-np.take_along_axis(worth_BJ, top_BK, axis=1), axis=1)
                found[goal][some, :kept] = items_J[np.take_along_axis(top_BK, order_BK, axis=1)]
        return found


def pool_of(items_BN: Ints, channels: int) -> Pool:
    """A pool of items that no channel is said to have found."""
    shape = (*items_BN.shape, channels)
    return Pool(
        items_BN=items_BN,
        sources_BN=np.zeros(items_BN.shape, np.int32),
        ranks_BNC=np.full(shape, -1, np.int16),
        scores_BNC=np.full(shape, np.nan, np.float32),
    )


class OracleRecall:
    """A funnel whose recall hands the best items of the catalogue to the arm's own ranker.

    As many items as the ranker reads, so none is cut; each page comes when the arm's own would.
    A `simulator.protocols.SearchService`, made for studies: it reads what is latent.

    Args:
        funnel: of the arm.
        oracle: knows what items are worth.
        sampler, memory: of the world.
        goal: what items are best for.
    """

    def __init__(
        self,
        funnel: Funnel,
        oracle: Oracle,
        sampler: NeedSampler,
        memory: Memory,
        goal: Goal = "orders",
    ) -> None:
        self.goal = goal
        self.funnel = funnel
        self.oracle = oracle
        self.sampler = sampler
        self.memory = memory
        self.channels = funnel.channels
        self.available_I = np.ones(funnel.recall.n_items, np.bool_)

    def refresh(self, index: Index) -> None:
        """Hand the snapshot to the arm."""
        self.funnel.refresh(index)
        self.available_I = index.available_I

    def serve(self, requests: Requests) -> Pages:
        """One page for each request."""
        needs = needs_of(requests, self.sampler, self.memory)
        best_BN = self.oracle.best(needs, self.available_I, self.funnel.spec.keep)[self.goal]
        return self.pages(self.funnel.ask(requests), best_BN)

    def pages(self, answers: Answers, best_BN: Ints) -> Pages:
        """The pages that these items make, in the time of these answers."""
        funnel = self.funnel
        waited_B = np.minimum(answers.seconds_BC, funnel.spec.deadline_s).max(axis=1, initial=0.0)
        nothing_BC = np.zeros(answers.seconds_BC.shape, np.bool_)
        pool = pool_of(best_BN, len(self.channels))
        return funnel.paged(answers.requests, pool, waited_B, nothing_BC)

    def faults(self) -> list[Fault]:
        """Those of the arm."""
        return self.funnel.faults()


def needs_of(requests: Requests, sampler: NeedSampler, memory: Memory) -> Needs:
    """What stands behind requests, from their ids and words."""
    session_B = requests.id_B >> REQUEST_BITS
    ordinal_B = session_B & ((1 << SESSION_BITS) - 1)
    zeros_B = np.zeros(len(requests), np.int64)
    first_B = sampler.intents_of(requests.shopper_B, ordinal_B, zeros_B)
    second_B = sampler.intents_of(requests.shopper_B, ordinal_B, zeros_B + 1)
    named_B = sampler.intents.wordings(first_B, requests.text_B) >= 0
    return Needs(
        shopper_B=requests.shopper_B,
        session_B=ordinal_B,
        request_B=requests.id_B & ((1 << REQUEST_BITS) - 1),
        need_B=np.where(named_B, zeros_B, 1),
        intent_B=np.where(named_B, first_B, second_B),
        at_B=requests.at_B,
        owned_BM=memory.owned_SM[requests.shopper_B],
    )
