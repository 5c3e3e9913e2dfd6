"""What channels are asked, and what stands behind it."""

from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.validate.evidence import Evidence, PeriodLog
from simulator.log.history import load_history
from simulator.protocols import REQUEST_BITS, SESSION_BITS, Requests
from simulator.randomness import Draws
from simulator.shoppers.needs import Needs

_OWNED = "owned_SM"


@dataclass(frozen=True)
class Questions:
    """Requests of an experiment, which no channel has learned from.

    Attributes:
        requests: as the search service saw them; of earlier clicks those of the experiment.
        needs: what stands behind them.
    """

    requests: Requests
    needs: Needs

    def __len__(self) -> int:
        return len(self.requests)

    def rows(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Questions":
        """Some of them (an index array or flags)."""
        chosen = np.arange(len(self))[rows]
        return Questions(self.requests.rows(chosen), self.needs.rows(chosen))


def questions_of(evidence: Evidence, log: PeriodLog, most: int) -> Questions:
    """First pages of a log, an even sample of at most so many, in the order of their ids."""
    history = load_history(log.folder)
    rows_R = np.flatnonzero(history.page_R == 0)
    if len(rows_R) > most:
        luck_R = Draws(0).uniform("favouritism", request=history.request_R[rows_R])
        rows_R = np.sort(rows_R[np.argsort(luck_R, kind="stable")[:most]])
    requests = history.requests(rows_R)
    latent = pq.read_table(log.folder / "latent", columns=["request", "intent", "need"])
    order = np.argsort(latent["request"].to_numpy())
    at_B = order[np.searchsorted(latent["request"].to_numpy()[order], requests.id_B)]
    with np.load(evidence.state) as state:
        owned_SM = state[_OWNED]
    needs = Needs(
        shopper_B=requests.shopper_B,
        session_B=(requests.id_B >> REQUEST_BITS) & ((1 << SESSION_BITS) - 1),
        request_B=requests.id_B & ((1 << REQUEST_BITS) - 1),
        need_B=latent["need"].to_numpy()[at_B].astype(np.int64),
        intent_B=latent["intent"].to_numpy()[at_B].astype(np.int64),
        at_B=requests.at_B,
        owned_BM=owned_SM[requests.shopper_B],
    )
    return Questions(requests, needs)
