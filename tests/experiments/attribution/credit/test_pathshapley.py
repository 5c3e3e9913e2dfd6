from itertools import permutations

import mam
import numpy as np
import polars as pl
import pytest

from experiments.attribution.credit.pathshapley import MOST, SetTable, path_shapley
from simulator.errors import DataError


def table(*rows):
    sets_J, paths_J, conversions_J, money_J = zip(*rows, strict=True)
    return SetTable(np.array(sets_J), *(np.array(c, float) for c in (paths_J, conversions_J, money_J)))  # fmt: skip  # noqa: E501


HAND = table((0b01, 10, 2, 2), (0b10, 10, 1, 1), (0b11, 10, 5, 5))


def test_values_that_were_worked_out_by_hand():
    """Rates .2, .1, .5: in the set of both, .5/2 + (.2 - .1)/2 = .3 and .2, of 10 paths."""
    np.testing.assert_allclose(path_shapley(HAND, 2), [2 + 3, 1 + 2])


def test_values_are_means_over_the_orders_of_joining():
    rng = np.random.default_rng(5)
    rows = [(mask, 10, n, float(n)) for mask in range(1, 16) if (n := int(rng.integers(0, 9)))]
    rates = {mask: n / 10 for mask, _, n, _ in rows}
    wanted = np.zeros(4)
    for mask, count, _, _ in rows:
        members = [c for c in range(4) if mask >> c & 1]
        orders = list(permutations(members))
        for order in orders:
            here = 0
            for c in order:
                gain = rates.get(here | 1 << c, 0) - rates.get(here, 0)
                wanted[c] += gain * count / len(orders)
                here |= 1 << c
    np.testing.assert_allclose(path_shapley(table(*rows), 4), wanted)


def test_everything_that_converting_sets_bring_is_shared_out():
    rng = np.random.default_rng(6)
    rows = [(mask, 20, n, 7.0 * n) for mask in range(1, 32) for n in [int(rng.integers(0, 9))]]
    assert path_shapley(table(*rows), 5).sum() == pytest.approx(sum(row[3] for row in rows))


@pytest.mark.parametrize(
    ("sets", "told"),
    [([1, 1], "different sets"), ([0, 1], "different sets"), ([8, 1], "sets of 3 channels")],
)
def test_what_is_no_table_of_sets_is_told(sets, told):
    with pytest.raises(DataError, match=told):
        path_shapley(table(*((mask, 1, 1, 1) for mask in sets)), 3)


def test_too_many_channels_in_one_set_are_told():
    with pytest.raises(DataError, match=f"channels of a set == {MOST + 1}, must be <= {MOST}"):
        path_shapley(table(((1 << MOST + 1) - 1, 1, 1, 1)), MOST + 1)


@pytest.mark.parametrize("seed", range(3))
def test_values_equal_those_of_marketing_attribution_models(seed):
    rng, names = np.random.default_rng(seed), ["a", "b", "c", "d"]
    paths = [rng.integers(0, 4, rng.integers(1, 7)).tolist() for _ in range(120)]
    converted, times = rng.random(120) < 0.4, rng.integers(1, 9, 120)
    journeys = pl.DataFrame(
        {
            "path": [" > ".join(names[c] for c in path) for path in paths],
            "converted": converted,
            "occurrences": times,
        }
    )
    peer = mam.MAM(
        journeys,
        format_type="grouped_journey",
        channels_colname="path",
        journey_with_conv_colname="converted",
        occurrences_colname="occurrences",
    ).run_shapley(max_size=4)
    wanted = peer.to_pandas().set_index("channels")["attribution"].loc[names]

    mask_P = np.array([sum(1 << c for c in set(path)) for path in paths])
    sets_J, row_P = np.unique(mask_P, return_inverse=True)
    paths_J, conversions_J = np.bincount(row_P, times), np.bincount(row_P, times * converted)
    found = path_shapley(SetTable(sets_J, paths_J, conversions_J, conversions_J), 4)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)
