"""Parameters of all four models come back from logs that the simulator's own models have made."""

from functools import cache

import numpy as np
import pytest

from experiments.clickfits.cascade import FittedCascade
from experiments.clickfits.climbing import Effort
from experiments.clickfits.dynamicbayesian import FittedDynamicBayesian
from experiments.clickfits.positionbased import FittedPositionBased
from experiments.clickfits.userbrowsing import FittedUserBrowsing
from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing
from simulator.errors import ConfigError, DataError
from tests.experiments.clickfits.logs import attractions, simulated

PAGES = 160_000  # so many that the worst of eight seeds is within a tenth, not this one alone
EFFORT = Effort()
KINDS = {
    "pbm": (FittedPositionBased, PositionBased(eta_phone=0.9, eta_desktop=0.5)),
    "cascade": (FittedCascade, Cascade(persistence_phone=0.6, persistence_desktop=0.8)),
    "dbn": (
        FittedDynamicBayesian,
        DynamicBayesian(perseverance_phone=0.7, perseverance_desktop=0.9),
    ),
    "ubm": (
        FittedUserBrowsing,
        UserBrowsing(eta_phone=0.3, theta_phone=0.6, eta_desktop=0.2, theta_desktop=0.4),
    ),
}


@cache
def climbed(name):
    """What is learned from a log of a model."""
    kind, model = KINDS[name]
    return kind.fit(simulated(model, PAGES, seed=2), EFFORT)


@pytest.mark.parametrize("name", KINDS)
def test_the_attraction_of_every_pair_comes_back_within_a_tenth(name):
    attraction_A, _ = attractions()
    np.testing.assert_allclose(climbed(name).state.attraction_A, attraction_A, rtol=0.1)
    assert climbed(name).converged


@pytest.mark.parametrize("name", KINDS)
def test_the_log_likelihood_never_falls_on_the_way(name):
    """Beyond the little that imagined results of each parameter may cost."""
    found = climbed(name).log_likelihoods
    assert (np.diff(found) > -1e-3).all()
    assert found[-1] > found[0]


def test_slopes_of_examination_come_back_within_a_tenth():
    found = climbed("pbm").state
    np.testing.assert_allclose(found.slopes(), [0.9, 0.5], rtol=0.1)
    wanted_DK = KINDS["pbm"][1].examination(found.examination_DK.shape[1])[::-1]
    np.testing.assert_allclose(found.examination_DK, wanted_DK, rtol=0.1)


def test_the_persistence_of_cascade_readers_comes_back_within_a_tenth():
    np.testing.assert_allclose(climbed("cascade").state.persistence_D, [0.6, 0.8], rtol=0.1)


def test_perseverance_and_satisfaction_come_back_within_a_tenth():
    found = climbed("dbn").state
    np.testing.assert_allclose(found.perseverance_D, [0.7, 0.9], rtol=0.1)
    _, satisfaction_A = attractions()
    np.testing.assert_allclose(found.satisfaction_A, satisfaction_A, rtol=0.1)


def test_the_table_of_user_browsing_and_its_decays_come_back_within_a_tenth():
    found = climbed("ubm").state
    np.testing.assert_allclose(found.decays(), [[0.3, 0.6], [0.2, 0.4]], rtol=0.1)
    wanted_DCK = KINDS["ubm"][1].examination(found.examination_DCK.shape[2])[::-1]
    enough_DCK = found.shown_DCK * wanted_DCK * attractions()[0].mean() > 1_500  # clicks in a cell
    assert (enough_DCK.sum(axis=(1, 2)) > 8).all()
    np.testing.assert_allclose(found.examination_DCK[enough_DCK], wanted_DCK[enough_DCK], rtol=0.1)


@pytest.mark.parametrize("name", KINDS)
def test_a_log_of_a_few_pages_can_be_fitted(name):
    kind, model = KINDS[name]
    found = kind.fit(simulated(model, 300, seed=3), EFFORT).state
    assert np.isfinite(found.attraction_A).all()
    assert ((found.attraction_A > 0) & (found.attraction_A < 1)).all()


def test_one_step_does_not_count_as_converged():
    found = FittedPositionBased.fit(simulated(PositionBased(), 500), Effort(most=1))
    assert not found.converged
    assert len(found.log_likelihoods) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"smoothing": -1.0}, "smoothing == -1.0, must be >= 0"),
        ({"tolerance": float("nan")}, "tolerance == nan, must be >= 0"),
        ({"most": 0}, "most == 0, must be >= 1 (steps)"),
    ],
)
def test_an_effort_out_of_its_range_is_refused(settings, told):
    with pytest.raises(ConfigError) as raised:
        Effort(**settings)
    assert str(raised.value).startswith(told)


def clicks_at(ranks, pages=50):
    """Pages of three results of which only these ranks are ever clicked."""
    found = simulated(PositionBased(), pages, slots=3, full=True)
    found.clicked_PK[:] = np.isin(np.arange(3), ranks)
    return found


@pytest.mark.parametrize("name", ["pbm", "ubm"])
def test_a_rank_that_is_never_looked_at_is_named(name):
    with pytest.raises(DataError) as raised:
        KINDS[name][0].fit(clicks_at([0, 1]), EFFORT)
    assert str(raised.value).startswith("clicks at rank 2 of device 0 == 0 of ")
    assert str(raised.value).endswith("leave out ranks from 2 on")


@pytest.mark.parametrize("name", ["cascade", "dbn"])
def test_a_top_that_is_never_clicked_is_refused(name):
    with pytest.raises(DataError) as raised:
        KINDS[name][0].fit(clicks_at([1]), EFFORT)
    assert str(raised.value).startswith("clicks at rank 0 == 0 of 50 pages, must be > 0")


def test_a_cascade_refuses_pages_with_two_clicks():
    with pytest.raises(DataError) as raised:
        FittedCascade.fit(clicks_at([0, 2]), EFFORT)
    assert str(raised.value).startswith("pages with two clicks or more == 50 of 50, must be 0")
