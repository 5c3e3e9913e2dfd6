"""Policies that are judged by a log in Open Bandit form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.inference.logs import rows
from experiments.inference.offpolicy.openbandit.banditlog import BanditLog
from simulator.errors import DataError

Floats = NDArray[np.float64]

MOST_CELLS = 10_000_000
"""Contexts times positions times actions that a log may have."""

_SUMS = 1e-6  # by which probabilities may miss 1


@dataclass(frozen=True)
class Target:
    """A policy that is judged: the chance of every action, by context and position.

    Attributes:
        name: of the policy.
        chance_CKA: (contexts, positions, actions), numbered as in the log; sums to 1 over actions.
    """

    name: str
    chance_CKA: Floats

    def check(self, log: BanditLog) -> None:
        """Refuse chances that are none.

        Raises:
            DataError: another shape than the log's, a chance outside [0, 1], or sums other than 1.
        """
        chance_CKA, wanted = self.chance_CKA, shape_of(log)
        if chance_CKA.shape != wanted:
            raise DataError(
                f"{self.name}: chance_CKA.shape == {chance_CKA.shape}, must be {wanted}"
            )
        wrong_CKA = ~((chance_CKA >= 0) & (chance_CKA <= 1))
        if wrong_CKA.any():
            raise DataError(
                f"{self.name}: chance == {chance_CKA[wrong_CKA][0]}, must be >= 0, <= 1"
            )
        sums_CK = chance_CKA.sum(axis=2)
        off_CK = np.abs(sums_CK - 1) > _SUMS
        if off_CK.any():
            context, place = (int(each[0]) for each in np.nonzero(off_CK))
            raise DataError(
                f"{self.name}: chances of context {log.contexts[context]}, position "
                f"{log.positions[place]} sum to {sums_CK[context, place]:.6g}, must sum to 1"
            )


def shape_of(log: BanditLog) -> tuple[int, int, int]:
    """How many contexts, positions and actions a log has.

    Raises:
        DataError: more combinations than `MOST_CELLS`.
    """
    shape = len(log.contexts), len(log.positions), len(log.actions)
    if np.prod(shape) > MOST_CELLS:
        raise DataError(
            f"contexts, positions, actions == {shape}, must be at most {MOST_CELLS:,} "
            "combinations: name fewer columns of context"
        )
    return shape


def uniform(log: BanditLog) -> Target:
    """The policy that takes every action of the log with the same chance."""
    shape = shape_of(log)
    return Target("uniform", np.full(shape, 1 / shape[2]))


def shares(log: BanditLog, policy: str) -> Target:
    """How often another policy of the log takes each action at each position.

    The average policy of one that changes over time, such as Thompson sampling: its own chances are
    known for the actions alone that it took. The luck of its draws is in these shares.

    Raises:
        DataError: no such policy, or it has no rows at a position.
    """
    number, (contexts, places, actions) = log.policy(policy), shape_of(log)
    taken_KA = np.zeros((places, actions))
    for row in rows(
        log.connection,
        f"SELECT position, action, count(*) AS n FROM rounds WHERE policy = {number} GROUP BY ALL",
    ):
        taken_KA[row["position"], row["action"]] = row["n"]
    shown_K1 = taken_KA.sum(axis=1, keepdims=True)
    if not shown_K1.all():
        place = log.positions[int(np.flatnonzero(shown_K1 == 0)[0])]
        raise DataError(f"rows of {policy!r} at position {place} == 0, must be > 0")
    share_CKA = np.broadcast_to(taken_KA / shown_K1, (contexts, places, actions))
    return Target(f"shares of {policy}", np.array(share_CKA))
