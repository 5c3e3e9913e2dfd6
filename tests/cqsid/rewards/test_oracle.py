import numpy as np
import pytest

from cqsid.rewards.of_shop import OracleReward
from simulator.errors import ConfigError
from tests.cqsid.rewards.shops import everything, hand_logged, hand_shop


def test_the_mean_of_the_first_items_counts():
    # Item i brings i + 1; id 2 holds items 4 and 3.
    values_BG = OracleReward()(hand_logged(), everything(), hand_shop())
    assert values_BG.tolist() == [[1.5, 3, 4.5, 6, 0, 0]] * 3


def test_fewer_items_and_the_greatest_value_can_be_asked_for():
    arguments = hand_logged(), everything(), hand_shop()
    assert OracleReward(items=1)(*arguments)[0].tolist() == [1, 3, 5, 6, 0, 0]
    assert OracleReward(aggregate="max")(*arguments)[0].tolist() == [2, 3, 5, 6, 0, 0]


@pytest.mark.parametrize(("outcome", "scale"), [("click", 100), ("purchase", 1), ("gmv", -1)])
def test_the_outcome_is_handed_on(outcome, scale):
    values_BG = OracleReward(outcome=outcome)(hand_logged(), everything(), hand_shop())
    np.testing.assert_allclose(values_BG[0], np.array([1.5, 3, 4.5, 6, 0, 0]) * scale)


def test_the_simulator_is_asked_once_for_a_batch():
    shop = hand_shop()
    OracleReward()(hand_logged(), everything(), shop)
    assert shop.oracle.asked == [(3, "purchase")]


def test_a_shut_door_is_named():
    shut = hand_shop(oracle=None)
    with pytest.raises(ConfigError, match="here: oracle == None, must be there"):
        OracleReward().check_shop(shut, "here")
    with pytest.raises(ConfigError, match="oracle == None, must be there"):
        OracleReward()(hand_logged(), everything(), shut)
