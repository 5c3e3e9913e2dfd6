"""The task of the generative channel: ids of items that a logged request may lead to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.experts import Group, draw_experts, forced_codes
from cqsid.alignment.settings import ExpertSpec
from cqsid.rewards.logged import Logged
from cqsid.rewards.mix import Mix
from cqsid.rewards.of_log import right_prefixes
from cqsid.rewards.reward import Floats, Samples
from cqsid.rewards.shop import Shop
from simulator.catalogue.catalog import Ints


@dataclass(frozen=True)
class IdTask:
    """Ids for logged requests; right are those of items that were clicked or bought.

    Attributes:
        mix: the reward.
        shop: what it may look up; its ids are the ones that may be generated.
    """

    mix: Mix
    shop: Shop

    @property
    def weight_C(self) -> Floats:
        """Weight of each component of the reward."""
        return self.mix.weight_C

    def forced(self, asked: Logged, levels: int, *, rng: np.random.Generator) -> Ints:
        """See `cqsid.alignment.experts.forced_codes`."""
        return forced_codes(asked, self.shop.ids, levels, rng)

    def experts(
        self, asked: Logged, spec: ExpertSpec, *, known: bool, rng: np.random.Generator
    ) -> Group:
        """See `cqsid.alignment.experts.draw_experts`."""
        return draw_experts(spec, asked, self.shop, rng=rng, known=known)

    def parts(self, asked: Logged, samples: Samples, valid_BG: NDArray[np.bool_]) -> Floats:
        """(C, B, G) each component's own values."""
        return self.mix.parts(asked, samples, valid_BG)

    def scaled(self, parts_CBG: Floats, valid_BG: NDArray[np.bool_]) -> Floats:
        """(C, B, G) the values scaled and clipped."""
        return self.mix.scaled(parts_CBG, valid_BG)

    def total(self, scaled_CBG: Floats) -> Floats:
        """(B, G) the weighted sum."""
        return self.mix.total(scaled_CBG)

    def levels(self, asked: Logged, samples: Samples, scaled_CBG: Floats) -> Floats | None:
        """(B, G, L) weighted reward of each code; None if no component rewards codes."""
        return self.mix.levels(asked, samples, scaled_CBG)

    def right(self, asked: Logged, samples: Samples) -> NDArray[np.bool_]:
        """(B, G, L) whether the prefix through each code is that of an item clicked or bought."""
        return right_prefixes(samples.codes_BGL, asked.clicked, self.shop.ids)

    def accurate(self, asked: Logged, samples: Samples) -> NDArray[np.bool_]:
        """(B, G) whether an id is that of an item clicked or bought."""
        return np.asarray(self.right(asked, samples)[..., -1])
