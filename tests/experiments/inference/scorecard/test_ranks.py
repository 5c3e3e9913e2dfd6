import tempfile

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from experiments.inference.scorecard.ranks import by_arm, order_statistics, sizes
from tests.experiments.inference.scorecard.tables import arms_table, table

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


@settings(max_examples=25)
@given(one=values, two=values, data=st.data())
def test_order_statistics_are_those_of_a_sort(connection, one, two, data):
    ranks = {
        arm: data.draw(st.lists(st.integers(1, len(sample)), max_size=3))
        for arm, sample in enumerate((one, two))
    }
    found = order_statistics(connection, arms_table(connection, one, two), ranks)
    for arm, sample in enumerate((one, two)):
        assert found[arm] == {rank: sorted(sample)[rank - 1] for rank in ranks[arm]}


def test_arms_may_have_names_with_quotes(connection):
    rows = table(connection, arm=["it's", "b", "it's"], value=[3.0, 2.0, 1.0])
    assert order_statistics(connection, rows, {"it's": (2,)}) == {"it's": {2: 3.0}}
    number = by_arm({"b": 1.5, "it's": float("-inf")})
    told = connection.execute(f"SELECT arm, {number} FROM ({rows}) ORDER BY value").fetchall()
    assert told == [("it's", float("-inf")), ("b", 1.5), ("it's", float("-inf"))]


def test_rows_are_counted_with_those_that_have_no_finite_value(connection):
    rows = table(connection, arm=[0, 0, 1, 1, 1], value=[1.0, None, np.nan, np.inf, 2.0])
    assert sizes(connection, rows) == {0: (2, 1), 1: (3, 2)}


@pytest.mark.slow
def test_memory_is_flat_in_rows():
    """Six million values are 48 MB; DuckDB's own quantile fails in the same memory."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"threads": 1, "memory_limit": "64MB", "temp_directory": folder}
        settings["preserve_insertion_order"] = "false"
        with duckdb.connect(config=settings) as connection:
            rows = "SELECT i % 2 AS arm, hash(i) % 1000003 AS value FROM range(6000000) t(i)"
            with pytest.raises(duckdb.OutOfMemoryException):
                connection.execute(
                    f"SELECT arm, quantile_disc(value, 0.5) FROM ({rows}) GROUP BY 1"
                )
            found = order_statistics(connection, rows, {0: (1_500_000,), 1: (2_970_000,)})
    assert found[0][1_500_000] == pytest.approx(500_000, rel=0.01)
    assert found[1][2_970_000] == pytest.approx(990_000, rel=0.01)
