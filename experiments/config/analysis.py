"""Settings of what is estimated of an experiment, and of the truth beside it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from experiments.config.overrides import check_once, suggestion, unknown
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.own.ownmetric import OwnMetric
from simulator.spec import Spec


class AnalysisSpec(Spec):
    """What is estimated, and how."""

    confidence: float = Field(0.95, gt=0.5, lt=1, description="level of all intervals")
    primary: str = Field("gmv", description="the metric that decides")
    relative: Literal["fieller", "delta"] = Field(
        "fieller",
        description="interval of relative effects: fieller: of the difference, which decides; "
        "delta: by the plain delta method, whose p-value decides (as GrowthBook)",
    )
    guardrails: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        {},
        description="relative loss that is tolerated, by metric, for the label of `analyze`",
    )
    cuped: bool = Field(True, description="also adjust estimates by the history period (CUPED)")
    metrics: tuple[Metric, ...] = Field(
        (), description="metrics of your own, beside the built-in ones"
    )

    own: tuple[OwnMetric, ...] = Field(
        (), description="metrics from SQL or Python over the tables of the log"
    )

    @model_validator(mode="after")
    def _primary_exists(self) -> "AnalysisSpec":
        names = [*METRICS, *(each.name for each in self.metrics), *(each.name for each in self.own)]
        problems = unknown("analysis.primary", [self.primary], names)
        problems += [
            f"analysis.guardrails.{name} == {margin}, must be for {suggestion(name, names)}"
            for name, margin in self.guardrails.items()
            if name not in names
        ]
        for problem in problems:
            raise ValueError(problem)
        check_once("analysis.metrics", names)
        return self


OWN_PAGES, OTHER_PAGES = 0.4, 1.3
"""Pages for each request of a world, about, that its walk makes anew, and that one of another
service makes."""

RANKER = "ranker"
"""Stands for the arms' rankers among the models that are trained again."""


class TruthSpec(Spec):
    """The paired worlds that show the true effect."""

    seeds: int = Field(1, ge=0, description="pairs of worlds, each with its own luck; 0: no truth")
    method: Literal["expected", "realised"] = Field(
        "expected",
        description="expected: the luck of clicking and buying is integrated out; "
        "realised: what was really bought",
    )
    resolution: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        {},
        description="half-width of the relative effect that is wanted, by metric; pairs of worlds "
        "are added until it is reached",
    )
    minutes: float = Field(5.0, gt=0, description="most time for further pairs of worlds (min)")
    arms: tuple[str, ...] = Field((), description="arms that get worlds; none named: all")
    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the shoppers that are followed in expectation, the same in both "
        "worlds of a pair; a half takes half as long and makes intervals wider by the root of two",
    )
    retrained: tuple[str, ...] = Field(
        (RANKER,),
        description="models that are trained again, to tell what the luck of their training does "
        "(an A/A): `ranker`, and names of channels",
    )
    trainings: Literal["one", "each"] = Field(
        "one",
        description="one: the same models serve in all pairs of worlds; each: in every pair these "
        "models have a training of its own, so that intervals hold the luck of training",
    )
    headroom: int = Field(
        1_000, ge=0, description="requests of each arm that an oracle weighs, about; 0: none"
    )

    def problems(
        self,
        arms: Sequence[str],
        control: str,
        metrics: Sequence[str] = tuple(METRICS),
        channels: Sequence[str] = (),
    ) -> list[str]:
        """What does not fit the names of arms, metrics and channels.

        Each with its place, the value found and the value wanted.
        """
        problems = unknown("truth.arms", self.arms, arms)
        problems += unknown("truth.retrained", self.retrained, [RANKER, *channels])
        if RANKER in channels and RANKER in self.retrained:
            problems.append(
                f"channels.{RANKER} == a channel, must have another name where truth.retrained "
                f"names {RANKER!r}"
            )
        if self.trainings == "each":
            problems += self._problems_of_trainings()
        if self.arms and control not in self.arms:
            problems.append(f"truth.arms == {list(self.arms)}, must include {control!r}")
        problems += [
            f"truth.resolution.{name} == {size}, must be for {suggestion(name, metrics)}"
            for name, size in self.resolution.items()
            if name not in metrics
        ]
        if self.resolution and not self.seeds:
            problems.append("truth.seeds == 0, must be > 0 where truth.resolution is set")
        return problems

    def _problems_of_trainings(self) -> list[str]:
        """What does not fit trainings of its own for each pair of worlds."""
        wanted = {
            "truth.retrained == []": bool(self.retrained),
            f"truth.seeds == {self.seeds}": self.seeds >= 2,
            f"truth.method == {self.method!r}": self.method == "expected",
            f"truth.resolution == {self.resolution}": not self.resolution,
        }
        others = ("must name models", "must be >= 2", "must be 'expected'", "must be empty")
        return [
            f"{found}, {must} where truth.trainings is 'each'"
            for (found, fits), must in zip(wanted.items(), others, strict=True)
            if not fits
        ]
