"""One rollout batch: the ids that the policy generates, experts, rewards and advantages."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.alignment.experts import Group, draw_experts, expanded, forced_codes, injected
from cqsid.alignment.objective.objective import Scored, advantages
from cqsid.alignment.sampling import sample
from cqsid.alignment.settings import AlgorithmSpec
from cqsid.decoding.decoder import Softmax
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.rewards.logged import Logged
from cqsid.rewards.mix import Mix
from cqsid.rewards.of_log import right_prefixes
from cqsid.rewards.remarks import keeping
from cqsid.rewards.shop import Shop

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """B logged requests, as prompts.

    Attributes:
        logged: the requests with what became of them.
        prompts: what the generator is told of each.
    """

    logged: Logged
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
class Roller:
    """Makes rollouts of one algorithm.

    Attributes:
        spec: the algorithm.
        vocabulary, softmax: of the generator.
        trie: the ids that exist, those of `shop.ids`.
        mix: the reward.
        shop: what it may look up.
    """

    spec: AlgorithmSpec
    vocabulary: Vocabulary
    softmax: Softmax
    trie: Trie
    mix: Mix
    shop: Shop

    def __call__(self, weights: Weights, batch: Batch, rng: np.random.Generator) -> Rollout:
        """Generate, inject, reward, compare."""
        group = self._group(weights, batch, rng)
        with keeping() as kept:
            parts_CBG, scaled_CBG, total_BG = self._rewarded(batch.logged, group)
        chosen = injected(self.spec, group, total_BG)
        if chosen is not group:  # other ids are in the group now, and a reward may see that
            group = chosen
            with keeping() as kept:
                parts_CBG, scaled_CBG, total_BG = self._rewarded(batch.logged, group)
        return Rollout(
            group,
            parts_CBG,
            total_BG,
            self._advantages(batch.logged, group, scaled_CBG, total_BG),
            kept.means(),
        )

    def _group(self, weights: Weights, batch: Batch, rng: np.random.Generator) -> Group:
        spec, logged = self.spec, batch.logged
        known = spec.off_policy == "propensity"
        forced_BL = forced_codes(logged, self.shop.ids, spec.guided_levels, rng)
        rollouts = sample(
            weights,
            self.vocabulary,
            self.trie,
            batch.prompts,
            spec.rollouts,
            rng=rng,
            temperature=spec.temperature,
            constrained=spec.constrained,
            forced_BL=forced_BL if spec.guided_levels else None,
        )
        experts = draw_experts(spec.experts, logged, self.shop, rng=rng, known=known)
        return expanded(rollouts, experts, forced_BL)

    def _rewarded(self, logged: Logged, group: Group) -> tuple[Floats, Floats, Floats]:
        """The rewards' own values, these scaled, and their sum."""
        parts_CBG = self.mix.parts(logged, group.samples, group.valid_BG)
        scaled_CBG = self.mix.scaled(parts_CBG, group.valid_BG)
        return parts_CBG, scaled_CBG, self.mix.total(scaled_CBG)

    def _advantages(
        self, logged: Logged, group: Group, scaled_CBG: Floats, total_BG: Floats
    ) -> Tensor:
        codes_BGL, levels_BGL = group.samples.codes_BGL, None
        if self.spec.credit in ("level", "gated"):
            levels_BGL = self.mix.levels(logged, group.samples, scaled_CBG)
        return advantages(
            self.spec,
            Scored(
                torch.from_numpy(total_BG),
                torch.from_numpy(scaled_CBG),
                torch.from_numpy(self.mix.weight_C),
                None if levels_BGL is None else torch.from_numpy(levels_BGL),
            ),
            torch.from_numpy(codes_BGL),
            torch.from_numpy(right_prefixes(codes_BGL, logged.clicked, self.shop.ids)),
            torch.from_numpy(group.valid_BG),
        )
