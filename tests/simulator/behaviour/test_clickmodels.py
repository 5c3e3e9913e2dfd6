import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from simulator.behaviour.clickmodels import Cascade, PositionBased

pages = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(0, 1, width=32),
)
MODELS = [PositionBased(), Cascade()]


def respond(model, attraction_BK, seed=0, phone=True):
    rng = np.random.default_rng(seed)
    look_BK, click_BK = rng.random((2, *attraction_BK.shape), np.float32)
    phone_B = np.full(len(attraction_BK), phone)
    return model(attraction_BK, phone_B, look_BK, click_BK)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.type)
@given(attraction_BK=pages)
def test_a_click_implies_examination(model, attraction_BK):
    examined_BK, clicked_BK = respond(model, attraction_BK)
    assert not (clicked_BK & ~examined_BK).any()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.type)
def test_unattractive_results_are_never_clicked(model):
    _, clicked_BK = respond(model, np.zeros((200, 6), np.float32))
    assert not clicked_BK.any()


def test_position_based_examination_follows_the_published_curve():
    model = PositionBased(eta_phone=1.0, eta_desktop=0.5)
    attraction_BK = np.ones((40_000, 5), np.float32)
    for phone, eta in ((True, 1.0), (False, 0.5)):
        _, clicked_BK = respond(model, attraction_BK, phone=phone)
        expected_K = np.arange(1, 6) ** -eta
        error_K = 4 * np.sqrt(expected_K * (1 - expected_K) / len(attraction_BK))
        assert np.all(np.abs(clicked_BK.mean(axis=0) - expected_K) <= error_K)


@given(attraction_BK=pages)
def test_a_cascade_reader_clicks_once_and_reads_nothing_below(attraction_BK):
    examined_BK, clicked_BK = respond(Cascade(), attraction_BK)
    assert np.all(clicked_BK.sum(axis=1) <= 1)
    for examined_K, clicked_K in zip(examined_BK, clicked_BK, strict=True):
        if clicked_K.any():
            assert not examined_K[clicked_K.argmax() + 1 :].any()


def test_a_perfectly_persistent_cascade_is_the_published_one():
    model = Cascade(persistence_phone=1.0, persistence_desktop=1.0)
    _, clicked_BK = respond(model, np.full((40_000, 4), 0.3, np.float32))
    expected_K = 0.3 * 0.7 ** np.arange(4)
    error_K = 4 * np.sqrt(expected_K * (1 - expected_K) / 40_000)
    assert np.all(np.abs(clicked_BK.mean(axis=0) - expected_K) <= error_K)


@pytest.mark.parametrize("phone", [True, False])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.type)
def test_chances_of_clicks_are_their_frequencies(model, phone):
    attraction_K = np.array([0.3, 0.0, 0.9, 0.5, 0.2], np.float32)
    attraction_BK = np.tile(attraction_K, (40_000, 1))
    _, clicked_BK = respond(model, attraction_BK, phone=phone)
    chance_K = model.click_chances(attraction_BK[:1], np.array([phone]))[0]
    error_K = 4 * np.sqrt(chance_K * (1 - chance_K) / len(attraction_BK))
    assert np.all(np.abs(clicked_BK.mean(axis=0) - chance_K) <= error_K)


@given(attraction_BK=pages)
def test_a_cascade_reader_clicks_once_at_most_in_the_mean_too(attraction_BK):
    phone_B = np.ones(len(attraction_BK), bool)
    chance_BK = Cascade().click_chances(attraction_BK, phone_B)
    assert (chance_BK >= 0).all()
    assert (chance_BK.sum(axis=1) <= 1 + 1e-12).all()
