from itertools import product

import numpy as np
import pytest

from experiments.inference.offpolicy.estimators import estimated
from experiments.inference.offpolicy.generators import (
    explored,
    found_by,
    item_propensity,
    pair_propensity,
)
from experiments.inference.offpolicy.moments import Moments
from experiments.inference.offpolicy.policyvalue import policy_values
from simulator.errors import DataError
from tests.experiments.inference.offpolicy.worlds import (
    CONTEXT_X,
    LIKING_XKA,
    OLD_G,
    PLACES,
    SOURCES_XA,
    candidates,
    chances,
    enumerated,
    judged_value,
    pages,
)

OLD, ALL = 0b011, 0b111
SUPPORTED = [0b001, 0b010, OLD]
"""Sets of channels whose items the log can all show."""

MODELS = {
    "none": np.zeros_like(LIKING_XKA),
    "half": np.full_like(LIKING_XKA, 0.5),
    "wild": LIKING_XKA[:, ::-1] - 2.0,
}


def test_a_set_finds_what_one_of_its_channels_finds():
    found_NG = found_by(np.array([0b001, 0b010, 0b110]), np.array([0b001, 0b011, 0b100]))
    assert found_NG.tolist() == [[True, True, False], [False, True, False], [False, True, True]]


@pytest.mark.parametrize("generators", [0b001, 0b010, 0b100, OLD, ALL])
def test_chances_of_items_are_those_of_all_pages(generators):
    items_N = np.arange(SOURCES_XA.shape[1])
    for x, place in product(range(len(CONTEXT_X)), range(PLACES)):
        counted_N = np.zeros(len(items_N))
        for page, chance in pages(x, generators, 0.4):
            if place < len(page):
                counted_N[page[place]] += chance
        found_N = chances(x, place, items_N, [generators], 0.4)[:, 0]
        np.testing.assert_allclose(found_N, counted_N, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("judged", SUPPORTED)
@pytest.mark.parametrize("rate", [0.0, 0.4])
@pytest.mark.parametrize("model", MODELS)
def test_item_weights_are_unbiased_under_support(judged, rate, model):
    world = enumerated(judged, rate=rate, model_XKA=MODELS[model])
    assert world.chance_O.sum() == pytest.approx(1.0, abs=1e-12)
    for name in ("ips", "dr"):
        found = world.mean(estimated(world.totals, name)[0])
        assert found == pytest.approx(world.truth, abs=1e-12)
    assert world.totals.diagnosis.supported == 1.0


@pytest.mark.parametrize("judged", OLD_G.tolist())
@pytest.mark.parametrize("model", MODELS)
def test_pair_weights_are_unbiased_for_sets_of_the_log(judged, model):
    world = enumerated(judged, by="pair", rate=0.4, model_XKA=MODELS[model])
    for name in ("ips", "dr"):
        found = world.mean(estimated(world.totals, name)[0])
        assert found == pytest.approx(world.truth, abs=1e-12)


@pytest.mark.parametrize("judged", OLD_G.tolist())
def test_item_weights_vary_less_than_pair_weights(judged):
    spread = {}
    for by in ("item", "pair"):
        world = enumerated(judged, by=by)
        ips_O = estimated(world.totals, "ips")[0]
        spread[by] = world.mean(ips_O**2) - world.mean(ips_O) ** 2
    assert spread["item"] < spread["pair"]


def test_pair_weights_tell_nothing_of_a_set_that_the_log_never_used():
    world = enumerated(ALL, by="pair")
    assert not world.totals.weights_U.any()
    values = policy_values(Moments.of(world.totals, 0), world.totals.diagnosis, confidence=0.9)
    assert values["ips"].refusal.startswith("the weights leave 0 effective slots")


@pytest.mark.parametrize("judged", [0b100, 0b101, ALL])
@pytest.mark.parametrize("model", MODELS)
def test_items_that_only_the_new_channel_finds_bias_as_derived(judged, model):
    """IPS loses what they bring; DR is off by what the model is wrong about them."""
    model_XKA = MODELS[model]
    world = enumerated(judged, model_XKA=model_XKA)
    lost = wrong = unseen = 0.0
    for x in range(len(CONTEXT_X)):
        old = set(candidates(x, OLD).tolist())
        for place, item in enumerate(candidates(x, judged)[:PLACES].tolist()):
            if item not in old:
                unseen += CONTEXT_X[x]
                lost += CONTEXT_X[x] * LIKING_XKA[x, place, item]
                wrong += CONTEXT_X[x] * (model_XKA - LIKING_XKA)[x, place, item]
    assert lost > 0
    bias = {
        name: world.mean(estimated(world.totals, name)[0]) - world.truth for name in ("ips", "dr")
    }
    assert bias == pytest.approx({"ips": -lost, "dr": wrong}, abs=1e-12)
    judged_mass = world.mean(world.totals.judged_U)
    assert judged_mass - world.mean(world.totals.supported_U) == pytest.approx(unseen, abs=1e-12)
    assert world.mean(world.totals.weak_U) == pytest.approx(unseen, abs=1e-12)


def test_a_set_that_changes_outcomes_by_itself_biases_item_weights_and_not_pair_weights():
    """The second set of the log gets twice as many clicks: on its own pages that is the truth."""
    direct_G = (0.5, 1.0)
    truth = judged_value(OLD, 0.0)
    found = {}
    for by in ("item", "pair"):
        world = enumerated(OLD, by=by, direct_G=direct_G)
        found[by] = world.mean(estimated(world.totals, "ips")[0])
    assert found["pair"] == pytest.approx(truth, abs=1e-12)
    assert found["item"] < 0.95 * truth


def test_a_log_of_one_set_has_its_own_propensities():
    alone = {"old": np.array([OLD]), "share": np.array([1.0])}
    world = enumerated(0b001, **alone)
    assert world.mean(estimated(world.totals, "ips")[0]) == pytest.approx(world.truth, abs=1e-12)
    pair = enumerated(OLD, by="pair", **alone)
    item = enumerated(OLD, by="item", **alone)
    for name, total in vars(pair.totals).items():
        np.testing.assert_allclose(total, getattr(item.totals, name), rtol=1e-14)


MISSED = 3.5  # standard errors of the Monte Carlo


@pytest.mark.parametrize("judged", SUPPORTED)
def test_in_drawn_logs_intervals_hold_the_truth_and_biases_are_within_luck(judged):
    """1,000 logs of 500 requests each; SNIPS has a bias of order 1 / n."""
    world = enumerated(judged, model_XKA=np.full_like(LIKING_XKA, 0.4))
    rng, times = np.random.default_rng(21), 1_000
    said = {name: np.zeros((times, 3)) for name in ("ips", "snips", "dr")}
    for t in range(times):
        totals = world.log(500, rng)
        moments = Moments.of(totals, 0)
        values = policy_values(moments, totals.diagnosis, confidence=0.95)
        for name, value in values.items():
            said[name][t] = value.value.numbers
    for name, found_T3 in said.items():
        estimate_T, low_T, high_T = found_T3.T
        luck = estimate_T.std() / np.sqrt(times)
        assert abs(estimate_T.mean() - world.truth) < MISSED * luck + 0.002 * (name == "snips")
        held = ((low_T <= world.truth) & (world.truth <= high_T)).mean()
        assert abs(held - 0.95) < MISSED * np.sqrt(0.95 * 0.05 / times)


@pytest.mark.parametrize(
    ("share", "chance", "message"),
    [
        ([[0.5, 0.4]], [[0.1, 0.1]], "share_NG of a row sum to 0.9, must sum to 1"),
        ([[0.5, 0.5]], [[0.1, 1.1]], "chance_NG == 1.1, must be >= 0 and <= 1"),
        ([[1.5, -0.5]], [[0.1, 0.1]], "share_NG == 1.5, must be >= 0 and <= 1"),
        ([[0.5, 0.5]], [[np.nan, 0.1]], "chance_NG == nan, must be >= 0 and <= 1"),
    ],
)
def test_what_is_no_chance_is_refused(share, chance, message):
    share_NG, chance_NG = np.array(share), np.array(chance)
    with pytest.raises(DataError, match=message):
        item_propensity(share_NG, chance_NG)
    with pytest.raises(DataError, match=message):
        pair_propensity(share_NG, chance_NG, np.array([0]))


def test_a_rate_that_is_none_is_refused():
    one = np.ones((1, 1), bool)
    with pytest.raises(DataError, match=r"rate == 1.2, must be >= 0 and <= 1"):
        explored(one, one, np.ones((1, 1), int), rate=1.2)
