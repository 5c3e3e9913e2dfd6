"""The test: the requests of a history's last days that led to a click, and what was clicked."""

import numpy as np
from numpy.typing import NDArray

from experiments.idsbench.readings import Asked
from experiments.idsbench.settings import IdsBenchSpec
from recall.ragged import Ragged
from simulator.arrivals import DAY
from simulator.errors import ConfigError
from simulator.history import History


def test_start(history: History, spec: IdsBenchSpec) -> float:
    """When the test days begin (simulated seconds).

    Raises:
        ConfigError: the history is no longer than the test.
    """
    last = float(history.at_R.max()) if len(history.at_R) else 0.0
    start = (last // DAY + 1 - spec.test_days) * DAY
    if start <= 0 or not (history.at_R < start).any():
        days = int(last // DAY) + 1
        raise ConfigError(f"ids_bench.test_days == {spec.test_days}, must be < {days} (history)")
    return start


def asked_requests(
    history: History, spec: IdsBenchSpec, seed: int
) -> tuple[NDArray[np.int64], Asked]:
    """The test: rows of requests of the test days that led to a click, and what was clicked.

    Raises:
        ConfigError: nothing was clicked in the test days.
    """
    clicked = np.flatnonzero(history.clicked_X.astype(bool))
    clicked = clicked[history.at_R[history.row_X[clicked]] >= test_start(history, spec)]
    rows = np.unique(history.row_X[clicked]).astype(np.int64)
    if not len(rows):
        raise ConfigError(f"ids_bench.test_days == {spec.test_days}, must hold a click")
    if len(rows) > spec.test_requests:
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(rows, spec.test_requests, replace=False))
    clicked = clicked[np.isin(history.row_X[clicked], rows)]
    pairs = np.unique(np.stack([history.row_X[clicked], history.item_X[clicked]], 1), axis=0)
    pointer = np.searchsorted(pairs[:, 0], np.append(rows, rows[-1] + 1)).astype(np.int64)
    targets = Ragged(pairs[:, 1].astype(np.int32), pointer)
    return rows, Asked(targets, history.shopper_R[rows])
