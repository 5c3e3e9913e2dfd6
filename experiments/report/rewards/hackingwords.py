"""Whether a policy's reward ran ahead of what the simulated shoppers give for it, in words."""

from enum import StrEnum

from experiments.inference.finding import Finding, decide
from experiments.records.interval import Number
from experiments.records.rewards import Hacking
from experiments.report.kit.digits import THIN, between, fixed


class Sign(StrEnum):
    """What the end of the trainings tells about reward hacking."""

    HACKED = "hacked"
    """The reward rose, really more than the oracle, and the oracle really fell."""

    AHEAD = "ahead"
    """The reward really rose more than the oracle."""

    BEHIND = "behind"
    """The oracle really rose more than the reward."""

    NONE = "none"
    """No gap that can be told from zero."""

    UNKNOWN = "unknown"
    """There is no interval."""


_SIGNS = {
    Finding.MORE: Sign.AHEAD,
    Finding.LESS: Sign.BEHIND,
    Finding.UNTOLD: Sign.NONE,
    Finding.MISSING: Sign.UNKNOWN,
}


def sign(row: Hacking) -> Sign:
    """What a row tells: each interval by itself, without a correction for their number."""
    gap, risen = decide(row.gap), (row.reward.estimate or 0.0) > 0
    if gap is Finding.MORE and risen and decide(row.oracle) is Finding.LESS:
        return Sign.HACKED
    return _SIGNS[gap]


def hacking_sentence(row: Hacking, *, oracle: bool = False) -> str:
    """The same as a plain sentence.

    Args:
        row: gains at the end of the trainings.
        oracle: whether the reward asks the simulated shopper itself.
    """
    gap = f"{spread(row.gap.estimate)} [{between(row.gap, 2)}]"
    told = {
        Sign.UNKNOWN: "Reward hacking: unknown, for the gap has no interval.",
        Sign.HACKED: f"Reward hacking: its reward rose while what the shoppers would give fell, "
        f"a gap of {gap}.",
        Sign.AHEAD: f"A sign of reward hacking: its reward ran ahead of what the shoppers would "
        f"give by {gap}.",
        Sign.BEHIND: f"No reward hacking: what the shoppers would give rose more than its reward, "
        f"a gap of {gap}.",
        Sign.NONE: f"No reward hacking that can be told from chance: a gap of {gap}.",
    }[sign(row)]
    return told + (" Its reward asks the simulated shopper itself." if oracle else "")


def spread(value: Number) -> str:
    """A gain in units of the spread of the supervised model's values."""
    return "unknown" if value is None else f"{fixed(value, 2, sign=True)}{THIN}sd"
