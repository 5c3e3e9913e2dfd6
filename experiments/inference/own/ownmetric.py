"""The settings of a metric of a user's own, and what its code must be."""

from typing import Any, Final

from pydantic import Field, model_validator

from simulator.plugins import Kind
from simulator.spec import Spec

METRIC: Final = Kind("a metric", called_with=("tables",), itself=True)


class OwnMetric(Spec):
    """A metric from rows of shoppers, which SQL or Python takes from the log's tables.

    Rows have `shopper` and `numerator` and, for a ratio, `denominator`: they are summed by shopper,
    and the metric is the mean of an exposed shopper's sum, or the ratio of two such means, with the
    error of the delta method and with CUPED. With `quantile`, or where the object has a
    `statistic`, rows have `shopper` and `value`: the statistic is taken of an arm's values, and its
    error from a bootstrap over shoppers.
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]*$", max_length=64, description="how outputs call it")
    unit: str = Field("", description="what one of it is, shown beside the number")
    sql: str = Field("", description="SQL (DuckDB) of its rows, from the tables of the log")
    object: str = Field(
        "", description="MODULE:OBJECT of a function or class that gives its rows, instead of SQL"
    )
    options: dict[str, Any] = Field({}, description="keyword arguments given to the object")
    quantile: float | None = Field(
        None, gt=0, lt=1, description="which quantile of the values the metric is; none: a mean"
    )
    resamples: int = Field(
        1_000, ge=100, le=100_000, description="resamples of the shoppers for a bootstrap's error"
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> "OwnMetric":
        if bool(self.sql.strip()) == bool(self.object):
            both = "both" if self.object else "neither"
            raise ValueError(f"sql and object == {both} given, must be one of them")
        return self

    def code(self) -> tuple[str, ...]:
        """The module of the object."""
        return (METRIC.module(self.object),) if self.object else ()

    def made(self) -> Any:
        """The user's object; None where the metric is SQL.

        Raises:
            ContractError: nothing of that name, or an object that refuses its options.
        """
        return METRIC.make(self.object, options=self.options) if self.object else None

    def check(self) -> None:
        """Make the object."""
        self.made()
