import numpy as np
import pytest

from ranking.features import Feature
from ranking.rankers.wants import fit_wants

N = 20_000


@pytest.fixture
def clicked():
    """Clicked exposures: click logits, features, and who wants the item."""
    rng = np.random.default_rng(0)
    clicks, features = rng.normal(size=N), rng.normal(size=(N, len(Feature))).astype(np.float32)
    logits = -2.0 + 0.8 * clicks - 0.5 * features[:, Feature.RELATIVE_PRICE]
    return clicks, features, rng.random(N) < 1 / (1 + np.exp(-logits))


def test_the_weights_that_made_the_wants_are_found(clicked):
    wants = fit_wants(*clicked)
    assert wants.weight_X[0] == pytest.approx(0.8, abs=0.08)
    assert wants.bias == pytest.approx(-2.0, abs=0.08)
    np.testing.assert_allclose(wants.weight_X[1:], [0, -0.5, 0], atol=0.08)


def test_the_logits_are_linear_and_sum_in_any_batch_alike(clicked):
    clicks, features, wanted = clicked
    wants = fit_wants(clicks, features, wanted)
    whole = wants.logits(clicks, features)
    np.testing.assert_array_equal(wants.logits(clicks[:7], features[:7]), whole[:7])
    columns = [Feature.RATING, Feature.RELATIVE_PRICE, Feature.RELATIVE_GAP]
    inputs = np.column_stack([clicks, features[:, columns]])
    np.testing.assert_allclose(whole, wants.bias + inputs @ wants.weight_X, rtol=1e-9)


@pytest.mark.parametrize("wanted", [False, True])
def test_where_nobody_or_everybody_wants_chances_are_finite(clicked, wanted):
    clicks, features, _ = clicked
    wants = fit_wants(clicks, features, np.full(N, wanted))
    logits = wants.logits(clicks, features)
    assert np.isfinite(logits).all()
    assert (logits > 0).all() == wanted


def test_a_fact_that_never_varied_decides_nothing(clicked):
    clicks, features, wanted = clicked
    features[:, Feature.RATING] = 4.0
    assert fit_wants(clicks, features, wanted).weight_X[1] == 0
