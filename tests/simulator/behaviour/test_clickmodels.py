import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from simulator.behaviour.clickconformance import check_click_model
from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing
from tests.simulator.behaviour.clickpatterns import click_patterns

pages = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(0, 1, width=32),
)
MODELS = [PositionBased(), Cascade(), DynamicBayesian(), UserBrowsing()]


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
def test_sets_of_clicks_come_as_often_as_the_papers_say(model, phone):
    """All sets of clicks on a page of five, of which one in the middle attracts nobody."""
    attraction_K = np.array([0.3, 0.0, 0.9, 0.5, 0.2], np.float32)
    content_K = np.array([0.1, 0.9, 0.4, 0.0, 1.0])
    rows, rng = 60_000, np.random.default_rng(7)
    luck_3BK = rng.random((3, rows, 5))
    page = np.tile(attraction_K, (rows, 1)), np.full(rows, phone)
    luck = luck_3BK[0].astype(np.float32), luck_3BK[1].astype(np.float32)
    more = (luck_3BK[2] < content_K,) if isinstance(model, DynamicBayesian) else ()
    _, clicked_BK = model(*page, *luck, *more)
    mask_B = clicked_BK @ (1 << np.arange(5))
    wanted_M = np.zeros(32)
    for (clicked, _), chance in click_patterns(model, phone, attraction_K, content_K).items():
        wanted_M[sum(1 << slot for slot in clicked)] += chance
    found_M = np.bincount(mask_B, minlength=32) / rows
    assert wanted_M.sum() == pytest.approx(1.0)
    error_M = 4.5 * np.sqrt(wanted_M * (1 - wanted_M) / rows) + 1e-9
    assert np.all(np.abs(found_M - wanted_M) <= error_M)
    law = model.law(*(column[:1] for column in page), 1 - content_K[None])
    member_MK = np.arange(32)[:, None] >> np.arange(5) & 1
    np.testing.assert_allclose(law.click_BK[0], wanted_M @ member_MK, atol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.type)
def test_our_models_keep_the_contract_of_a_users_own(model):
    assert check_click_model(lambda: model) == []


def test_so_does_a_dynamic_bayesian_one_whose_clicks_satisfy():
    def satisfied(attraction_BK, phone_B, look_BK, click_BK):
        satisfies_BK = (7 * click_BK) % 1 < 0.5
        return DynamicBayesian()(attraction_BK, phone_B, look_BK, click_BK, satisfies_BK)

    assert check_click_model(lambda: satisfied) == []


def test_nobody_reads_on_below_a_click_that_satisfies():
    rng = np.random.default_rng(2)
    look_BK, click_BK = rng.random((2, 3_000, 6), np.float32)
    satisfies_BK = rng.random((3_000, 6)) < 0.4
    page = np.full((3_000, 6), 0.5, np.float32), np.zeros(3_000, bool)
    examined_BK, clicked_BK = DynamicBayesian()(*page, look_BK, click_BK, satisfies_BK)
    content_BK = clicked_BK & satisfies_BK
    assert (content_BK.sum(axis=1) <= 1).all()
    first_B = content_BK.argmax(axis=1)
    below_BK = np.arange(6) > first_B[:, None]
    assert not (examined_BK & below_BK)[content_BK.any(axis=1)].any()
    assert (clicked_BK.sum(axis=1) > 1).any(), "others click on"


def test_a_dynamic_bayesian_reader_whom_everything_satisfies_is_a_cascade_reader():
    rng = np.random.default_rng(3)
    look_BK, click_BK, attraction_BK = rng.random((3, 500, 6), np.float32)
    page = attraction_BK, rng.random(500) < 0.5, look_BK, click_BK
    found = DynamicBayesian(perseverance_phone=0.8)(*page, np.ones((500, 6), bool))
    np.testing.assert_array_equal(found, Cascade(persistence_phone=0.8)(*page))


def test_where_distance_does_not_matter_user_browsing_is_position_based():
    rng = np.random.default_rng(4)
    look_BK, click_BK, attraction_BK = rng.random((3, 500, 6), np.float32)
    page = attraction_BK, rng.random(500) < 0.5, look_BK, click_BK
    model = UserBrowsing(eta_phone=0.9, eta_desktop=0.6, theta_phone=0.0, theta_desktop=0.0)
    np.testing.assert_array_equal(model(*page), PositionBased()(*page))


def test_until_the_first_click_user_browsing_is_position_based():
    table_DCK = UserBrowsing().examination(7)
    np.testing.assert_allclose(table_DCK[:, 0], PositionBased().examination(7), rtol=1e-6)
    assert table_DCK[0, 3, 3] > table_DCK[0, 0, 3], "a click draws the eye to what is below it"
    assert not table_DCK[:, 4, :4].any()


@given(attraction_BK=pages)
def test_a_cascade_reader_clicks_once_at_most_in_the_mean_too(attraction_BK):
    phone_B = np.ones(len(attraction_BK), bool)
    chance_BK = Cascade().click_chances(attraction_BK, phone_B)
    assert (chance_BK >= 0).all()
    assert (chance_BK.sum(axis=1) <= 1 + 1e-12).all()
