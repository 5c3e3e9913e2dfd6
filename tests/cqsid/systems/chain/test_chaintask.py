"""What chains are worth: gates, steps, and which code of a chain the credit goes to."""

import numpy as np
import pytest
import torch

from cqsid.alignment.objective.objective import Scored, advantages
from cqsid.alignment.settings import AlgorithmSpec, ExpertSpec
from cqsid.rewards.reward import Samples
from cqsid.systems.chain.chains import Chains
from cqsid.systems.chain.chaintask import WEIGHTS, ChainTask
from cqsid.systems.chain.settings import ALGORITHMS
from simulator.errors import ConfigError

CHAINS = Chains("think_first")
TRUE = np.array([[0, 1, 1, 3]], np.int32)  # same category, its brand, all values: grade 3


def samples_of(*chains: tuple[int, ...]) -> Samples:
    codes_BGL = np.array([chains], np.int32)
    return Samples(codes_BGL, CHAINS.numbers(codes_BGL[0])[None])


def pushed(alignment: str, samples: Samples) -> np.ndarray:
    """(G, L) advantages of the one group, without any sum of step and outcome."""
    task = ChainTask(CHAINS, WEIGHTS[alignment])
    valid = np.ones(samples.shape, np.bool_)
    parts = task.scaled(task.parts(TRUE, samples, valid), valid)
    levels = task.levels(TRUE, samples, parts) if alignment == "she" else None
    scored = Scored(
        torch.from_numpy(task.total(parts)),
        torch.from_numpy(parts),
        torch.from_numpy(task.weight_C),
        None if levels is None else torch.from_numpy(levels),
    )
    right, valid_BG = torch.from_numpy(task.right(TRUE, samples)), torch.from_numpy(valid)
    spec = AlgorithmSpec(**ALGORITHMS[alignment])
    codes = torch.from_numpy(samples.codes_BGL)
    return advantages(spec, scored, codes, right, valid_BG)[0].numpy()


def test_steps_move_four_codes_in_four_right_directions_where_the_outcome_moves_none() -> None:
    """Of two chains one has the right category and a wrong brand, the other the reverse."""
    both_wrong = samples_of((0, 2, 1, 1), (1, 1, 1, 1))
    steps = pushed("she", both_wrong)
    assert np.sign(steps).tolist() == [[1, -1, 0, 0], [-1, 1, 0, 0]]
    assert not pushed("grpo", samples_of((0, 2, 1, 1), (1, 1, 1, 1))).any()


def test_verdicts_are_worth_nothing_behind_a_wrong_category() -> None:
    task = ChainTask(CHAINS, WEIGHTS["agrl"])
    samples = samples_of((0, 1, 1, 3), (0, 2, 1, 1), (1, 1, 1, 3), (2, 2, 3, 0))
    parts = task.parts(TRUE, samples, np.ones(samples.shape, np.bool_))
    assert parts[2, 0].tolist() == pytest.approx([1.0, 2 / 3, 0.0, 0.0])
    assert task.total(parts)[0].tolist() == pytest.approx([1.5, 1 / 3, 1.0, 0.0])


def test_a_right_grade_behind_wrong_verdicts_is_accurate_and_not_right() -> None:
    task, samples = ChainTask(CHAINS, WEIGHTS["grpo"]), samples_of((1, 1, 1, 3), (0, 1, 1, 1))
    assert task.accurate(TRUE, samples).tolist() == [[True, False]]
    assert task.right(TRUE, samples)[0].tolist() == [[False] * 4, [True, True, True, False]]
    assert CHAINS.agrees(samples.codes_BGL)[0].tolist() == [False, False]


def test_the_true_chain_is_the_one_expert() -> None:
    task, rng = ChainTask(CHAINS, WEIGHTS["grpo"]), np.random.default_rng(0)
    group = task.experts(TRUE, ExpertSpec(count=2), known=False, rng=rng)
    assert group.samples.codes_BGL[0].tolist() == [TRUE[0].tolist()] * 2
    assert group.valid_BG.tolist() == [[True, False]]
    with pytest.raises(ConfigError, match="off_policy == 'propensity'"):
        task.experts(TRUE, ExpertSpec(count=1), known=True, rng=rng)


def test_a_code_at_least_is_left_to_learn_from() -> None:
    task, rng = ChainTask(CHAINS, WEIGHTS["agrl"]), np.random.default_rng(0)
    assert task.forced(TRUE, 1, rng=rng).tolist() == [[0, -1, -1, -1]]
    with pytest.raises(ConfigError, match="guided_levels == 4, must be 0 to 3"):
        task.forced(TRUE, 4, rng=rng)
