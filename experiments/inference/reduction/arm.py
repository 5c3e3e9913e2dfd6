"""What is known of an arm: the statistics of its shoppers and, where they are split, of its strata.

Nothing here grows with shoppers: a count, means, variances and covariances of columns are all that
the adjustments read. Statistics of disjoint groups of shoppers add up to those of all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import accumulate

from tea_tasting.aggr import Aggregates


@dataclass(frozen=True)
class Arm:
    """Statistics of an arm.

    Attributes:
        whole: of all its shoppers.
        strata: of those of each stratum, by its name; empty where they are not split.
    """

    whole: Aggregates
    strata: Mapping[str, Aggregates] = field(default_factory=dict)

    @classmethod
    def of(cls, strata: Mapping[str, Aggregates]) -> "Arm":
        """The arm that these strata make up."""
        return cls(summed(strata.values()), strata)

    def __add__(self, other: "Arm") -> "Arm":
        """The arm with the shoppers of both, who must be disjoint."""
        names = dict.fromkeys([*self.strata, *other.strata])
        both = {
            name: summed(each.strata[name] for each in (self, other) if name in each.strata)
            for name in names
        }
        return Arm(summed((self.whole, other.whole)), both)


def summed(parts: Iterable[Aggregates]) -> Aggregates:
    """Statistics of all shoppers of disjoint parts; of parts without shoppers, the first of them.

    The variance of a single shopper, which is not defined, counts as 0.
    """
    every = list(parts)
    filled = [_alone(part) for part in every if part.count()]
    return reduce(lambda left, right: left + right, filled) if filled else every[0]


def _alone(part: Aggregates) -> Aggregates:
    """A part whose squares may be added: of one shopper they are 0."""
    if part.count() > 1:
        return part
    return Aggregates(1, part.mean_, dict.fromkeys(part.var_, 0.0), dict.fromkeys(part.cov_, 0.0))


Arms = Mapping[str, Arm]
"""Arms by name."""


@dataclass(frozen=True)
class Sample:
    """The arms of an experiment, in groups of shoppers that are alike but for chance.

    Attributes:
        groups: the arms of each group, by name; every group knows every arm.
    """

    groups: Sequence[Arms]

    @cached_property
    def whole(self) -> Arms:
        """The arms of all groups together."""
        return reduce(_together, self.groups)

    @cached_property
    def without(self) -> tuple[Arms, ...]:
        """The arms without one group, for each of them; there are two at least."""
        before = list(accumulate(self.groups, _together))
        after = list(accumulate(self.groups[::-1], _together))[::-1]
        last = len(self.groups) - 1
        middle = [_together(before[at - 1], after[at + 1]) for at in range(1, last)]
        return (after[1], *middle, before[last - 1])


def _together(left: Arms, right: Arms) -> Arms:
    return {name: left[name] + right[name] for name in left}
