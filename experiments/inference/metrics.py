"""Metrics: a numerator and a denominator, each a column of the unit table, and their names.

The unit table has one row per exposed shopper, that is a shopper with at least one request in
the period. Every column is a sum over that shopper, so one pass over the log serves all metrics,
and the unit of analysis is the unit of randomisation whatever a metric counts.

A metric is added in this file alone: its entry in `METRICS` and, where no column counts what it
needs, one in `UNIT_COLUMNS`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import Field, model_validator

from simulator.spec import Spec


@dataclass(frozen=True)
class Column:
    """One column of the unit table.

    Attributes:
        meaning: what it holds for one shopper.
        table: of the log whose rows it counts; "" where it tells of another column.
        where: SQL condition of the rows that are counted; "": all.
        value: SQL of what is summed over all rows, exactly; "" where they are counted.
        distinct: SQL of what is counted once for all rows of a day that share it; "": each row.
        positive: the other column: it is 1 where that one is positive, else 0.
    """

    meaning: str
    table: str = ""
    where: str = ""
    value: str = ""
    distinct: str = ""
    positive: str = ""


UNIT_COLUMNS: Mapping[str, Column] = {
    "requests": Column("search requests", "requests"),
    "first_pages": Column("requests for a first page of results", "requests", "page = 0"),
    "zero_results": Column(
        "first pages with nothing on them", "requests", "page = 0 AND shown = 0"
    ),
    "latency_sum": Column(
        "page latency summed over requests (seconds)", "requests", value="latency::DOUBLE"
    ),
    "exposures": Column("slots shown", "exposures"),
    "clicks": Column("slots clicked", "exposures", "clicked"),
    "carts": Column("slots whose item went to the cart", "exposures", "carted"),
    "orders": Column("items bought, as rows of the log's orders", "orders"),
    "baskets": Column("purchases of one or two items at once", "orders", distinct="request"),
    "gmv": Column(
        "price times quantity summed over purchases (currency units)",
        "orders",
        value="price::DOUBLE * quantity",
    ),
    "sessions": Column("sessions", "sessions"),
    "clickless_sessions": Column("sessions without a click", "sessions", "NOT clicked"),
    "bought": Column("1 where the shopper bought, else 0", positive="orders"),
    "clicked": Column("1 where the shopper clicked, else 0", positive="clicks"),
}
"""The unit table, by name of the column."""


class Ratio(Protocol):
    """What is estimated: a ratio of two means over shoppers, or the first mean alone."""

    @property
    def name(self) -> str:
        """How outputs call it."""

    @property
    def numerator(self) -> str:
        """A column of totals of shoppers."""

    @property
    def denominator(self) -> str | None:
        """Another one; None: 1 for each exposed shopper."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it needs."""


class Metric(Spec):
    """A mean per exposed shopper, or a ratio of two such means.

    Example:
        Orders per session, analysed by shopper like every metric::

            Metric(name="session_orders", numerator="orders", denominator="sessions",
                   unit="orders per session")
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]*$", description="how outputs call it")
    numerator: str = Field(description="column of the unit table")
    denominator: str | None = Field(
        default=None, description="column of the unit table; none: 1 per exposed shopper"
    )
    unit: str = Field(default="", description="what one of it is, shown beside the number")

    @model_validator(mode="after")
    def _columns_exist(self) -> "Metric":
        for field, column in (("numerator", self.numerator), ("denominator", self.denominator)):
            if column is not None and column not in UNIT_COLUMNS:
                wanted = ", ".join(UNIT_COLUMNS)
                raise ValueError(
                    f"metrics.{self.name}.{field} == {column!r}, must be one of: {wanted}"
                )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the unit table that it needs."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)


@dataclass(frozen=True)
class Meaning:
    """How a metric is called and read.

    Attributes:
        noun: inside a sentence.
        kind: "number", "share" or "seconds"; decides the unit.
        better: 1 if more is better, -1 if less is better.
        service: whether it describes the service rather than what shoppers do.
        daily: whether reports follow it from day to day.
    """

    noun: str
    kind: str = "number"
    better: int = 1
    service: bool = False
    daily: bool = False

    @property
    def label(self) -> str:
        """How tables and pictures call it: the noun, without saying that it is a share."""
        plain = self.noun.removeprefix("the ").removeprefix("share of ")
        return plain[:1].upper() + plain[1:]


def _entry(
    name: str, numerator: str, denominator: str | None, unit: str, meaning: Meaning
) -> tuple[Metric, Meaning]:
    return Metric(name=name, numerator=numerator, denominator=denominator, unit=unit), meaning


_ENTRIES = (
    _entry(
        *("gmv", "gmv", None, "currency units per shopper"),
        Meaning("GMV per shopper", daily=True),
    ),
    _entry(
        *("orders", "orders", None, "purchases per shopper"),
        Meaning("orders per shopper", daily=True),
    ),
    _entry(
        *("baskets", "baskets", None, "purchases of one or two items per shopper"),
        Meaning("baskets per shopper"),
    ),
    _entry(
        *("uctcvr", "bought", None, "share of shoppers who buy"),
        Meaning("the share of shoppers who buy", "share", daily=True),
    ),
    _entry(
        *("uctr", "clicked", None, "share of shoppers who click"),
        Meaning("the share of shoppers who click", "share"),
    ),
    _entry(
        *("ctr", "clicks", "exposures", "clicks per exposure"),
        Meaning("clicks per exposure", "share", daily=True),
    ),
    _entry(
        *("cvr", "orders", "clicks", "purchases per click"), Meaning("purchases per click", "share")
    ),
    _entry(
        *("aov", "gmv", "orders", "currency units per purchase"),
        Meaning("GMV per purchase"),
    ),
    _entry(
        *("basket_value", "gmv", "baskets", "currency units per basket"),
        Meaning("GMV per basket"),
    ),
    _entry(
        *("zero_result_rate", "zero_results", "first_pages", "share of first pages"),
        Meaning("the share of searches without a result", "share", -1, service=True),
    ),
    _entry(
        *("abandonment", "clickless_sessions", "sessions", "share of sessions"),
        Meaning("the share of sessions without a click", "share", -1, service=True),
    ),
    _entry(
        *("latency", "latency_sum", "requests", "seconds per page"),
        Meaning("page latency", "seconds", -1, service=True),
    ),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric, _ in _ENTRIES}
"""The metrics of every report, by name, in the order of its tables."""

CLICKS, _CLICKS = _entry(
    *("clicks", "clicks", None, "clicks per shopper"),
    Meaning("clicks per shopper"),
)
"""Beside them where slots of one page count for several arms: what most is known of."""

MEANINGS: Mapping[str, Meaning] = {
    metric.name: meaning for metric, meaning in (*_ENTRIES, (CLICKS, _CLICKS))
}
"""What each of them is called."""


def meaning_of(metric: str) -> Meaning:
    """The meaning of a metric; a user's own metric is called by its name."""
    return MEANINGS.get(metric) or Meaning(metric.replace("_", " "))


def followed(metrics: Iterable[Metric]) -> list[Metric]:
    """Those of the metrics that reports follow from day to day."""
    return [each for each in metrics if each.name in MEANINGS and MEANINGS[each.name].daily]
