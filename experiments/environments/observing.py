"""What an agent sees of a request: the spaces, and an offer in their form."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from experiments.environments.agentservice import Offer
from simulator.protocols import DAY, REQUEST_BITS
from simulator.shoppers.memory import CLICKS_KEPT

Observation = dict[str, Any]
_MOST = float(np.finfo(np.float32).max)
_HOUR = 3_600.0


@dataclass(frozen=True)
class Sizes:
    """How many there are of each.

    Attributes:
        candidates: that a page is chosen from (M).
        channels: in the order of the columns of `ranks` (C).
        items, texts: of the shop.
        slots: of a page at most.
        pages: of one query at most.
    """

    candidates: int
    channels: int
    items: int
    texts: int
    slots: int
    pages: int


def observation_space(sizes: Sizes) -> spaces.Dict:
    """The space of what an agent sees; nothing latent is in it."""
    many, items = sizes.candidates, sizes.items
    return spaces.Dict(
        {
            "items": spaces.Box(-1, items - 1, (many,), np.int32),
            "scores": spaces.Box(-_MOST, _MOST, (many,), np.float32),
            "prices": spaces.Box(0, _MOST, (many,), np.float32),
            "statistics": spaces.Box(0, _MOST, (many, 3), np.float32),
            "ranks": spaces.Box(-1, np.iinfo(np.int16).max, (many, sizes.channels), np.int16),
            "shown": spaces.MultiBinary(many),
            "history": spaces.Box(-1, items - 1, (CLICKS_KEPT,), np.int32),
            "text": spaces.Discrete(sizes.texts),
            "request": spaces.Discrete(2**REQUEST_BITS),
            "page": spaces.Discrete(sizes.pages),
            "slots": spaces.Discrete(sizes.slots + 1),
            "hour": spaces.Box(0, 24, (1,), np.float32),
            "device": spaces.Discrete(2),
            "gender": spaces.Discrete(3),
            "age": spaces.Discrete(6),
        }
    )


def action_space(sizes: Sizes) -> spaces.Space[NDArray[np.float32]]:
    """The space of actions: a value for each candidate, and the highest come first."""
    return spaces.Box(-1, 1, (sizes.candidates,), np.float32)


def observed(offer: Offer, arm: int, shown: set[int]) -> Observation:
    """An offer as an observation, in arrays of its own.

    Args:
        offer: what is offered.
        arm: whose statistics are told.
        shown: items that earlier pages of the session have shown.
    """
    requests, index, items_M = offer.requests, offer.index, offer.items_M
    real_M = items_M >= 0
    at_M = np.where(real_M, items_M, 0)
    known = index.statistics_of(arm)
    counts_M3 = np.stack([known.exposures_I, known.clicks_I, known.orders_I], axis=1)[at_M]
    return {
        "items": items_M.astype(np.int32),
        "scores": _real(offer.scores_M, real_M),
        "prices": _real(index.price_I[at_M], real_M),
        "statistics": _real(counts_M3, real_M[:, None]),
        "ranks": offer.ranks_MC.astype(np.int16),
        "shown": np.isin(items_M, [*shown]).astype(np.int8),
        "history": requests.history_BH[0].astype(np.int32),
        "text": np.int64(requests.text_B[0]),
        "request": np.int64(requests.id_B[0] & (2**REQUEST_BITS - 1)),
        "page": np.int64(requests.page_B[0]),
        "slots": np.int64(requests.slots_B[0]),
        "hour": np.array([requests.at_B[0] % DAY / _HOUR], np.float32),
        "device": np.int64(requests.device_B[0]),
        "gender": np.int64(requests.gender_B[0]),
        "age": np.int64(requests.age_B[0]),
    }


def _real(values: NDArray[Any], real: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The values of real candidates; 0 on padding."""
    return np.where(real, values, 0).astype(np.float32)
