"""A shop so small that every reward can be computed by hand, and three logged requests.

    id (row)      codes   items       on sale
    0             0 0     0, 1        0, 1
    1             0 1     2           2
    2             1 0     3, 4        4, 3 (in this order)
    3             1 1     5           5
    4             2 0     6           none
    none                  7           7

Prices are 10, 20, ..., 80 (mean 45); categories 0 0 0 1 1 -1 1 -1.

    request   shown           clicked   bought   spent
    0         0, 2, 3, 7      0, 2      2        60 (two of item 2)
    1         5               -         -        0
    2         nothing         -         -        0
"""

from dataclasses import replace

import numpy as np

from cqsid.decoding.shelves import Shelves
from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Samples
from cqsid.rewards.shop import Elsewhere, Shop
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from recall.candidates import Candidates
from recall.merge import Merge
from recall.sampleshop import sample_catalog, sample_requests
from recall.settings import MergeSpec
from simulator.protocols import Index, ItemStatistics

CODES = np.array([[0, 0], [0, 0], [0, 1], [1, 0], [1, 0], [1, 1], [2, 0], [-1, -1]], np.int32)
SIZES = (3, 2)
TEXTS = ("right", "up", "")
NONE = -1


class Directions:
    """`TextVectors`: two words, and nothing."""

    def items(self, texts):
        raise AssertionError("items have vectors already")

    def queries(self, texts):
        table = {"right": (1, 0), "up": (0, 2), "": (0, 0)}
        return np.array([table[text] for text in texts], np.float32).reshape(-1, 2)


class CountingOracle:
    """Item i brings i + 1, by the hundred for a click and negated for money."""

    def __init__(self):
        self.asked = []

    def expected(self, requests, items_BN, outcome):
        self.asked.append((len(requests), outcome))
        scale = {"click": 100.0, "purchase": 1.0, "gmv": -1.0}[outcome]
        return np.where(items_BN >= 0, (items_BN + 1) * scale, 0).astype(np.float32)


class NumberRanker:
    """Scores an item by its number, and keeps the pools that it was given."""

    name = "number"

    def __init__(self):
        self.pools = []

    def fit(self, examples, *, rng):
        """Nothing to learn."""

    def score(self, requests, pool):
        assert len(requests) == len(pool.items_BN)
        self.pools.append(pool)
        return np.where(pool.items_BN >= 0, pool.items_BN, -np.inf).astype(np.float32)


class TwoChannels:
    """Channel 0 finds items 3, 0 for every request; channel 2 finds 0, 5. Channel 1 generates."""

    def __init__(self):
        self.calls = 0

    def __call__(self, requests):
        self.calls += 1
        rows = len(requests)
        found = [
            Candidates(np.tile(np.array(items, np.int32), (rows, 1)), np.tile(scores, (rows, 1)))
            for items, scores in (
                ([3, 0], np.array([9, 8], np.float32)),
                ([0, 5], np.array([0.5, 0.25], np.float32)),
            )
        ]
        merge = Merge(MergeSpec(limit=4), ("a", "generative", "b"))
        return merge([found[0], None, found[1]], rows, np.ones(8, np.bool_))


def hand_shop(**parts) -> Shop:
    """The shop of this file with all doors open; any part can be replaced."""
    catalog = replace(sample_catalog(8), category_I=np.array([0, 0, 0, 1, 1, -1, 1, -1], np.int32))
    ones_I = np.ones(8, np.float32)
    index = Index(
        0.0,
        10.0 * np.arange(1, 9),
        np.arange(8) != 6,
        (ItemStatistics(ones_I, ones_I, ones_I),),
    )
    item_ID = np.array(
        [[1, 0], [3, 4], [0, 1], [-1, 0], [1, 1], [0, 0], [1, 0], [1, 0]], np.float32
    )
    shop = Shop(
        catalog,
        SemanticIds(CODES, SIZES),
        Shelves(np.array([0, 1, 2, 4, 3, 5], np.int32), np.array([0, 2, 3, 5, 6, 6])),
        index,
        Directions(),
        item_ID,
        Elsewhere(TwoChannels(), bit=1, channels=3),
        NumberRanker(),
        CountingOracle(),
    )
    return replace(shop, **parts)


def hand_logged(**parts) -> Logged:
    """The three requests of this file; any part can be replaced."""
    logged = Logged(
        sample_requests(sample_catalog(8), 3, texts=TEXTS),
        exposed=Ragged.of([[0, 2, 3, 7], [5], []]),
        clicked=Ragged.of([[0, 2], [], []]),
        bought=Ragged.of([[2], [], []]),
        spent_B=np.array([60.0, 0.0, 0.0]),
        propensity=np.ones(5, np.float32),
    )
    return replace(logged, **parts)


def groups(*rows) -> Samples:
    """Samples by the rows of their ids, one list for each request; -1 gets codes (2, 1)."""
    sid_BG = np.array(rows, np.int32)
    codes_BGL = SemanticIds(CODES, SIZES).sids_SL[sid_BG]
    codes_BGL[sid_BG < 0] = (2, 1)
    return Samples(codes_BGL, sid_BG)


def everything(requests: int = 3) -> Samples:
    """All ids and one that does not exist, for each request."""
    return groups(*[[0, 1, 2, 3, 4, NONE]] * requests)
