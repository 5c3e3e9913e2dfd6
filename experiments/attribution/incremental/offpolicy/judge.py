"""The task that shows the requests of one arm's log to another arm and notes both pages.

The run's experiment is lived again, bit for bit, and watched. First pages of the logged arm's
shoppers also go through the judged arm's funnel, at the same moment and on the same snapshot of the
shop, without exploration. Each slot leaves a row: what the log showed there and with which
probability, what the judged page shows there and with which probability the log would have, and
what is to be expected of both (`simulator.behaviour.expectation`), which no log knows.

Latency is left out: pages count as far as the logged one was waited for, and expectations are those
of shoppers who wait.
"""

from copy import copy
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.attribution.incremental.relived import Columns, Noting, untraced
from experiments.inference.offpolicy.directmodel import bins
from experiments.running.models import LOG
from experiments.running.worlds import ExperimentWorld, OpenWorld, open_world
from experiments.stages.executor import Advance
from experiments.stages.stage import Stage
from ranking.funnel import Funnel
from ranking.pages import blank_pages
from ranking.router import ArmRouter
from simulator.behaviour.behavior import Reactions
from simulator.behaviour.expectation import expected
from simulator.catalogue.catalog import Ints
from simulator.protocols import Pages, Requests
from simulator.shoppers.needs import Needs

TABLE = "slots.parquet"

EXPECTED = {"click": "clicks_BK", "purchase": "orders_BK", "gmv": "gmv_BK"}
"""By kind of outcome, the column of the expectation."""

_SCHEMA = pa.schema(
    [
        ("request", pa.int64()),
        ("shopper", pa.int64()),
        ("slot", pa.int16()),
        ("device", pa.int8()),
        ("item", pa.int32()),
        ("propensity", pa.float32()),
        ("clicked", pa.bool_()),
        ("bin", pa.int8()),
        ("judged", pa.int32()),
        ("judged_bin", pa.int8()),
        ("chance", pa.float64()),
        *((f"{of}_{event}", pa.float64()) for of in ("base", "truth") for event in EXPECTED),
    ]
)


@dataclass(frozen=True)
class OffPolicyJob:
    """The requests of one arm's log, to be shown to another arm.

    Attributes:
        world: the finished experiment, in which shoppers are split over the arms.
        stage: where the table goes.
        judged, logged: numbers of the arm whose pages are judged, and of the arm of the log.
    """

    world: ExperimentWorld
    stage: Stage
    judged: int
    logged: int


def judge(job: OffPolicyJob, *, advance: Advance) -> None:
    """Watch the experiment and finish the stage.

    Raises:
        DataError: the log is not there, or living the experiment again gives another one.
    """
    with job.stage.write() as folder:
        opened = open_world(job.world, folder / LOG)
        Judge(opened, job).relive(job.world, folder / TABLE, advance)


class Judge(Noting):
    """Watches an experiment, not yet lived, and shows one arm's requests to another one."""

    schema = _SCHEMA

    def __init__(self, opened: OpenWorld, job: OffPolicyJob) -> None:
        super().__init__(opened)
        services = cast("ArmRouter", opened.service).services
        logging = cast("Funnel", services[job.logged])
        self.number = job.logged
        self.exploration = logging.spec.exploration
        self.judged = _changed(cast("Funnel", services[job.judged]), {"exploration": 0.0})
        every = {"exploration": 0.0, "slots": logging.spec.keep}
        self.logging = _changed(logging, every)

    def __call__(
        self, requests: Requests, needs: Needs, pages: Pages, reactions: Reactions
    ) -> None:
        """Note one block; see `simulator.living.desk.Witness`."""
        own = np.flatnonzero(pages.arm_B == self.number)
        came_late_B = reactions.left_B & (pages.items_BK >= 0).any(axis=1)
        of_own = np.flatnonzero((requests.page_B[own] == 0) & ~came_late_B[own])
        if not len(of_own):
            return
        rows, asked = own[of_own], untraced(requests.rows(own))
        ranked_BM = self._ranked(asked)[of_own]
        # Not `serve`: a fault of the judged arm is none of the experiment's.
        judged_BK = self.judged.pages(self.judged.ask(asked.rows(of_own))).items_BK
        logged = {
            "item": pages.items_BK[rows],
            "propensity": pages.propensity_BK[rows],
            "clicked": reactions.clicked_BK[rows],
        }
        told = requests.rows(rows), needs.rows(rows)
        self.blocks.append(self._columns(*told, logged, judged_BK, ranked_BM))

    def _ranked(self, requests: Requests) -> Ints:
        """(B, M) every item that the logging arm ranked for its requests, best first.

        It is asked the very batch that it was asked, for a channel that breaks is dropped from all.
        """
        answers = self.logging.ask(requests)
        whole = self.logging.whole(requests)
        return self.logging.pages(replace(answers, requests=whole)).items_BK

    def _columns(
        self, requests: Requests, needs: Needs, logged: Columns, judged_BK: Ints, ranked_BM: Ints
    ) -> Columns:
        """The rows of a block: one for each slot that either page fills, and each first slot."""
        logged_BK = logged["item"]
        slot_BK = np.broadcast_to(np.arange(logged_BK.shape[1]), logged_BK.shape)
        judged_place_BK = _places(judged_BK, ranked_BM)
        length_B1 = (ranked_BM >= 0).sum(axis=1)[:, None]
        greedy_BK = (1 - self.exploration) * (judged_place_BK == slot_BK)
        random_BK = self.exploration / np.maximum(length_B1, 1) * (slot_BK < length_B1)
        kept_BK = (logged_BK >= 0) | (judged_BK >= 0) | (slot_BK == 0)
        whole = {"request": "id_B", "shopper": "shopper_B", "device": "device_B"}
        columns = {
            name: np.broadcast_to(getattr(requests, of)[:, None], kept_BK.shape)
            for name, of in whole.items()
        }
        columns |= logged | {
            "slot": slot_BK,
            "bin": bins(_places(logged_BK, ranked_BM)),
            "judged": judged_BK,
            "judged_bin": bins(judged_place_BK),
            "chance": np.where(judged_place_BK >= 0, greedy_BK + random_BK, 0.0),
        }
        columns |= self._expect("base", needs, logged_BK) | self._expect("truth", needs, judged_BK)
        return {name: columns[name][kept_BK] for name in _SCHEMA.names}

    def _expect(self, of: str, needs: Needs, items_BK: Ints) -> Columns:
        """What is expected of pages that come at once, at the prices that their shoppers see."""
        world = self.opened.world
        pages = replace(
            blank_pages(len(items_BK), items_BK.shape[1], 0, self.number), items_BK=items_BK
        )
        found = expected(world.behavior, needs, pages, world.market.price_I)
        return {f"{of}_{event}": getattr(found, column) for event, column in EXPECTED.items()}


def _changed(funnel: Funnel, update: dict[str, float]) -> Funnel:
    """The same funnel under other settings: it reads what the original was refreshed with."""
    other = copy(funnel)
    other.spec = funnel.spec.model_copy(update=update)
    return other


def _places(items_BK: Ints, ranked_BM: Ints) -> NDArray[np.int64]:
    """(B, K) 0-based place of each item in the ranking of its request, -1 where it has none."""
    same_BKM = items_BK[:, :, None] == ranked_BM[:, None, :]
    return np.where((items_BK >= 0) & same_BKM.any(axis=2), same_BKM.argmax(axis=2), -1)
