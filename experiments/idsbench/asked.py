"""The test: the requests of a history's last days that led to a click, and what was clicked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.config.ids_bench import IdsBenchSpec
from experiments.running.heldout import test_rows
from recall.arrays import Ragged
from simulator.log.history import History

PLACE = "ids_bench.test_days"


@dataclass(frozen=True)
class Asked:
    """The B test requests.

    Attributes:
        targets: distinct clicked items of each request, at least one.
        shopper_B: who asked.
    """

    targets: Ragged
    shopper_B: NDArray[np.integer]


def asked_requests(
    history: History, spec: IdsBenchSpec, seed: int
) -> tuple[NDArray[np.int64], Asked]:
    """The test: rows of requests of the test days that led to a click, and what was clicked.

    Raises:
        ConfigError: nothing was clicked in the test days.
    """
    rows = test_rows(history, spec.test_days, spec.test_requests, seed=seed, place=PLACE)
    clicked = np.flatnonzero(history.clicked_X.astype(bool))
    clicked = clicked[np.isin(history.row_X[clicked], rows)]
    pairs = np.unique(np.stack([history.row_X[clicked], history.item_X[clicked]], 1), axis=0)
    pointer = np.searchsorted(pairs[:, 0], np.append(rows, rows[-1] + 1)).astype(np.int64)
    targets = Ragged(pairs[:, 1].astype(np.int32), pointer)
    return rows, Asked(targets, history.shopper_R[rows])
