"""Between what a policy's value must lie, whatever the items bring that the log hardly shows.

A judged item has weak support where its weight would be above `WEAK_WEIGHT`, or where the log
cannot show it at all. With rho its probability, q its true outcome and s, w the judged items of
strong and of weak support,

    value = sum over s of rho q + sum over w of rho q,

and the first sum is what IPS estimates when it leaves out the weights that are too large. Of the
second only least <= q <= most is taken to be known, so

    IPS(kept) + least mass(w)  <=  value  <=  IPS(kept) + most mass(w)

(the worst-case bounds of Manski, American Economic Review 80, 1990, 319-323). Clipped IPS and
switch estimators replace the second sum by a guess, whose bias is up to (most - least) mass(w) and
is not told; this is why they are not offered here.
"""

from dataclasses import dataclass

from experiments.inference.offpolicy.moments import Moments
from experiments.records.interval import Interval, Number
from simulator.errors import ConfigError


@dataclass(frozen=True)
class Bounds:
    """Both ends between which a value lies.

    Attributes:
        low, high: per request, each with its own interval.
        weak: judged slots of a request whose support is weak or none.
        least, most: what all judged slots of a request may bring, were nothing known of them.
    """

    low: Interval
    high: Interval
    weak: Number
    least: Number
    most: Number

    @property
    def ends(self) -> tuple[float, float] | None:
        """From the low end of the low one to the high end of the high one: it holds the value at
        least as often as the intervals' level says."""
        low, high = self.low.low, self.high.high
        if low is None or high is None or self.least is None or self.most is None:
            return None
        return max(low, self.least), min(high, self.most)


def bounds(moments: Moments, *, least: float, most: float, confidence: float) -> Bounds:
    """The bounds of one kind of outcome.

    Args:
        moments: of it.
        least, most: between which the expected outcome of any slot lies; 0 and 1 for clicks.
        confidence: level of the intervals.

    Raises:
        ConfigError: least is not below most.
    """
    if not least < most:
        raise ConfigError(f"least == {least}, must be < most == {most}")
    low = moments.linear({"kept": 1.0, "weak": least}, confidence=confidence)
    high = moments.linear({"kept": 1.0, "weak": most}, confidence=confidence)
    weak = moments.linear({"weak": 1.0}, confidence=confidence).estimate
    all_least = moments.linear({"judged": least}, confidence=confidence).estimate
    all_most = moments.linear({"judged": most}, confidence=confidence).estimate
    return Bounds(low, high, weak, all_least, all_most)
