"""A mix of rewards: each asked and checked, scaled, clipped, weighted, and summed.

Axis suffixes: C components, B requests, G ids of a group, L levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cqsid.rewards.remarks import component
from cqsid.rewards.reward import Floats, LevelReward, Reward, RewardSpec, Samples, Scale, checked
from cqsid.rewards.shop import Shop
from simulator.calling import blaming, call

if TYPE_CHECKING:  # they load numba, which readers of settings do not need
    from cqsid.rewards.logged import Logged

_TIED = 1e-6  # spread, relative to the values, that is no more than float32's rounding


@dataclass(frozen=True)
class Part:
    """One component of a mix.

    Attributes:
        name: unique in the mix.
        spec: its weight, scale and bounds.
        reward: what is called.
        shop: what it may look up.
        place: where its settings stand, for errors.
    """

    name: str
    spec: RewardSpec
    reward: Reward
    shop: Shop
    place: str


class Mix:
    """Several rewards as one; see `cqsid.rewards.registry.build_mix`.

    Attributes:
        names: of the components, unique.
        weight_C: float32 weights of the components.
        told: all settings as JSON; equal texts make equal rewards of equal shops.
    """

    def __init__(self, parts: tuple[Part, ...], told: str) -> None:
        self._parts = parts
        self.names = tuple(part.name for part in parts)
        self.weight_C = np.array([part.spec.weight for part in parts], np.float32)
        self.told = told

    def __call__(self, logged: Logged, samples: Samples) -> Floats:
        """(B, G) the total, every place of every group counted."""
        valid_BG = np.ones(samples.shape, np.bool_)
        return self.total(self.scaled(self.parts(logged, samples), valid_BG))

    def parts(
        self, logged: Logged, samples: Samples, valid_BG: NDArray[np.bool_] | None = None
    ) -> Floats:
        """(C, B, G) each component's own values.

        Args:
            logged, samples: what is asked about.
            valid_BG: places that count; the ids in others are hidden (as ids of no item), so that
                rewards that look at a whole group do not see them. None: all.

        Raises:
            ContractError: a component raised, or its answer has another shape than (B, G), is
                no numbers, or is not finite.
        """
        if valid_BG is not None:
            hidden_BG = np.where(valid_BG, samples.sid_BG, np.int32(-1))
            samples = Samples(samples.codes_BGL, hidden_BG)
        return np.stack([_asked(part, part.reward, logged, samples, ()) for part in self._parts])

    def scaled(self, parts_CBG: Floats, valid_BG: NDArray[np.bool_]) -> Floats:
        """(C, B, G) the values scaled and clipped, not weighted; 0 in places that do not count.

        Args:
            parts_CBG: values of the components.
            valid_BG: places that count; the others have no part in means and deviations.
        """
        out_CBG = np.empty(parts_CBG.shape, np.float32)
        for c, part in enumerate(self._parts):
            values_BG = scaled(parts_CBG[c], valid_BG, part.spec.scale)
            if part.spec.clip is not None:
                values_BG = np.clip(values_BG, *part.spec.clip)
            out_CBG[c] = np.where(valid_BG, values_BG, 0)
        return out_CBG

    def total(self, scaled_CBG: Floats) -> Floats:
        """(B, G) the weighted sum."""
        return np.asarray(np.einsum("c,cbg->bg", self.weight_C, scaled_CBG), np.float32)

    def levels(
        self, logged: Logged, samples: Samples, scaled_CBG: Floats | None = None
    ) -> Floats | None:
        """(B, G, L) weighted reward of each code; None if no component rewards codes.

        A component that rewards whole ids counts at the last code. What rewards codes is only
        weighted: scale and clip are for whole ids.

        Args:
            logged, samples: as for `parts`.
            scaled_CBG: `scaled` values, where they are known already.

        Raises:
            ContractError: as `parts`.
        """
        each = {c: p.reward for c, p in enumerate(self._parts) if isinstance(p.reward, LevelReward)}
        if not each:
            return None
        if scaled_CBG is None and len(each) < len(self._parts):
            valid_BG = np.ones(samples.shape, np.bool_)
            scaled_CBG = self.scaled(self.parts(logged, samples), valid_BG)
        out_BGL = np.zeros(samples.codes_BGL.shape, np.float32)
        for c, part in enumerate(self._parts):
            if c in each:
                more = (samples.codes_BGL.shape[2],)
                values_BGL = _asked(part, each[c].levels, logged, samples, more)
                out_BGL += self.weight_C[c] * values_BGL
            elif scaled_CBG is not None:
                out_BGL[..., -1] += self.weight_C[c] * scaled_CBG[c]
        return out_BGL


def scaled(values_BG: Floats, valid_BG: NDArray[np.bool_], scale: Scale) -> NDArray[np.float64]:
    """(B, G) values with mean 0 and variance 1 over the valid places of a group or of a batch.

    Where they tie, they become 0. With "none" they stay.
    """
    raw_BG = np.asarray(values_BG, np.float64)
    if scale == "none":
        return raw_BG
    axis = 1 if scale == "group" else (0, 1)

    def mean(of_BG: NDArray[np.float64]) -> NDArray[np.float64]:
        number = np.maximum(valid_BG.sum(axis=axis, keepdims=True), 1)
        return np.asarray(np.where(valid_BG, of_BG, 0).sum(axis=axis, keepdims=True) / number)

    off_BG = raw_BG - mean(raw_BG)
    std, size = np.sqrt(mean(off_BG**2)), np.sqrt(mean(raw_BG**2))
    return np.divide(off_BG, std, out=np.zeros_like(off_BG), where=std > _TIED * size)


def _asked(
    part: Part,
    ask: Callable[[Logged, Samples, Shop], Any],
    logged: Logged,
    samples: Samples,
    more: tuple[int, ...],
) -> Floats:
    """What a component answers, checked; `more` are axes beyond (B, G)."""
    shape = (*samples.shape, *more)
    blamed = blaming(f"{part.place}:", f"return values of shape {shape}")
    with blamed, component(part.name):
        values = call(part.place, ask, logged, samples, part.shop)
    return checked(values, shape, part.place)
