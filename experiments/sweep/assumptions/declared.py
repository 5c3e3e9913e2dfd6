"""Ranges of settings that nobody knows: as a user declares them, and those declared here."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.config.loading import key_in, load_config, setting_of
from experiments.config.tomlfiles import keys_given
from simulator.errors import ConfigError

_FORM = "must be KEY=LOW..HIGH or KEY=log:LOW..HIGH"
_WHOLE = re.compile(r"[+-]?\d[\d_]*")


@dataclass(frozen=True)
class Range:
    """What a setting may be.

    Attributes:
        key: path of the setting.
        low, high: both ends.
        log: whether its logarithm is uniform between them, and not the setting itself.
        whole: whether it takes whole numbers alone.
        hour: whether it is an hour of the day; the range may reach over midnight.
    """

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False
    hour: bool = False

    def at(self, place: float) -> str:
        """The value at a place from 0 (low) to 1 (high), to four digits, as `--set` takes it."""
        if self.whole:
            steps = math.floor(place * (self.high - self.low + 1))
            return str(int(min(self.low + steps, self.high)))
        if self.log:
            value = self.low * (self.high / self.low) ** place
        else:
            value = self.low + place * (self.high - self.low)
        return f"{value:.4g}"

    def place(self, value: float) -> float:
        """The place of a value from 0 (low) to 1 (high); of a whole number, the middle of its."""
        if self.whole:
            return (value - self.low + 0.5) / (self.high - self.low + 1)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        if self.hour:
            value += 24 * round(((self.low + self.high) / 2 - value) / 24)
        return (value - self.low) / (self.high - self.low)


DECLARED = (
    Range("queries.vocabulary_gap", 0.2, 0.6),
    Range("queries.variety", 0.05, 0.25),
    Range("queries.brand_share", 0.1, 0.5),
    Range("catalog.title_synonyms", 0.1, 0.4),
    Range("catalog.title_omissions", 0.15, 0.45),
    Range("catalog.demand_sigma", 0.6, 1.2),
    Range("shoppers.patience", 4.0, 10.0),
    Range("shoppers.price_sensitivity", 0.35, 1.4, log=True),
    Range("shoppers.tolerance", 5.0, 20.0, log=True),
    Range("world.sessions.reformulate", 0.35, 0.6),
    Range("world.behavior.match", 4.0, 6.0),
    Range("world.behavior.taste", 0.25, 1.0, log=True),
    Range("world.behavior.quality", 0.25, 1.0, log=True),
    Range("world.behavior.satisfaction", 5.0, 7.0),
)
"""What is varied where nothing is declared: settings of the market without a published source, from
about half to twice their default, or by as much as leaves a shop that one can believe."""


def parse_vary(text: str) -> Range:
    """What `--vary KEY=LOW..HIGH` says; `KEY=log:LOW..HIGH` is uniform in the logarithm.

    Raises:
        ConfigError: no key, no two numbers, a low end that is not below the high one, or a
            logarithm of what is not positive.
    """
    key, equals, told = text.partition("=")
    key, told = key.strip(), told.strip()
    log = told.startswith("log:")
    ends = told.removeprefix("log:").split("..")
    if not equals or not key or len(ends) != 2:
        raise ConfigError(f"--vary {text}, {_FORM}")
    low, high = (_number(end.strip(), text) for end in ends)
    if not low < high:
        raise ConfigError(f"--vary {text}: low == {low:g}, must be < high == {high:g}")
    if log and low <= 0:
        raise ConfigError(f"--vary {text}: low == {low:g}, must be > 0 where its log is uniform")
    whole = not log and all(_WHOLE.fullmatch(end.strip()) for end in ends)
    return Range(key, low, high, log, whole)


def _number(end: str, text: str) -> float:
    try:
        number = float(end)
    except ValueError:
        raise ConfigError(f"--vary {text}: {end!r} == no number, {_FORM}") from None
    if not math.isfinite(number):
        raise ConfigError(f"--vary {text}: {end} == not finite, {_FORM}")
    return number


def declared_for(source: str, overrides: Sequence[str]) -> tuple[Range, ...]:
    """Those of `DECLARED` that a config has, and that are not set by hand.

    Raises:
        ConfigError: the settings are wrong.
    """
    config = load_config(source, overrides)
    given = keys_given(overrides)
    here = [replace(each, key=key_in(config, each.key)) for each in DECLARED]
    return tuple(
        each for each in here if each.key not in given and setting_of(config, each.key) is not None
    )
