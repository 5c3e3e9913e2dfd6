import numpy as np
import pytest

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.intents import Intents, Wording
from simulator.shoppers.settings import QuerySpec


@pytest.fixture(scope="module")
def intents() -> Intents:
    supply = generate_supply(CatalogSpec(items=2_000), Draws(7))
    return generate_intents(supply, QuerySpec(intents=400), Draws(7))


def _texts(intents: Intents, wording: Wording) -> list[str]:
    return [intents.texts[t] if t >= 0 else "" for t in intents.text_QX[:, wording]]


def test_generic_wording_is_the_category_alone(intents):
    for specific, generic in zip(
        _texts(intents, Wording.SPECIFIC), _texts(intents, Wording.GENERIC), strict=True
    ):
        assert set(generic.split()) <= set(specific.split())


def test_synonyms_avoid_the_shops_own_noun(intents):
    pairs = zip(_texts(intents, Wording.GENERIC), _texts(intents, Wording.SYNONYM), strict=True)
    kept = [bool(synonym) and f" {noun} " in f" {synonym} " for noun, synonym in pairs]
    assert np.mean(kept) < 0.01


def test_roundabout_wording_shares_no_word_with_the_noun(intents):
    pairs = zip(_texts(intents, Wording.GENERIC), _texts(intents, Wording.KNOWLEDGE), strict=True)
    assert not [pair for pair in pairs if set(pair[0].split()) & set(pair[1].split())]


def test_ambiguous_wording_needs_values_and_brand_wording_a_brand(intents):
    wants_values = (intents.values_QW >= 0).any(axis=1)
    np.testing.assert_array_equal(intents.text_QX[:, Wording.AMBIGUOUS] >= 0, wants_values)
    np.testing.assert_array_equal(intents.text_QX[:, Wording.BRAND] >= 0, intents.brand_Q >= 0)


def test_a_brand_is_asked_for_alone_or_with_the_category(intents):
    rows = zip(_texts(intents, Wording.BRAND), _texts(intents, Wording.GENERIC), strict=True)
    alone = [not text.endswith(noun) for text, noun in rows if text]
    assert 0.4 < np.mean(alone) < 0.8


def test_words_of_a_query_do_not_repeat(intents):
    for text in _texts(intents, Wording.SPECIFIC) + _texts(intents, Wording.SYNONYM):
        assert len(text.split()) == len(set(text.split()))
