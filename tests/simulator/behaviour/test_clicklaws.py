import numpy as np
import pytest
from hypothesis import example, given, strategies as st
from scipy.special import expit

from simulator.behaviour.choices import Basket
from simulator.behaviour.clicklaws import Chain, Independent, OneClick
from simulator.behaviour.clickmodels import Cascade, DynamicBayesian, PositionBased, UserBrowsing
from tests.simulator.behaviour.clickpatterns import enumerated

EXACT = 1e-10
BASKET, THRESHOLD = Basket(margin=0.9, second=0.2), 0.4
BASKETS = (Basket(0.0, 0.0), BASKET, Basket(2.0, 3.0), Basket(1.2, -4.0))
MODELS = {
    "pbm": PositionBased(),
    "cascade": Cascade(persistence_phone=0.7),
    "dbn": DynamicBayesian(perseverance_phone=0.7),
    "ubm": UserBrowsing(eta_phone=0.2, theta_phone=1.1),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def law_of(model, attraction_K, gain_K, phone=True):
    return model.law(
        np.array([attraction_K], np.float64),
        np.array([phone]),
        np.array([expit(THRESHOLD - np.array(gain_K))]),
    )


def found_of(model, attraction_K, gain_K, phone, basket):
    law = law_of(model, attraction_K, gain_K, phone)
    discontent_1K = expit(THRESHOLD - np.array([gain_K]))
    found = law.chances(np.array([gain_K], np.float64), basket, discontent_1K)
    return law, found


def pages(reach, most=5):
    chance = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)
    gain = st.sampled_from([0.0, 1.5]) | st.floats(-reach, reach)  # sampled ones tie
    return st.lists(st.tuples(chance, gain), min_size=1, max_size=most)


@every_model
@given(page=pages(12), phone=st.booleans(), basket=st.sampled_from(BASKETS))
@example(page=[(0.9, 12.0 * (-1) ** k) for k in range(8)], phone=True, basket=BASKET)
@example(page=[(1.0, 12.0)] * 7, phone=False, basket=BASKET)
@example(page=[(0.5, 40.0), (0.5, -40.0), (0.7, 10.0)], phone=True, basket=BASKET)
@example(page=[(0.3 + 0.1 * k, k / 3) for k in range(7)], phone=True, basket=BASKETS[0])
@example(page=[(0.3 + 0.1 * k, k / 3 - 5) for k in range(7)], phone=True, basket=BASKETS[3])
def test_chances_are_those_of_all_sets_of_clicks_together(model, page, phone, basket):
    attraction_K, gain_K = (list(column) for column in zip(*page, strict=True))
    law, found = found_of(model, attraction_K, gain_K, phone, basket)
    wanted = enumerated(model, phone, attraction_K, gain_K, basket, THRESHOLD)
    np.testing.assert_allclose(law.click_BK[0], wanted[0], atol=1e-14)
    np.testing.assert_allclose(law.clickless_B[0], wanted[1], atol=1e-14)
    np.testing.assert_allclose(found.first_BK[0], wanted[2], atol=EXACT, rtol=0)
    np.testing.assert_allclose(found.second_BK[0], wanted[3], atol=EXACT, rtol=0)
    np.testing.assert_allclose(found.carted_BK[0], wanted[5], atol=EXACT, rtol=0)
    assert found.open_B[0] == pytest.approx(wanted[4], abs=EXACT)


@every_model
@given(
    page=pages(8),
    phone=st.booleans(),
    luck=st.integers(0, 2**32 - 1),
    basket=st.sampled_from(BASKETS),
)
def test_with_known_tastes_chances_are_those_of_all_sets_of_clicks(
    model, page, phone, luck, basket
):
    attraction_K, gain_K = (list(column) for column in zip(*page, strict=True))
    taste_K = np.random.default_rng(luck).gumbel(size=len(page))
    law = law_of(model, attraction_K, gain_K, phone)
    gain_1K = np.array([gain_K], np.float64)
    found = law.known(gain_1K, basket, expit(THRESHOLD - gain_1K), taste_K[None, None])
    wanted = enumerated(model, phone, attraction_K, gain_K, basket, THRESHOLD, taste_K)
    np.testing.assert_allclose(found.first_BMK[0, 0], wanted[2], atol=1e-12)
    np.testing.assert_allclose(found.second_BMK[0, 0], wanted[3], atol=1e-12)
    np.testing.assert_allclose(found.carted_BMK[0, 0], wanted[5], atol=1e-12)
    assert found.open_BM[0, 0] == pytest.approx(wanted[4], abs=1e-12)


def long_pages(rows=6, slots=24, seed=4):
    rng = np.random.default_rng(seed)
    attraction_BK, gain_BK = rng.random((rows, slots)), rng.normal(0, 3, (rows, slots))
    attraction_BK[0, 9:] = 0.0
    return attraction_BK, gain_BK, rng.random(rows) < 0.5


def as_chain(model, attraction_BK, phone_B):
    """A position-based or cascade page, told as a chain."""
    slots = attraction_BK.shape[1]
    looks_DCK = np.ones((2, slots + 1, slots))
    if isinstance(model, PositionBased):
        looks_DCK[:] = model.examination(slots)[:, None].astype(np.float64)
        return Chain(attraction_BK, looks_DCK, phone_B, None, reads_on=False)
    persistence_D = np.array([model.persistence_desktop, model.persistence_phone])
    looks_DCK[:, :, 1:] = persistence_D[:, None, None]
    return Chain(attraction_BK, looks_DCK, phone_B, np.ones(attraction_BK.shape), reads_on=True)


@pytest.mark.parametrize("name", ["pbm", "cascade"])
def test_long_pages_of_simpler_models_are_chains_too(name):
    """24 slots, beyond enumeration: the race over a chain against the product and the single sum.

    Of the cascade a click ends the reading without making content, so its open needs are left out.
    """
    attraction_BK, gain_BK, phone_B = long_pages()
    discontent_BK = expit(THRESHOLD - gain_BK)
    taste_BMK = np.random.default_rng(1).gumbel(size=(len(gain_BK), 4, gain_BK.shape[1]))
    simple = MODELS[name].law(attraction_BK, phone_B, discontent_BK)
    assert isinstance(simple, Independent if name == "pbm" else OneClick)
    chain = as_chain(MODELS[name], attraction_BK, phone_B)
    np.testing.assert_allclose(chain.click_BK, simple.click_BK, atol=1e-14)
    np.testing.assert_allclose(chain.clickless_B, simple.clickless_B, atol=1e-14)
    which = slice(None) if name == "pbm" else slice(2)
    asked = gain_BK, BASKET, discontent_BK
    races = [law.chances(*asked)[which] for law in (chain, simple)]
    tasted = [law.known(*asked, taste_BMK)[which] for law in (chain, simple)]
    for one, other in zip(*races, strict=True):
        np.testing.assert_allclose(one, other, atol=EXACT)
    for one, other in zip(*tasted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("name", ["dbn", "ubm"])
def test_chances_with_known_tastes_average_to_those_over_all_tastes_on_long_pages(name):
    attraction_BK, gain_BK, phone_B = long_pages(rows=3)
    discontent_BK = expit(THRESHOLD - gain_BK)
    law = MODELS[name].law(attraction_BK, phone_B, discontent_BK)
    sets = 2_000
    taste_BMK = np.random.default_rng(5).gumbel(size=(3, sets, gain_BK.shape[1]))
    exact = law.chances(gain_BK, BASKET, discontent_BK)
    known = law.known(gain_BK, BASKET, discontent_BK, taste_BMK)
    for found, wanted in zip(known, exact, strict=True):
        likely = wanted > 1e-3  # of what is rarer, so few sets tell no error of their mean
        error = found.std(axis=1)[likely] / np.sqrt(sets) + 1e-12
        assert (np.abs(found.mean(axis=1) - wanted)[likely] < 4.7 * error).all()
        assert likely.sum() > 2


@pytest.mark.parametrize("name", ["dbn", "ubm"])
def test_a_page_does_not_depend_on_the_pages_beside_it_nor_on_padding(name):
    attraction_BK, gain_BK, phone_B = long_pages(slots=7)
    discontent_BK = expit(THRESHOLD - gain_BK)
    whole = MODELS[name].law(attraction_BK, phone_B, discontent_BK)
    chances = whole.chances(gain_BK, BASKET, discontent_BK)
    for row in range(len(gain_BK)):
        padded = [
            np.pad(column_BK[row : row + 1], ((0, 0), (0, 3)), constant_values=fill)
            for column_BK, fill in ((attraction_BK, 0), (gain_BK, np.nan), (discontent_BK, np.nan))
        ]
        one = MODELS[name].law(padded[0], phone_B[row : row + 1], padded[2])
        alone = one.chances(padded[1], BASKET, padded[2])
        np.testing.assert_array_equal(one.click_BK[0, :7], whole.click_BK[row])
        np.testing.assert_allclose(alone.first_BK[0, :7], chances.first_BK[row], atol=1e-15)
        np.testing.assert_allclose(alone.open_B[0], chances.open_B[row], atol=1e-15)
        assert not alone.first_BK[0, 7:].any()
        assert not alone.second_BK[0, 7:].any()


@every_model
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_no_pages_and_empty_pages_sell_nothing(model, shape):
    nothing_BK = np.zeros(shape)
    law = model.law(nothing_BK, np.zeros(shape[0], bool), nothing_BK)
    found = law.chances(nothing_BK, BASKET, nothing_BK)
    known = law.known(nothing_BK, BASKET, nothing_BK, np.zeros((shape[0], 2, shape[1])))
    assert law.click_BK.shape == found.first_BK.shape == shape
    np.testing.assert_array_equal(law.clickless_B, np.ones(shape[0]))
    np.testing.assert_array_equal(found.open_B, np.ones(shape[0]))
    np.testing.assert_array_equal(known.open_BM, np.ones((shape[0], 2)))


@every_model
def test_an_item_that_is_gone_is_clicked_and_passed_over(model):
    """With a gain of minus infinity it keeps its clicks, and what others have is as over all sets
    of clicks without it among the choices."""
    attraction_K, gain_K = [0.6, 0.8, 0.5, 0.4], [1.0, 0.3, -0.5, 0.8]
    law = law_of(model, attraction_K, gain_K)
    gone_K = np.array([gain_K])
    gone_K[0, 1] = -np.inf
    found = law.chances(gone_K, BASKET, expit(THRESHOLD - np.array([gain_K])))
    low = [1.0, -500.0, -0.5, 0.8]
    content = lambda gains: enumerated(model, True, attraction_K, gains, BASKET, THRESHOLD)  # noqa: E731
    if not isinstance(model, DynamicBayesian):  # its item must still end the reading
        np.testing.assert_allclose(found.first_BK[0], content(low)[2], atol=EXACT)
        np.testing.assert_allclose(found.second_BK[0], content(low)[3], atol=EXACT)
    assert found.first_BK[0, 1] < 1e-100
    assert law.click_BK[0, 1] > 0.1
