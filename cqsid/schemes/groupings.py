"""Which items of an oversized cluster go together: at random, or by popularity."""

import numpy as np

from cqsid.schemes.clusters import ranks
from cqsid.schemes.finish import BaseCodes
from cqsid.schemes.splitting import ANY, NEWEST, Longs
from cqsid.signals import Signals


class AtRandom:
    """Items join groups at random, groups equal in size but for one item (CQ-SID).

    Depends on `rng` and the clusters alone. Equal sizes are ours: independent draws would leave
    about half of the groups above the cap.
    """

    def fit(
        self, base: BaseCodes, groups_N: Longs, signals: Signals, *, rng: np.random.Generator
    ) -> Longs:
        """(N,) group of each known item."""
        rank_N, _ = ranks(base.key_N, rng.permutation(len(base)))
        return rank_N % groups_N

    def wanted(self, base: BaseCodes) -> Longs:
        """(N,) the smallest group."""
        return np.full(len(base), ANY, np.int64)


class ByPopularity:
    """The most clicked items of the log go together, then the next; ties by item number.

    New items, which have no clicks yet, join the least popular group.
    """

    def fit(
        self, base: BaseCodes, groups_N: Longs, signals: Signals, *, rng: np.random.Generator
    ) -> Longs:
        """(N,) group of each known item."""
        clicks_N = signals.clicks_I[base.items_N]
        rank_N, count_N = ranks(base.key_N, -clicks_N, base.items_N)
        return rank_N * groups_N // count_N

    def wanted(self, base: BaseCodes) -> Longs:
        """(N,) the last group in use."""
        return np.full(len(base), NEWEST, np.int64)
