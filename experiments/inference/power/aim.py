"""How sure a planned test shall be."""

from dataclasses import dataclass

from simulator.errors import ConfigError

MOST_COMPARISONS = 1_000


@dataclass(frozen=True)
class Aim:
    """How sure a planned test shall be.

    The decision is that of `inference.estimates`: an effect is found where the two-sided interval
    of the difference excludes 0; a treatment is not inferior where the end of the same interval
    that lies on the bad side is within the margin. So a test of non-inferiority has one tail of the
    two (as a regulator asks of it: one-sided at half the level; EMA, "Points to consider on
    switching between superiority and non-inferiority", 2000).

    Several comparisons (treatments against one control) share the level: each has one over their
    number. That is Bonferroni's, and the first step of Holm's correction, whose later steps are
    laxer; so power by Holm is this much at least.

    Attributes:
        confidence: level of the interval of a single comparison.
        power: the chance that the test finds an effect that is there.
        comparisons: among which the level is shared.
        one_sided: whether it is a test of non-inferiority.

    Raises:
        ConfigError: a number out of its range.
    """

    confidence: float = 0.95
    power: float = 0.8
    comparisons: int = 1
    one_sided: bool = False

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1:
            raise ConfigError(f"confidence == {self.confidence}, must be > 0.5 and < 1")
        if not 1 <= self.comparisons <= MOST_COMPARISONS:
            raise ConfigError(
                f"comparisons == {self.comparisons}, must be 1 to {MOST_COMPARISONS:,}"
            )
        if not self.false_positives < self.power < 1:
            raise ConfigError(
                f"power == {self.power}, must be > {self.false_positives:.4g} (the chance of a "
                "false positive) and < 1"
            )

    @property
    def tail(self) -> float:
        """The chance of a false positive on one side."""
        return (1 - self.confidence) / (2 * self.comparisons)

    @property
    def false_positives(self) -> float:
        """The chance that the test finds something where there is nothing to be found."""
        return self.tail if self.one_sided else 2 * self.tail
