"""A roll-out is the sums of its shoppers, from a table and from a log."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.inference.interference.rollout import RollOut, read_rollout, rolled_out
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.logs import ARMS, DAY, write_log
from tests.experiments.inference.rearmed import table, written


@pytest.fixture(scope="module")
def ramped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of six days in which a fifth comes into the treatment on day 2, more on day 4."""
    log = write_log(tmp_path_factory.mktemp("log") / "log", shoppers=400, days=6, requests=6.0)
    unit = np.arange(400)
    late = unit[(unit % 5 == 0) | (unit % 5 == 1)]
    written(
        pd.DataFrame(
            {
                "unit": np.concatenate([unit, late]),
                "arm": np.r_[np.zeros(400), np.ones(len(late))].astype(np.int8),
                "at": np.r_[np.zeros(400), np.where(late % 5 == 0, 2, 4) * DAY],
            }
        ),
        log / "assignments",
    )
    return log


def test_moments_are_those_of_the_cohorts_shoppers() -> None:
    rng = np.random.default_rng(0)
    outcome_UT = rng.exponential(1.0, (50, 4))
    treated_UT = (np.arange(50) % 3 == 1)[:, None] & (np.arange(4) >= 2)
    found = rolled_out(outcome_UT, treated_UT)
    (moment_KTM,) = found.moments()
    for cohort, treated_T in enumerate(found.treated_KT):
        own_UT = outcome_UT[(treated_UT == treated_T).all(axis=1)]
        np.testing.assert_allclose(moment_KTM[cohort, :, 0], own_UT.mean(axis=0))
        np.testing.assert_allclose(moment_KTM[cohort, :, 1], own_UT.var(axis=0))
        assert found.parts()[0, cohort] == pytest.approx(len(own_UT) / 50)


def test_a_log_is_read_as_the_table_of_its_shoppers(ramped: Path) -> None:
    found = read_rollout(ramped, "orders", ARMS[1], buckets=7)
    orders = table(ramped, "orders")
    outcome_UT = np.zeros((400, 6))
    np.add.at(outcome_UT, (orders["shopper"].to_numpy(), orders["day"].to_numpy()), 1)
    unit_U = np.arange(400)[:, None]
    start_U = np.where(unit_U % 5 == 0, 2, np.where(unit_U % 5 == 1, 4, 99))
    expected = rolled_out(outcome_UT, np.arange(6) >= start_U)
    assert found.units_G.sum() == 400
    assert len(found.units_G) == 3 * 7
    order_K = np.lexsort(found.treated_KT.T)
    other_K = np.lexsort(expected.treated_KT.T)
    np.testing.assert_array_equal(found.treated_KT[order_K], expected.treated_KT[other_K])
    np.testing.assert_allclose(found.parts()[0][order_K], expected.parts()[0][other_K])
    np.testing.assert_allclose(
        found.moments()[0][order_K], expected.moments()[0][other_K], rtol=1e-12
    )
    assert found.moments()[..., 0].max() > 0


def test_gmv_is_read_too(ramped: Path) -> None:
    found, orders = read_rollout(ramped, "gmv", ARMS[1]), table(ramped, "orders")
    total = (orders["price"].astype(float) * orders["quantity"]).sum()
    assert found.sum_GT.sum() == pytest.approx(total, rel=1e-9)


def test_resamples_keep_the_cohorts_and_the_plain_one_counts_all_once() -> None:
    treated_UT = (np.arange(60) % 3 == 1)[:, None] & (np.arange(4) >= 2)
    found = rolled_out(np.random.default_rng(1).random((60, 4)), treated_UT)
    times_RG = found.resampled(20, rng=np.random.default_rng(2))
    for cohort in range(2):
        assert (times_RG[:, found.cohort_G == cohort].sum(axis=1) == [40, 20][cohort]).all()
    np.testing.assert_allclose(found.moments(np.ones((1, 60))), found.moments())
    assert found.moments(times_RG)[..., 0].std(axis=0).min() > 0


def test_what_is_no_roll_out_is_refused(ramped: Path) -> None:
    with pytest.raises(DataError, match="treatment == 'none'"):
        read_rollout(ramped, "orders", "none")
    with pytest.raises(ConfigError, match="column == 'bought'"):
        read_rollout(ramped, "bought", ARMS[1])
    ones_GT, treated_KT = np.ones((2, 3)), np.zeros((1, 3))
    good = {
        **{"cohort_G": np.zeros(2, np.int64), "units_G": np.ones(2), "sum_GT": ones_GT},
        **{"square_GT": ones_GT, "treated_KT": treated_KT},
    }
    RollOut(**good)
    for name, value in (
        ("cohort_G", np.array([0, 2])),
        ("units_G", np.array([1.0, 0.0])),
        ("sum_GT", np.ones((2, 4))),
        ("square_GT", np.full((2, 3), np.inf)),
        ("treated_KT", np.full((1, 3), 0.5)),
    ):
        with pytest.raises(DataError, match=name):
            RollOut(**{**good, name: value})
