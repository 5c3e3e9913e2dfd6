"""Places of drawn settings."""

import numpy as np

from experiments.designs.spread import places
from simulator.randomness import Draws


def test_places_fill_every_range_evenly():
    places_NK = places(14, 64, Draws(3), "a test")
    for column_N in places_NK.T:
        assert np.bincount((column_N * 16).astype(int), minlength=16).tolist() == [4] * 16
    assert np.abs(np.corrcoef(places_NK.T) - np.eye(14)).max() < 0.35


def test_more_places_keep_those_that_were_there_and_no_range_has_none():
    few, many = (places(3, count, Draws(3), "a test") for count in (5, 21))
    np.testing.assert_array_equal(many[:5], few)
    assert places(0, 4, Draws(3), "a test").shape == (4, 0)


def test_another_purpose_has_other_places():
    one, other = (places(2, 8, Draws(3), purpose) for purpose in ("a test", "another"))
    assert not np.isin(one, other).any()
