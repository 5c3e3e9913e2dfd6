"""How a chain judge learns: from annotated chains, then from rewards.

Axis suffixes: N pairs, B pairs of a batch, G chains of a group, L codes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from cqsid.alignment.learner import Learner, Update
from cqsid.alignment.objective.advantages import tied_B
from cqsid.alignment.rollout import Batch, Roller
from cqsid.alignment.sampling import sample
from cqsid.alignment.settings import AlignmentSpec
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.systems.chain.chains import Chains
from cqsid.systems.chain.chaintask import WEIGHTS, ChainTask
from cqsid.systems.chain.prompts import Pairs
from cqsid.systems.chain.settings import AligningSpec, ChainJudgeSpec
from cqsid.training.examples import Examples, Rows
from cqsid.training.loop import Plan, StageRun, Validation
from cqsid.training.loss import Batch as Answers, answer_loss
from cqsid.training.stages import heard
from recall.device import resolve_device
from simulator.catalogue.catalog import Ints
from simulator.curves import Curve

_TRIED: Final = 8  # chains of a pair that tell how hard it is
_CHUNK: Final = 512  # pairs computed together


@dataclass(frozen=True)
class Lessons:
    """Pairs with the chains that annotators gave.

    Attributes:
        pairs: their prompts.
        codes_NL: their chains.
    """

    pairs: Pairs
    codes_NL: Ints

    def __len__(self) -> int:
        return len(self.codes_NL)

    def examples(self, chains: Chains) -> Examples:
        """Each pair once."""
        numbers_N = chains.numbers(self.codes_NL)
        return Examples(self.pairs, numbers_N, chains.ids.codes_IL, np.ones(len(self)))

    def batch(self, rows: Rows) -> Batch[Ints]:
        """Some of the pairs."""
        return Batch(self.codes_NL[rows], self.pairs.rows(rows).trimmed())


@dataclass(frozen=True)
class Aligned:
    """The course of the stage that learns from rewards, a number for each step.

    Attributes:
        reward: mean reward of the chains that were written.
        accuracy: share of them with a right grade.
        agreement: share of them whose grade is the one that their verdicts give.
        dead: share of groups whose rewards tie, so that they teach nothing.
        divergence: from the supervised model, a code (nats).
        likelihood: mean log-likelihood of the chains that were written (nats).
    """

    reward: NDArray[np.float32]
    accuracy: NDArray[np.float32]
    agreement: NDArray[np.float32]
    dead: NDArray[np.float32]
    divergence: NDArray[np.float32]
    likelihood: NDArray[np.float32]


def supervised(
    spec: ChainJudgeSpec,
    chains: Chains,
    model: Any,
    vocabulary: Vocabulary,
    made: Lessons,
    lessons: Lessons,
    held: Lessons,
    *,
    seed: int,
) -> tuple[float, ...]:
    """Train a model in place, first with pairs made; it keeps the best weights by loss on `held`.

    Returns:
        The losses on `held`, in the order of the validations.
    """
    if len(made):
        before = Plan(spec.pretraining, made.examples(chains), (), (seed, 0))
        with Curve("pairs") as curve:
            StageRun(model, vocabulary, "level", before, None, None).run(heard(curve))

    def validate(weights: Weights, step: int) -> Validation:
        losses = [
            answer_loss(weights, vocabulary, Answers.of(prompts, codes_BL, vocabulary)).item()
            for prompts, codes_BL in _in_chunks(held)
        ]
        sizes = [len(codes_BL) for _, codes_BL in _in_chunks(held)]
        return Validation(step, float(np.average(losses, weights=sizes)), ())

    plan = Plan(spec.training, lessons.examples(chains), (), (seed, 1))
    run = StageRun(model, vocabulary, "level", plan, validate if len(held) else None, None)
    with Curve("annotations") as curve:
        return tuple(each.loss for each in run.run(heard(curve)).validations)


def _in_chunks(lessons: Lessons) -> Iterator[tuple[Any, Ints]]:
    for start in range(0, len(lessons), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(lessons)))
        yield lessons.pairs.rows(rows), lessons.codes_NL[rows]


def rewarded(
    spec: ChainJudgeSpec,
    chains: Chains,
    weights: Weights,
    vocabulary: Vocabulary,
    lessons: Lessons,
    *,
    seed: int,
) -> tuple[Weights, Aligned]:
    """Learn from rewards, beginning with supervised weights, which stay as they are."""
    aligning = spec.aligning
    task = ChainTask(chains, WEIGHTS[spec.alignment])
    roller = Roller(spec.learns, vocabulary, "level", chains.trie, task)
    learner = Learner(_rates(aligning), roller, weights, resolve_device(spec.device))
    share_N = right_shares(weights, chains, vocabulary, lessons, np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    if aligning.permuted:
        shuffled_NL = lessons.codes_NL[rng.permutation(len(lessons))]
        lessons = Lessons(lessons.pairs, shuffled_NL)
    columns: list[tuple[float, ...]] = []
    names = [f"train/{each.name}" for each in fields(Aligned)]
    with Curve(spec.alignment) as curve:
        for step in range(aligning.steps):
            batch = lessons.batch(_drawn(spec, share_N, step, rng))
            update = learner.step(batch, step, np.random.default_rng([seed, 3, step]))
            columns.append(_figures(task, batch, update, spec.learns.tie))
            curve.tell(step + 1, dict(zip(names, columns[-1], strict=True)))
    return learner.weights, Aligned(*np.array(columns, np.float32).T)


def right_shares(
    weights: Weights,
    chains: Chains,
    vocabulary: Vocabulary,
    lessons: Lessons,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """(N,) share of eight sampled chains whose grade is right: how hard a pair is."""
    task, shares = ChainTask(chains, WEIGHTS["grpo"]), [np.zeros(0, np.float32)]
    for prompts, codes_BL in _in_chunks(lessons):
        samples = sample(weights, vocabulary, chains.trie, prompts, _TRIED, rng=rng)
        shares.append(task.accurate(codes_BL, samples).mean(axis=1).astype(np.float32))
    return np.concatenate(shares)


def _drawn(
    spec: ChainJudgeSpec, share_N: NDArray[np.float32], step: int, rng: np.random.Generator
) -> Rows:
    """The pairs of a step.

    Pairs of which the judge is not sure are drawn more often. The curriculum of TaoSR-SHE goes from
    pairs that it always grades rightly through those to pairs that it never does.
    """
    unsure_N = (share_N > 0) & (share_N < 1)
    weight_N = np.where(unsure_N, spec.aligning.harder, 1.0)
    if spec.curriculum:
        stage = (share_N == 1, unsure_N, share_N == 0)[3 * step // spec.aligning.steps]
        weight_N = stage.astype(np.float64) if stage.any() else np.ones(len(share_N))
    return rng.choice(len(share_N), spec.aligning.batch, p=weight_N / weight_N.sum())


def _rates(aligning: AligningSpec) -> AlignmentSpec:
    names = ("steps", "batch", "learning_rate", "warmup", "clip")
    return AlignmentSpec(**{name: getattr(aligning, name) for name in names})


def _figures(task: ChainTask, batch: Batch[Ints], update: Update, tie: float) -> tuple[float, ...]:
    """A row of `Aligned`."""
    group, rollout = update.rollout.group, update.rollout
    free_BG = group.generated_BG & group.free_BGL.all(axis=2)
    if not free_BG.any():
        free_BG = group.generated_BG
    agrees_BG = task.chains.agrees(group.samples.codes_BGL)
    right_BG = task.accurate(batch.asked, group.samples)
    tied_share = tied_B(
        torch.from_numpy(rollout.total_BG), torch.from_numpy(group.valid_BG), tie
    ).double()
    logp_BG = update.scores.logp_BGL.detach().sum(dim=-1).cpu().numpy()
    return (
        float(rollout.total_BG[free_BG].mean()),
        float(right_BG[free_BG].mean()),
        float(agrees_BG[free_BG].mean()),
        float(tied_share.mean()),
        float(update.loss.kl),
        float(logp_BG[free_BG].mean()),
    )
