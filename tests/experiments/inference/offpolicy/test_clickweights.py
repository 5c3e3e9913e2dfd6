from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from experiments.clickfits.climbing import Effort
from experiments.clickfits.impressions import Impressions
from experiments.clickfits.positionbased import FittedPositionBased
from experiments.inference.offpolicy.clickweights import (
    JudgedPages,
    click_slots,
    click_values,
    looked_at,
)
from experiments.inference.offpolicy.estimators import estimated
from experiments.inference.offpolicy.totals import Totals
from simulator.behaviour.clickmodels import Cascade, PositionBased
from simulator.errors import DataError
from tests.experiments.inference.offpolicy.worlds import drawn

PLACES = 4
CONTEXT_X = np.array([0.5, 0.3, 0.2])
LIKING_A = np.array([0.9, 0.6, 0.4, 0.7, 0.3, 0.5])
BRINGS_A = np.array([2.0, 5.0, 1.0, 3.0, 8.0, 4.0])
"""What a click on each item brings on average."""
LOGGED_XK = np.array([[0, 1, 2, 3], [3, 0, 4, 1], [5, 2, 1, 0]])
REORDERED_XK = np.array([[3, 2, 0, 1], [1, 3, 0, 4], [0, 1, 5, 2]])
"""The same items in another order: each has support."""
CHANGED_XK = np.array([[4, 0, 5, 1], [3, 5, 0, 2], [5, 3, 1, 4]])
"""Some of the items are on no logged page of the context."""

STEEP, FLAT = PositionBased(eta_desktop=1.0), PositionBased(eta_desktop=0.3)
READ_DOWN = Cascade(persistence_desktop=0.8)
DESKTOP_X = np.zeros(len(CONTEXT_X), bool)


def chances_of(model, items_XK):
    """(X, K) chance of each click by a click model of the simulator."""
    return model.click_chances(LIKING_A[items_XK].astype(np.float32), DESKTOP_X)


def clicks_of(model, items_XK):
    """By context, all that may be clicked, with its probability."""
    chance_XK = chances_of(model, items_XK)
    for x, chance_K in enumerate(chance_XK):
        if model is READ_DOWN:  # at most one click
            nothing = (False,) * PLACES
            yield x, nothing, 1 - chance_K.sum()
            for k in range(PLACES):
                yield x, (*nothing[:k], True, *nothing[k + 1 :]), chance_K[k]
        else:
            for clicks in product((False, True), repeat=PLACES):
                yield x, clicks, np.prod(np.where(clicks, chance_K, 1 - chance_K))


def enumerated(true, used, judged_XK, model_A=None):
    """Every outcome of a page, and the totals by which other pages are judged.

    A click brings twice what it does on average, or nothing.
    """
    rows, chance = [], []
    for x, clicks, of_clicks in clicks_of(true, LOGGED_XK):
        for brings in product((0.0, 2.0), repeat=PLACES):
            rows.append((x, clicks, brings))
            chance.append(CONTEXT_X[x] * of_clicks / 2**PLACES)
    x_P, clicked_PK, brings_PK = (np.array(part) for part in zip(*rows, strict=True))
    model_A = np.zeros(len(LIKING_A)) if model_A is None else model_A
    pages = JudgedPages(
        shopper_P=np.arange(len(rows)),
        logged_PK=LOGGED_XK[x_P],
        judged_PK=judged_XK[x_P],
        clicked_PK=clicked_PK,
        outcomes_EPK=(brings_PK * BRINGS_A[LOGGED_XK[x_P]])[None],
        chance_PK=chances_of(used, LOGGED_XK)[x_P],
        judged_chance_PK=chances_of(used, judged_XK)[x_P],
        model_EPK=model_A[LOGGED_XK[x_P]][None],
        judged_model_EPK=model_A[judged_XK[x_P]][None],
    )
    return np.array(chance), pages


def judged_value(true, judged_XK):
    return float(CONTEXT_X @ (chances_of(true, judged_XK) * BRINGS_A[judged_XK]).sum(axis=1))


def expected(chance_O, totals, name):
    return float(chance_O @ estimated(totals, name)[0])


def bias(true, used, judged_XK, model_A=None):
    """Of CIPS and CDR, exactly."""
    chance_O, pages = enumerated(true, used, judged_XK, model_A)
    totals = Totals.of(click_slots(pages), len(chance_O))
    truth = judged_value(true, judged_XK)
    return {
        name: expected(chance_O, totals, of) - truth
        for name, of in (("cips", "ips"), ("cdr", "dr"))
    }


def derived_bias(true, used, judged_XK, model_A):
    """By the formulas of the module, item by item."""
    found = {"cips": 0.0, "cdr": 0.0}
    chances = [
        chances_of(model, pages) for model in (true, used) for pages in (LOGGED_XK, judged_XK)
    ]
    true_XK, true_new_XK, used_XK, used_new_XK = chances
    for x, share in enumerate(CONTEXT_X):
        for k, item in enumerate(judged_XK[x]):
            brings, model, chance = BRINGS_A[item], model_A[item], true_new_XK[x, k]
            (at,) = np.nonzero(LOGGED_XK[x] == item)
            if not len(at):
                found["cips"] -= share * chance * brings
                found["cdr"] += share * (used_new_XK[x, k] * model - chance * brings)
                continue
            off = (used_new_XK[x, k] / used_XK[x, at[0]]) / (chance / true_XK[x, at[0]]) - 1
            found["cips"] += share * chance * brings * off
            found["cdr"] += share * chance * off * (brings - model)
            found["cdr"] += share * (used_new_XK[x, k] - chance) * model
    return found


GUESS = BRINGS_A * np.array([1.2, 0.7, 1.0, 1.5, 0.8, 0.9])


@pytest.mark.parametrize("true", [STEEP, READ_DOWN], ids=["position-based", "cascade"])
@pytest.mark.parametrize("model_A", [None, BRINGS_A, GUESS, -GUESS], ids=list("0+~-"))
def test_under_the_right_click_model_both_are_unbiased_where_there_is_support(true, model_A):
    found = bias(true, true, REORDERED_XK, model_A)
    assert found == pytest.approx({"cips": 0.0, "cdr": 0.0}, abs=1e-12)


@pytest.mark.parametrize("true", [STEEP, READ_DOWN], ids=["position-based", "cascade"])
@pytest.mark.parametrize("used", [STEEP, FLAT, READ_DOWN], ids=["steep", "flat", "cascade"])
@pytest.mark.parametrize("judged_XK", [REORDERED_XK, CHANGED_XK], ids=["reordered", "changed"])
def test_the_bias_is_that_of_the_formula(true, used, judged_XK):
    derived = derived_bias(true, used, judged_XK, GUESS)
    assert bias(true, used, judged_XK, GUESS) == pytest.approx(derived, abs=1e-12)


def test_a_wrong_examination_biases_by_a_tenth_and_more():
    """Flat where the truth is steep: items that are moved up count too little."""
    truth = judged_value(STEEP, REORDERED_XK)
    assert abs(bias(STEEP, FLAT, REORDERED_XK)["cips"]) > 0.1 * truth
    cascade = judged_value(READ_DOWN, REORDERED_XK)
    assert abs(bias(READ_DOWN, STEEP, REORDERED_XK)["cips"]) > 0.1 * cascade


def test_a_right_model_does_not_make_up_for_wrong_chances():
    assert abs(bias(STEEP, FLAT, REORDERED_XK, BRINGS_A)["cdr"]) > 0.1


def test_a_right_model_makes_up_for_items_without_support():
    found = bias(STEEP, STEEP, CHANGED_XK, BRINGS_A)
    assert found["cips"] < -1
    assert found["cdr"] == pytest.approx(0.0, abs=1e-12)


def test_only_the_ratio_matters_to_the_weight():
    """Looking alone, without liking, gives the same CIPS under the position-based model."""
    chance_O, pages = enumerated(STEEP, STEEP, REORDERED_XK)
    examination_DK = STEEP.examination(PLACES).astype(np.float64)
    device_P = np.zeros(len(chance_O), int)
    looks = replace(
        pages,
        chance_PK=looked_at(examination_DK, device_P, pages.logged_PK),
        judged_chance_PK=looked_at(examination_DK, device_P, pages.judged_PK),
    )
    totals = Totals.of(click_slots(looks), len(chance_O))
    truth = judged_value(STEEP, REORDERED_XK)
    assert expected(chance_O, totals, "ips") == pytest.approx(truth, rel=1e-7)  # of 32 bits


def test_a_page_by_hand():
    """Item 7 moves from place 2 to 1, 8 goes, 9 comes; clicks on both: weights 0.8 / 0.4, and 0."""
    pages = JudgedPages(
        shopper_P=np.array([0]),
        logged_PK=np.array([[8, 7, -1]]),
        judged_PK=np.array([[7, 9, -1]]),
        clicked_PK=np.array([[True, True, False]]),
        outcomes_EPK=np.array([[[3.0, 5.0, 99.0]]]),
        chance_PK=np.array([[0.5, 0.4, 0.0]]),
        judged_chance_PK=np.array([[0.8, 0.2, 0.0]]),
        model_EPK=np.array([[[1.0, 4.0, 0.0]]]),
        judged_model_EPK=np.array([[[4.0, 6.0, 0.0]]]),
    )
    totals = Totals.of(click_slots(pages), 1)
    assert totals.weights_U.tolist() == [2.0]
    assert totals.slots_U.tolist() == [2.0]
    assert totals.requests_U.tolist() == [1.0]
    assert totals.weighted_EU.tolist() == [[10.0]]
    assert estimated(totals, "dr")[0, 0] == pytest.approx(0.8 * 4 + 0.2 * 6 + 2 * (5 - 4))
    assert totals.diagnosis.supported == pytest.approx(0.8)
    assert totals.logged_EU.tolist() == [[8.0]]


def test_the_page_that_was_logged_has_the_value_of_the_log():
    chance_O, pages = enumerated(STEEP, FLAT, LOGGED_XK)
    totals = Totals.of(click_slots(pages), len(chance_O))
    np.testing.assert_allclose(totals.weighted_EU, totals.logged_EU, rtol=1e-14)


def drawn_pages(true, used, requests, rng, judged_XK=REORDERED_XK, model_A=None):
    chance_O, pages = enumerated(true, used, judged_XK, model_A)
    chosen = rng.choice(len(chance_O), requests, p=chance_O)
    parts = {
        name: value[:, chosen] if name.endswith("EPK") else value[chosen]
        for name, value in vars(pages).items()
    }
    return replace(JudgedPages(**parts), shopper_P=np.arange(requests))


def test_intervals_hold_the_truth_as_often_as_they_say_and_a_model_narrows_them():
    chance_O, pages = enumerated(STEEP, STEEP, REORDERED_XK, BRINGS_A)
    outcomes = Totals.of(click_slots(pages), len(chance_O))
    rng, times, n = np.random.default_rng(12), 1_000, 400
    truth, held, width = judged_value(STEEP, REORDERED_XK), {}, {}
    for _ in range(times):
        totals = drawn(outcomes, rng.choice(len(chance_O), n, p=chance_O))
        for name, found in click_values(totals, 0, confidence=0.95).items():
            held[name] = held.get(name, 0) + bool(found.value.holds(truth))
            width[name] = width.get(name, 0) + found.value.high - found.value.low
    for number in held.values():
        assert abs(number / times - 0.95) < 3.5 * np.sqrt(0.95 * 0.05 / times)
    assert width["cdr"] < 0.9 * width["cips"]


def test_a_fitted_examination_serves_where_items_move_between_places():
    """The position-based model is fitted to the same clicks, with an item as what attracts.

    Where a thing stands at one place always, its liking and the looking cannot be told apart.
    """
    n, rng = 20_000, np.random.default_rng(13)
    pages = drawn_pages(STEEP, STEEP, n, rng)
    shown = Impressions(pages.logged_PK, pages.clicked_PK, np.zeros(n, int), len(LIKING_A))
    fitted = FittedPositionBased.fit(shown, Effort()).state
    device_P = np.zeros(n, int)
    looks = replace(
        pages,
        chance_PK=looked_at(fitted.examination_DK, device_P, pages.logged_PK),
        judged_chance_PK=looked_at(fitted.examination_DK, device_P, pages.judged_PK),
    )
    found = click_values(Totals.of(click_slots(looks), n), 0, confidence=0.95)["cips"]
    truth = judged_value(STEEP, REORDERED_XK)
    assert found.value.estimate == pytest.approx(truth, rel=0.03)


def test_few_clicks_are_refused_and_the_reason_speaks_of_clicks():
    pages = drawn_pages(STEEP, STEEP, 3, np.random.default_rng(1))
    for found in click_values(Totals.of(click_slots(pages), 3), 0, confidence=0.9).values():
        assert found.value.estimate is None
        assert "effective clicks of" in found.refusal


def test_bad_pages_are_refused():
    _, pages = enumerated(STEEP, STEEP, REORDERED_XK)
    twice_PK = pages.judged_PK.copy()
    twice_PK[5] = [1, 2, 1, 3]
    with pytest.raises(DataError, match=r"judged_PK\[5\] == an item twice, must be there once"):
        click_slots(replace(pages, judged_PK=twice_PK))
    with pytest.raises(DataError, match=r"chance_PK == nan, must be > 0 and <= 1"):
        click_slots(replace(pages, chance_PK=np.full_like(pages.chance_PK, np.nan)))
    with pytest.raises(DataError, match=r"judged_chance_PK == 0.0, must be > 0 and <= 1"):
        click_slots(replace(pages, judged_chance_PK=np.zeros_like(pages.chance_PK)))
