"""A tiny shop in which tomorrow's mean follows today's by a known recursion."""

from dataclasses import dataclass

import numpy as np

from experiments.inference.interference.rollout import RollOut, rolled_out


@dataclass(frozen=True)
class LinearShop:
    """A shopper's outcome is a + b m + c p + d w + f m p + g m w + noise, m yesterday's mean."""

    a: float = 1.0
    b: float = 0.5
    c: float = -0.6
    d: float = 0.4
    f: float = 0.0
    g: float = 0.0

    def next(self, mean: float, share: float, treated: np.ndarray | float) -> np.ndarray:
        own = self.d * treated + self.g * mean * treated
        others = self.c * share + self.f * mean * share
        return np.asarray(self.a + self.b * mean + others + own)

    def effect(self, first: float, days: int) -> float:
        """Everybody treated over nobody, averaged over the days after the first."""
        found = []
        for share in (1.0, 0.0):
            mean, means = first, []
            for _ in range(days - 1):
                mean = float(self.next(mean, share, share))
                means.append(mean)
            found.append(np.mean(means))
        return float(found[0] - found[1])

    def lived(
        self,
        shares: list[float],
        *,
        shoppers: int = 400,
        first: float = 1.0,
        noise: float = 0.0,
        calendar: list[float] | None = None,
        rng: np.random.Generator,
    ) -> RollOut:
        """Shares grow from 0; the calendar adds to every outcome of a day."""
        turn_U = rng.permutation((np.arange(shoppers) + 0.5) / shoppers)
        treated_UT = turn_U[:, None] < np.array(shares)
        outcome = [first + noise * rng.standard_normal(shoppers)]
        mean = first
        for day in range(1, len(shares)):
            share = float(treated_UT[:, day].mean())
            level_U = self.next(mean, share, treated_UT[:, day].astype(float))
            level_U = level_U + (calendar[day] if calendar else 0.0)
            mean = float(level_U.mean())
            outcome.append(level_U + noise * rng.standard_normal(shoppers))
        return rolled_out(np.stack(outcome, axis=1), treated_UT)
