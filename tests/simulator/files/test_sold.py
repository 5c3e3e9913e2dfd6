"""Past sales in a file: what they tell of demand, and what cannot be."""

import numpy as np
import pytest

from simulator.files.importer import read_supply
from simulator.files.settings import CatalogFileSpec, ColumnSpec
from simulator.files.tables.findings import UnusableFile
from simulator.randomness import Draws


def _with_sales(sold, folder, seed=1):
    """The supply of a file of as many items, of which so much was sold (None: not told)."""
    rows = [f"{n},Kettle mark{n},{10 + n % 7},{'' if s is None else s}" for n, s in enumerate(sold)]
    path = folder / "sold.csv"
    path.write_text("\n".join(["id,title,price,sold", *rows]))
    spec = CatalogFileSpec(path=str(path), columns=ColumnSpec(sold="sold"))
    return read_supply(spec, Draws(seed))


def test_what_sold_tells_demand_as_surely_as_it_was_much(tmp_path):
    """Of a shop whose demands are known: those drawn given its sales are another draw of them."""
    plain = _with_sales([None] * 3_000, tmp_path, seed=1)
    rng, agreeing = np.random.default_rng(1), []
    for each in (0.2, 2.0, 50.0):
        sold = rng.poisson(each * plain.truth.demand_I)
        told = _with_sales(sold, tmp_path, seed=2)
        assert told.truth.demand_I.mean() == pytest.approx(plain.truth.demand_I.mean(), rel=0.05)
        logs = np.log(plain.truth.demand_I), np.log(told.truth.demand_I)
        agreeing.append(np.corrcoef(*logs)[0, 1])
        assert logs[1].std() == pytest.approx(logs[0].std(), rel=0.1)
    alone = _with_sales([None] * 3_000, tmp_path, seed=2)
    assert abs(np.corrcoef(logs[0], np.log(alone.truth.demand_I))[0, 1]) < 0.1
    assert agreeing[0] < agreeing[1] < 0.8
    assert agreeing[2] > 0.95


def test_items_whose_sales_are_not_told_are_as_without_the_column(tmp_path):
    without = _with_sales([None] * 40, tmp_path).truth.demand_I
    some = _with_sales([9, *[None] * 38, 0], tmp_path).truth.demand_I
    np.testing.assert_array_equal(some[1:-1], without[1:-1])
    assert some[0] != without[0]
    assert some[-1] != without[-1]
    nothing = _with_sales([0] * 40, tmp_path).truth.demand_I
    assert (nothing > 0).all()


def test_sales_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(
        UnusableFile, match="sold == '-3', must be a number >= 0 and <= 1e12, or empty"
    ):
        _with_sales([1, 2, -3], tmp_path)
