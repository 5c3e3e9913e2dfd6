"""The verifier: it tells verdicts of texts that it did not learn from, and a random one cannot."""

from typing import Any

import numpy as np
import pytest

from cqsid.generator.settings import ModelSpec
from cqsid.systems.chain.chainjudge import ChainJudge
from cqsid.systems.chain.chains import VERDICTS
from cqsid.systems.chain.languagejudge import School
from cqsid.systems.chain.settings import AligningSpec, ChainJudgeSpec
from cqsid.systems.chain.training import Lessons
from cqsid.systems.chain.verifier import model_verdicts, share_of_texts
from cqsid.training.settings import StageSpec
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Supply
from tests.ranking.judges.shop import taught, told

SMALL = {
    "model": ModelSpec(hidden=32, layers=1, heads=2, kv_heads=1, ffn=64),
    "training": StageSpec(epochs=1.0, batch=32),
    "subwords": 400,
    "made_pairs": 0,
}


def judge(verifier: str = "annotations", **aligning: Any) -> ChainJudge:
    steps = AligningSpec(steps=3, batch=8, verifier=verifier, **aligning)
    return ChainJudge("chain", ChainJudgeSpec(**SMALL, alignment="she", aligning=steps))


@pytest.fixture(scope="module")
def school(supply: Supply, bought: tuple[Annotations, Annotations]) -> School:
    return judge().prepare(supply.catalog, bought[0], np.random.default_rng(0))


def verified(school: School, verifier: str) -> Lessons:
    return school.rewarding(judge(verifier).spec)


def pairs_of(lessons: Lessons) -> list[tuple[int, int]]:
    return list(zip(lessons.pairs.text_N.tolist(), lessons.pairs.item_N.tolist(), strict=True))


def test_annotators_verify_every_pair_unless_settings_say_otherwise(school: School) -> None:
    assert verified(school, "annotations") is school.lessons


def test_a_model_rewards_the_texts_that_it_did_not_learn_from(school: School) -> None:
    lessons = verified(school, "model")
    told_texts = set(lessons.pairs.text_N.tolist())
    rows = np.isin(school.annotated.text_J, sorted(told_texts))
    assert 0.4 < rows.mean() < 0.6
    assert rows.sum() == len(lessons)  # every pair of these texts, and no other
    learned = school.annotated.rows(~rows)
    assert not set(learned.text_J.tolist()) & told_texts


def test_grades_stay_with_annotators_and_so_do_pairs(school: School) -> None:
    for verifier in ("model", "random"):
        lessons = verified(school, verifier)
        true = dict(zip(pairs_of(school.lessons), school.lessons.codes_NL[:, 0], strict=True))
        graded = zip(pairs_of(lessons), lessons.codes_NL[:, 0], strict=True)
        assert all(true[pair] == grade for pair, grade in graded)


def test_a_model_knows_verdicts_that_a_random_one_does_not(
    supply: Supply, bought: tuple[Annotations, Annotations], school: School
) -> None:
    """Held against verdicts without mistakes on texts that neither half has."""
    half = share_of_texts(bought[0], 2, np.random.default_rng(0))
    measured = bought[1]
    found = model_verdicts(supply.catalog, bought[0].rows(half), measured, np.random.default_rng(1))
    mixed = np.random.default_rng(2).permutation(len(measured))
    for name in VERDICTS:
        true_J = getattr(measured, f"{name}_J")
        commonest = np.bincount(true_J).max() / len(true_J)
        assert (found[name] == true_J).mean() > commonest + 0.05
        assert (found[name][mixed] == true_J).mean() < commonest + 0.02


def test_a_random_model_says_as_much_of_each_verdict_and_nothing_of_pairs(school: School) -> None:
    model, random = (verified(school, kind).codes_NL for kind in ("model", "random"))
    assert model.shape == random.shape
    for level in (1, 2, 3):  # the grade comes first
        assert sorted(model[:, level].tolist()) == sorted(random[:, level].tolist())
    assert (model[:, 1] != random[:, 1]).any()
    assert np.array_equal(model[:, 0], random[:, 0])


def test_who_verifies_and_whether_there_is_a_curriculum_changes_what_is_learned(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    few, measured = bought[0].rows(slice(0, 200)), bought[1].rows(slice(0, 50))
    judges = judge(), judge("model"), judge("random"), judge(curriculum=False)
    chances = [told(taught(each, supply, few), measured).tobytes() for each in judges]
    assert len(set(chances)) == len(judges)


def test_only_she_has_steps_that_somebody_may_verify() -> None:
    with pytest.raises(ValueError, match=r"aligning\.verifier == 'model', must be 'annotations'"):
        ChainJudgeSpec(alignment="grpo", aligning=AligningSpec(verifier="model"))
    assert ChainJudgeSpec(alignment="she").curriculum
    assert not ChainJudgeSpec(alignment="grpo").curriculum
    assert ChainJudgeSpec(alignment="grpo", aligning=AligningSpec(curriculum=True)).curriculum
