"""The law of growth held against a real shop: customers of Online Retail II and their orders."""

import duckdb
import numpy as np
import pytest

from experiments.inference.power.growth import Growth
from tests.experiments.inference.power.worlds import accrued

DAYS = 28
STARTS = range(40, 346, 28)  # days from the first one, behind the closed weeks of the new year


@pytest.fixture(scope="module")
def windows(data):
    """(S, D) orders and their money, of each month of a year."""
    file = data / "online_retail_ii" / "online_retail_2009_2010.parquet"
    rows = duckdb.sql(
        "SELECT customer_id AS shopper, "
        "date_diff('day', DATE '2009-12-01', invoice_date::DATE) AS day, "
        "count(DISTINCT invoice) AS orders, sum(quantity * price) AS gmv "
        f"FROM '{file}' WHERE customer_id IS NOT NULL AND NOT is_cancel GROUP BY ALL"
    ).fetchnumpy()
    found = []
    for start in STARTS:
        inside = (rows["day"] >= start) & (rows["day"] < start + DAYS)
        shopper, at = np.unique(rows["shopper"][inside], return_inverse=True)
        tables = {}
        for name in ("orders", "gmv"):
            tables[name] = np.zeros((len(shopper), DAYS))
            np.add.at(tables[name], (at, rows["day"][inside] - start), rows[name][inside])
        found.append({**tables, "requests": (tables["orders"] > 0).astype(int)})
    return found


@pytest.mark.parametrize("name", ["orders", "gmv"])
def test_two_weeks_foretell_four_better_than_the_usual_rule(windows, name):
    """That twice the days halve the variance promises a fifth too much: shoppers come back."""
    law, usual = [], []
    for now in windows:
        found = accrued(name, now)
        layout, days = found.layout, found.days // 2  # the last one may be a day off
        told, half, known = (
            Growth.fit(found, days).tables(found.days)[-1],
            found.table_DKK[days - 1],
            found.table_DKK[-1],
        )
        errors = [
            np.sqrt(layout.variance(each) / layout.units(each)) / layout.level(each)
            for each in (told, half, known)
        ]
        law.append(errors[0] / errors[2] - 1)
        usual.append(errors[1] * np.sqrt(days / found.days) / errors[2] - 1)
    assert len(law) == 11
    assert abs(np.median(law)) < 0.1 < -np.median(usual)
    assert np.sqrt(np.mean(np.square(law))) < 0.7 * np.sqrt(np.mean(np.square(usual)))
