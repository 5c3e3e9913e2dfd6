import numpy as np

from cqsid.rewards.of_log import CoverageReward
from tests.cqsid.rewards.shops import everything, groups, hand_logged, hand_shop


def test_the_share_of_shown_items_behind_the_id_counts():
    # Request 0 saw items 0, 2, 3 and 7; the last has no id.
    values_BG = CoverageReward()(hand_logged(), everything(), hand_shop())
    assert values_BG.tolist() == [
        [0.25, 0.25, 0.25, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def test_repeats_of_an_id_can_be_made_to_share():
    samples = groups([0, 0, 2, -1], [3, 3, 3, 3], [0, 1, 2, 3])
    plain = CoverageReward()(hand_logged(), samples, hand_shop())
    shared = CoverageReward(marginal=True)(hand_logged(), samples, hand_shop())
    assert plain.tolist() == [[0.25, 0.25, 0.25, 0], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert shared.tolist() == [[0.125, 0.125, 0.25, 0], [0.25] * 4, [0, 0, 0, 0]]
    np.testing.assert_allclose(shared.sum(axis=1), [0.5, 1, 0])
