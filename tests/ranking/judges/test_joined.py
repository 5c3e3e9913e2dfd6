"""The control of soft logic: it learns, it reads whole items, and it cannot say why."""

import numpy as np
import pytest

from ranking.judges.conformance import check_judge
from ranking.judges.entities import EntityJudge
from ranking.judges.itementities import ItemEntities
from ranking.judges.joined import JoinedJudge
from ranking.judges.networks import PairNetwork
from ranking.judges.registry import build_judge
from ranking.judges.settings import JudgeSpec
from recall.judge import Explaining
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Supply
from tests.ranking.judges.shop import auc, macro_f1, taught, told


@pytest.mark.parametrize("pretraining", [0, 1])
def test_it_keeps_the_contract(pretraining: int) -> None:
    found = check_judge(lambda: JoinedJudge(pretraining=pretraining))
    assert [str(finding) for finding in found] == []


def test_it_grades_texts_that_it_has_not_seen_and_learns_nothing_from_others_grades(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    learned, measured = bought
    commonest = np.bincount(learned.grade_J).argmax()
    floor = macro_f1(np.full(len(measured), commonest), measured.grade_J)
    judge = taught(JoinedJudge(), supply, learned)
    assert macro_f1(told(judge, measured).argmax(axis=1), measured.grade_J) > floor + 0.25
    assert auc(judge, measured) > 0.85
    twin = taught(JoinedJudge(), supply, learned.shuffled(np.random.default_rng(0)))
    assert macro_f1(told(twin, measured).argmax(axis=1), measured.grade_J) < floor + 0.05


def test_without_logic_there_is_nobody_to_ask_why_or_to_overrule() -> None:
    plain = build_judge("plain", JudgeSpec(type="entities", logic="none"))
    assert type(plain) is JoinedJudge
    assert not isinstance(plain, Explaining)
    assert not hasattr(plain, "overrule")
    logic = build_judge("logic", JudgeSpec(type="entities"))
    assert type(logic) is EntityJudge
    assert isinstance(logic, Explaining)


def test_an_item_is_all_of_its_entities_words(supply: Supply) -> None:
    apart = ItemEntities.of(supply.catalog)
    whole = apart.joined()
    np.testing.assert_array_equal(whole.entity_IM, np.arange(len(supply.catalog))[:, None])
    for item in range(0, 1_500, 97):
        names = [apart.names[each] for each in apart.entity_IM[item] if each >= 0]
        assert whole.names[item] == " ".join(names)


def test_it_has_the_size_of_the_judge_that_it_controls(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    few = bought[0].rows(slice(0, 64))
    networks: list[PairNetwork] = [
        taught(judge, supply, few)._network for judge in (JoinedJudge(), EntityJudge())
    ]
    plain, logic = (sum(each.numel() for each in net.parameters()) for net in networks)
    assert abs(plain - logic) < 0.01 * logic
