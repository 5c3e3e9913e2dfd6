"""A judge by entities: it learns, it can be intervened in, and asks each entity once a text."""

from dataclasses import replace

import numpy as np
import pytest

from ranking.judges.conformance import check_judge
from ranking.judges.entities import EntityJudge
from ranking.judges.itementities import SLOTS, ItemEntities
from recall.judge import expected_grade, requests_of
from recall.storage import saved_copy
from simulator.annotations.pairs import Annotations, BrandVerdict
from simulator.catalogue.catalog import Supply
from simulator.errors import ConfigError
from simulator.protocols import Requests
from tests.ranking.judges.shop import macro_f1, taught, told


@pytest.fixture(scope="module")
def judge(supply: Supply, bought: tuple[Annotations, Annotations]) -> EntityJudge:
    return taught(EntityJudge(), supply, bought[0])


def asked(pairs: Annotations, count: int) -> tuple[Requests, np.ndarray]:
    """Some texts, each with some items."""
    texts = tuple(pairs.texts[text] for text in np.unique(pairs.text_J)[:count].tolist())
    rng = np.random.default_rng(0)
    return Requests.of_texts(texts), rng.integers(0, 1_500, (len(texts), 40)).astype(np.int32)


def test_it_keeps_the_contract() -> None:
    assert [str(finding) for finding in check_judge(EntityJudge)] == []


@pytest.mark.parametrize("logic", ["goedel", "lukasiewicz"])
def test_so_does_it_with_another_logic(logic: str) -> None:
    assert [str(finding) for finding in check_judge(lambda: EntityJudge(logic=logic))] == []


def test_it_grades_texts_that_it_has_not_seen(
    judge: EntityJudge, bought: tuple[Annotations, Annotations]
) -> None:
    measured = bought[1]
    chances = told(judge, measured)
    commonest = np.bincount(bought[0].grade_J, minlength=4).argmax()
    floor = macro_f1(np.full(len(measured), commonest), measured.grade_J)
    assert macro_f1(chances.argmax(axis=1), measured.grade_J) > floor + 0.25
    good, scores = measured.grade_J >= 2, expected_grade(chances)
    assert (scores[good][:, None] > scores[~good][None, :]).mean() > 0.85


def test_annotations_of_other_pairs_teach_nothing(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    learned, measured = bought
    rows = np.random.default_rng(0).permutation(len(learned))
    mixed = replace(learned.rows(rows), text_J=learned.text_J, item_J=learned.item_J)
    mixed = mixed.rows(slice(None, None, 3))
    chances = told(taught(EntityJudge(), supply, mixed), measured)
    good, scores = measured.grade_J >= 2, expected_grade(chances)
    wins = (scores[good][:, None] > scores[~good][None, :]).mean()
    assert abs(wins - 0.5) < 0.12


def test_a_brand_that_is_said_to_contradict_lowers_exactly_its_items(
    judge: EntityJudge, supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    judge = saved_copy(judge)
    requests, items = asked(bought[1], 60)
    before = judge.pair_scores(requests, items)
    brand = int(np.bincount(supply.catalog.brand_I[supply.catalog.brand_I >= 0]).argmax())
    judge.overrule(supply.catalog.brands[brand], satisfied=0.0, contradicted=1.0)
    after = judge.pair_scores(requests, items)
    of_it = supply.catalog.brand_I[items] == brand
    np.testing.assert_array_equal(after[~of_it], before[~of_it])
    assert of_it.sum() > 20
    assert (after[of_it] <= before[of_it] + 1e-6).all()
    assert (after[of_it] < before[of_it]).mean() > 0.9


def test_each_entity_is_asked_once_for_each_text(
    judge: EntityJudge,
    supply: Supply,
    bought: tuple[Annotations, Annotations],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests, _ = asked(bought[1], 50)
    items = np.random.default_rng(0).integers(0, 1_500, (50, 300)).astype(np.int32)
    twice = requests.rows(np.repeat(np.arange(50), 2))
    counted = []
    said = EntityJudge._said

    def counting(self, text_BD, known, count_B, text_K, entity_K):
        counted.append(len(entity_K))
        return said(self, text_BD, known, count_B, text_K, entity_K)

    monkeypatch.setattr(EntityJudge, "_said", counting)
    judge.grades(twice, np.repeat(items, 2, axis=0))
    entities = ItemEntities.of(supply.catalog).entity_IM[items]
    distinct = sum(len(np.unique(row[row >= 0])) for row in entities)
    assert counted == [distinct]
    assert distinct < (entities >= 0).sum() / 2


def test_the_same_luck_makes_the_same_judge(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    few = bought[0].rows(slice(None, 400))
    one, two = (told(taught(EntityJudge(), supply, few), bought[1]) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_what_a_shop_does_not_publish_is_neutral(
    judge: EntityJudge, bought: tuple[Annotations, Annotations]
) -> None:
    requests, _ = asked(bought[1], 20)
    said = judge.says(requests, np.full((20, 3), -1, np.int32))
    assert not said.any()


def test_a_wrong_value_moves_the_grade_through_its_entity_alone(
    judge: EntityJudge, supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    requests, items = asked(bought[1], 40)
    before = judge.pair_scores(requests, items)
    structured = supply.catalog.structured
    assert structured is not None
    values = structured.values_IV.copy()
    item = int(items[0, 0])
    values[item, 0] = (values[item, 0] + 1) % len(structured.value_names)
    wrong = replace(supply.catalog, structured=replace(structured, values_IV=values))
    moved = saved_copy(judge)
    moved._entities = ItemEntities.of(wrong)
    after = moved.pair_scores(requests, items)
    other = items != item
    np.testing.assert_allclose(after[other], before[other], atol=1e-6)


def test_entities_are_those_that_the_catalogue_tells(supply: Supply) -> None:
    entities, catalog = ItemEntities.of(supply.catalog), supply.catalog
    assert catalog.structured is not None
    for item in range(0, 1_500, 97):
        names = {entities.names[each] for each in entities.entity_IM[item] if each >= 0}
        wanted = {
            catalog.structured.value_names[code]
            for code in catalog.structured.values_IV[item][:4]
            if code >= 0
        }
        if catalog.brand_I[item] >= 0:
            wanted.add(catalog.brands[catalog.brand_I[item]])
        if catalog.category_I[item] >= 0:
            wanted.add(catalog.categories[catalog.category_I[item]].rpartition(">")[2].strip())
        assert names == wanted
    assert entities.entity_IM.shape == (1_500, len(SLOTS))


def test_only_entities_of_items_can_be_overruled_and_by_chances_alone(judge: EntityJudge) -> None:
    with pytest.raises(ConfigError, match="entity == 'nonsense'"):
        judge.overrule("nonsense", satisfied=0, contradicted=1)
    with pytest.raises(ConfigError, match="must be 0 to 1, at most 1 together"):
        judge.overrule(judge._entities.names[0], satisfied=0.9, contradicted=0.9)


def test_it_says_why_and_is_more_often_right_than_the_commonest_verdict(
    judge: EntityJudge, bought: tuple[Annotations, Annotations]
) -> None:
    measured = bought[1]
    requests = requests_of(measured.texts, measured.text_J)
    found = judge.verdicts(requests, measured.item_J[:, None])
    for said_BN, true_J in (
        (found.category_BN, measured.category_J),
        (found.brand_BN, measured.brand_J),
    ):
        commonest = np.bincount(true_J).max() / len(true_J)
        assert (said_BN[:, 0] == true_J).mean() > commonest


def test_its_verdict_on_a_brand_is_what_it_is_told(
    judge: EntityJudge, supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    judge = saved_copy(judge)
    requests, items = asked(bought[1], 30)
    before = judge.verdicts(requests, items)
    brand = int(np.bincount(supply.catalog.brand_I[supply.catalog.brand_I >= 0]).argmax())
    of_it = supply.catalog.brand_I[items] == brand
    for said, verdict in (((1.0, 0.0), BrandVerdict.SAME), ((0.0, 1.0), BrandVerdict.OTHER)):
        judge.overrule(supply.catalog.brands[brand], satisfied=said[0], contradicted=said[1])
        after = judge.verdicts(requests, items)
        assert set(after.brand_BN[of_it].tolist()) == {verdict}
        np.testing.assert_array_equal(after.brand_BN[~of_it], before.brand_BN[~of_it])
        np.testing.assert_array_equal(after.category_BN, before.category_BN)
