import numpy as np

from cqsid.rewards.of_shop import DiversityReward
from tests.cqsid.rewards.shops import everything, groups, hand_logged, hand_shop


def test_ids_share_the_worth_of_their_category():
    # Categories: id 0 and 1 -> 0, id 2 -> 1, id 3 -> unknown, id 4 -> nothing on sale.
    values_BG = DiversityReward()(hand_logged(), everything(), hand_shop())
    assert values_BG.tolist() == [[0.5, 0.5, 1, 1, 0, 0]] * 3


def test_a_repeated_id_shares_with_itself_and_groups_do_not_mix():
    values_BG = DiversityReward()(
        hand_logged(), groups([2, 2, 2, 0], [2, 0, 3, 3], [-1, -1, 4, 1]), hand_shop()
    )
    third = 1 / 3
    wanted = [[third, third, third, 1], [1, 1, 0.5, 0.5], [0, 0, 0, 1]]
    np.testing.assert_allclose(values_BG, wanted, rtol=1e-6)
