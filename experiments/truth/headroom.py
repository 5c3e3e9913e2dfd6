"""Headroom: what the best possible recall and ranking would add, on a sample of a world's requests.

Of each request, what is expected (`simulator.behaviour.expectation`) of the page as it was served
and of the pages that an oracle would have made (`experiments.truth.oracle`):

    kept       what the pre-ranker kept, in the oracle's order
    pool       all that the arm's channels found, in the oracle's order
    recall     the best of the catalogue, in the order of the arm's own ranker
    catalogue  the best of the catalogue, in the oracle's order

All pages come at the time of the one that was served. Where `recall` adds little, no channel can
show a lift, whatever it finds.

Beside it stands how scarce recall is: how many items are relevant to the need
(`experiments.truth.relevance`), how many of them the arm's channels found, and whether the text had
been asked before.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.truth.files import write_table
from experiments.truth.oracle import GOALS, Goal, Oracle, OracleRecall
from experiments.truth.relevance import Relevance
from ranking.funnel import Answers, Funnel
from ranking.ordering import best_first
from ranking.pages import page_columns
from ranking.preranker import take
from recall.candidates import Pool
from simulator.behaviour.behavior import Reactions
from simulator.behaviour.expectation import expected
from simulator.catalogue.catalog import Ints
from simulator.living.world import World
from simulator.protocols import REQUEST_BITS, Pages, Requests
from simulator.shoppers.needs import Needs

_TOLD = ("request", "shopper", "text", "wording", "first", "unseen", "relevant", "found", "limit")
PAGES = ("served", "kept", "pool", "recall", "catalogue")


class HeadroomSample:
    """Watches a world under one arm and weighs a sample of its requests.

    Args:
        world: not yet lived.
        funnel: of the arm; its own count of faults.
        rate: share of the requests.
        known_T: which of the world's texts were asked in its history.
    """

    def __init__(
        self, world: World, funnel: Funnel, rate: float, known_T: NDArray[np.bool_]
    ) -> None:
        self.world = world
        self.funnel = funnel
        self.rate = rate
        self.known_T = known_T
        self.oracle = Oracle(world.behavior, world.market)
        self.relevance = Relevance(world.behavior.utility)
        self.recall = OracleRecall(funnel, self.oracle, world.sampler, world.memory)
        self._rows: list[dict[str, NDArray[Any]]] = []

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """Weigh some of a block's requests; see `simulator.living.desk.Witness`."""
        luck_B = self.world.draws.uniform("headroom", request=requests.id_B)
        rows = np.flatnonzero(luck_B < self.rate)
        if not len(rows):
            return
        asked, behind = requests.rows(rows), needs.rows(rows)
        served = Pages.bare(pages.items_BK[rows], pages.latency_B[rows])
        answers = self.funnel.ask(asked)
        pool = self.funnel.pool(answers)
        columns: dict[str, NDArray[Any]] = {
            "request": asked.id_B,
            "shopper": asked.shopper_B,
            "text": asked.text_B,
            "wording": self._wording(asked, behind),
            **self._recall(asked, behind, pool),
        }
        made = self._pages(asked, behind, answers, pool)
        self._rows.append(columns | self._values(behind, served, made))

    def write(self, path: Path) -> None:
        """Write a row for each request of the sample."""
        if not self._rows:
            empty: dict[str, NDArray[Any]] = {name: np.zeros(0, np.int64) for name in _TOLD}
            empty |= {f"{event}_{page}": np.zeros(0) for event in GOALS for page in PAGES}
            self._rows.append(empty)
        joined = {
            name: np.concatenate([each[name] for each in self._rows]) for name in self._rows[0]
        }
        write_table(path, joined)

    def _wording(self, requests: Requests, needs: Needs) -> NDArray[np.int64]:
        """(B,) how each request words its need."""
        intents = self.world.population.intents
        return intents.wordings(needs.intent_B, requests.text_B)

    def _recall(self, requests: Requests, needs: Needs, pool: Pool) -> dict[str, NDArray[Any]]:
        """By column, (B,) how many items are relevant and found, and whether the text is new."""
        there_I = self.funnel.recall.available_I
        relevant_BN = self.relevance.relevant(needs.intent_B, pool.items_BN)
        limit = max(self.funnel.recall.limits.values())
        return {
            "first": (requests.id_B & (2**REQUEST_BITS - 1)) == 0,
            "unseen": ~self.known_T[requests.text_B],
            "relevant": self.relevance.count(needs.intent_B, there_I),
            "found": relevant_BN.sum(axis=1),
            "limit": np.full(len(requests), limit),
        }

    def _pages(
        self, requests: Requests, needs: Needs, answers: Answers, pool: Pool
    ) -> dict[Goal, dict[str, Ints]]:
        """By goal, the items on the pages that an oracle would have made."""
        funnel = self.funnel
        kept = take(pool, funnel.cut(requests, pool))
        deepest = int(((requests.page_B + 1) * requests.slots_B).max())
        count = max(deepest, funnel.spec.keep)
        best = self.oracle.best(needs, funnel.recall.available_I, count)
        worths = [self.oracle.worth(needs, items.items_BN) for items in (kept, pool)]
        found: dict[Goal, dict[str, Ints]] = {}
        for goal, best_BN in best.items():
            falling_BN = np.broadcast_to(-np.arange(count, dtype=np.float32), best_BN.shape)
            found[goal] = {
                "kept": self._ordered(requests, kept.items_BN, worths[0][goal]),
                "pool": self._ordered(requests, pool.items_BN, worths[1][goal]),
                "recall": self.recall.pages(answers, best_BN[:, : funnel.spec.keep]).items_BK,
                "catalogue": self._ordered(requests, best_BN, falling_BN),
            }
        return found

    def _ordered(self, requests: Requests, items_BN: Ints, worth_BN: NDArray[np.float32]) -> Ints:
        """(B, K) the page that candidates make by falling worth."""
        order_BN = best_first(np.where(items_BN >= 0, worth_BN, -np.inf), items_BN)
        held_B = (items_BN >= 0).sum(axis=1).astype(np.int32)
        column_BK = page_columns(order_BN, held_B, requests, self.funnel.spec.slots)
        found_BK = np.take_along_axis(items_BN, np.maximum(column_BK, 0), axis=1)
        return np.where(column_BK >= 0, found_BK, -1).astype(np.int32)

    def _values(
        self, needs: Needs, served: Pages, made: dict[Goal, dict[str, Ints]]
    ) -> dict[str, NDArray[Any]]:
        """By goal and page, (B,) what is expected of pages that come when the served ones did.

        All are weighed in one batch: the sample of a block is small, and each batch has its price.
        """
        shown = {"served": served.items_BK}
        for goal, pages in made.items():
            shown |= {f"{goal}_{page}": items_BK for page, items_BK in pages.items()}
        width = max(items_BK.shape[1] for items_BK in shown.values())
        padded = [
            np.pad(items_BK, ((0, 0), (0, width - items_BK.shape[1])), constant_values=-1)
            for items_BK in shown.values()
        ]
        again = np.tile(np.arange(len(served.latency_B)), len(shown))
        pages_PK = Pages.bare(np.concatenate(padded), served.latency_B[again])
        behavior, price_I = self.world.behavior, self.world.market.price_I
        found = expected(behavior, needs.rows(again), pages_PK, price_I)
        columns: dict[str, NDArray[Any]] = {}
        for goal in made:
            value_PK = found.orders_BK if goal == "orders" else found.gmv_BK
            by_page = dict(zip(shown, np.split(value_PK.sum(axis=1), len(shown)), strict=True))
            for page in PAGES:
                name = f"{goal}_{page}"
                columns[name] = by_page["served" if page == "served" else name]
        return columns
