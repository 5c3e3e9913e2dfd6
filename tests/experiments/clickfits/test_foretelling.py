import numpy as np
import pytest

from experiments.clickfits.climbing import Effort
from experiments.clickfits.foretelling import CLICK_MODELS, foretold, side_by_side
from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing
from tests.experiments.clickfits.logs import simulated, slow_measures

EFFORT = Effort()
MODELS = {model.type: model for model in (PositionBased(), DynamicBayesian(), UserBrowsing())}


@pytest.mark.parametrize("name", CLICK_MODELS)
def test_likelihood_and_perplexity_are_those_of_slow_loops_by_the_book(name):
    """Learned from one log, measured on another one, with pages of several lengths."""
    model = (MODELS | {"cascade": Cascade()})[name]
    fitted = CLICK_MODELS[name].fit(simulated(model, 2_000, seed=4), EFFORT).state
    others = simulated(model, 500, seed=5)
    found, wanted = foretold(fitted, others), slow_measures(fitted, others)
    assert found.log_likelihood == pytest.approx(wanted[0], rel=1e-10)
    assert found.mean_log_likelihood == pytest.approx(wanted[1], rel=1e-10)
    np.testing.assert_allclose(found.perplexity_K, wanted[2], rtol=1e-10)
    assert found.perplexity == pytest.approx(wanted[3], rel=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_the_model_that_made_a_log_foretells_it_best(name):
    """Of pages held out, beside the others; there is no cascade, for pages have two clicks."""
    impressions = simulated(MODELS[name], 40_000, seed=6)
    rng = np.random.default_rng(0)
    sides = side_by_side(impressions, held_out=0.25, effort=EFFORT, rng=rng)
    found = {side.name: side for side in sides}
    assert list(found) == list(CLICK_MODELS)
    assert found["cascade"].model is None
    assert found["cascade"].refused.startswith("pages with two clicks or more == ")
    likely = {other: side.held_out.log_likelihood for other, side in found.items() if side.held_out}
    # User browsing without a decay with distance is position-based: it comes as close as it likes.
    rivals = {other for other in likely if (name, other) != ("pbm", "ubm")} - {name}
    assert all(likely[name] > likely[other] for other in rivals), likely
    if name == "pbm":
        assert likely["ubm"] < likely["pbm"] + 5.0


def test_perplexity_of_pages_that_are_foretold_for_sure_is_one_and_of_a_coin_two():
    impressions = simulated(PositionBased(eta_phone=0.0, eta_desktop=0.0), 400, seed=7)
    fitted = CLICK_MODELS["pbm"].fit(impressions, EFFORT).state
    fitted.attraction_A[:] = 0.5
    fitted.examination_DK[:] = 1.0
    found = foretold(fitted, impressions)
    np.testing.assert_allclose(found.perplexity_K, 2.0, rtol=1e-12)
    assert found.mean_log_likelihood == pytest.approx(-np.log(2.0))
    impressions.clicked_PK[:] = impressions.real_PK
    fitted.attraction_A[:] = 1.0
    found = foretold(fitted, impressions)
    np.testing.assert_array_equal(found.perplexity_K, 1.0)
    assert found.log_likelihood == 0.0


def test_what_a_cascade_says_cannot_be_has_no_likelihood():
    model = Cascade(persistence_phone=1.0, persistence_desktop=1.0)
    fitted = CLICK_MODELS["cascade"].fit(simulated(model, 500), EFFORT).state
    others = simulated(PositionBased(), 200, seed=1)
    assert (others.clicked_PK.sum(axis=1) > 1).any()
    assert foretold(fitted, others).log_likelihood == -np.inf
