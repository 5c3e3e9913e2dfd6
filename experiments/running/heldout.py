"""Which requests of a history test a generator: those of its last days that led to a click."""

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ConfigError
from simulator.log.history import History
from simulator.protocols import DAY

Rows = NDArray[np.int64]


def test_start(history: History, days: int, place: str) -> float:
    """When the test days begin (simulated seconds).

    Args:
        history: the whole log.
        days: how many of its last days are the test.
        place: the setting that says so, for errors.

    Raises:
        ConfigError: the history is no longer than the test.
    """
    last = float(history.at_R.max()) if len(history.at_R) else 0.0
    start = (last // DAY + 1 - days) * DAY
    if start <= 0 or not (history.at_R < start).any():
        raise ConfigError(f"{place} == {days}, must be < {int(last // DAY) + 1} (history)")
    return start


def seen_history(history: History, unseen_days: int) -> History:
    """A history without its last days.

    Raises:
        ConfigError: the history is no longer than these.
    """
    return (
        history.before(test_start(history, unseen_days, "unseen_days")) if unseen_days else history
    )


def clicked_rows(history: History, first: float = 0.0, until: float = np.inf) -> Rows:
    """Rows, ascending, of the requests from `first` to before `until` that led to a click."""
    rows = np.unique(history.row_X[history.clicked_X.astype(bool)]).astype(np.int64)
    return rows[(history.at_R[rows] >= first) & (history.at_R[rows] < until)]


def test_rows(history: History, days: int, most: int, *, seed: int, place: str) -> Rows:
    """Rows, ascending, of the requests of the test days that led to a click.

    Args:
        history, days, place: as `test_start`.
        most: a larger number is sampled evenly.
        seed: of the sample.

    Raises:
        ConfigError: nothing was clicked in the test days, or they are the whole history.
    """
    rows = clicked_rows(history, test_start(history, days, place))
    if not len(rows):
        raise ConfigError(f"{place} == {days}, must hold a click")
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows
