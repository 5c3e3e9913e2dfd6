from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from simulator.catalogue.catalog import Supply
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.intents import Intents, Judgments, Wording
from simulator.shoppers.settings import QuerySpec, WordingName


@pytest.fixture(scope="module")
def supply() -> Supply:
    return generate_supply(CatalogSpec(items=20_000), Draws(7))


@pytest.fixture(scope="module")
def intents(supply: Supply) -> Intents:
    return generate_intents(supply, QuerySpec(), Draws(7))


def text_traffic(intents: Intents) -> np.ndarray:
    """Share of first queries with each text.

    An intent's visits divide among the wordings it has in proportion to `wording_X`; a judged
    query is always asked as it stands.
    """
    has_QX = intents.text_QX >= 0
    share_QX = np.where(has_QX, intents.wording_X, 0.0)
    only_specific = np.eye(len(Wording))[Wording.SPECIFIC]
    share_QX = np.where((intents.judged_Q >= 0)[:, None], only_specific, share_QX)
    share_QX[:, Wording.SPECIFIC] += share_QX.sum(axis=1) == 0
    share_QX *= (intents.weight_Q / share_QX.sum(axis=1))[:, None]
    return np.bincount(intents.text_QX[has_QX], share_QX[has_QX], len(intents.texts))


def _judgments(grades: dict[str, dict[int, int]]) -> Judgments:
    triples = [
        (query, item, grade)
        for query, graded in enumerate(grades.values())
        for item, grade in sorted(graded.items())
    ]
    columns = np.array(triples, np.int32).reshape(-1, 3).T
    return Judgments(tuple(grades), columns[0], columns[1], columns[2].astype(np.int8))


@given(
    items=st.integers(1, 40),
    number=st.integers(1, 60),
    categories=st.integers(1, 150),
    unbranded=st.sampled_from([0.0, 1.0]),
    attributes=st.sampled_from([0.0, 0.5, 1.0]),
    gap=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
@settings(max_examples=30)
def test_intents_are_sound_in_any_shop(items, number, categories, unbranded, attributes, gap, seed):
    spec = CatalogSpec(
        items=items, categories=categories, unbranded=unbranded, attributes=attributes
    )
    shop = generate_supply(spec, Draws(seed))
    made = generate_intents(shop, QuerySpec(intents=number, vocabulary_gap=gap), Draws(seed))
    assert len(made.weight_Q) == number
    assert made.weight_Q.sum() == pytest.approx(1.0)
    assert (np.diff(made.weight_Q) <= 0).all()
    assert made.wording_X.sum() == pytest.approx(1.0)
    assert len(set(made.texts)) == len(made.texts)
    assert all(text and text == text.strip() for text in made.texts)
    assert (made.text_QX[:, Wording.SPECIFIC] >= 0).all()
    common, others = made.text_QX[made.text_QX >= 0], made.spellings.text_E
    assert set(common) | set(others) == set(range(len(made.texts)))
    assert text_traffic(made).sum() == pytest.approx(1.0)
    np.testing.assert_array_equal(made.department_Q, shop.truth.department_C[made.category_Q])
    for category, brand, values in zip(made.category_Q, made.brand_Q, made.values_QW, strict=True):
        wanted_W = values[values >= 0]
        has_IW = (shop.truth.values_IV[:, None] == wanted_W[:, None]).any(axis=2)
        target_I = (shop.truth.category_I == category) & has_IW.all(axis=1)
        if brand >= 0:
            target_I &= shop.truth.brand_I == brand
        assert target_I.any()


def first_queries(intents: Intents, count: int) -> np.ndarray:
    """Texts that so many first queries are typed in."""
    luck = np.random.default_rng(0)
    intent_B = luck.choice(len(intents.weight_Q), count, p=intents.weight_Q)
    weight_BX = np.cumsum(intents.first_wordings(intent_B), axis=1)
    wording_B = (weight_BX <= luck.random(count)[:, None] * weight_BX[:, -1:]).sum(axis=1)
    return intents.typed(intent_B, wording_B, luck.random(count))


def test_a_fifth_of_first_queries_are_texts_that_nobody_asked_before(intents):
    """Published: 20 to 50 %. And of 100,000 queries, as many texts as in a shop's site search
    (31,000) and as large a share of the 32 most frequent (20 %)."""
    asked = first_queries(intents, 120_000)
    unseen = ~np.isin(asked[100_000:], asked[:100_000])
    assert unseen.mean() - 3 * unseen.std() / np.sqrt(len(unseen)) > 0.2
    assert unseen.mean() < 0.3
    _, counts = np.unique(asked[:100_000], return_counts=True)
    running = np.cumsum(np.sort(counts)[::-1]) / 100_000
    assert len(counts) == pytest.approx(31_000, rel=0.15)
    assert running[32 - 1] == pytest.approx(0.20, abs=0.04)


def test_a_need_has_several_spellings(intents):
    has_Q = intents.text_QX[:, Wording.SPECIFIC]
    counts = 1 + intents.spellings.count_T[has_Q]
    assert np.average(counts, weights=intents.weight_Q) > 5


def test_more_intents_keep_the_earlier_ones(supply, intents):
    fewer = generate_intents(supply, QuerySpec(intents=500), Draws(7))
    for name in ("category_Q", "values_QW", "brand_Q"):
        np.testing.assert_array_equal(getattr(fewer, name), getattr(intents, name)[:500])
    texts = [[i.texts[t] for t in i.text_QX[:500, Wording.SPECIFIC]] for i in (fewer, intents)]
    assert texts[0] == texts[1]


def test_frequent_intents_want_fewer_things(intents):
    wants_Q = (intents.values_QW >= 0).sum(axis=1)
    assert wants_Q[:30].mean() + 0.5 < wants_Q[1_000:].mean()


def test_popular_items_are_asked_for_more(supply, intents):
    demand_C = np.bincount(supply.truth.category_I, weights=supply.truth.demand_I)
    asked_C = np.bincount(intents.category_Q, minlength=len(demand_C))
    assert np.corrcoef(demand_C, asked_C)[0, 1] > 0.8


def test_the_gap_decides_how_many_queries_avoid_the_words_of_titles(supply):
    def shared_words(gap: float) -> float:
        spec = QuerySpec(intents=2_000, vocabulary_gap=gap)
        made = generate_intents(supply, spec, Draws(1))
        known = set(" ".join(supply.catalog.title_I[:500]).casefold().split())
        overlap = [np.mean([w in known for w in text.split()]) for text in made.texts]
        return float(np.dot(text_traffic(made), overlap))

    shares = [shared_words(gap) for gap in (0.0, 0.5, 1.0)]
    assert shares[0] > shares[1] + 0.02
    assert shares[1] > shares[2] + 0.02


def test_judged_queries_hold_their_share_and_keep_their_text(supply):
    judgments = _judgments({"Trail  shoes!": {5: 3, 6: 1}, "blue mug": {7: 2, 9: 2, 8: 0}})
    made = generate_intents(supply, QuerySpec(intents=100, judged_share=0.4), Draws(1), judgments)
    judged_Q = made.judged_Q >= 0
    assert made.weight_Q[judged_Q].sum() == pytest.approx(0.4)
    texts = np.array(made.texts, object)[made.text_QX[judged_Q, Wording.SPECIFIC]]
    assert texts.tolist() == [judgments.queries[j] for j in made.judged_Q[judged_Q]]
    assert made.judgments is judgments
    traffic = dict(zip(made.texts, text_traffic(made), strict=True))
    assert traffic["Trail  shoes!"] + traffic["blue mug"] == pytest.approx(0.4)


def test_judged_intents_want_what_the_best_items_are(supply):
    grades = {
        "a": {10: 3, 11: 2, 12: 1, 13: 0},
        "b": {14: 1, 15: 0},
        "c": {20 + n: 3 for n in range(12)},
    }
    made = generate_intents(supply, QuerySpec(intents=10), Draws(1), _judgments(grades))
    category_I = supply.truth.category_I
    first = made.judged_Q == 0
    assert sorted(made.category_Q[first]) == sorted(category_I[[10, 11]])
    best = made.weight_Q[first][made.category_Q[first] == category_I[10]].sum()
    assert best == pytest.approx(made.weight_Q[first].sum() * 7 / 10)
    assert made.category_Q[made.judged_Q == 1].tolist() == [category_I[14]]
    assert (made.judged_Q == 2).sum() == 8


def test_a_judged_query_that_nothing_serves_is_still_asked(supply):
    made = generate_intents(
        supply, QuerySpec(intents=5), Draws(1), _judgments({"netflix": {3: 0}, "books": {}})
    )
    lost = np.flatnonzero(made.judged_Q >= 0)
    assert made.category_Q[lost].tolist() == [-1, -1]
    assert (made.values_QW[lost] == -1).all()
    assert (made.brand_Q[lost] == -1).all()
    assert (made.department_Q[lost] >= 0).all()
    assert (made.weight_Q[lost] > 0).all()
    others = [w for w in Wording if w not in (Wording.SPECIFIC, Wording.MISSPELLED)]
    assert (made.text_QX[lost][:, others] == -1).all()


def test_values_and_brands_that_a_judged_query_names_are_wanted(supply):
    truth = supply.truth
    item = int(np.flatnonzero((truth.brand_I >= 0) & (truth.values_IV[:, 2] >= 0))[0])
    code = int(truth.values_IV[item, 2])
    brand = supply.catalog.brands[truth.brand_I[item]]
    query = f"{brand.casefold()} {supply.value_words[code][-1]} thing"
    made = generate_intents(supply, QuerySpec(intents=1), Draws(3), _judgments({query: {item: 3}}))
    assert code in made.values_QW[-1]
    assert made.brand_Q[-1] == truth.brand_I[item]


def test_a_seed_fixes_every_intent(supply):
    first, again = (generate_intents(supply, QuerySpec(intents=50), Draws(4)) for _ in range(2))
    assert first.texts == again.texts
    np.testing.assert_array_equal(first.text_QX, again.text_QX)
    assert generate_intents(supply, QuerySpec(intents=50), Draws(5)).texts != first.texts


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"vocabulary_gap": 1.0, "gap_wordings": {"synonym": 0, "misspelled": 0, "knowledge": 0}},
         "gap_wordings == 0"),
        ({"vocabulary_gap": 0.0, "shop_wordings": {"specific": 0, "generic": 0, "brand": 0,
                                                   "ambiguous": 0, "conditions": 0}},
         "shop_wordings == 0"),
        ({"rewordings": {"specific": {"shouted": 1.0}}}, "rewordings.specific.shouted"),
        ({"rewordings": {"specific": {"generic": -1.0}}}, "rewordings.specific.generic"),
        ({"variety": 1.0}, "variety"),
    ],
)  # fmt: skip
def test_a_language_without_words_is_refused(given, place):
    with pytest.raises(ValidationError) as error:
        QuerySpec(**given)
    places = [".".join(map(str, each["loc"])) for each in error.value.errors()]
    assert place in str(error.value) or any(place in each for each in places)


def test_shares_of_wordings_are_divided_by_their_sum():
    spec = QuerySpec(vocabulary_gap=0.25, gap_wordings={"synonym": 3, "misspelled": 1,
                                                        "knowledge": 0})  # fmt: skip
    shares = spec.first_shares()
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["synonym"] == pytest.approx(0.25 * 0.75)
    assert shares["knowledge"] == 0


def test_settings_name_the_wordings_of_the_simulator():
    assert list(get_args(WordingName)) == [wording.name.lower() for wording in Wording]


def test_a_row_without_rewordings_ends_the_search():
    supply = generate_supply(CatalogSpec(items=500), Draws(3))
    spec = QuerySpec(intents=50, rewordings={"specific": {}})
    intents = generate_intents(supply, spec, Draws(3))
    assert not intents.reword_XX[Wording.SPECIFIC].any()
    assert intents.reword_XX[Wording.GENERIC].any()
