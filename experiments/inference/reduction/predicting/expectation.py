"""A number that is known of each shopper from elsewhere, as a covariate of a real test.

Such as what a simulated market expects of the shopper, or any model's prediction. The estimate is
that of Y ~ Z + m + Z m, Z whether the shopper is treated and m the number: a `Regression` with
slopes by arm. A number that tells nothing has slopes near 0, and leaves the plain difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from experiments.inference.reduction.covariate import Covariate, known_before
from experiments.inference.reduction.unittable import UnitTable, bounded, quoted, refuse_odd
from simulator.errors import DataError

LACKS = "lacks_"
"""Prefix of the column that is 1 where a shopper has no number of their own."""


@dataclass(frozen=True)
class Lacking:
    """How many shoppers have no number of their own.

    Attributes:
        by_arm: of each arm, those without one, and all.
    """

    by_arm: Mapping[str, tuple[int, int]]

    @property
    def told(self) -> str:
        """A sentence; "" where everybody has one."""
        if not any(lacking for lacking, _ in self.by_arm.values()):
            return ""
        each = ", ".join(f"{lacking} of {n} in {arm}" for arm, (lacking, n) in self.by_arm.items())
        return f"shoppers without a number of their own, who got the mean: {each}"


def with_known_number(
    table: UnitTable, sql: str, *, value: str, column: str
) -> tuple[UnitTable, tuple[Covariate, ...], Lacking]:
    """A table with a number for each shopper from a query, and what it is as a covariate.

    The number must be one that the treatment cannot move: of a simulated market, what is expected
    under one and the same policy, from what was known before.

    Where shoppers lack it, they get the mean of the others, and that they lack it is a second
    covariate (the missingness-indicator method: Zhao and Ding, "To adjust or not to adjust?
    Estimating the average treatment effect in randomized experiments with missing covariates",
    arXiv 2108.00152), so that arms of which one lacks it more often are seen.

    Args:
        table: shoppers.
        sql: a query with the table's unit and the number; it may know more shoppers, and fewer.
        value: the column of the query that holds it.
        column: a new name for it.

    Returns:
        The table with `column`, and `lacks_<column>` where somebody lacks it; these as covariates;
        and how many lack it.

    Raises:
        ConfigError: columns that are not there, no numbers, or not new.
        DataError: a shopper with two numbers, a number that is not finite, or none for anybody.
    """
    source = UnitTable(table.connection, sql, table.unit, value)
    source.need([value], numbers=True)
    source.check_rows()
    refuse_odd(value, source.one(f"SELECT count(*) - count({bounded(value)})")[0])
    unit, new, lacks = quoted(table.unit), quoted(column), LACKS + column
    known = table.joined(
        [column, lacks],
        f"SELECT {unit}, {bounded(value)} AS {new}, 0 AS {quoted(lacks)} FROM ({sql})",
    )
    rows = table.connection.execute(
        f"SELECT {quoted(table.arm)}::VARCHAR, count(*), count({new}), coalesce(sum({new}), 0) "
        f"FROM ({known.sql}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    lacking = Lacking({arm: (n - having, n) for arm, n, having, _ in rows})
    having = sum(row[2] for row in rows)
    if not having:
        raise DataError(f"{column} == none for every shopper, must be there for some")
    mean = sum(row[3] for row in rows) / having
    filled = f"coalesce({new}, {mean!r}) AS {new}, coalesce({quoted(lacks)}, 1) AS {quoted(lacks)}"
    found = replace(table, sql=f"SELECT * REPLACE ({filled}) FROM ({known.sql})")
    columns = (column, lacks) if lacking.told else (column,)
    return found, known_before(*columns), lacking
