"""The chain judge: it learns, it keeps the contract, and its chances are those of its chains."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from cqsid.alignment.policy import log_probabilities
from cqsid.alignment.rollout import Roller
from cqsid.generator.settings import ModelSpec
from cqsid.registry import build_judge
from cqsid.systems.chain.chainjudge import ChainJudge
from cqsid.systems.chain.chaintask import WEIGHTS, ChainTask
from cqsid.systems.chain.languagejudge import LanguageJudge
from cqsid.systems.chain.settings import AligningSpec, ChainJudgeSpec
from cqsid.training.settings import StageSpec
from ranking.judges.conformance import check_judge
from recall.judge import Explaining, tiers
from recall.storage import saved_copy
from simulator.annotations.pairs import Annotations
from simulator.catalogue.catalog import Supply
from simulator.errors import ConfigError, DataError
from simulator.protocols import Requests
from tests.ranking.judges.shop import macro_f1, taught, told

SMALL = {
    "model": ModelSpec(hidden=32, layers=1, heads=2, kv_heads=1, ffn=64),
    "training": StageSpec(epochs=1.0, batch=32),
    "aligning": AligningSpec(steps=3, batch=8),
    "subwords": 400,
    "made_pairs": 200,
}


def small(**options: Any) -> ChainJudge:
    return ChainJudge("chain", ChainJudgeSpec(**{**SMALL, **options}))


@pytest.mark.parametrize("order", ["answer_first", "think_first"])
def test_it_keeps_the_contract(order: str) -> None:
    assert [str(finding) for finding in check_judge(lambda: small(order=order))] == []


@pytest.mark.parametrize("order", ["answer_first", "think_first"])
def test_the_chance_of_a_grade_is_that_of_all_chains_with_it(
    supply: Supply, bought: tuple[Annotations, Annotations], order: str
) -> None:
    judge = taught(small(order=order), supply, bought[0].rows(slice(0, 200)))
    pairs, _ = judge.asked(
        Requests.of_texts(bought[1].texts[:6]),
        np.arange(30, dtype=np.int32).reshape(6, 5),
        np.ones((6, 5), np.bool_),
    )
    all_BSL = np.broadcast_to(judge.chains.ids.codes_IL, (len(pairs), 144, 4))
    with torch.no_grad():
        prompts = pairs.rows(np.arange(len(pairs)))
        scores = log_probabilities(judge.weights, judge._builder.vocabulary, prompts, all_BSL)
    chance_BS = scores.logp_BGL.sum(dim=-1).exp().numpy()
    assert chance_BS.sum(axis=1) == pytest.approx(1, abs=1e-5)
    grade_S = judge.chains.ids.codes_IL[:, judge.chains.grade_level]
    wanted = np.stack([chance_BS[:, grade_S == grade].sum(axis=1) for grade in range(4)], axis=1)
    assert judge.reader.grades(pairs) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("alignment", ["sft", "dpo", "grpo", "agrl", "she"])
def test_the_same_seed_gives_the_same_bits_through_a_file(
    supply: Supply, bought: tuple[Annotations, Annotations], alignment: str
) -> None:
    order = "think_first" if alignment == "agrl" else "answer_first"
    few = bought[0].rows(slice(0, 200))
    first, again = (taught(small(alignment=alignment, order=order), supply, few) for _ in range(2))
    measured = bought[1].rows(slice(0, 50))
    assert np.array_equal(told(first, measured), told(saved_copy(again), measured))
    assert (first.aligned is None) == (alignment == "sft")


def test_learning_from_rewards_moves_what_was_supervised(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    few, measured = bought[0].rows(slice(0, 200)), bought[1].rows(slice(0, 50))
    chances = {
        kind: told(taught(small(alignment=kind), supply, few), measured)
        for kind in ("sft", "grpo", "she")
    }
    assert not np.array_equal(chances["sft"], chances["grpo"])
    assert not np.array_equal(chances["grpo"], chances["she"])


def test_a_greater_threshold_lowers_no_tier() -> None:
    rng = np.random.default_rng(0)
    grades_BNG = rng.dirichlet(np.ones(4), (20, 30)).astype(np.float32)
    found = [tiers(grades_BNG, threshold) for threshold in np.linspace(0.01, 1, 60)]
    assert all((low <= high).all() for low, high in pairwise(found))
    assert (found[0] < found[-1]).any()
    with pytest.raises(ConfigError, match="threshold == 0"):
        tiers(grades_BNG, 0)


def test_grades_without_verdicts_teach_no_chain_but_a_grade(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    few = bought[0].rows(slice(0, 100))
    plain = Annotations.unexplained(few.texts, few.text_J, few.item_J, few.grade_J)
    with pytest.raises(DataError, match="without verdicts"):
        taught(small(), supply, plain)
    judge = build_judge("grade", ChainJudgeSpec(**SMALL, verdicts=False))
    assert type(judge) is LanguageJudge
    assert not isinstance(judge, Explaining)
    assert taught(judge, supply, plain).weights is not None


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="must be 'think_first' for alignment agrl"):
        ChainJudgeSpec(alignment="agrl")
    with pytest.raises(ValueError, match="must be 'sft' for the grade alone"):
        ChainJudgeSpec(alignment="grpo", verdicts=False)


@pytest.mark.slow
def test_it_grades_texts_that_it_has_not_seen_and_a_shuffled_twin_does_not(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    learned, measured = bought
    twin = learned.shuffled(np.random.default_rng(0))
    commonest = np.bincount(learned.grade_J, minlength=4).argmax()
    floor = macro_f1(np.full(len(measured), commonest), measured.grade_J)
    scores = [
        macro_f1(
            told(taught(ChainJudge("chain", spec), supply, pairs), measured).argmax(1),
            measured.grade_J,
        )
        for spec, pairs in (
            (ChainJudgeSpec(), learned),
            (ChainJudgeSpec(permuted=True), twin),
        )
    ]
    assert scores[0] > floor + 0.1
    assert scores[1] < floor + 0.05


def test_only_groups_that_are_seldom_right_are_written_again_behind_the_true_first_verdict(
    supply: Supply, bought: tuple[Annotations, Annotations]
) -> None:
    judge = small(order="think_first", alignment="agrl")
    school = judge.prepare(supply.catalog, bought[0].rows(slice(0, 200)), np.random.default_rng(0))
    judge.supervise(school)
    task = ChainTask(judge.chains, WEIGHTS["agrl"])
    parts = judge.spec.learns, judge._builder.vocabulary, "level", judge.chains.trie, task
    batch = school.lessons.batch(np.arange(60))
    with torch.no_grad():
        rollout = Roller(*parts)(judge.weights, batch, np.random.default_rng(1))
    group, true_BL = rollout.group, batch.asked
    forced_BG = ~group.free_BGL[..., 0]
    assert set(forced_BG.sum(axis=1).tolist()) == {0, 4}  # half of eight
    assert group.free_BGL[..., 1:].all()
    codes_BG = group.samples.codes_BGL[..., 0]
    assert (codes_BG == true_BL[:, :1])[forced_BG].all()
    free_right_B = task.accurate(true_BL, group.samples)[:, :4].mean(axis=1)
    assert free_right_B[forced_BG.any(axis=1)].mean() < free_right_B[~forced_BG.any(axis=1)].mean()
