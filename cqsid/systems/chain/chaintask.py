"""The task of a chain judge: verdicts and a grade of pairs whose true ones are known.

Axis suffixes: B pairs, G chains of a group, L codes, C rewards.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.experts import Group
from cqsid.alignment.settings import ExpertSpec
from cqsid.rewards.reward import Floats, Samples
from cqsid.systems.chain.chains import GRADE, VERDICTS, Chains
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError

REWARDS: Final = ("grade", "agreement", "verdicts")
"""Of a chain: a right grade; a grade that its verdicts give; right verdicts behind the gate."""
WEIGHTS: Final = {
    "dpo": (1.0, 0.0, 0.0),
    "grpo": (1.0, 0.2, 0.0),
    "agrl": (1.0, 0.0, 0.5),
    "she": (1.0, 0.0, 0.0),
}
"""Inferred: what papers weigh is not public."""


@dataclass(frozen=True)
class ChainTask:
    """Chains for pairs. What is asked is `(B, L)` the true codes of B pairs.

    Attributes:
        chains: the order of their codes.
        weights: of `REWARDS`.
    """

    chains: Chains
    weights: tuple[float, ...]

    @property
    def weight_C(self) -> Floats:
        """What each reward counts."""
        return np.array(self.weights, np.float32)

    def forced(self, asked: Ints, levels: int, *, rng: np.random.Generator) -> Ints:
        """(B, L) the first `levels` true codes; -1: free. No luck is needed.

        Raises:
            ConfigError: no code would be left to learn from.
        """
        if not 0 <= levels < len(self.chains.names):
            most = len(self.chains.names) - 1
            raise ConfigError(f"guided_levels == {levels}, must be 0 to {most}")
        forced_BL = np.full(asked.shape, -1, np.int32)
        forced_BL[:, :levels] = asked[:, :levels]
        return forced_BL

    def experts(
        self, asked: Ints, spec: ExpertSpec, *, known: bool, rng: np.random.Generator
    ) -> Group:
        """The true chain as the one expert; further places are empty. No luck is needed.

        Raises:
            ConfigError: the propensity of a true chain is asked for.
        """
        if known:
            raise ConfigError("off_policy == 'propensity', must be another: no log held the chains")
        codes_BKL = np.repeat(asked[:, None], spec.count, axis=1)
        sid_BK = self.chains.numbers(codes_BKL.reshape(-1, asked.shape[1]))
        sid_BK = sid_BK.reshape(codes_BKL.shape[:2])
        valid_BK = np.zeros(sid_BK.shape, np.bool_)
        valid_BK[:, :1] = True
        ones_BKL = np.ones(codes_BKL.shape, np.bool_)
        sure_BK = np.ones(sid_BK.shape, np.float32)
        return Group.of(codes_BKL, sid_BK, ones_BKL[..., 0], valid_BK, ones_BKL, sure_BK)

    def parts(self, asked: Ints, samples: Samples, valid_BG: NDArray[np.bool_]) -> Floats:
        """(C, B, G) each of `REWARDS`.

        Verdicts count a third each where they are right, and nothing where the category is wrong:
        the hard gate of TaoSR-AGRL.
        """
        same_BGL = samples.codes_BGL == asked[:, None]
        named = {name: same_BGL[..., at] for at, name in enumerate(self.chains.names)}
        right_BG = np.mean([named[name] for name in VERDICTS], axis=0) * named["category"]
        agrees_BG = self.chains.agrees(samples.codes_BGL)
        return np.stack([named[GRADE], agrees_BG, right_BG]).astype(np.float32)

    def scaled(self, parts_CBG: Floats, valid_BG: NDArray[np.bool_]) -> Floats:
        """(C, B, G) the rewards as they are; 0 in places that do not count."""
        return np.where(valid_BG, parts_CBG, np.float32(0))

    def total(self, scaled_CBG: Floats) -> Floats:
        """(B, G) the weighted sum."""
        return np.asarray(np.einsum("c,cbg->bg", self.weight_C, scaled_CBG), np.float32)

    def levels(self, asked: Ints, samples: Samples, scaled_CBG: Floats) -> Floats:
        """(B, G, L) 1 for each code that is right: the steps of TaoSR-SHE, annotators verify."""
        return np.asarray(samples.codes_BGL == asked[:, None], np.float32)

    def right(self, asked: Ints, samples: Samples) -> NDArray[np.bool_]:
        """(B, G, L) whether all codes through this one are true."""
        return np.logical_and.accumulate(samples.codes_BGL == asked[:, None], axis=2)

    def accurate(self, asked: Ints, samples: Samples) -> NDArray[np.bool_]:
        """(B, G) whether the grade is the true one."""
        at = self.chains.grade_level
        return np.asarray(samples.codes_BGL[..., at] == asked[:, None, at])
