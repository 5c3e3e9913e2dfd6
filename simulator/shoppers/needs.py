"""What stands behind a request: which intent a visit has, and how it is worded and reworded."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints
from simulator.randomness import Draws
from simulator.shoppers.intents import Intents, Wording
from simulator.shoppers.shoppers import Shoppers

_NARROWER = {Wording.SPECIFIC, Wording.BRAND, Wording.AMBIGUOUS, Wording.CONDITIONS}
NARROWER = np.array([wording in _NARROWER for wording in Wording])
"""(X,) wordings that say in the shop's words which of a kind; the others broaden or substitute."""


@dataclass(frozen=True)
class Needs:
    """What stands behind B requests. Latent.

    Attributes:
        shopper_B, session_B, request_B, need_B: keys of the draws: shopper, ordinal of the
            session, of the request in it, of the need in it.
        intent_B: index into intents.
        at_B: simulated seconds.
        owned_BM: items the shopper bought before, -1 padded.
    """

    shopper_B: NDArray[np.int64]
    session_B: NDArray[np.int64]
    request_B: NDArray[np.int64]
    need_B: NDArray[np.int64]
    intent_B: NDArray[np.int64]
    at_B: NDArray[np.float64]
    owned_BM: Ints

    def rows(self, rows: NDArray[np.intp] | slice) -> "Needs":
        """The needs behind some of the requests (an index array or a slice)."""
        return Needs(*(getattr(self, column.name)[rows] for column in fields(self)))


class NeedSampler:
    """Draws intents by the shopper's department affinities, and wordings for them."""

    def __init__(self, intents: Intents, shoppers: Shoppers, draws: Draws) -> None:
        self.intents = intents
        self.shoppers = shoppers
        self.draws = draws
        self._weight_D = department_weights(intents, shoppers.affinity_SD.shape[1])
        self._before_D = np.cumsum(self._weight_D) - self._weight_D
        self._order_Q = np.argsort(intents.department_Q, kind="stable")
        self._cumulative_Q = np.cumsum(intents.weight_Q[self._order_Q])

    def intents_of(
        self, shopper_B: NDArray[np.int64], session_B: NDArray[np.int64], need_B: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """(B,) the intent behind each need."""
        point_B = self.draws.uniform("need.department", shopper_B, session_B, need_B)
        affinity_BD = self.shoppers.affinity_SD[shopper_B]
        department_B = np.minimum(
            (affinity_BD < point_B[:, None]).sum(axis=1), affinity_BD.shape[1] - 1
        )
        share_B = self.draws.uniform("need.intent", shopper_B, session_B, need_B)
        target_B = self._before_D[department_B] + share_B * self._weight_D[department_B]
        at_B = np.searchsorted(self._cumulative_Q, target_B)
        return np.asarray(self._order_Q[np.minimum(at_B, len(self._order_Q) - 1)])

    def first_wordings(
        self,
        intent_B: NDArray[np.int64],
        shopper_B: NDArray[np.int64],
        session_B: NDArray[np.int64],
        need_B: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        """(B,) how each need is first put into words."""
        weight_BX = self.intents.first_wordings(intent_B)
        return _pick(weight_BX, self.draws.uniform("wording", shopper_B, session_B, need_B))

    def texts(
        self,
        intent_B: NDArray[np.int64],
        wording_B: NDArray[np.int64],
        shopper_B: NDArray[np.int64],
        session_B: NDArray[np.int64],
        need_B: NDArray[np.int64],
    ) -> Ints:
        """(B,) the text that is typed for each need: all through a session the same one."""
        luck_B = self.draws.uniform("spelling", shopper_B, session_B, need_B, wording_B)
        return self.intents.typed(intent_B, wording_B, luck_B)

    def rewordings(
        self,
        intent_B: NDArray[np.int64],
        wording_B: NDArray[np.int64],
        shopper_B: NDArray[np.int64],
        session_B: NDArray[np.int64],
        request_B: NDArray[np.int64],
        narrower_B: NDArray[np.float64] | None = None,
    ) -> NDArray[np.int64]:
        """(B,) the next wording, -1 where the shopper has no other words for the need.

        Args:
            intent_B, wording_B: what is wanted, and the words that did not serve.
            shopper_B, session_B, request_B: whose luck it is.
            narrower_B: factor of the odds of `NARROWER` wordings; None: 1.
        """
        text_BX = self.intents.text_QX[intent_B]
        here_B: NDArray[np.int32] = np.take_along_axis(text_BX, wording_B[:, None], axis=1)
        weight_BX = self.intents.reword_XX[wording_B] * ((text_BX >= 0) & (text_BX != here_B))
        if narrower_B is not None:
            weight_BX *= np.where(NARROWER, narrower_B[:, None], 1.0)
        chosen_B = _pick(weight_BX, self.draws.uniform("reword", shopper_B, session_B, request_B))
        return np.where(weight_BX.sum(axis=1) > 0, chosen_B, -1)


def department_weights(intents: Intents, departments: int) -> NDArray[np.float64]:
    """(departments,) share of all visits whose intent lies in each department."""
    return np.asarray(
        np.bincount(intents.department_Q, weights=intents.weight_Q, minlength=departments),
        np.float64,
    )


def _pick(weight_BX: NDArray[np.float64], uniform_B: NDArray[np.float64]) -> NDArray[np.int64]:
    cumulative_BX: NDArray[np.float64] = np.cumsum(weight_BX, axis=1)
    passed_BX = cumulative_BX <= (uniform_B * cumulative_BX[:, -1])[:, None]
    return np.asarray(np.minimum(passed_BX.sum(axis=1), weight_BX.shape[1] - 1))
