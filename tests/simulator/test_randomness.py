import numpy as np
from hypothesis import given, strategies as st
from scipy import stats

from simulator.randomness import Draws, philox, purpose_key

words = st.integers(0, 2**64 - 1)


@given(st.tuples(words, words), st.tuples(words, words, words, words))
def test_philox_equals_numpy_at_any_counter(key, counter):
    # numpy's generator steps its counter before the first block.
    number = sum(word << (64 * at) for at, word in enumerate(counter))
    before = (number - 1) % 2**256
    split = [(before >> (64 * at)) & (2**64 - 1) for at in range(4)]
    numpys = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(split, np.uint64))
    assert philox(*np.array([*key, *counter], np.uint64)) == numpys.random_raw()


def test_a_draw_depends_on_its_keys_alone():
    draws = Draws(7)
    shopper = np.arange(50)
    together = draws.uniform("click", shopper[:, None], 3, 1, np.arange(4))
    assert together.shape == (50, 4)
    assert together[17, 2] == draws.uniform("click", 17, 3, 1, 2)
    np.testing.assert_array_equal(
        together[::-1], draws.uniform("click", shopper[::-1, None], 3, 1, np.arange(4))
    )


def test_seed_and_every_key_change_the_draw():
    keys = [("a", 1, 2, 3, 4), ("b", 1, 2, 3, 4), ("a", 0, 2, 3, 4), ("a", 1, 0, 3, 4)]
    keys += [("a", 1, 2, 0, 4), ("a", 1, 2, 3, 0)]
    values = {float(Draws(seed).uniform(*key)) for key in keys for seed in (1, 2)}
    assert len(values) == 2 * len(keys)


def test_uniforms_are_uniform_and_uncorrelated_between_neighbours():
    values = Draws(11).uniform("any", np.arange(40_000)[:, None], slot=np.arange(2))
    assert stats.kstest(values.ravel(), "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(values.T)[0, 1]) < 4 / np.sqrt(len(values))


def test_the_open_interval_keeps_logarithms_finite():
    extremes = np.array([0, 2**64 - 1], np.uint64)
    uniform = ((extremes >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    assert 0 < uniform[0] < uniform[1] < 1


def test_normal_and_gumbel_follow_their_laws():
    draws = Draws(3)
    assert stats.kstest(draws.normal("n", np.arange(20_000)), "norm").pvalue > 1e-4
    assert stats.kstest(draws.gumbel("g", np.arange(20_000)), "gumbel_r").pvalue > 1e-4


def test_children_have_luck_of_their_own():
    assert Draws(5).child("truth") == Draws(5).child("truth")
    assert Draws(5).child("truth") != Draws(5).child("history") != Draws(6).child("history")


def test_purposes_have_distinct_keys():
    assert purpose_key("look") != purpose_key("click")
