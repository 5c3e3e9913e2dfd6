"""Metrics: a numerator and a denominator, each a column of the unit table.

The unit table has one row per exposed shopper, that is a shopper with at least one request in
the period. Every column is a sum over that shopper, so one pass over the log serves all metrics,
and the unit of analysis is the unit of randomisation whatever a metric counts.
"""

from types import MappingProxyType

from pydantic import Field, model_validator

from simulator.spec import Spec

UNIT_COLUMNS = MappingProxyType(
    {
        "requests": "search requests",
        "first_pages": "requests for a first page of results",
        "zero_results": "first pages with nothing on them",
        "latency_sum": "page latency summed over requests (seconds)",
        "exposures": "slots shown",
        "clicks": "slots clicked",
        "carts": "slots whose item went to the cart",
        "orders": "purchases",
        "gmv": "price times quantity summed over purchases (currency units)",
        "sessions": "sessions",
        "clickless_sessions": "sessions without a click",
        "bought": "1 where the shopper bought, else 0",
        "clicked": "1 where the shopper clicked, else 0",
    }
)
"""What each column of the unit table holds for one shopper."""


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


def _metric(name: str, numerator: str, denominator: str | None, unit: str) -> Metric:
    return Metric(name=name, numerator=numerator, denominator=denominator, unit=unit)


METRICS = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            _metric("gmv", "gmv", None, "currency units per shopper"),
            _metric("orders", "orders", None, "purchases per shopper"),
            _metric("uctcvr", "bought", None, "share of shoppers who buy"),
            _metric("uctr", "clicked", None, "share of shoppers who click"),
            _metric("ctr", "clicks", "exposures", "clicks per exposure"),
            _metric("cvr", "orders", "clicks", "purchases per click"),
            _metric("aov", "gmv", "orders", "currency units per purchase"),
            _metric("zero_result_rate", "zero_results", "first_pages", "share of first pages"),
            _metric("abandonment", "clickless_sessions", "sessions", "share of sessions"),
            _metric("latency", "latency_sum", "requests", "seconds per page"),
        )
    }
)
"""The metrics of every report, by name, in the order of its tables."""

DAILY_METRICS = ("gmv", "orders", "uctcvr", "ctr")
"""The metrics that reports follow from day to day."""
