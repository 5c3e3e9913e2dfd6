from functools import cache

import numpy as np
import pytest

from cqsid.tokenizer.ids import pack
from cqsid.tokenizer.schemes.splitting import AtRandom, ByPopularity, ByTwoMeans, Splitting
from tests.cqsid.shop import tiny_signals
from tests.cqsid.tokenizer.schemes.fakes import base_of, clustered

T_MAX, G_MAX = 5, 4
COUNTS = (1, 5, 6, 13, 20, 15)
RULES = {"random": AtRandom, "popularity": ByPopularity}
every_rule = pytest.mark.parametrize("rule", ["random", "popularity", "two_means"])
shop = cache(tiny_signals)


def splitting(rule, room=0.25, groups=G_MAX):
    grouping = ByTwoMeans(T_MAX, groups) if rule == "two_means" else RULES[rule]()
    return Splitting(grouping, T_MAX, groups, room)


def fitted(rule, codes_IL, known=None, seed=0, **settings):
    """A rule and the ids it gives to the first `known` items of 6 clusters."""
    signals = shop(len(codes_IL), later=0)
    known = len(codes_IL) if known is None else known
    finish = splitting(rule, **settings)
    base = base_of(signals, np.arange(known), codes_IL, (1, 6))
    return finish, signals, finish.fit(base, signals, rng=np.random.default_rng(seed))


def sizes_of(ids, codes_IL):
    """How many items each id has, by base cluster."""
    return {
        k: sorted(np.unique(ids.key_I[codes_IL[:, 1] == k], return_counts=True)[1].tolist())
        for k in range(6)
    }


@every_rule
def test_no_id_exceeds_the_cap_after_splitting(rule):
    codes_IL = clustered(*COUNTS)
    _, _, ids = fitted(rule, codes_IL)
    assert np.unique(ids.key_I, return_counts=True)[1].max() <= T_MAX
    assert (ids.key_I >= 0).all()


@every_rule
def test_the_cap_gives_way_once_all_groups_are_used(rule):
    codes_IL = clustered(1, 0, 0, 0, 47, 1)
    _, _, ids = fitted(rule, codes_IL)
    assert sizes_of(ids, codes_IL)[4] == [11, 12, 12, 12]
    assert ids.sizes == (1, 6 * G_MAX)


@every_rule
def test_splitting_never_joins_items_of_different_base_ids(rule):
    codes_IL = clustered(*COUNTS)
    _, _, ids = fitted(rule, codes_IL)
    assert (ids.codes_IL[:, 0] == codes_IL[:, 0]).all()
    assert (ids.codes_IL[:, 1] % 6 == codes_IL[:, 1]).all()


@pytest.mark.parametrize("rule", RULES)
def test_groups_are_as_many_as_published_and_about_equal(rule):
    codes_IL = clustered(*COUNTS)
    _, _, ids = fitted(rule, codes_IL)
    assert sizes_of(ids, codes_IL) == {
        0: [1],
        1: [5],
        2: [3, 3],
        3: [4, 4, 5],
        4: [5, 5, 5, 5],
        5: [5, 5, 5],
    }


@pytest.mark.parametrize("rule", RULES)
def test_the_order_of_items_does_not_matter_to_the_size_of_clusters(rule):
    codes_IL = clustered(*COUNTS)
    mixed_IL = np.random.default_rng(1).permutation(codes_IL)
    _, _, ids = fitted(rule, codes_IL)
    _, _, mixed = fitted(rule, mixed_IL)
    assert sizes_of(ids, codes_IL) == sizes_of(mixed, mixed_IL)


def test_a_random_split_depends_on_the_stream_alone():
    codes_IL = clustered(*COUNTS)
    _, _, ids = fitted("random", codes_IL)
    signals = shop(len(codes_IL), n_requests=0, later=0)
    finish, base = splitting("random"), base_of(signals, np.arange(60), codes_IL, (1, 6))
    again = finish.fit(base, signals, rng=np.random.default_rng(0))
    other = finish.fit(base, signals, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(ids.codes_IL, again.codes_IL)
    assert (ids.codes_IL != other.codes_IL).any()


def test_a_random_split_mixes_the_items_of_a_cluster():
    codes_IL = clustered(0, 0, 0, 0, 20, 0)
    groups = [fitted("random", codes_IL, seed=seed)[2].codes_IL[:, 1] // 6 for seed in range(300)]
    together = np.mean([group_N[0] == group_N[1] for group_N in groups])
    assert together == pytest.approx(4 / 19, abs=4 * (4 / 19 * 15 / 19 / 300) ** 0.5)


def test_the_popular_items_of_a_cluster_go_together():
    codes_IL = clustered(*COUNTS)
    _, signals, ids = fitted("popularity", codes_IL)
    for k in range(6):
        members = np.flatnonzero(codes_IL[:, 1] == k)
        order = members[np.lexsort((members, -signals.clicks_I[members]))]
        assert (np.diff(ids.codes_IL[order, 1]) >= 0).all()


@every_rule
def test_without_large_clusters_the_base_codes_are_the_ids(rule):
    codes_IL = clustered(5, 5, 5, 5, 4, 3)
    _, _, ids = fitted(rule, codes_IL)
    np.testing.assert_array_equal(ids.codes_IL, codes_IL)
    assert ids.sizes == (1, 12)  # one group in use, one kept for new items


@pytest.mark.parametrize(("room", "groups", "slots"), [(0.0, 9, 4), (1.0, 9, 6), (1.0, 4, 4)])
def test_the_last_level_keeps_room_for_groups_up_to_the_most(room, groups, slots):
    _, _, ids = fitted("random", clustered(0, 0, 0, 13, 0, 0), room=room, groups=groups)
    assert ids.sizes == (1, 6 * slots)


@every_rule
def test_new_items_keep_the_cap_while_groups_are_left(rule):
    codes_IL = clustered(*COUNTS)
    finish, signals, ids = fitted(rule, codes_IL, known=40, room=1.0)
    base = base_of(signals, np.arange(40, 60), codes_IL, (1, 6))
    full = finish.assign(base, signals, ids)
    np.testing.assert_array_equal(full.codes_IL[:40], ids.codes_IL[:40])
    assert full.sizes == ids.sizes
    assert (full.codes_IL[:, 1] % 6 == codes_IL[:, 1]).all()
    assert np.unique(full.key_I, return_counts=True)[1].max() <= T_MAX


@every_rule
def test_new_items_one_by_one_go_where_they_go_together(rule):
    codes_IL = clustered(*COUNTS)
    finish, signals, ids = fitted(rule, codes_IL, known=30)
    arrival_N = np.random.default_rng(2).permutation(np.arange(30, 60))
    together = finish.assign(base_of(signals, arrival_N, codes_IL, (1, 6)), signals, ids)
    for item in arrival_N:
        ids = finish.assign(base_of(signals, [item], codes_IL, (1, 6)), signals, ids)
    np.testing.assert_array_equal(ids.codes_IL, together.codes_IL)


def test_a_full_cluster_takes_new_items_in_its_smallest_group():
    codes_IL = clustered(0, 0, 0, 60, 0, 0)
    finish, signals, ids = fitted("random", codes_IL, known=20, room=0.0, groups=2)
    full = finish.assign(base_of(signals, np.arange(20, 60), codes_IL, (1, 6)), signals, ids)
    assert sizes_of(full, codes_IL)[3] == [30, 30]


def test_a_new_item_joins_the_least_popular_group_while_it_has_room():
    codes_IL = clustered(0, 0, 0, 60, 0, 0)
    finish, signals, ids = fitted("popularity", codes_IL, known=8, room=1.0)
    full = finish.assign(base_of(signals, np.arange(8, 12), codes_IL, (1, 6)), signals, ids)
    assert (full.codes_IL[8:12, 1] // 6).tolist() == [1, 0, 2, 2]  # 4 + 4 known items


@every_rule
def test_a_cluster_that_no_known_item_has_starts_with_its_first_group(rule):
    codes_IL = clustered(*COUNTS)
    codes_IL[:30, 1], codes_IL[30:37, 1] = 3, 5
    finish, signals, ids = fitted(rule, codes_IL, known=30)
    full = finish.assign(base_of(signals, np.arange(30, 37), codes_IL, (1, 6)), signals, ids)
    assert (full.codes_IL[30:37, 1] // 6).tolist() == [0] * 5 + [1] * 2


def test_items_that_left_make_room_for_new_ones():
    codes_IL = clustered(0, 0, 0, 60, 0, 0)
    finish, signals, ids = fitted("random", codes_IL, known=20)
    gone = ids.codes_IL[:20, 1] // 6 == 2
    left = ids.among(~np.append(gone, np.zeros(40, bool)))
    full = finish.assign(base_of(signals, np.arange(20, 25), codes_IL, (1, 6)), signals, left)
    assert (full.codes_IL[20:25, 1] // 6 == 2).all()


def test_keys_of_the_published_sizes_do_not_overflow():
    sizes, codes_IL = (2048, 1024, 1024), np.full((60, 3), 1023, np.int32)
    signals = shop(60, later=0)
    base = base_of(signals, np.arange(60), codes_IL, sizes)
    ids = splitting("random").fit(base, signals, rng=np.random.default_rng(0))
    assert ids.sizes == (2048, 1024, 1024 * G_MAX)
    assert len(np.unique(pack(ids.codes_IL, ids.sizes))) == G_MAX
