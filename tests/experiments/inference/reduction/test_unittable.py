import duckdb
import numpy as np
import pandas as pd
import pytest

from experiments.inference.reduction.covariate import known_before
from experiments.inference.reduction.unittable import MOST_STRATA, UnitTable
from simulator.errors import ConfigError, DataError

ODD = 'pre "gmv"; x'


@pytest.fixture
def connection():
    with duckdb.connect() as found:
        yield found


def frame(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "unit": np.arange(n),
            "arm": np.where(rng.random(n) < 0.4, "new", "old"),
            "device": rng.choice(["phone", "desk"], n),
            "day": rng.integers(0, 3, n),
            "gmv": rng.gamma(1, 2, n),
            ODD: rng.gamma(1, 2, n),
        }
    )


def table(connection, rows, **options):
    connection.register("rows", rows)
    return UnitTable.of(connection, "FROM rows", **options)


def check(found, rows, columns):
    cov = rows[columns].cov()
    assert found.count() == len(rows)
    for one in columns:
        assert found.mean(one) == pytest.approx(rows[one].mean(), rel=1e-12)
        assert found.var(one) == pytest.approx(cov.loc[one, one], rel=1e-12)
        for two in columns:
            if one != two:
                assert found.cov(one, two) == pytest.approx(cov.loc[one, two], rel=1e-11)


def test_statistics_by_arm_and_stratum_are_those_of_the_rows(connection):
    rows = frame()
    sample = table(connection, rows).sample(["gmv", ODD], strata=known_before("device", "day"))
    assert list(sample.whole) == ["new", "old"]
    for name, arm in sample.whole.items():
        own = rows[rows["arm"] == name]
        check(arm.whole, own, ["gmv", ODD])
        assert len(arm.strata) == 6
        for (device, day), part in own.groupby(["device", "day"]):
            check(arm.strata[f"{device} / {day}"], part, ["gmv", ODD])


def test_arms_that_are_not_split_have_no_strata(connection):
    found = table(connection, frame()).sample(["gmv"], groups=7)
    assert len(found.groups) == 7
    assert found.whole["new"].strata == {}


def test_groups_are_of_shoppers_whatever_the_order_of_rows(connection):
    rows = frame()
    one = table(connection, rows).sample(["gmv"], groups=5)
    two = table(connection, rows.sample(frac=1, random_state=1)).sample(["gmv"], groups=5)
    for left, right in zip(one.groups, two.groups, strict=True):
        for name in ("new", "old"):
            assert left[name].whole.count() == right[name].whole.count()
            means = [side[name].whole.mean("gmv") for side in (left, right)]
            assert means[0] == pytest.approx(means[1], rel=1e-12)
    sizes = [sum(arm.whole.count() for arm in each.values()) for each in one.groups]
    assert min(sizes) > 20


def test_a_group_without_shoppers_of_an_arm_is_none_of_it(connection):
    rows = frame(9)
    found = table(connection, rows).sample(["gmv"], strata=known_before("device"), groups=30)
    for name in ("new", "old"):
        check(found.whole[name].whole, rows[rows["arm"] == name], ["gmv"])


def test_what_is_not_known_of_a_stratum_is_a_stratum(connection):
    rows = frame()
    rows.loc[:19, "device"] = None
    found = table(connection, rows).sample(["gmv"], strata=known_before("device"))
    count = sum(arm.strata["none"].count() for arm in found.whole.values())
    assert count == 20


@pytest.mark.parametrize("value", [None, np.nan, np.inf, -1e16])
def test_a_value_that_sums_cannot_take_is_told(connection, value):
    rows = frame()
    rows["gmv"] = rows["gmv"].astype(object if value is None else float)
    rows.loc[[3, 5], "gmv"] = value
    rows["gmv"] = rows["gmv"].astype(float)
    with pytest.raises(DataError, match=r"gmv of 2 rows == odd, must be there, finite"):
        table(connection, rows).sample(["gmv"])


def test_tables_that_are_not_one_row_for_each_shopper_are_refused(connection):
    twice = pd.concat([frame(10), frame(1)])
    with pytest.raises(DataError, match="unit == 10 shoppers in 11 rows, must be one row"):
        table(connection, twice)
    for column in ("unit", "arm"):
        rows = frame(10).astype({"unit": object})
        rows.loc[2, column] = None
        with pytest.raises(DataError, match=f"{column} of 1 rows == none"):
            table(connection, rows)


def test_columns_that_are_not_there_or_no_numbers_are_refused(connection):
    found = table(connection, frame())
    with pytest.raises(ConfigError, match="column == 'gvm', must be one of: unit, arm"):
        found.sample(["gvm"])
    with pytest.raises(ConfigError, match=r"device == VARCHAR, must be a number"):
        found.sample(["device"])
    with pytest.raises(ConfigError, match=r"query of shoppers == .*must run"):
        UnitTable.of(connection, "FROM nowhere")
    with pytest.raises(ConfigError, match="column == 'gmv', must be a new one"):
        found.joined(["gmv"], "SELECT unit, 1 AS gmv FROM rows")


def test_a_number_is_no_stratum(connection):
    rows = frame(MOST_STRATA + 1)
    with pytest.raises(ConfigError, match="strata by gmv == 1001, must be at most 1000"):
        table(connection, rows).sample(["day"], strata=known_before("gmv"))


def test_joined_columns_are_missing_where_the_other_query_lacks_the_shopper(connection):
    found = table(connection, frame(4)).joined(
        ["more"], "SELECT unit::VARCHAR AS unit, unit * 2 AS more FROM rows WHERE unit <> 2"
    )
    got = connection.execute(f"SELECT more FROM ({found.sql}) ORDER BY unit").fetchall()
    assert got == [(0,), (2,), (None,), (6,)]
