"""What channels that are made of others are tried on, for their reports."""

from typing import Final

import numpy as np

from simulator.log.history import History
from simulator.protocols import Requests

_TRIED: Final = 256


def last_first_pages(history: History) -> Requests | None:
    """The last requests of a log for a first page; None where there is none."""
    rows = np.flatnonzero(history.page_R == 0)
    rows = rows[np.argsort(history.at_R[rows], kind="stable")][-_TRIED:]
    return history.requests(rows) if len(rows) else None
