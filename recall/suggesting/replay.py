"""Suggestions held against what shoppers of a log asked next, though nobody showed them any.

So it is told whether a suggester knows what will be asked, and not what its suggestions would
bring: a text that is shown may be taken by somebody who would have asked another one, or none.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recall.suggesting.suggester import Suggester, validate_suggestions
from simulator.calling import call
from simulator.catalogue.catalog import Ints
from simulator.log.history import History
from simulator.protocols import REQUEST_BITS, Requests

Moment = Literal["start", "next"]
"""Before the first query of a session, or after a page that another text followed."""


@dataclass(frozen=True)
class Moments:
    """B moments at which somebody asked something next.

    Attributes:
        requests: before them; of the start of a session without a text.
        next_B: text that was asked next.
        repeated_B: whether the same shopper had asked it before.
    """

    requests: Requests
    next_B: Ints
    repeated_B: NDArray[np.bool_]


def moments(history: History, since: float, kind: Moment, most: int) -> Moments:
    """The moments of a log from a time on, evenly chosen where there are too many.

    Args:
        history: a log.
        since: simulated seconds.
        kind: which moments.
        most: of them.
    """
    row_F = np.flatnonzero(history.page_R == 0)  # by shopper, session and order
    session_F, text_F = history.request_R[row_F] >> REQUEST_BITS, history.text_R[row_F]
    _, shopper_F = np.unique(history.shopper_R[row_F], return_inverse=True)
    pair_F = shopper_F.astype(np.int64) * len(history.texts) + text_F
    _, first_U, place_F = np.unique(pair_F, return_index=True, return_inverse=True)
    repeated_F = np.arange(len(row_F)) > first_U[place_F]
    follows_F = np.zeros(len(row_F), np.bool_)
    follows_F[1:] = session_F[1:] == session_F[:-1]
    if kind == "start":
        after_M = np.flatnonzero(~follows_F)
        before_M = after_M
    else:
        other_F = follows_F & (np.roll(text_F, 1) != text_F)
        after_M = np.flatnonzero(other_F)
        before_M = after_M - 1
    late_M = history.at_R[row_F[before_M]] >= since
    after_M, before_M = after_M[late_M], before_M[late_M]
    if len(after_M) > most:
        some = np.linspace(0, len(after_M) - 1, most).astype(np.int64)
        after_M, before_M = after_M[some], before_M[some]
    requests = history.requests(row_F[before_M])
    if kind == "start":
        requests = replace(requests, text_B=np.full(len(before_M), -1, np.int32))
    return Moments(requests, text_F[after_M], repeated_F[after_M])


def hits(suggester: Suggester, found: Moments, most: int, batch: int = 256) -> NDArray[np.bool_]:
    """(B,) whether the text that was asked next is among the first `most` suggestions.

    Args:
        batch: moments that are asked about at once.
    """
    parts = [np.zeros(0, np.bool_)]
    for start in range(0, len(found.next_B), batch):
        some = slice(start, start + batch)
        requests = found.requests.rows(some)
        told = call(f"{suggester.name}: suggest()", suggester.suggest, requests, most)
        validate_suggestions(told, requests, most)
        parts.append((told.text_BK == found.next_B[some, None]).any(axis=1))
    return np.concatenate(parts)
