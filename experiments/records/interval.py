"""A number and the interval around it: the one form in which every record tells an estimate."""

from dataclasses import dataclass

Number = float | None
"""None where the data do not determine a number; it is `null` in JSON, never NaN."""


@dataclass(frozen=True)
class Interval:
    """A number with its interval; None where the data do not determine it.

    Attributes:
        estimate: the number.
        low, high: both ends of its interval, or neither; their level is the file's `confidence`.
    """

    estimate: Number
    low: Number
    high: Number

    @property
    def numbers(self) -> tuple[Number, Number, Number]:
        """Estimate, low and high."""
        return self.estimate, self.low, self.high

    @property
    def ends(self) -> tuple[float, float] | None:
        """Low and high, where there is an interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def alone(self) -> "Interval":
        """The number without its interval."""
        return Interval(self.estimate, None, None)

    @property
    def turned(self) -> "Interval":
        """The number with its sign turned, such as a loss as a gain."""
        middle, low, high = (None if each is None else -each for each in self.numbers)
        return Interval(middle, high, low)

    def over(self, base: float) -> "Interval":
        """The number and its ends as parts of a base that is taken as given."""
        return Interval(*(None if each is None else each / base for each in self.numbers))

    def holds(self, number: Number) -> bool | None:
        """Whether a number lies in the interval; None where either is not known."""
        if self.low is None or self.high is None or number is None:
            return None
        return self.low <= number <= self.high


UNKNOWN = Interval(None, None, None)
"""Nothing is determined, or there is nothing to be told."""
