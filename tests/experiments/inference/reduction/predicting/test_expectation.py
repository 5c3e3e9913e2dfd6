import duckdb
import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS

from experiments.inference.estimates import adjusted
from experiments.inference.reduction.narrowed import narrowed
from experiments.inference.reduction.predicting.expectation import with_known_number
from experiments.inference.reduction.regression import Regression
from experiments.inference.reduction.unittable import UnitTable
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.reduction.shoppers import CONTRAST, GMV

SIMULATED = "SELECT shopper, expected FROM simulated"


@pytest.fixture
def connection():
    with duckdb.connect() as found:
        yield found


def shop(n=600, seed=0):
    """Shoppers of a real test, and what a simulated market expects of each."""
    rng = np.random.default_rng(seed)
    expected = rng.gamma(2, 3, n)
    treated = rng.random(n) < 0.5
    gmv = expected + rng.gamma(1, 2, n) + treated * (1 + 0.1 * expected)
    arm = np.where(treated, "treatment", "control")
    units = pd.DataFrame({"shopper": np.arange(n), "arm": arm, "gmv": gmv})
    return units, pd.DataFrame({"shopper": np.arange(n), "expected": expected})


def with_number(connection, units, simulated, sql=SIMULATED):
    connection.register("units", units)
    connection.register("simulated", simulated)
    table = UnitTable.of(connection, "FROM units", unit="shopper")
    return with_known_number(table, sql, value="expected", column="m")


def test_the_expectation_is_a_covariate_like_any_other(connection):
    """Y ~ Z + m + Z m, by statsmodels."""
    units, simulated = shop()
    found, covariates, lacking = with_number(connection, units, simulated)
    assert [each.column for each in covariates] == ["m"]
    assert lacking.told == ""
    row = narrowed(GMV, CONTRAST, found.sample(["gmv", "m"]), Regression(covariates))
    treated = (units["arm"] == "treatment").to_numpy()
    m = simulated["expected"].to_numpy() - simulated["expected"].mean()
    fit = OLS(units["gmv"], np.column_stack([np.ones(600), treated, m, m * treated])).fit()
    assert row.estimate.effect.estimate == pytest.approx(fit.params.iloc[1], rel=1e-10)
    assert row.gain.low > 2


def test_who_lacks_it_gets_the_mean_and_is_counted(connection):
    units, simulated = shop()
    simulated = simulated[simulated["shopper"] % 5 > 0]
    found, covariates, lacking = with_number(connection, units, simulated)
    assert [each.column for each in covariates] == ["m", "lacks_m"]
    by_arm = units[units["shopper"] % 5 == 0].groupby("arm").size()
    sizes = units.groupby("arm").size()
    assert lacking.by_arm == {arm: (by_arm[arm], sizes[arm]) for arm in sizes.index}
    assert lacking.told == (
        "shoppers without a number of their own, who got the mean: "
        f"{by_arm['control']} of {sizes['control']} in control, "
        f"{by_arm['treatment']} of {sizes['treatment']} in treatment"
    )
    got = connection.execute(f"SELECT shopper, m, lacks_m FROM ({found.sql})").fetchall()
    own = dict(zip(simulated["shopper"], simulated["expected"], strict=True))
    mean = simulated["expected"].mean()
    for shopper, m, lacks in got:
        assert m == pytest.approx(own.get(shopper, mean), rel=1e-12)
        assert lacks == (shopper not in own)


def test_an_arm_that_lacks_it_more_often_is_doubted(connection):
    units, simulated = shop()
    gone = (units["arm"] == "treatment") & (units["shopper"] % 3 == 0)
    found, covariates, _ = with_number(connection, units, simulated[~gone])
    arms = found.sample(["gmv", "m", "lacks_m"]).whole
    _, reason = adjusted(GMV, CONTRAST, arms, Regression(covariates))
    assert "the arms differ in what they are adjusted by (m, lacks_m)" in reason


def test_shoppers_whom_only_the_simulation_knows_are_left_out(connection):
    units, simulated = shop()
    more = pd.concat([simulated, simulated.assign(shopper=simulated["shopper"] + 10_000)])
    found, _, lacking = with_number(connection, units, more)
    assert connection.execute(f"SELECT count(*) FROM ({found.sql})").fetchall() == [(600,)]
    assert lacking.told == ""


def test_numbers_that_cannot_serve_are_refused(connection):
    units, simulated = shop(20)
    with pytest.raises(DataError, match="shopper == 20 shoppers in 40 rows, must be one row"):
        with_number(connection, units, pd.concat([simulated, simulated]))
    for value, said in (
        (np.inf, "expected of 1 rows == odd"),
        (None, "expected of 1 rows == none"),
    ):
        odd = simulated.astype({"expected": object if value is None else float})
        odd.loc[3, "expected"] = value
        with pytest.raises(DataError, match=said):
            with_number(connection, units, odd.convert_dtypes() if value is None else odd)
    with pytest.raises(DataError, match="m == none for every shopper"):
        with_number(connection, units, simulated.assign(shopper=simulated["shopper"] + 100))
    with pytest.raises(ConfigError, match="expected == VARCHAR, must be a number"):
        with_number(connection, units, simulated.astype({"expected": str}))
    with pytest.raises(ConfigError, match="column == 'm', must be a new one"):
        with_number(connection, units.assign(m=1), simulated)
