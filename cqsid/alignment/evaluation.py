"""The policy on held-out requests: what it finds, how sure it is, and what its best ids are worth.

Axis suffixes: V held-out requests, R requests of a chunk, N beams, G best ids, L levels, K codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cqsid.alignment.measures import BEST, WIDTHS, covered_B, first_codes_B, item_recall_B
from cqsid.alignment.policy import distributions
from cqsid.alignment.report import Evaluation
from cqsid.decoding.decoder import Decoder, Softmax
from cqsid.decoding.trie import Trie
from cqsid.generator.prompts import Prompts
from cqsid.generator.transformer import Weights
from cqsid.generator.vocabulary import Vocabulary
from cqsid.rewards.contract import RewardFault, validated
from cqsid.rewards.logged import Logged
from cqsid.rewards.mix import Mix
from cqsid.rewards.reward import Reward, Samples
from cqsid.rewards.shop import Shop
from recall.device import one_thread
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, ContractError, DataError

Watched = dict[str, NDArray[np.float64]]

REWARD: Final = "reward"
"""Name under which the optimised reward is watched; no probe may have it."""

_CHUNK: Final = 64  # requests whose distributions are held at once


@dataclass(frozen=True)
class Evaluator:
    """Evaluates weights on V held-out requests, by beam search as in service.

    Attributes:
        logged_V: the requests. Hit rates and item recall are means over those with clicks.
        prompts_V: their prompts.
        shop: ids that may be generated, and what rewards look up.
        mix: the reward that is optimised.
        probes: rewards that are only watched, by name.
        vocabulary, softmax: of the generator.
        beam: ids of a beam.
        reference: the supervised model.

    Raises:
        ConfigError: a probe is called "reward".
        DataError: no request with clicks, or another number of prompts.
    """

    logged_V: Logged
    prompts_V: Prompts
    shop: Shop
    mix: Mix
    probes: Mapping[str, Reward]
    vocabulary: Vocabulary
    softmax: Softmax
    beam: int
    reference: Weights

    def __post_init__(self) -> None:
        if REWARD in self.probes:
            raise ConfigError(f"probes == {REWARD!r} among them, must be other names")
        if len(self.prompts_V) != len(self.logged_V):
            wanted = f"must be {len(self.logged_V)} as the requests"
            raise DataError(f"prompts_V == {len(self.prompts_V)} prompts, {wanted}")
        if not self.logged_V.clicked.lengths.any():
            raise DataError("logged_V == 0 requests with clicks, must be > 0")

    def __call__(self, weights: Weights, step: int) -> tuple[Evaluation, Watched]:
        """Evaluate some weights.

        Returns:
            The figures, and (V,) the mean value of the best ten ids of each request: of the
            reward, by its weights but neither scaled nor clipped, as "reward"; of each probe by
            its name. Fewer ids than ten where the beam is narrower or the shop has fewer.

        Raises:
            ContractError: a reward broke its contract.
        """
        with one_thread(), torch.no_grad():
            sid_VN = self._beams(weights)
            best_VG = sid_VN[:, : min(BEST, int((sid_VN >= 0).sum(axis=1).min()))]
            samples = Samples(self.shop.ids.sids_SL[best_VG], best_VG)
            entropy_L, kl = self._spread(weights, samples.codes_BGL)
            watched = self._watched(samples)
        rows = np.flatnonzero(self.logged_V.clicked.lengths)
        targets, found_RN, ids = self.logged_V.clicked.take(rows), sid_VN[rows], self.shop.ids
        means = {name: float(value_V.mean()) for name, value_V in watched.items()}
        reward = means.pop(REWARD)
        evaluation = Evaluation(
            step=step,
            hit_rates=tuple(
                float(covered_B(found_RN, width, targets, ids).mean()) for width in WIDTHS
            ),
            recall=float(item_recall_B(found_RN, targets, self.shop.shelves).mean()),
            entropy_L=entropy_L,
            first_codes=float(first_codes_B(best_VG, ids).mean()),
            kl=kl,
            reward=reward,
            probes=means,
        )
        return evaluation, watched

    def _beams(self, weights: Weights) -> Ints:
        trie = Trie.of(self.shop.ids.sids_SL, self.shop.ids.sizes)
        decoder = Decoder(weights, self.vocabulary, trie, softmax=self.softmax)
        return decoder.decode(self.prompts_V, self.beam).sid_BN

    def _spread(self, weights: Weights, codes_VGL: Ints) -> tuple[tuple[float, ...], float]:
        """Mean entropy of each level, and divergence from the reference, along the given ids."""
        entropies, divergences = [], []
        for start in range(0, len(codes_VGL), _CHUNK):
            rows = slice(start, start + _CHUNK)
            policy, reference = (
                self._distributions(each, codes_VGL, rows) for each in (weights, self.reference)
            )
            pairs = zip(policy, reference, strict=True)
            entropies.append(torch.stack([entropy_RG(own).mean(dim=1) for own in policy]))
            kl_LR = [divergence_RG(own, held).mean(dim=1) for own, held in pairs]
            divergences.append(torch.stack(kl_LR).sum(dim=0))
        entropy_L = torch.cat(entropies, dim=1).mean(dim=1)
        return tuple(entropy_L.tolist()), float(torch.cat(divergences).mean())

    def _distributions(self, weights: Weights, codes_VGL: Ints, rows: slice) -> list[Tensor]:
        """Log-probabilities of each level's codes behind each beginning of some requests' ids."""
        found = distributions(
            weights,
            self.vocabulary,
            self.prompts_V.rows(rows).trimmed(),
            codes_VGL[rows],
            softmax=self.softmax,
        )
        # Under a softmax over all tokens other tokens have a share, too.
        return [logp_RGK.double().cpu().log_softmax(dim=-1) for logp_RGK in found]

    def _watched(self, samples: Samples) -> Watched:
        """(V,) mean values of each request's ids."""
        logged, shop = self.logged_V, self.shop
        worth_VG = {REWARD: self.mix.total(self.mix.parts(logged, samples))}
        for name, probe in self.probes.items():
            try:
                worth_VG[name] = validated(probe(logged, samples, shop), samples.shape)
            except RewardFault as fault:
                raise ContractError(f"probes.{name}: {fault}") from fault
        return {name: each.mean(axis=1, dtype=np.float64) for name, each in worth_VG.items()}


def entropy_RG(logp_RGK: Tensor) -> Tensor:
    """Entropy of distributions (nats); codes without any chance count as 0."""
    return -_expected(logp_RGK, logp_RGK)


def divergence_RG(logp_RGK: Tensor, reference_RGK: Tensor) -> Tensor:
    """Kullback-Leibler divergence of distributions from those of a reference (nats)."""
    return _expected(logp_RGK, logp_RGK - reference_RGK)


def _expected(logp_RGK: Tensor, values_RGK: Tensor) -> Tensor:
    possible_RGK = logp_RGK > -torch.inf
    return torch.where(possible_RGK, logp_RGK.exp() * values_RGK, 0.0).sum(dim=-1)
