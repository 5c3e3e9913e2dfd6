"""Annotations are the truth of pairs, with mistakes of known size, of texts that were asked."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.annotations.buying import MEASURED, Traffic, buy, judged, measure, mistaken
from simulator.annotations.pairs import (
    UNSAID,
    Annotations,
    BrandVerdict,
    CategoryVerdict,
    ValuesVerdict,
    grade_of,
)
from simulator.annotations.settings import AnnotationsSpec
from simulator.annotations.verdicts import Verdicts
from simulator.catalogue.catalog import Supply
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.errors import DataError
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.intents import Intents, Judgments
from simulator.shoppers.settings import QuerySpec

ITEMS = 800


@pytest.fixture(scope="module")
def supply() -> Supply:
    return generate_supply(CatalogSpec(items=ITEMS, categories=24), Draws(3))


@pytest.fixture(scope="module")
def intents(supply: Supply) -> Intents:
    return generate_intents(supply, QuerySpec(intents=400, variety=0.5), Draws(4))


@pytest.fixture(scope="module")
def verdicts(supply: Supply, intents: Intents) -> Verdicts:
    return Verdicts(intents, supply.truth)


@pytest.fixture(scope="module")
def traffic(intents: Intents) -> Traffic:
    rng = np.random.default_rng(1)
    texts = len(intents.texts)
    asked = rng.choice(texts // 2, 6_000).astype(np.int32)  # half is never asked
    shown = np.stack([rng.choice(asked, 9_000), rng.integers(0, ITEMS, 9_000)], axis=1)
    found = np.stack([rng.choice(asked, 9_000), rng.integers(0, ITEMS, 9_000)], axis=1)
    return Traffic(asked, shown.astype(np.int32), found.astype(np.int32), ITEMS)


def told(intents: Intents, supply: Supply, text: int, item: int) -> tuple[int, int, int, int]:
    """Grade and verdicts of a pair, need by need, in words of Python."""
    truth, best = supply.truth, (-1, 0, 0, 0)
    for need in range(len(intents.category_Q)):
        if intents.wordings(np.array([need]), np.array([text], np.int32))[0] < 0:
            continue
        wanted, own = int(intents.category_Q[need]), int(truth.category_I[item])
        if wanted == own:
            category = CategoryVerdict.SAME
        elif wanted >= 0 and truth.department_C[wanted] == truth.department_C[own]:
            category = CategoryVerdict.NEAR
        else:
            category = CategoryVerdict.OTHER
        asked = {int(code) for code in intents.values_QW[need] if code >= 0}
        held = asked & {int(code) for code in truth.values_IV[item] if code >= 0}
        if not asked:
            values = ValuesVerdict.NOT_ASKED
        elif held == asked:
            values = ValuesVerdict.ALL
        else:
            values = ValuesVerdict.SOME if held else ValuesVerdict.NONE
        brand = BrandVerdict.NOT_ASKED
        if intents.brand_Q[need] >= 0:
            same = intents.brand_Q[need] == truth.brand_I[item]
            brand = BrandVerdict.SAME if same else BrandVerdict.OTHER
        if category is CategoryVerdict.OTHER:
            grade = 0
        elif (
            category is CategoryVerdict.NEAR
            or brand is BrandVerdict.OTHER
            or values is ValuesVerdict.NONE
        ):
            grade = 1
        else:
            grade = 2 if values is ValuesVerdict.SOME else 3
        if grade > best[0]:
            best = (grade, category, brand, values)
    return best


def test_verdicts_and_grades_are_those_of_the_best_need_of_a_text(
    intents: Intents, supply: Supply, verdicts: Verdicts
) -> None:
    rng = np.random.default_rng(0)
    needs = rng.integers(0, len(intents.category_Q), 150)
    texts = np.concatenate(  # as typed, misspelled ones among them; and any text
        [
            intents.typed(needs, np.argmax(intents.text_QX[needs] >= 0, axis=1), rng.random(150)),
            rng.integers(0, len(intents.texts), 50),
        ]
    ).astype(np.int32)
    items = rng.integers(0, ITEMS, 200).astype(np.int32)
    near = supply.truth.category_I == np.maximum(intents.category_Q[needs[:1]], 0)
    items[0] = np.flatnonzero(near)[0]
    for row, need in enumerate(needs.tolist()):  # half of them of the wanted category
        own = np.flatnonzero(supply.truth.category_I == intents.category_Q[need])
        if row % 2 and len(own):
            items[row] = rng.choice(own)
    found = verdicts.of(texts, items)
    for row in range(len(texts)):
        wanted = told(intents, supply, int(texts[row]), int(items[row]))
        verdict = found.category_J[row], found.brand_J[row], found.values_J[row]
        assert found.grade_J[row] == wanted[0]
        assert tuple(map(int, verdict)) == tuple(map(int, wanted[1:]))
    assert set(found.grade_J.tolist()) == {0, 1, 2, 3}


def test_grades_follow_from_verdicts(verdicts: Verdicts, traffic: Traffic) -> None:
    found = measure(traffic, verdicts, 2_000, Draws(5))
    grades = grade_of(found.category_J, found.brand_J, found.values_J)
    np.testing.assert_array_equal(found.grade_J, grades)


def test_pairs_are_distinct_and_of_asked_texts_in_the_shares_that_are_said(
    verdicts: Verdicts, traffic: Traffic
) -> None:
    found = buy(traffic, verdicts, AnnotationsSpec(pairs=2_000), Draws(5))
    assert len(found) == 2_000
    found.check(ITEMS)
    assert found.explained
    pairs = set(zip(found.text_J.tolist(), found.item_J.tolist(), strict=True))
    shown = set(map(tuple, traffic.shown_X2.tolist()))
    others = set(map(tuple, traffic.found_F2.tolist())) - shown
    assert len(pairs & shown) == 1_000
    assert len(pairs & others) == 500
    assert set(found.text_J.tolist()) <= set(traffic.asked_R.tolist())


def test_texts_for_measurement_are_never_bought(verdicts: Verdicts, traffic: Traffic) -> None:
    bought = buy(traffic, verdicts, AnnotationsSpec(pairs=4_000), Draws(5))
    measured = measure(traffic, verdicts, 1_000, Draws(5))
    assert not set(bought.text_J.tolist()) & set(measured.text_J.tolist())
    asked = np.unique(traffic.asked_R)
    kept = np.isin(asked, np.unique(measured.text_J)).mean()
    assert kept == pytest.approx(MEASURED, abs=0.06)


def test_a_larger_purchase_holds_what_was_shown_and_found_of_a_smaller(
    verdicts: Verdicts, traffic: Traffic
) -> None:
    known = set(map(tuple, np.concatenate([traffic.shown_X2, traffic.found_F2]).tolist()))
    small, large = (
        {
            (text, item): grade
            for text, item, grade in zip(
                found.text_J.tolist(), found.item_J.tolist(), found.grade_J.tolist(), strict=True
            )
            if (text, item) in known
        }
        for pairs in (400, 3_000)
        for found in [buy(traffic, verdicts, AnnotationsSpec(pairs=pairs), Draws(5))]
    )
    assert small.items() <= large.items()


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0])
def test_mistakes_are_neighbours_and_as_often_as_is_said(
    verdicts: Verdicts, traffic: Traffic, noise: float
) -> None:
    true = measure(traffic, verdicts, 1_500, Draws(5))
    wrong = mistaken(true, noise, Draws(6))
    for name, low in (("grade", 0), ("category", 0), ("brand", 1), ("values", 1)):
        before = getattr(true, f"{name}_J").astype(int)
        after = getattr(wrong, f"{name}_J").astype(int)
        asked = before >= low
        assert (after[~asked] == before[~asked]).all()
        assert set(np.abs(after - before)[asked].tolist()) <= {0, 1}
        share = (after != before)[asked].mean()
        assert abs(share - noise) <= 4 * np.sqrt(noise * (1 - noise) / asked.sum())
    np.testing.assert_array_equal(true.item_J, wrong.item_J)


def test_nothing_is_bought_of_an_empty_log_or_for_no_pairs(
    verdicts: Verdicts, traffic: Traffic
) -> None:
    none = np.zeros((0, 2), np.int32)
    empty = Traffic(np.zeros(0, np.int32), none, none, ITEMS)
    assert len(buy(empty, verdicts, AnnotationsSpec(pairs=100), Draws(5))) == 0
    assert len(buy(traffic, verdicts, AnnotationsSpec(pairs=0), Draws(5))) == 0
    assert len(Annotations.empty()) == 0
    Annotations.empty().check(ITEMS)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("text_J", 2, r"annotations.text_J\[1\] == 2, must be 0 to 1"),
        ("item_J", ITEMS, rf"annotations.item_J\[1\] == {ITEMS}, must be 0 to {ITEMS - 1}"),
        ("grade_J", 4, r"annotations.grade_J\[1\] == 4, must be 0 to 3"),
        ("brand_J", 3, r"annotations.brand_J\[1\] == 3, must be -1 to 2"),
    ],
)
def test_pairs_of_nothing_and_grades_that_are_none_are_refused(
    column: str, value: int, message: str
) -> None:
    texts, pairs = ("chair", "lamp"), np.array([0, 1], np.int32)
    good = Annotations.unexplained(texts, pairs, pairs, np.array([3, 0]))
    good.check(ITEMS)
    assert not good.explained
    assert (good.category_J == UNSAID).all()
    values = getattr(good, column).copy()
    values[1] = value
    with pytest.raises(DataError, match=message):
        replace(good, **{column: values}).check(ITEMS)


def test_a_pair_twice_is_refused() -> None:
    twice = np.array([0, 0], np.int32)
    with pytest.raises(DataError, match="must have each pair once"):
        Annotations.unexplained(("chair",), twice, twice, np.array([3, 0])).check(ITEMS)


def test_human_grades_are_bought_as_they_are_and_other_queries_measure() -> None:
    rng = np.random.default_rng(0)
    query_J, item_J = np.repeat(np.arange(50), 20), np.tile(np.arange(20), 50)
    grade_J = rng.integers(0, 4, 1_000).astype(np.int8)
    queries = tuple(f"query {number}" for number in range(50))
    human = Judgments(queries, query_J.astype(np.int32), item_J.astype(np.int32), grade_J)
    bought, measured = judged(human, 300, Draws(1))
    assert len(bought) == 300
    assert not bought.explained
    assert not set(bought.text_J.tolist()) & set(measured.text_J.tolist())
    assert 3 <= len(np.unique(measured.text_J)) <= 20
    truth = dict(zip(zip(query_J.tolist(), item_J.tolist(), strict=True), grade_J, strict=True))
    for some in (bought, measured):
        pairs = zip(some.text_J.tolist(), some.item_J.tolist(), strict=True)
        assert [truth[pair] for pair in pairs] == some.grade_J.tolist()
    more, _ = judged(human, 10_000, Draws(1))
    assert len(more) + len(measured) == 1_000
    keys = set(zip(more.text_J.tolist(), more.item_J.tolist(), strict=True))
    assert set(zip(bought.text_J.tolist(), bought.item_J.tolist(), strict=True)) < keys
