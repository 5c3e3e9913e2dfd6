import numpy as np
import pytest

from cqsid.tokenizer.schemes.finish import BaseCodes
from cqsid.tokenizer.schemes.splitting import ByTwoMeans

RNG = np.random.default_rng(4)
FAR = 10.0 * np.eye(4)


def grouped(vectors_ND, largest, groups=100):
    """Groups of one cluster of the given vectors, and the rule that made them."""
    base = base_of(vectors_ND)
    needed = min(-(-len(vectors_ND) // largest), groups)
    rule = ByTwoMeans(largest, groups)
    return rule.fit(base, np.full(len(base), needed), None, rng=None), rule


def base_of(vectors_ND, items_N=None):
    items_N = np.arange(len(vectors_ND), dtype=np.int32) if items_N is None else items_N
    codes_NL = np.zeros((len(items_N), 1), np.int32)
    return BaseCodes(items_N, codes_NL, (1,), lambda items_M: vectors_ND[items_M])


def blobs(*counts):
    blob_N = RNG.permutation(np.repeat(np.arange(len(counts)), counts))
    return blob_N, FAR[blob_N] + RNG.normal(size=(len(blob_N), 4))


@pytest.mark.parametrize("counts", [(10, 10), (14, 6), (9, 8, 7), (15, 15, 15, 15)])
def test_separate_blobs_become_separate_groups(counts):
    blob_N, vectors_ND = blobs(*counts)
    group_N, _ = grouped(vectors_ND, max(counts))
    pairs = set(zip(blob_N.tolist(), group_N.tolist(), strict=True))
    assert len(pairs) == len(counts) == group_N.max() + 1


@pytest.mark.parametrize(("count", "largest", "groups"), [(97, 5, 100), (97, 5, 7), (20, 1, 20)])
def test_groups_stay_below_the_cap_however_uneven_the_cloud(count, largest, groups):
    vectors_ND = np.exp(2 * RNG.normal(size=(count, 4)))
    group_N, _ = grouped(vectors_ND, largest, groups)
    sizes = np.bincount(group_N)
    assert sizes.min() >= 1
    assert sizes.max() <= max(largest, -(-count // groups))
    assert len(sizes) <= min(2 * -(-count // largest), groups)


def test_equal_vectors_are_cut_into_equal_parts():
    group_N, _ = grouped(np.ones((16, 4)), 4)
    assert np.bincount(group_N).tolist() == [4, 4, 4, 4]


def test_the_groups_depend_on_the_vectors_alone():
    _, vectors_ND = blobs(20, 30, 25)
    shuffle = RNG.permutation(75)
    group_N, _ = grouped(vectors_ND, 10)
    shuffled_N, _ = grouped(vectors_ND[shuffle], 10)
    pairs = set(zip(group_N[shuffle].tolist(), shuffled_N.tolist(), strict=True))
    assert len(pairs) == group_N.max() + 1


def test_a_new_item_joins_the_group_whose_mean_is_nearest():
    blob_N, vectors_ND = blobs(12, 12, 12)
    known_N, new_N = np.arange(30, dtype=np.int32), np.arange(30, 36, dtype=np.int32)
    rule = ByTwoMeans(15, 100)
    group_N = rule.fit(base_of(vectors_ND, known_N), np.full(30, 2), None, rng=None)
    group_by_blob = {blob: group_N[blob_N[:30] == blob][0] for blob in range(3)}
    wanted_N = rule.wanted(base_of(vectors_ND, new_N))
    assert wanted_N.tolist() == [group_by_blob[blob] for blob in blob_N[30:]]
