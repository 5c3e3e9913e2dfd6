"""How much more likely requests are with other pages before them, from how pages leave needs."""

from types import SimpleNamespace

import numpy as np

from experiments.attribution.incremental.causes.likelihood import Likelihood


def leaving(stays, open_):
    return SimpleNamespace(stays_B=np.array(stays), open_B=np.array(open_))


def test_a_session_that_goes_on_has_the_ratio_of_its_own_last_page():
    known = Likelihood(1)
    first_B, need_B = np.array([7, 3]), np.array([0, 0])
    at_first_BC = known.of(first_B, need_B)
    np.testing.assert_array_equal(at_first_BC, np.ones((2, 1)))
    own, other = leaving([1.0, 0.5], [0.5, 0.8]), leaving([1.0, 1.0], [0.25, 0.4])
    known.after(first_B, need_B, at_first_BC, own, [other])
    same_BC = known.of(np.array([3, 7, 5]), np.array([0, 0, 0]))
    np.testing.assert_allclose(same_BC[:, 0], [0.4 / 0.4, 0.25 / 0.5, 1.0])
    next_BC = known.of(np.array([3, 7]), np.array([1, 1]))
    np.testing.assert_allclose(next_BC[:, 0], [0.6 / 0.1, 0.75 / 0.5])


def test_ratios_of_pages_multiply_along_a_session_and_only_there():
    known, need_B = Likelihood(1), np.array([0])
    own, other = leaving([1.0], [0.5]), leaving([1.0], [0.25])
    for expected in (1.0, 0.5, 0.25):
        weight_BC = known.of(np.array([9]), need_B)
        assert weight_BC[0, 0] == expected
        known.after(np.array([9]), need_B, weight_BC, own, [other])
    known.after(np.array([2]), need_B, np.ones((1, 1)), own, [other])
    np.testing.assert_allclose(known.of(np.array([2, 9]), np.array([0, 0]))[:, 0], [0.5, 0.125])


def test_pages_that_cannot_be_left_so_have_no_ratio():
    known, rows = Likelihood(1), np.array([1])
    never = leaving([1.0], [0.0])
    known.after(rows, np.array([0]), np.ones((1, 1)), never, [leaving([1.0], [0.5])])
    assert known.of(rows, np.array([0]))[0, 0] == 0.0
