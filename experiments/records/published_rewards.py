"""What the paper reports of aligning its generator (arXiv 2605.14434), to be held beside ours.

Its catalogue, log, model and shoppers are other ones: compare orders and relative gains, not
levels. It gives no intervals.
"""

from experiments.records.rewards import CLK_1, CLK_10, EXP_1, EXP_10, PVR_10

SOURCE = "arXiv 2605.14434"

MEASURES = (CLK_1, CLK_10, EXP_1, EXP_10, PVR_10)
"""The offline measures that it reports."""

BASE = "SFT"
"""Its supervised model."""

PUBLISHED: dict[str, tuple[float, ...]] = {
    BASE: (0.1510, 0.5206, 0.5056, 0.8693, 0.4371),
    "GRPO": (0.1519, 0.5196, 0.5077, 0.8702, 0.4360),
    "EG-GRPO, K = 2": (0.1524, 0.5221, 0.5091, 0.8703, 0.4377),
    "EG-GRPO, K = 4": (0.1523, 0.5219, 0.5087, 0.8711, 0.4378),
}
"""Its levels, in the order of `MEASURES`."""

ONLINE_GAINS = {"gmv": 0.0115, "uctcvr": 0.0040}
"""Its lifts in a two-week online test, as fractions; against what is not told in full."""

SHARES = {"exposure": 0.5025, "click": 0.5896, "purchase": 0.7263}
"""Shares of events that its channel holds; how items of several channels count is not told."""


def relative(name: str, measure: str) -> float:
    """A published level over that of its supervised model, minus 1."""
    at = MEASURES.index(measure)
    return PUBLISHED[name][at] / PUBLISHED[BASE][at] - 1
