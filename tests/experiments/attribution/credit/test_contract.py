import numpy as np

from experiments.attribution.credit.conformance import sample_paths
from experiments.attribution.credit.customrules import credits_of


def test_weights_are_normalised_and_shared_by_the_channels_of_a_touch():
    paths = sample_paths().rows(np.array([1]))
    assert paths.sources_T.tolist() == [0b1100, 0b1000]
    found = credits_of(lambda paths: np.array([6.0, 2.0]), paths, "mine")
    np.testing.assert_allclose(found, [[0, 0, 3 / 8, 3 / 8 + 1 / 4]])
