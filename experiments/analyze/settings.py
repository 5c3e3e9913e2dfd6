"""What a log of the user's own holds: which columns, which metrics, which arms."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from simulator.spec import Spec

_NAME = "^[A-Za-z][A-Za-z0-9_]*$"


class LogMetric(Spec):
    """A metric: a sum over the rows of a unit, divided by the units or by another such sum."""

    name: str = Field(pattern=_NAME, description="how outputs call it")
    value: str = Field(
        "1", description="SQL of what a row adds, such as a column; 1: rows are counted"
    )
    where: str = Field("", description="SQL condition of the rows that are counted; none: all")
    over: str | None = Field(
        None, description="name of the metric that it is divided by; none: the number of units"
    )
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="this quantile of what rows are worth, in the place of their sum: 0.99 of the "
        "time that pages took",
    )
    before: str | None = Field(
        None,
        description="in a table of units: the column with the same of the time before the "
        "experiment (CUPED)",
    )
    unit: str = Field("", description="what one of it is, shown beside the number")
    better: Literal["more", "less"] = Field("more", description="whether more is better or less")
    share: bool = Field(False, description="whether it is a share from 0 to 1")
    role: Literal["primary", "success", "guardrail", "quality", "secondary"] = Field(
        "secondary", description="what it decides; exactly one is primary, or the first is"
    )
    margin: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="of a guardrail: the relative loss that is tolerated (non-inferiority margin)",
    )


class PriorSpec(Spec):
    """What is believed of lifts before the data are seen: a normal law."""

    mean: float = Field(0.0, gt=-1, lt=1, description="mean of true relative lifts")
    spread: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="their standard deviation; 0: no prior; none: 0.0072, that of 78 experiments "
        "of a fashion shop",
    )


class LooksSpec(Spec):
    """What was chosen before the first look at a running experiment."""

    units: float | None = Field(
        None, gt=0, description="units, of all arms together, that the experiment is to end with"
    )
    relative_error: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="or the standard error of the effect, over control's level, that it is to end "
        "with; neither: it counts as over, and as planned to end as it did",
    )
    clock: Literal["precision", "units"] = Field(
        "precision",
        description="clock of the information where nothing was planned: precision, where what a "
        "unit did goes on growing; units, where it is whole once the unit is counted",
    )
    spending: Literal["obrien_fleming", "pocock"] = Field(
        "obrien_fleming", description="how the group-sequential test spends its level over looks"
    )

    @model_validator(mode="after")
    def _one_plan(self) -> "LooksSpec":
        if self.units is not None and self.relative_error is not None:
            raise ValueError(
                f"relative_error == {self.relative_error}, must be none where units are planned"
            )
        return self


class UbiSpec(Spec):
    """Tables of queries and events in the schema of User Behavior Insights."""

    queries: str = Field(description="where the queries are; as `path`")
    events: str = Field(description="where the events are; as `path`")
    arm: str | None = Field(
        None, description="dotted path of the arm in either, such as query_attributes.arm"
    )


def _of_quantile(metric: LogMetric, metrics: Sequence[LogMetric]) -> Iterator[str]:
    """What a quantile cannot be beside."""
    place = f"metrics.{metric.name}"
    for name, found in (("over", metric.over), ("before", metric.before)):
        if found is not None:
            yield f"{place}.{name} == {found!r}, must be none of a quantile"
    for other in metrics:
        if other.over == metric.name:
            yield f"metrics.{other.name}.over == {metric.name!r}, must be a sum and no quantile"


class LogSpec(Spec):
    """A log of an experiment, one row for each event or for each unit."""

    name: str = Field("experiment", description="of the experiment, for the page")
    path: str = Field(
        "",
        description="a Parquet, CSV or JSON file or a folder or pattern of them; "
        "FILE.duckdb:TABLE; may begin with $FUNNELAB_DATA",
    )
    rows: Literal["events", "units"] = Field(
        "events", description="what a row is: an event, or a unit with all its sums"
    )
    unit: str = Field("unit", description="column of who or what was assigned")
    arm: str | None = Field(
        "arm", description="column of the arm; none where `assignments` tell it"
    )
    time: str | None = Field(
        None, description="column of the time of an event, or of a unit's first exposure"
    )
    event: str | None = Field(
        None, description="column with an id of the event; rows that repeat one are left out"
    )
    assignments: str | None = Field(
        None,
        description="a file with a row for each unit: the columns of `unit`, `arm`, and `time`",
    )
    control: str = Field("", description="arm that all others are compared with; the first one")
    arms: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        {}, description="planned share of each arm; none: those that are found, in equal shares"
    )
    ubi: UbiSpec | None = Field(
        None,
        description="tables of User Behavior Insights in the place of `path`; `unit` is then the "
        "client, and `time` the moment",
    )
    metrics: tuple[LogMetric, ...] = Field((), description="what is estimated; at least one")
    segments: tuple[str, ...] = Field(
        (), description="columns in whose values effects are told apart"
    )
    beside: tuple[str, ...] = Field(
        (),
        description="columns of the arms of other experiments on the same units: whether they "
        "change this one's effect",
    )
    covariates: tuple[str, ...] = Field(
        (), description="columns of numbers that the arms cannot have moved"
    )
    missing: Literal["refuse", "zero"] = Field(
        "refuse", description="what is done with numbers that are missing: refused, or taken as 0"
    )
    daily: bool = Field(
        True,
        description="whether a log of events with times is told day by day, too: looks and trends; "
        "takes a second pass over it",
    )
    after: str = Field(
        "",
        description="the scorecard.json of an experiment whose treatment was launched: this log is "
        "of units held out of it since (control) and of those who have it, over as many days",
    )
    looks: LooksSpec = LooksSpec()
    prior: PriorSpec = PriorSpec()
    relative: Literal["fieller", "delta"] = Field(
        "fieller",
        description="interval of relative effects: fieller: of the difference, which decides; "
        "delta: by the plain delta method, whose p-value decides (as GrowthBook)",
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="level of all intervals")

    @model_validator(mode="after")
    def _metrics_fit(self) -> "LogSpec":
        names = [metric.name for metric in self.metrics]
        problems = []
        if bool(self.path) == (self.ubi is not None):
            problems.append("path == none or with ubi, must be one of them")
        if not names:
            problems.append("metrics == none, must be one at least")
        problems += [
            f"metrics.name == {name!r} {count} times, must be unique"
            for name, count in Counter(names).items()
            if count > 1
        ]
        for metric in self.metrics:
            if metric.over is not None and metric.over not in names:
                wanted = ", ".join(names)
                problems.append(
                    f"metrics.{metric.name}.over == {metric.over!r}, must be one of: {wanted}"
                )
            if metric.quantile is not None:
                problems += _of_quantile(metric, self.metrics)
            if metric.margin is not None and metric.role != "guardrail":
                problems.append(
                    f"metrics.{metric.name}.margin == {metric.margin}, must be of a guardrail"
                )
        primaries = [metric.name for metric in self.metrics if metric.role == "primary"]
        if len(primaries) > 1:
            problems.append(f"metrics.role == primary for {', '.join(primaries)}, must be for one")
        if self.arm is None and self.assignments is None:
            problems.append("arm == none, must be a column where there are no assignments")
        if self.arms and abs(sum(self.arms.values()) - 1) > 1e-6:
            total = sum(self.arms.values())
            problems.append(f"arms == shares that sum to {total:.6g}, must sum to 1")
        if self.arms and self.control and self.control not in self.arms:
            problems.append(f"control == {self.control!r}, must be one of: {', '.join(self.arms)}")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def primary(self) -> str:
        """Name of the metric that decides."""
        chosen = [metric.name for metric in self.metrics if metric.role == "primary"]
        return chosen[0] if chosen else self.metrics[0].name
