"""What chance finds: exact for a channel that knows nothing, exceeded by one that does."""

from itertools import permutations

import numpy as np
import pytest

from experiments.validate.favouritism.chance import Recalled, excess

ITEMS, REQUESTS = 200, 60


def relevant(rng, size=20):
    found_BI = np.zeros((REQUESTS, ITEMS), bool)
    for row in found_BI:
        row[rng.choice(ITEMS, size, replace=False)] = True
    return found_BI


def popular(rng, width=30):
    """A channel that finds nearly the same items for everybody."""
    best = rng.permutation(ITEMS)[: width + 5]
    return np.stack([rng.permutation(best)[:width] for _ in range(REQUESTS)]).astype(np.int32)


def test_recall_is_the_found_share_and_padding_finds_nothing():
    relevant_BI = np.array([[True, True, False, False], [False, False, False, True]])
    recalled = Recalled(np.array([[0, 2, -1], [-1, -1, -1]], np.int32), relevant_BI)
    assert recalled.recall_B.tolist() == [0.5, 0.0]
    assert recalled.random_B.tolist() == [0.5, 0.0]


def test_a_random_channel_of_equal_size_is_the_mean_over_all_permutations():
    relevant_BI = np.array([[True, True, False, False, True], [False, False, False, True, False]])
    recalled = Recalled(np.array([[0, 2, -1], [3, -1, -1]], np.int32), relevant_BI)
    every = [np.array(each) for each in permutations(range(5))]
    assert recalled.under(every).mean() == pytest.approx(recalled.random_B.mean())
    assert recalled.under([np.arange(5)])[0] == pytest.approx(recalled.recall_B.mean())


def test_items_drawn_in_the_found_categories_are_the_mean_over_permutations_inside_of_them():
    relevant_BI = np.array([[True, False, False, True, False, False]])
    recalled = Recalled(np.array([[0, 4]], np.int32), relevant_BI)
    group_I = np.array([0, 0, 1, 1, 1, 1])
    inside = [
        np.array([*first, *rest])
        for first in permutations((0, 1))
        for rest in permutations((2, 3, 4, 5))
    ]
    assert recalled.random_within(group_I)[0] == pytest.approx(recalled.under(inside).mean())
    assert recalled.random_within(group_I)[0] == pytest.approx((1 / 2 + 1 / 4) / 2)


def audited(rng, found, own):
    """The excess of a channel over two askings, each under a permutation of its own."""
    relevant_BI = relevant(rng)
    own_R, chance_R, other_RK = np.zeros(2), np.zeros(2), np.zeros((2, 99))
    for number in range(2):
        hidden_BI = relevant_BI[:, rng.permutation(ITEMS)]
        recalled = Recalled(found(rng, hidden_BI), hidden_BI)
        own_R[number], chance_R[number] = recalled.recall_B.mean(), recalled.random_B.mean()
        other_RK[number] = recalled.under([rng.permutation(ITEMS) for _ in range(99)])
    return excess(own_R, chance_R, other_RK, confidence=own)


def test_a_channel_that_knows_what_sells_but_not_the_truth_is_called_at_the_level_of_the_test():
    """Its requests share their items, so its recalls hang together: the law must hold that."""
    rng = np.random.default_rng(6)
    told = [audited(rng, lambda rng, hidden: popular(rng), 0.9) for _ in range(300)]
    called = np.mean([each.p_value <= 0.1 for each in told])
    covered = np.mean([each.found.holds(0.0) for each in told])
    error = np.sqrt(0.1 * 0.9 / 300)
    assert abs(called - 0.1) < 4 * error
    assert abs(covered - 0.9) < 4 * error


def test_a_channel_that_reads_a_tenth_of_the_truth_is_beyond_chance():
    def peeks(rng, hidden_BI):
        found_BN = popular(rng)
        for row, relevant_I in zip(found_BN, hidden_BI, strict=True):
            some = rng.choice(np.flatnonzero(relevant_I), 3, replace=False)
            row[:3] = np.setdiff1d(some, row)[:3] if len(np.setdiff1d(some, row)) == 3 else row[:3]
        return found_BN

    told = audited(np.random.default_rng(7), peeks, 0.95)
    assert told.p_value < 1e-6
    assert told.found.low > 0


def test_where_no_draw_is_as_far_the_normal_law_tells_how_far():
    other_RK = np.random.default_rng(1).normal(0.5, 0.01, (1, 500))
    near, far = (
        excess(np.array([size]), np.array([0.5]), other_RK, confidence=0.95)
        for size in (0.505, 0.6)
    )
    assert 0.4 < near.p_value < 0.8
    assert far.p_value < 1e-10
