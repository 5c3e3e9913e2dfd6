"""Settings of attribution and incrementality."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from experiments.config.overrides import Name, check_once, suggestion, unknown
from simulator.spec import Spec

Method = Literal["replay", "worlds", "offpolicy"]

PAGE_RULES = ("any_touch", "exclusive", "first", "best_rank", "fractional")
"""Rules that need nothing but the page on which the item was found."""

PATH_RULES = ("last_click", "linear", "time_decay", "markov")
"""Rules over a shopper's touches before an outcome."""

BUILT_IN_RULES = (*PAGE_RULES, *PATH_RULES)

EXACT_CHANNELS = 8
"""Most channels whose Shapley values are computed from all coalitions."""


class StudySpec(Spec):
    """Share against lift: one channel of one arm, at several weights in the merge."""

    arm: str = Field(description="name of the arm")
    channel: str = Field(description="one of its channels")
    weights: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
        min_length=1,
        description="weights of the channel in the merge, the others keeping theirs",
    )

    def problems(self, place: str, arms: Mapping[str, Sequence[str]]) -> list[str]:
        """What does not fit the arms' channels, or among the weights; see `AttributionSpec`."""
        problems, channels = unknown(f"{place}.arm", [self.arm], [*arms]), arms.get(self.arm, ())
        if not problems and self.channel not in channels:
            wanted = f"{suggestion(self.channel, channels)} in arm {self.arm}"
            problems.append(f"{place}.channel == {self.channel!r}, must be {wanted}")
        elif not problems and len(channels) == 1:
            problems.append(
                f"{place}.arm == {self.arm!r}, must be an arm with other channels, too: without "
                f"{self.channel} it shows nothing to compare with"
            )
        problems += [
            f"{place}.weights == {weight}, must be finite"
            for weight in self.weights
            if not math.isfinite(weight)
        ]
        return problems + [
            f"{place}.weights == {weight} {count} times, must be named once"
            for weight, count in Counter(self.weights).items()
            if count > 1
        ]


class AttributionSpec(Spec):
    """How credit is given to channels, and how their contribution is measured."""

    rules: tuple[str, ...] = Field(
        BUILT_IN_RULES,
        min_length=1,
        description="rules of credit: built-in ones, names of the entry point group "
        "`funnelab.credit_rules`, or MODULE:OBJECT",
    )
    window_days: float = Field(
        7.0, gt=0, description="how long before an outcome a click still counts as a touch (days)"
    )
    half_life_days: float = Field(
        2.0, gt=0, description="age at which a touch counts for half in time decay (days)"
    )
    order: tuple[str, ...] = Field(
        (), description="channels, the first to be credited first; none: as the config lists them"
    )
    head: float = Field(
        1 / 3, gt=0, lt=1, description="share of requests that head queries make up"
    )
    torso: float = Field(
        1 / 3, gt=0, lt=1, description="share of requests that torso queries make up"
    )
    new_days: float = Field(
        14.0, gt=0, description="age up to which an item or a shopper is new (days)"
    )
    arm: str = Field("", description="arm whose channels are measured; the last arm")
    incremental: tuple[Method, ...] = Field(
        ("replay", "worlds"), description="ways to measure what is lost without a channel"
    )
    seeds: int = Field(3, ge=1, description="worlds, each with its own luck (worlds)")
    shapley_worlds: bool = Field(
        False, description="also live a world for every coalition, for Shapley values of worlds"
    )
    permutations: int = Field(
        2,
        ge=2,
        description="orders of the channels drawn for each session where there are more than "
        f"{EXACT_CHANNELS} channels; even",
    )
    studies: dict[Name, StudySpec] = Field({}, description="studies of share against lift")

    @model_validator(mode="after")
    def _fits(self) -> "AttributionSpec":
        if self.head + self.torso >= 1:
            raise ValueError(
                f"head + torso == {self.head + self.torso:g}, must be < 1 (the tail has the rest)"
            )
        if self.permutations % 2:
            raise ValueError(
                f"permutations == {self.permutations}, must be even (they go in pairs)"
            )
        for field in ("rules", "order", "incremental"):
            check_once(field, getattr(self, field))
        return self

    def problems(self, arms: Mapping[str, Sequence[str]], channels: Sequence[str]) -> list[str]:
        """What does not fit the rest of a config, as place, value found and value wanted.

        Args:
            arms: channels of each arm, by its name.
            channels: names of all channels.
        """
        if self.arm not in arms:
            return unknown("attribution.arm", [self.arm], [*arms])
        problems = unknown("attribution.order", self.order, channels)
        for name, study in self.studies.items():
            problems += study.problems(f"attribution.studies.{name}", arms)
        return problems
