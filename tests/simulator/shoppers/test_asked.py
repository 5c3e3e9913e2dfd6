"""What stands behind queries that a shop's shoppers asked."""

import numpy as np
import pytest

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws
from simulator.shoppers.asked import MOST_MEANINGS, asked_wishes
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.intents import Asked, Judgments, Wording
from simulator.shoppers.settings import QuerySpec
from simulator.shoppers.words.thesaurus import category_words, other_number


@pytest.fixture(scope="module")
def supply():
    return generate_supply(CatalogSpec(items=3_000, categories=24), Draws(5))


def wishes(supply, *texts, counts=None):
    return asked_wishes(supply, Asked(texts, np.array(counts or [1.0] * len(texts))), Draws(5))


def nouns(supply, category):
    return category_words(supply.catalog.categories[category])


def test_a_category_is_found_by_its_name_its_synonyms_and_in_either_number(supply):
    for category in range(24):
        noun, *others = nouns(supply, category)
        for name in (noun, *others, other_number(noun), f"cheap {noun.upper()}!"):
            found = wishes(supply, name)
            assert category in found.category_Q, name


def test_brand_and_values_that_are_named_are_wanted(supply):
    truth, catalog = supply.truth, supply.catalog
    item = int(np.flatnonzero((truth.brand_I >= 0) & ((truth.values_IV >= 0).sum(1) >= 2))[0])
    category, brand = int(truth.category_I[item]), int(truth.brand_I[item])
    codes = [int(code) for code in truth.values_IV[item] if code >= 0][:2]
    words = [supply.value_words[code][0] for code in codes]
    text = f"{catalog.brands[brand]} {' '.join(words)} {nouns(supply, category)[0]}"
    found = wishes(supply, text)
    at = found.category_Q.tolist().index(category)
    assert found.brand_Q[at] == brand
    assert set(codes) <= set(found.values_QW[at].tolist())
    assert found.department_Q[at] == truth.department_C[category]


def test_a_text_without_a_category_means_those_that_have_what_it_names(supply):
    truth = supply.truth
    code = int(np.bincount(truth.values_IV[truth.values_IV >= 0]).argmax())
    found = wishes(supply, supply.value_words[code][0])
    assert 1 <= len(found.category_Q) <= MOST_MEANINGS
    for category in found.category_Q.tolist():
        assert (truth.values_IV[truth.category_I == category] == code).any()
    assert (np.diff(found.weight_Q) <= 0).all()
    assert found.weight_Q.sum() == pytest.approx(1)


def test_a_text_that_names_nothing_is_served_by_nothing(supply):
    found = wishes(supply, "qwxz vrrk", nouns(supply, 0)[0], counts=[3.0, 1.0])
    assert found.category_Q[0] == -1
    assert found.item_Q[0] == -1
    assert found.weight_Q[found.asked_Q == 0].sum() == pytest.approx(0.75)
    assert not found.values_QW[0].max() >= 0


def test_the_longest_name_at_a_place_counts(supply):
    """`running shoe rack` is no shoe: a name inside a longer one that is known does not count."""
    names = {name: at for at in range(24) for name in nouns(supply, at)}
    pairs = [(a, b) for a in names for b in names if a != b and b.endswith(f" {a}")]
    for inner, whole in pairs:
        if names[inner] != names[whole]:
            assert names[inner] not in wishes(supply, whole).category_Q


def test_texts_are_asked_as_they_are_and_as_often(supply):
    texts = (f"buy {nouns(supply, 0)[0]} pls", nouns(supply, 1)[0], "qwxz vrrk")
    asked = Asked(texts, np.array([6.0, 3.0, 1.0]))
    spec = QuerySpec(intents=50, variety=0.3)
    intents = generate_intents(supply, spec, Draws(5), asked=asked)
    luck = np.random.default_rng(0)
    intent_B = luck.choice(len(intents.weight_Q), 20_000, p=intents.weight_Q)
    weight_BX = np.cumsum(intents.first_wordings(intent_B), axis=1)
    wording_B = (weight_BX <= luck.random(20_000)[:, None] * weight_BX[:, -1:]).sum(axis=1)
    text_B = intents.typed(intent_B, wording_B, luck.random(20_000))
    found, counts = np.unique(text_B, return_counts=True)
    shares = {intents.texts[t]: n / 20_000 for t, n in zip(found.tolist(), counts, strict=True)}
    assert shares.keys() == set(texts)
    for text, share in zip(texts, (0.6, 0.3, 0.1), strict=True):
        assert shares[text] == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 20_000))


def test_shares_divide_the_visits_among_own_generated_and_judged_needs(supply):
    asked = Asked((nouns(supply, 0)[0],), np.ones(1))
    judgments = Judgments(
        ("judged",), np.zeros(1, np.int32), np.array([7], np.int32), np.array([3], np.int8)
    )
    spec = QuerySpec(intents=50, judged_share=0.2)
    intents = generate_intents(supply, spec, Draws(5), judgments, asked, 0.5)
    own, judged = intents.asked_Q >= 0, intents.judged_Q >= 0
    assert intents.weight_Q[judged].sum() == pytest.approx(0.2)
    assert intents.weight_Q[own].sum() == pytest.approx(0.4)
    assert intents.weight_Q[~own & ~judged].sum() == pytest.approx(0.4)
    given = intents.text_QX[own | judged, Wording.SPECIFIC].tolist()
    assert {intents.texts[text] for text in given} == {"judged", asked.texts[0]}


def test_the_target_of_a_need_is_an_item_of_its_category_by_demand(supply):
    truth = supply.truth
    category = int(np.bincount(truth.category_I).argmax())
    name = nouns(supply, category)[0]
    items = [
        int(asked_wishes(supply, Asked((name,), np.ones(1)), Draws(seed)).item_Q[0])
        for seed in range(300)
    ]
    assert (truth.category_I[items] == category).all()
    demand = truth.demand_I[truth.category_I == category]
    assert truth.demand_I[items].mean() > demand.mean()
