"""The best that recall and ranking could do: an order by what the shopper would really buy.

Only this room may look at what is latent. What an oracle finds is an upper bound for any channel,
up to two conventions: items are ordered by their own worth (the chance of a click on an examined
result, times that of a purchase against buying nothing, times the price for GMV), not by the best
combination of a page; and "best" means for what the shopper wants, not for what the words say.
"""

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

_PAIRS = 400_000  # weighed at once; a matter of memory alone


class Oracle:
    """Knows what items are worth to the shoppers of one world.

    Args:
        behavior: the kernel of the world.
        market: its prices and what is on the shelf.
        money: worth in money; else in purchases.
    """

    def __init__(self, behavior: Behavior, market: Market, *, money: bool = False) -> None:
        self.behavior = behavior
        self.market = market
        self.money = money

    def worth(self, needs: Needs, items_BN: Ints) -> NDArray[np.float32]:
        """(B, N) what each item is worth at the top of a page, -inf on padding."""
        behavior, real_BN = self.behavior, items_BN >= 0
        shown_BN, true_BN = behavior.utility.of(needs, items_BN)
        attraction_BN = behavior.attraction(shown_BN, real_BN)
        worth_BN = attraction_BN * expit(true_BN - np.float32(behavior.spec.outside))
        if self.money:
            worth_BN *= self.market.price_I[items_BN].astype(np.float32)
        return np.where(real_BN, worth_BN, np.float32(-np.inf))

    def best(self, needs: Needs, available_I: NDArray[np.bool_], count: int) -> Ints:
        """(B, count) the best items of the catalogue that are there, best first, -1 padded."""
        items_J = np.flatnonzero(available_I).astype(np.int32)
        found = np.full((len(needs.shopper_B), count), -1, np.int32)
        rows = max(1, _PAIRS // max(len(items_J), 1))
        for start in range(0, len(found), rows):
            some = slice(start, start + rows)
            asked = needs.rows(some)
            items_BJ = np.tile(items_J, (len(asked.shopper_B), 1))
            worth_BJ = self.worth(asked, items_BJ)
            kept = min(count, len(items_J))
            top_BK = np.argpartition(-worth_BJ, kept - 1, axis=1)[:, :kept]
            order_BK = np.argsort(-np.take_along_axis(worth_BJ, top_BK, axis=1), axis=1)
            found[some, :kept] = items_J[np.take_along_axis(top_BK, order_BK, axis=1)]
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
    """

    def __init__(
        self, funnel: Funnel, oracle: Oracle, sampler: NeedSampler, memory: Memory
    ) -> None:
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
        return self.pages(self.funnel.ask(requests), needs)

    def pages(self, answers: Answers, needs: Needs) -> Pages:
        """The pages for these needs, in the time of these answers."""
        funnel = self.funnel
        best_BN = self.oracle.best(needs, self.available_I, funnel.spec.keep)
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
    named_B = (sampler.intents.text_QX[first_B] == requests.text_B[:, None]).any(axis=1)
    return Needs(
        shopper_B=requests.shopper_B,
        session_B=ordinal_B,
        request_B=requests.id_B & ((1 << REQUEST_BITS) - 1),
        need_B=np.where(named_B, zeros_B, 1),
        intent_B=np.where(named_B, first_B, second_B),
        at_B=requests.at_B,
        owned_BM=memory.owned_SM[requests.shopper_B],
    )
