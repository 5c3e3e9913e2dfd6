import numpy as np
import pytest
from hypothesis import given, strategies as st

from recall.candidates import Candidates
from recall.merge import Merge
from recall.settings import MergeSpec
from simulator.errors import ConfigError

N_ITEMS = 20
NAMES = ("a", "b", "c", "d")


@st.composite
def answers(draw):
    """Candidates of up to four channels for the same requests, some dropped."""
    n_requests, n_channels = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    found = []
    for _ in range(n_channels):
        width = draw(st.integers(0, 8))
        items = np.stack([rng.permutation(N_ITEMS)[:width] for _ in range(n_requests)])
        filled = rng.integers(0, width + 1, (n_requests, 1))
        items = np.where(np.arange(width) < filled, items, -1).astype(np.int32)
        scores = -np.sort(-rng.normal(size=items.shape).astype(np.float32), axis=1)
        found.append(draw(st.sampled_from([Candidates(items, scores)] * 4 + [None])))
    available = rng.random(N_ITEMS) < 0.8
    return found, n_requests, available


def oracle(candidates, b, available, spec, names):
    """The merge of one request with dictionaries: (item, {channel: (rank, score)}) in order."""
    total = sum(spec.weights.get(name, 1.0) for name in names)
    provenance, order, entered = {}, {}, set()
    for c, found in enumerate(candidates):
        for rank, item in enumerate(found.items_BN[b] if found is not None else ()):
            if item < 0 or not available[item]:
                continue
            provenance.setdefault(item, {})[c] = (rank, found.scores_BN[b, rank])
            weight = spec.weights.get(names[c], 1.0) / total
            order[item] = order.get(item, 0.0) + weight / (61 + rank)
            if rank < spec.quotas.get(names[c], 10**6):
                entered.add(item)
    ranked = sorted(entered, key=lambda item: (-round(order[item], 9), item))
    return [(item, provenance[item]) for item in ranked[: spec.limit]]


SPECS = st.builds(
    MergeSpec,
    limit=st.integers(1, 30),
    quotas=st.dictionaries(st.just("a"), st.integers(0, 5)),
    weights=st.dictionaries(st.just("a"), st.sampled_from([0.5, 2.0])),
)


@given(answers(), SPECS)
def test_merging_keeps_every_channel_that_found_an_item(made, spec):
    candidates, n_requests, available = made
    names = NAMES[: len(candidates)]
    pool = Merge(spec, names)(candidates, n_requests, available)
    assert pool.items_BN.shape == (n_requests, spec.limit)
    for b in range(n_requests):
        expected = oracle(candidates, b, available, spec, names)
        size = len(expected)
        assert pool.items_BN[b, :size].tolist() == [item for item, _ in expected]
        assert (pool.items_BN[b, size:] == -1).all()
        assert (pool.sources_BN[b, size:] == 0).all()
        for n, (_, found_by) in enumerate(expected):
            assert pool.sources_BN[b, n] == sum(1 << c for c in found_by)
            for c in range(len(candidates)):
                rank, score = found_by.get(c, (-1, np.nan))
                assert pool.ranks_BNC[b, n, c] == rank
                np.testing.assert_equal(pool.scores_BNC[b, n, c], np.float32(score))


@given(answers())
def test_a_pool_never_holds_an_item_twice(made):
    candidates, n_requests, available = made
    pool = Merge(MergeSpec(limit=40), NAMES[: len(candidates)])(candidates, n_requests, available)
    for row in pool.items_BN:
        items = row[row >= 0].tolist()
        assert len(items) == len(set(items))
        assert available[items].all()


@given(answers(), st.randoms(use_true_random=False))
def test_permuting_the_channels_permutes_bits_and_nothing_else(made, random):
    candidates, n_requests, available = made
    names = NAMES[: len(candidates)]
    order = list(range(len(candidates)))
    random.shuffle(order)
    spec = MergeSpec(limit=7, quotas={"a": 3}, weights={"a": 3.0})
    pool = Merge(spec, names)(candidates, n_requests, available)
    other = Merge(spec, tuple(names[c] for c in order))(
        [candidates[c] for c in order], n_requests, available
    )
    np.testing.assert_array_equal(pool.items_BN, other.items_BN)
    np.testing.assert_array_equal(pool.ranks_BNC[:, :, order], other.ranks_BNC)
    np.testing.assert_array_equal(pool.scores_BNC[:, :, order], other.scores_BNC)
    moved = sum(((pool.sources_BN >> c) & 1) << at for at, c in enumerate(order))
    np.testing.assert_array_equal(moved, other.sources_BN)


def test_a_batch_without_any_channel_gives_empty_pools():
    pool = Merge(MergeSpec(limit=5), ("a", "b"))([None, None], 3, np.ones(N_ITEMS, np.bool_))
    assert pool.items_BN.tolist() == [[-1] * 5] * 3
    assert pool.ranks_BNC.shape == (3, 5, 2)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (MergeSpec(quotas={"z": 3}), r"merge.quotas == 'z', must name a channel \(a, b\)"),
        (MergeSpec(weights={"a": 0, "b": 0}), "merge.weights == 0 for all channels"),
    ],
)
def test_a_wrong_quota_or_weight_names_place_and_value(spec, message):
    with pytest.raises(ConfigError, match=message):
        Merge(spec, ("a", "b"))


def test_a_channel_of_weight_0_leaves_the_order_of_the_others_as_it_is():
    """Also where items tie though their ranks differ: 1/70 + 1/105 == 1/84 + 1/84."""
    rng = np.random.default_rng(2)
    ranks = np.stack([np.stack([rng.permutation(300)[:120] for _ in range(2_000)]) for _ in "abc"])
    found = [
        Candidates(items.astype(np.int32), np.tile(-np.arange(120, dtype=np.float32), (2_000, 1)))
        for items in ranks
    ]
    available = np.ones(300, np.bool_)
    names = ("a", "b", "c", "d", "e", "f")
    absent = [*found[:3], None, None, None]
    without = Merge(MergeSpec(limit=60), names)(absent, 2_000, available)
    twin = [*found[:3], found[0], None, None]
    beside = Merge(MergeSpec(limit=60, weights={"d": 0.0}), names)(twin, 2_000, available)
    np.testing.assert_array_equal(without.items_BN, beside.items_BN)
