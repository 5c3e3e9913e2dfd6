import numpy as np

from experiments.inference.power.change import Change


def test_a_relative_change_follows_the_level_and_an_absolute_one_does_not():
    level_D = np.array([2.0, 4.0])
    assert Change(0.01, relative=True).of(level_D).tolist() == [0.02, 0.04]
    assert Change(0.01, relative=False).of(level_D).tolist() == [0.01, 0.01]
