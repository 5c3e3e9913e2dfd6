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

from cqsid.alignment.idtask import IdTask
from cqsid.alignment.measures import WIDTHS, first_codes_B, item_recall_B
from cqsid.alignment.policy import distributions
from cqsid.alignment.report import Evaluation
from cqsid.alignment.rollout import Batch, Roller
from cqsid.alignment.settings import BEST
from cqsid.decoding.decoder import Decoder
from cqsid.decoding.evaluate import hit_rate_B
from cqsid.generator.transformer import Weights
from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Reward, Samples, checked
from recall.device import one_thread
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError, DataError

Watched = dict[str, NDArray[np.float64]]

REWARD: Final = "reward"
"""Name under which the optimised reward is watched; no probe may have it."""

_CHUNK: Final = 64  # requests whose distributions are held at once


@dataclass(frozen=True)
class Evaluator:
    """Evaluates weights on V held-out requests, by beam search as in service.

    Attributes:
        roller: what belongs to the generator, ids that may be generated, what rewards look up, and
            the reward that is optimised.
        held: the requests with their prompts. Hit rates and item recall are means over those with
            clicks.
        probes: rewards that are only watched, by name.
        beam: ids of a beam.
        reference: the supervised model.

    Raises:
        ConfigError: a probe is called "reward".
        DataError: no request with clicks, or another number of prompts.
    """

    roller: Roller[IdTask]
    held: Batch[Logged]
    probes: Mapping[str, Reward]
    beam: int
    reference: Weights

    def __post_init__(self) -> None:
        if REWARD in self.probes:
            raise ConfigError(f"probes == {REWARD!r} among them, must be other names")
        requests, prompts = len(self.held.asked), len(self.held.prompts)
        if prompts != requests:
            raise DataError(f"prompts == {prompts} prompts, must be {requests} as the requests")
        if not self.held.asked.clicked.lengths.any():
            raise DataError("logged == 0 requests with clicks, must be > 0")

    def __call__(self, weights: Weights, step: int) -> tuple[Evaluation, Watched]:
        """Evaluate some weights.

        Returns:
            The figures, and (V,) the mean value of the best ten ids of each request: of the
            reward, by its weights but neither scaled nor clipped, as "reward"; of each probe by
            its name. Fewer ids than ten where the beam is narrower or the shop has fewer.

        Raises:
            ContractError: a reward broke its contract.
        """
        roller, ids = self.roller, self.roller.task.shop.ids
        with one_thread(), torch.no_grad():
            decoder = Decoder(weights, roller.vocabulary, roller.trie, softmax=roller.softmax)
            sid_VN = decoder.decode(self.held.prompts, self.beam).sid_BN
            best_VG = sid_VN[:, : min(BEST, int((sid_VN >= 0).sum(axis=1).min()))]
            samples = Samples(ids.sids_SL[best_VG], best_VG)
            entropy_L, kl = self._spread(weights, samples.codes_BGL)
            watched = self._watched(samples)
        clicked, shelves = self.held.asked.clicked, self.roller.task.shop.shelves
        rows = np.flatnonzero(clicked.lengths)
        targets, found_RN = clicked.take(rows), sid_VN[rows]
        means = {name: float(value_V.mean()) for name, value_V in watched.items()}
        reward = means.pop(REWARD)
        evaluation = Evaluation(
            step=step,
            hit_rates=tuple(
                float(hit_rate_B(found_RN, width, targets, ids).mean()) for width in WIDTHS
            ),
            recall=float(item_recall_B(found_RN, targets, shelves).mean()),
            entropy_L=entropy_L,
            first_codes=float(first_codes_B(best_VG, ids).mean()),
            kl=kl,
            reward=reward,
            probes=means,
        )
        return evaluation, watched

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
            self.roller.vocabulary,
            self.held.prompts.rows(rows).trimmed(),
            codes_VGL[rows],
            softmax=self.roller.softmax,
        )
        # Under a softmax over all tokens other tokens have a share, too.
        return [logp_RGK.double().cpu().log_softmax(dim=-1) for logp_RGK in found]

    def _watched(self, samples: Samples) -> Watched:
        """(V,) mean values of each request's ids."""
        logged, mix = self.held.asked, self.roller.task.mix
        worth_VG = {REWARD: mix.total(mix.parts(logged, samples))}
        for name, probe in self.probes.items():
            values = probe(logged, samples, self.roller.task.shop)
            worth_VG[name] = checked(values, samples.shape, f"probes.{name}")
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
