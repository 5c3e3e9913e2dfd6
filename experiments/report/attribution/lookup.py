"""The rows of an attribution record, found by what is asked of them, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from experiments.records.attribution import (
    EVENTS,
    AttributionRecord,
    CreditRow,
    FateRow,
    InteractionRow,
    Overlap,
    ValueRow,
)
from experiments.records.reading import row_of, rows_of
from experiments.report.kit.sentences import plain_name

METHODS = ("replay", "worlds")
"""Ways to measure what is lost without a channel, in the order in which they are shown."""

GENERATIVE = "cqsid"
"""Type of the channel that the published shares are of."""

RULES = {
    "any_touch": "Any touch",
    "exclusive": "Exclusive",
    "first": "First in order",
    "best_rank": "Best rank",
    "fractional": "Fractional",
    "last_click": "Last click",
    "linear": "Linear",
    "time_decay": "Time decay",
    "markov": "Markov",
}
UNSHARED = ("any_touch", "exclusive")
"""Rules whose shares do not add up to the whole."""

INDICES = {"alone": "Alone", "shapley": "Shapley", "leave_one_out": "Leave-one-out"}
METHODS_NAMED = {"replay": "by replay", "worlds": "in re-simulated worlds"}


def rule_name(rule: str) -> str:
    """A rule's name; a user's own is called as it is."""
    return RULES.get(rule) or plain_name(rule.rpartition(":")[2])


@dataclass(frozen=True)
class Lookup:
    """A record as the pictures read it.

    Attributes:
        record: the rows.
        channels: of all arms, in the order of their colours.
        types: what kind of channel each is, as far as known.
    """

    record: AttributionRecord
    channels: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def arm(self) -> str:
        """The arm whose channels are measured."""
        return self.record.arm

    @cached_property
    def measured(self) -> tuple[str, ...]:
        """Channels of the measured arm; of all arms where the record does not tell."""
        own = self.record.arms.get(self.arm) or self.record.channels
        return tuple(name for name in self.channels if name in own)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """All arms, the measured one last."""
        others = [arm for arm in self.record.arms if arm != self.arm]
        return (*others, self.arm)

    @cached_property
    def _credits(self) -> dict[tuple[str, ...], CreditRow]:
        rows = rows_of(self.record.credits, cut="all")
        return {(row.rule, row.channel, row.event, row.arm): row for row in rows}

    @cached_property
    def _values(self) -> dict[tuple[str, ...], ValueRow]:
        rows = rows_of(self.record.values, arm=self.arm)
        return {(row.method, row.index, row.channel, row.event): row for row in rows}

    def credit(
        self, rule: str, channel: str, event: str, arm: str | None = None
    ) -> CreditRow | None:
        """What a rule gives a channel in an arm, the measured one if none is named."""
        return self._credits.get((rule, channel, event, arm or self.arm))

    def value(self, method: str, index: str, channel: str, event: str) -> ValueRow | None:
        """What a channel of the measured arm is worth; None where it was not measured."""
        return self._values.get((method, index, channel, event))

    def methods(self, index: str) -> list[str]:
        """The methods by which an index was measured."""
        found = {key[0] for key in self._values if key[1] == index}
        return [method for method in METHODS if method in found]

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The kinds of event of which the measured arm has some, in the order of the funnel."""
        own = rows_of(self.record.credits, arm=self.arm)
        found = {row.event for row in own if row.total}
        return tuple(event for event in EVENTS if event in found)

    @cached_property
    def credited(self) -> str:
        """The event whose credit is told first: purchases, else the last one that there is."""
        return _preferred(("purchase", "gmv", "cart", "click", "exposure"), self.events)

    @cached_property
    def worth(self) -> str:
        """The event whose loss is told first: GMV, else the last one that was measured."""
        found = tuple(key[3] for key in self._values)
        return _preferred(("gmv", "purchase", "cart", "click", "exposure"), found or self.events)

    @cached_property
    def rules(self) -> list[str]:
        """Rules that gave credit in the measured arm, in the record's order."""
        found = sorted({row.rule for row in rows_of(self.record.credits, arm=self.arm)})
        return [rule for rule in dict.fromkeys((*self.record.rules, *found)) if rule in found]

    def fate(self, method: str, channel: str, fate: str) -> FateRow | None:
        """Where purchases credited to a channel go; None where that is not told."""
        return row_of(self.record.fates, method=method, arm=self.arm, channel=channel, fate=fate)

    def pairs(self, method: str) -> list[InteractionRow]:
        """Interactions of the measured arm's channels in what is lost first."""
        rows = self.record.interactions
        return rows_of(rows, method=method, arm=self.arm, event=self.worth)

    def sets(self, event: str) -> list[Overlap]:
        """Exact sets of channels of the measured arm, the most frequent first."""
        rows = rows_of(self.record.sets, arm=self.arm, event=event)
        return sorted(rows, key=lambda row: (-row.count, len(row.channels), row.channels))

    @cached_property
    def focus(self) -> str | None:
        """The channel that most people ask about: the one that only the measured arm has.

        Where that is none or several: a generative one, else the one with the most credit.
        """
        others = [self.record.arms[arm] for arm in self.arms[:-1]]
        own = [name for name in self.measured if any(name not in other for other in others)]
        if len(own) == 1:
            return own[0]
        sought = own or list(self.measured)
        generative = [name for name in sought if self.types.get(name, name) == GENERATIVE]
        return next(iter(generative), max(sought, key=self._credit, default=None))

    def _credit(self, channel: str) -> float:
        row = self.credit("any_touch", channel, self.credited)
        return row.share.estimate or 0.0 if row else 0.0


def _preferred(order: tuple[str, ...], found: tuple[str, ...]) -> str:
    return next((event for event in order if event in found), order[0])
