"""What rewards may look up about the shop: public columns, models, what other channels find.

No latent column is here. The one door to the simulated truth is `Shop.oracle`, which the
laboratory opens for rewards that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cqsid.tokenizer.ids import SemanticIds
from recall.candidates import Pool
from simulator.catalogue.catalog import Catalog, Ints
from simulator.errors import ConfigError
from simulator.protocols import Index, Requests

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from cqsid.decoding.shelves import Shelves
    from cqsid.tokenizer.signals import TextVectors
    from ranking.rankers.ranker import Ranker
    from recall.channel import PairScorer

Floats = NDArray[np.float32]
Outcome = Literal["click", "purchase", "gmv"]


class Oracle(Protocol):
    """The simulated shoppers behind logged requests, asked what they would do."""

    def expected(self, requests: Requests, items_BN: Ints, outcome: Outcome) -> Floats:
        """(B, N) what each item would bring if it were looked at, in expectation.

        The chance of a click, the chance of a purchase, or the latter times the price and the
        units of a purchase; 0 on padding (-1).
        """


@dataclass(frozen=True)
class Elsewhere:
    """What the channels other than the generative one find.

    Attributes:
        pool_of: their merged candidates, for any requests; refreshed once, at the end of the log.
        bit: the provenance bit of the generative channel, which the pools do not hold.
        channels: how many provenance bits there are.
    """

    pool_of: Callable[[Requests], Pool]
    bit: int
    channels: int


@dataclass(frozen=True)
class Shop:
    """The shop as it stands at the end of the log that the generator learns from.

    Attributes:
        catalog: public columns of the I items.
        ids: ids of the items now in the shop.
        shelves: the items behind each id that are on sale, in the order of service.
        index: prices, stock and statistics.
        vectors: text vectors of items and queries.
        item_ID: text vectors of the items.
        elsewhere: other channels; None: there are none to ask.
        ranker: the downstream ranker, refreshed with `index`; None: there is none to ask.
        oracle: the simulated shoppers; None: the door is shut.
        judges: relevance judges by name; their `pair_scores` are expected grades, 0 to 1.
    """

    catalog: Catalog
    ids: SemanticIds
    shelves: Shelves
    index: Index
    vectors: TextVectors
    item_ID: Floats
    elsewhere: Elsewhere | None = None
    ranker: Ranker | None = None
    oracle: Oracle | None = None
    judges: Mapping[str, PairScorer] = field(default_factory=dict)

    def items(self, sid_BG: Ints, most: int) -> Ints:
        """(B, G, most) the first items of each id, -1 padded, all -1 for an id of -1."""
        size_S = np.append(np.diff(self.shelves.pointer_S), 0)
        start_S = np.append(self.shelves.pointer_S[:-1], 0)
        place_K = np.arange(most)
        inside_BGK = place_K < size_S[sid_BG][..., None]
        at_BGK = np.where(inside_BGK, start_S[sid_BG][..., None] + place_K, 0)
        stored = self.shelves.items if len(self.shelves.items) else np.full(1, -1, np.int32)
        return np.where(inside_BGK, stored[at_BGK], -1).astype(np.int32)

    def asked_oracle(self, place: str) -> Oracle:
        """The simulated shoppers, for a reward that needs them.

        Raises:
            ConfigError: the door is shut.
        """
        if self.oracle is None:
            raise ConfigError(f"{place}: oracle == None, must be there: only a simulation has one")
        return self.oracle
