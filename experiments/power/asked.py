"""What the command was asked, read and checked before anything is looked at."""

import math
from dataclasses import dataclass
from pathlib import Path

from experiments.inference.power.aim import Aim
from experiments.inference.power.change import Change
from simulator.errors import ConfigError

MOST_DAYS = 365
DAYS = 28
REPETITIONS = 1_000
MOST_ARMS = 50
_ROUNDING = 1e-6  # by which shares may miss 1


@dataclass(frozen=True)
class Asked:
    """What was asked; None where the subject decides.

    Attributes:
        subject: folder of a run or a log; None: numbers are given.
        metric: name of the metric.
        effect, margin: as in `planning.Design`.
        power, confidence: as in `Aim`.
        shares: of the arms, control first.
        traffic: share of all units that take part.
        comparisons: among which the level is shared.
        days: for which it is told what is found.
        history: log of the period before, for CUPED.
        reduction: part of the variance that some method takes away (R^2).
        mean, variance, units_per_day: the numbers.
        repetitions: simulated tests; 0: none.
    """

    subject: Path | None = None
    metric: str | None = None
    effect: Change | None = None
    margin: Change | None = None
    power: float = 0.8
    confidence: float | None = None
    shares: tuple[float, ...] | None = None
    traffic: float = 1.0
    comparisons: int | None = None
    days: int | None = None
    history: Path | None = None
    reduction: float | None = None
    mean: float | None = None
    variance: float | None = None
    units_per_day: float | None = None
    repetitions: int = REPETITIONS

    def __post_init__(self) -> None:
        numbers = {
            "--mean": self.mean,
            "--variance": self.variance,
            "--units-per-day": self.units_per_day,
        }
        for name, value in numbers.items():
            if value is not None and not math.isfinite(value):
                raise ConfigError(f"{name} == {value}, must be a finite number")
            if value is not None and self.subject is not None:
                raise ConfigError(f"{name} == {value:g} with a run or log, must be without one")
        if self.subject is None and self.mean is None:
            raise ConfigError("RUN|LOG == none, must be a folder, or --mean and --variance")
        if self.subject is None and self.history is not None:
            raise ConfigError(f"--history == {self.history} without a log, must be with one")
        if self.days is not None and not 1 <= self.days <= MOST_DAYS:
            raise ConfigError(f"--days == {self.days}, must be 1 to {MOST_DAYS}")
        if self.reduction is not None and not 0 <= self.reduction < 1:
            raise ConfigError(f"--r2 == {self.reduction:g}, must be from 0 to below 1")
        if not 0 < self.traffic <= 1:
            raise ConfigError(f"--traffic == {self.traffic:g}, must be > 0 and at most 100%")
        self.aim(0.95, 2)

    @property
    def redesigned(self) -> bool:
        """Whether another test is meant than the one that a log may be of."""
        return self.shares is not None or self.traffic < 1

    def aim(self, confidence: float, arms: int) -> Aim:
        """How sure the test shall be.

        Args:
            confidence: where none was asked for.
            arms: how many the test has.
        """
        return Aim(
            confidence=confidence if self.confidence is None else self.confidence,
            power=self.power,
            comparisons=arms - 1 if self.comparisons is None else self.comparisons,
            one_sided=self.margin is not None,
        )


def parse_change(option: str, text: str | None) -> Change | None:
    """An effect: relative to control with a per cent sign, else in the metric's unit.

    Args:
        option: which was given, for errors.
        text: such as "1%", "-0.5%" or "0.02"; None: none was given.

    Raises:
        ConfigError: it is no number.
    """
    if text is None:
        return None
    relative = text.strip().endswith("%")
    return Change(_number(option, text) / (100 if relative else 1), relative)


def parse_part(option: str, text: str) -> float:
    """A part of the whole: "50%" or "0.5".

    Raises:
        ConfigError: it is no number.
    """
    return _number(option, text) / (100 if text.strip().endswith("%") else 1)


def parse_shares(arms: int | None, text: str | None) -> tuple[float, ...] | None:
    """The shares of the arms, control first.

    Args:
        arms: how many; None: as many as shares, or two.
        text: one share for each arm, with commas between them, or control's alone, of which the
            others have the rest in equal parts; None: all are equal.

    Returns:
        The shares; None where neither was given.

    Raises:
        ConfigError: shares that are not above 0 or do not sum to 1, or another number of arms.
    """
    if arms is not None and not 2 <= arms <= MOST_ARMS:
        raise ConfigError(f"--arms == {arms}, must be 2 to {MOST_ARMS}")
    if text is None:
        return None if arms is None else (1 / arms,) * arms
    shares = tuple(parse_part("--share", part) for part in text.split(","))
    if len(shares) == 1 and 0 < shares[0] < 1:
        others = (arms or 2) - 1
        shares += ((1 - shares[0]) / others,) * others
    if arms is not None and len(shares) != arms:
        raise ConfigError(f"--share == {text}, must be {arms} shares, one for each arm")
    if len(shares) > MOST_ARMS:
        raise ConfigError(f"--share == {len(shares)} shares, must be at most {MOST_ARMS}")
    if not all(0 < share < 1 for share in shares):
        raise ConfigError(f"--share == {text}, must be > 0 and < 1 each")
    if abs(sum(shares) - 1) > _ROUNDING:
        raise ConfigError(f"--share == {text}, sum {sum(shares):.6g}, must sum to 1")
    return shares


def _number(option: str, text: str) -> float:
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{option} == {text!r}, must be a number such as 0.02, or 1%")
    return value
