"""How a world's queries vary from shopper to shopper."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.intents import Wording
from simulator.shoppers.settings import QuerySpec
from simulator.shoppers.words.spellings import ALIKE
from simulator.shoppers.words.variation import nickname

VARIETY = 0.15
ASKED = 60_000


@pytest.fixture(scope="module")
def supply():
    return generate_supply(CatalogSpec(items=2_000), Draws(7))


@pytest.fixture(scope="module")
def intents(supply):
    return generate_intents(supply, QuerySpec(intents=4_000, variety=VARIETY), Draws(7))


@pytest.fixture(scope="module")
def asked(intents):
    """Intent, wording and text of many first queries."""
    luck = np.random.default_rng(0)
    intent_B = luck.choice(len(intents.weight_Q), ASKED, p=intents.weight_Q)
    weight_BX = np.cumsum(intents.first_wordings(intent_B), axis=1)
    wording_B = (weight_BX <= luck.random(ASKED)[:, None] * weight_BX[:, -1:]).sum(axis=1)
    return intent_B, wording_B, intents.typed(intent_B, wording_B, luck.random(ASKED))


def test_without_variety_everybody_writes_alike(supply):
    alike = generate_intents(supply, QuerySpec(intents=400, variety=0), Draws(7))
    assert alike.spellings is ALIKE
    varied = generate_intents(supply, QuerySpec(intents=400, variety=VARIETY), Draws(7))
    assert varied.texts[: len(alike.texts)] == alike.texts
    np.testing.assert_array_equal(varied.text_QX, alike.text_QX)


def test_every_text_is_there_once(intents):
    assert len(set(intents.texts)) == len(intents.texts)
    assert all(intents.texts)


def test_a_text_of_n_words_is_written_as_all_do_with_chance_one_minus_variety_to_the_n(
    intents, asked
):
    intent_B, wording_B, text_B = asked
    common_B = intents.text_QX[intent_B, wording_B]
    words_B = np.array([len(intents.texts[text].split()) for text in common_B.tolist()])
    open_B = intents.spellings.count_T[common_B] > 0
    for words in (1, 2, 3, 4):
        rows = open_B & (words_B == words)
        share = (text_B[rows] == common_B[rows]).mean()
        error = np.sqrt(0.25 / rows.sum())
        assert abs(share - (1 - VARIETY) ** words) < 4 * error, words


def test_whatever_is_typed_still_says_what_was_wanted(intents, asked):
    intent_B, wording_B, text_B = asked
    found_B = intents.wordings(intent_B, text_B)
    assert (found_B >= 0).all()
    assert (found_B == wording_B).mean() > 0.95  # a text may word a need in two ways


def test_a_typing_error_is_another_one_for_another_shopper(intents, asked):
    intent_B, wording_B, text_B = asked
    rows = wording_B == Wording.MISSPELLED
    top = np.bincount(intent_B[rows]).argmax()
    typed = {intents.texts[text] for text in text_B[rows & (intent_B == top)].tolist()}
    right = intents.texts[intents.text_QX[top, Wording.SPECIFIC]]
    assert len(typed) > 3
    assert right not in typed
    assert all(abs(len(text) - len(right)) <= 1 for text in typed)


def test_more_variety_means_more_texts_that_were_never_asked(supply):
    shares = []
    for variety in (0.0, 0.1, 0.3):
        spec = QuerySpec(intents=4_000, variety=variety)
        intents, luck = generate_intents(supply, spec, Draws(7)), np.random.default_rng(1)
        intent_B = luck.choice(len(intents.weight_Q), 8_000, p=intents.weight_Q)
        text_B = intents.typed(intent_B, np.zeros(8_000, np.int64), luck.random(8_000))
        shares.append(float((~np.isin(text_B[6_000:], text_B[:6_000])).mean()))
    assert shares == sorted(shares)
    assert shares[-1] > shares[0] + 0.05


def test_a_frequent_text_has_more_spellings_than_a_rare_one(supply):
    intents = generate_intents(supply, QuerySpec(intents=8_000, variety=VARIETY), Draws(7))
    first_QX = intents.first_wordings(np.arange(len(intents.weight_Q)))
    weight = np.zeros(len(intents.spellings.count_T))
    for wording in (Wording.SPECIFIC, Wording.SYNONYM):
        has = intents.text_QX[:, wording] >= 0
        share_Q = intents.weight_Q * first_QX[:, wording]
        np.add.at(weight, intents.text_QX[has, wording], share_Q[has])
    order = np.argsort(-weight)
    counts = intents.spellings.count_T[order]
    assert counts[:50].mean() > 3 * counts[-500:].mean()


def test_spellings_grow_with_the_needs_and_not_faster(supply):
    """A shop of few needs has few texts: its generated world is small in all its parts."""
    few, many = (
        generate_intents(supply, QuerySpec(intents=number, variety=VARIETY), Draws(7))
        for number in (400, 4_000)
    )
    per_need = [len(each.texts) / len(each.weight_Q) for each in (few, many)]
    assert 0.4 * per_need[1] < per_need[0] < 2 * per_need[1]
    assert per_need[0] < 16


def test_names_of_brands_are_shortened_as_people_do():
    assert nickname("hewlett packard enterprise") == "hpe"
    assert nickname("north ridge") == "north"
    assert nickname("thunderbolt") == "thunde"
    assert nickname("acme") == "acme"


def test_conditions_name_category_values_and_a_price(supply):
    spec = QuerySpec(intents=400, shop_wordings={"specific": 0.5, "conditions": 0.5})
    intents = generate_intents(supply, spec, Draws(7))
    texts = [intents.texts[t] for t in intents.text_QX[:, Wording.CONDITIONS] if t >= 0]
    assert len(texts) > 40
    assert all(" with " in text and " and " in text and " under " in text for text in texts)


def test_a_wording_that_is_not_in_use_is_not_written(supply):
    spec = QuerySpec(intents=400, shop_wordings={"conditions": 0})
    intents = generate_intents(supply, spec, Draws(7))
    assert (intents.text_QX[:, Wording.CONDITIONS] < 0).all()
    assert (intents.text_QX[:, Wording.AMBIGUOUS] >= 0).any()


def test_a_judged_query_keeps_the_text_that_was_judged(intents):
    judged = np.full(len(intents.judged_Q), 0, np.int32)
    told = replace(intents, judged_Q=judged)
    intent_B = np.arange(400)
    text_B = told.typed(intent_B, np.full(400, int(Wording.SPECIFIC)), np.full(400, 1e-9))
    np.testing.assert_array_equal(text_B, told.text_QX[intent_B, Wording.SPECIFIC])
