import numpy as np
import pytest

import experiments.inference.offpolicy.openbandit.target as target_module
from experiments.inference.offpolicy.openbandit.target import Target, shape_of, shares, uniform
from simulator.errors import DataError
from tests.experiments.inference.offpolicy.openbandit.bandits import opened, random_table

NAMES = {"policy": "policy", "context": ("user",)}


@pytest.fixture(scope="module")
def table():
    return random_table(120)


@pytest.fixture(scope="module")
def log(table, tmp_path_factory):
    with opened(tmp_path_factory.mktemp("target"), table, **NAMES) as log:
        yield log


def test_the_uniform_policy_takes_every_action_alike(log):
    target = uniform(log)
    target.check(log)
    assert target.chance_CKA.shape == (2, 2, 3)
    assert set(target.chance_CKA.ravel()) == {1 / 3}


def test_shares_are_how_often_a_policy_takes_an_action_at_a_position(log, table):
    target = shares(log, "old")
    target.check(log)
    assert target.name == "shares of old"
    old = table[table["policy"] == "old"]
    for k, place in enumerate(log.positions):
        for a in range(3):
            expected = (old[old["place"] == place]["item"] == a).mean()
            np.testing.assert_allclose(target.chance_CKA[:, k, a], expected, rtol=1e-14)


def test_shares_of_nobody_are_refused(log, tmp_path):
    with pytest.raises(DataError, match="policy == 'best', must be one of the log's: 'new', 'old'"):
        shares(log, "best")
    table = random_table(40)
    table.loc[table["policy"] == "old", "place"] = 1
    with (
        opened(tmp_path, table, **NAMES) as short,
        pytest.raises(DataError, match="rows of 'old' at position 2 == 0, must be > 0"),
    ):
        shares(short, "old")


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (np.full((1, 2, 3), 1 / 3), r"chance_CKA.shape == \(1, 2, 3\), must be \(2, 2, 3\)"),
        (np.full((2, 2, 3), 0.3), r"chances of context \('0',\), position 1 sum to 0.9, must sum"),
        (np.broadcast_to([1.5, -0.5, 0.0], (2, 2, 3)), "chance == 1.5, must be >= 0"),
        (np.full((2, 2, 3), np.nan), "chance == nan, must be >= 0"),
    ],
)
def test_a_policy_that_is_none_is_refused(log, chance, said):
    with pytest.raises(DataError, match=f"mine: {said}"):
        Target("mine", chance).check(log)


def test_too_many_contexts_are_refused(log, monkeypatch):
    monkeypatch.setattr(target_module, "MOST_CELLS", 11)
    with pytest.raises(DataError, match=r"== \(2, 2, 3\), must be at most 11 combinations"):
        shape_of(log)
