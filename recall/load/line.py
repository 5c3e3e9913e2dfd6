"""A queue in order of arrival before several servers that answer in batches, event by event.

With one server, batches of one and room for all this is Lindley's recursion, W' = max(0, W + S - A)
(Proc. Cambridge Phil. Soc. 48, 1952); with several servers it is Kiefer and Wolfowitz's (Trans. AMS
78, 1955). A server that becomes free takes whoever waits, up to a batch, and at least one: the bulk
service of Bailey (J. R. Stat. Soc. B 16, 1954) with the rule of Neuts (Ann. Math. Stat. 38, 1967).

Axis suffixes: R requests in order of arrival, L steps of service, M sizes of a batch.
"""

from heapq import heapreplace
from typing import Any

import numpy as np
from numba import njit

TURNED_AWAY = -1
"""Instead of a step, of requests that found no room to wait."""


@njit(cache=True, nogil=True)
def served(
    at_R: Any, median_LM: Any, factor_LR: Any, others_L: Any, servers: Any, room: Any
) -> Any:  # pragma: no cover
    """What becomes of every request.

    Args:
        at_R: when they come, not decreasing (s).
        median_LM: service time of a batch of 1 to M requests, median over its luck (s).
        factor_LR: luck of a batch that this request is the first of, a factor.
        others_L: others that must wait for a step to be taken, rising from 0.
        servers: how many.
        room: requests that may wait.

    Returns:
        wait_R (s), size_R of the batch, and step_R, `TURNED_AWAY` of who found no room.
    """
    n = len(at_R)
    found = np.zeros(n), np.ones(n, np.int16), np.full(n, TURNED_AWAY, np.int8)
    law = median_LM, factor_LR, others_L
    free = [-np.inf] * servers  # a heap of the moments at which servers are free
    line = np.empty(room + 1, np.int64)  # who waits, in a ring
    head, waiting = 0, 0
    for r in range(n + 1):
        now = at_R[r] if r < n else np.inf
        while waiting > 0 and free[0] <= now:
            head, waiting = _begin(free[0], at_R, law, free, line, head, waiting, found)
        if r == n:
            break
        if free[0] <= now or waiting < room:
            line[(head + waiting) % len(line)] = r
            waiting += 1
        if free[0] <= now:
            head, waiting = _begin(now, at_R, law, free, line, head, waiting, found)
    return found


@njit(cache=True, nogil=True)
def _begin(
    now: Any, at_R: Any, law: Any, free: Any, line: Any, head: Any, waiting: Any, found: Any
) -> Any:  # pragma: no cover
    """The server that is free first takes whoever waits; returns who waits then."""
    median_LM, factor_LR, others_L = law
    wait_R, size_R, step_R = found
    step = 0
    while step + 1 < len(others_L) and others_L[step + 1] < waiting:
        step += 1
    size = min(waiting, median_LM.shape[1])
    lasts = median_LM[step, size - 1] * factor_LR[step, line[head]]
    for _ in range(size):
        r = line[head]
        wait_R[r], size_R[r], step_R[r] = now - at_R[r], size, step
        head = (head + 1) % len(line)
    heapreplace(free, now + lasts)
    return head, waiting - size
