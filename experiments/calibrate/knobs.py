"""Settings that have no likelihood, and the fact of a log that each is told by."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

from experiments.config.loading import key_in, setting_of
from experiments.config.schema import Config
from experiments.records.calibration import Scale


@dataclass(frozen=True)
class Knob:
    """One setting.

    Attributes:
        key: its path.
        scale: on which it is fitted, see `Posterior`.
        spread: standard deviation, on that scale, of what is believed before the log is seen; its
            middle is what the config has.
        fact: of `FACTS`.
    """

    key: str
    scale: Scale
    spread: float
    fact: str

    def place(self, value: float) -> float:
        """On the scale."""
        if self.scale == "log":
            return math.log(value)
        return math.log(value / (1 - value)) if self.scale == "logit" else value

    def fits(self, value: object) -> bool:
        """Whether a config's value can be moved on the scale."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return value > 0 if self.scale == "log" else self.scale != "logit" or 0 < value < 1


KNOBS = (
    Knob("world.behavior.click_cost", "plain", 1.0, "clicks of a page"),
    Knob("world.behavior.outside", "plain", 1.0, "orders of a click"),
    Knob("world.behavior.basket_cost", "plain", 2.0, "orders of several items"),
    Knob("world.sessions.reformulate", "logit", 0.7, "pages followed by other words"),
    Knob("world.sessions.next_page", "logit", 0.7, "pages followed by the next page"),
    Knob("queries.variety", "logit", 0.7, "different texts among first queries"),
    Knob("queries.frequency_exponent", "log", 0.3, "two first queries of one text"),
    Knob("catalog.demand_sigma", "log", 0.3, "two purchases of one item"),
    Knob("catalog.price_sigma", "log", 0.4, "spread of prices paid"),
)
"""Each moves its own fact most, and others a little: all are fitted at once."""


def here(config: Config) -> tuple[Knob, ...]:
    """All of them, by their paths in a config."""
    return tuple(replace(each, key=key_in(config, each.key)) for each in KNOBS)


def knobs_of(
    config: Config, facts: dict[str, float | None], given: Collection[str] = ()
) -> tuple[Knob, ...]:
    """Those that a config has and a log tells, by their paths in that config.

    Args:
        facts: of the log; None: it does not tell that one.
        given: paths of settings that are known, and not fitted.
    """
    return tuple(
        knob
        for knob in here(config)
        if knob.key not in given
        and facts.get(knob.fact) is not None
        and knob.fits(setting_of(config, knob.key))
    )
