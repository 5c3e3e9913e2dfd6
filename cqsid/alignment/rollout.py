"""One rollout batch: what the policy generates, experts, rewards and advantages."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.alignment.experts import Group, expanded, injected
from cqsid.alignment.objective.objective import Scored, advantages
from cqsid.alignment.sampling import sample
from cqsid.alignment.settings import AlgorithmSpec
from cqsid.alignment.task import Task
from cqsid.decoding.decoder import Softmax
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.rewards.remarks import keeping
from cqsid.rewards.reward import Samples
from simulator.catalogue.catalog import Ints

Floats = NDArray[np.float32]
Asked = TypeVar("Asked")
AnyTask = TypeVar("AnyTask", bound=Task)


@dataclass(frozen=True)
class Batch(Generic[Asked]):
    """B questions, as prompts.

    Attributes:
        asked: the questions: for ids, logged requests with what became of them.
        prompts: what the generator is told of each.
    """

    asked: Asked
    prompts: Prompts


@dataclass(frozen=True)
class Rollout:
    """The groups of a batch with their rewards.

    Attributes:
        group: the ids.
        parts_CBG: each reward's own values.
        total_BG: their weighted sum.
        advantage_BGL: what each code's probability is pushed by.
        logged: means of what the rewards logged beside their values, by component and name.
    """

    group: Group
    parts_CBG: Floats
    total_BG: Floats
    advantage_BGL: Tensor
    logged: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Roller(Generic[AnyTask]):
    """Makes rollouts of one algorithm.

    Attributes:
        spec: the algorithm.
        vocabulary, softmax: of the generator.
        trie: the answers that exist.
        task: what is asked, and what answers are worth.
    """

    spec: AlgorithmSpec
    vocabulary: Vocabulary
    softmax: Softmax
    trie: Trie
    task: AnyTask

    def __call__(self, weights: Weights, batch: Batch[Any], rng: np.random.Generator) -> Rollout:
        """Generate, inject, reward, compare."""
        group = self._group(weights, batch, rng)
        with keeping() as kept:
            parts_CBG, scaled_CBG, total_BG = self._rewarded(batch.asked, group)
        chosen = injected(self.spec, group, total_BG)
        if chosen is not group:  # other answers are in the group now, and a reward may see that
            group = chosen
            with keeping() as kept:
                parts_CBG, scaled_CBG, total_BG = self._rewarded(batch.asked, group)
        return Rollout(
            group,
            parts_CBG,
            total_BG,
            self._advantages(batch.asked, group, scaled_CBG, total_BG),
            kept.means(),
        )

    def _group(self, weights: Weights, batch: Batch[Any], rng: np.random.Generator) -> Group:
        spec, asked = self.spec, batch.asked
        forced_BL = self.task.forced(asked, spec.guided_levels, rng=rng)
        always = bool(spec.guided_levels) and spec.guided_below is None
        rollouts = self._sampled(weights, batch.prompts, forced_BL if always else None, rng)
        free_BGL = np.ones(rollouts.codes_BGL.shape, np.bool_)
        if always:
            free_BGL &= forced_BL[:, None] < 0
        elif spec.guided_levels:
            rollouts, free_BGL = self._replayed(weights, batch, rollouts, forced_BL, rng)
        known = spec.off_policy == "propensity"
        experts = self.task.experts(asked, spec.experts, known=known, rng=rng)
        return expanded(rollouts, experts, free_BGL)

    def _sampled(
        self, weights: Weights, prompts: Prompts, forced_BL: Ints | None, rng: np.random.Generator
    ) -> Samples:
        spec = self.spec
        return sample(
            weights,
            self.vocabulary,
            self.trie,
            prompts,
            spec.rollouts,
            rng=rng,
            temperature=spec.temperature,
            constrained=spec.constrained,
            forced_BL=forced_BL,
        )

    def _replayed(
        self,
        weights: Weights,
        batch: Batch[Any],
        rollouts: Samples,
        forced_BL: Ints,
        rng: np.random.Generator,
    ) -> tuple[Samples, NDArray[np.bool_]]:
        """Guided answers in place of the last ones of each group that is seldom right.

        Which answers of a group make room is no choice by reward: they were drawn alike.
        """
        assert self.spec.guided_below is not None
        free_BGL = np.ones(rollouts.codes_BGL.shape, np.bool_)
        right_B = self.task.accurate(batch.asked, rollouts).mean(axis=1)
        rows = np.flatnonzero(right_B < self.spec.guided_below)
        kept = rollouts.shape[1] - round(self.spec.guided_share * rollouts.shape[1])
        if not len(rows) or kept == rollouts.shape[1]:
            return rollouts, free_BGL
        some_BL = forced_BL[rows]
        guided = self._sampled(weights, batch.prompts.rows(rows), some_BL, rng)
        codes_BGL, sid_BG = rollouts.codes_BGL.copy(), rollouts.sid_BG.copy()
        codes_BGL[rows, kept:] = guided.codes_BGL[:, kept:]
        sid_BG[rows, kept:] = guided.sid_BG[:, kept:]
        free_BGL[rows, kept:] = some_BL[:, None] < 0
        return Samples(codes_BGL, sid_BG), free_BGL

    def _rewarded(self, asked: Any, group: Group) -> tuple[Floats, Floats, Floats]:
        """The rewards' own values, these scaled, and their sum."""
        parts_CBG = self.task.parts(asked, group.samples, group.valid_BG)
        scaled_CBG = self.task.scaled(parts_CBG, group.valid_BG)
        return parts_CBG, scaled_CBG, self.task.total(scaled_CBG)

    def _advantages(self, asked: Any, group: Group, scaled_CBG: Floats, total_BG: Floats) -> Tensor:
        levels_BGL = None
        if self.spec.credit in ("level", "gated"):
            levels_BGL = self.task.levels(asked, group.samples, scaled_CBG)
        return advantages(
            self.spec,
            Scored(
                torch.from_numpy(total_BG),
                torch.from_numpy(scaled_CBG),
                torch.from_numpy(self.task.weight_C),
                None if levels_BGL is None else torch.from_numpy(levels_BGL),
            ),
            torch.from_numpy(group.samples.codes_BGL),
            torch.from_numpy(self.task.right(asked, group.samples)),
            torch.from_numpy(group.valid_BG),
        )
