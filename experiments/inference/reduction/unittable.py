"""A table with a row for each shopper, in DuckDB, and the statistics that are taken of it.

Any query will do: over the user's own Parquet, CSV or frames, or over a log of ours
(`Units.table`). What leaves DuckDB are counts, means and covariances by arm, stratum and group, so
memory grows with those and with the square of the columns, not with shoppers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import duckdb
from tea_tasting.aggr import Aggregates

from experiments.inference.reduction.arm import Arm, Sample
from experiments.inference.reduction.covariate import Covariate
from simulator.errors import ConfigError, DataError

GROUPS = 30
"""Groups of shoppers by which is told how sure a gain is."""
MOST_STRATA = 1_000
"""Strata that a table may be split into: a number is no stratum until it is cut into ranges."""
MOST = 1e15
"""The largest size of a value: sums of squares of any number of shoppers stay finite."""
_NUMBERS = {"BOOLEAN", "FLOAT", "DOUBLE", "DECIMAL"} | {
    sign + size
    for sign in ("", "U")
    for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}


@dataclass(frozen=True)
class UnitTable:
    """A table of shoppers, or of whatever was randomised.

    Attributes:
        connection: where the query runs.
        sql: a query of one row for each shopper, such as "FROM shoppers".
        unit, arm: the columns that tell who it is, and in which arm.
    """

    connection: duckdb.DuckDBPyConnection
    sql: str
    unit: str = "unit"
    arm: str = "arm"

    @classmethod
    def of(
        cls,
        connection: duckdb.DuckDBPyConnection,
        sql: str,
        *,
        unit: str = "unit",
        arm: str = "arm",
    ) -> "UnitTable":
        """The table of a query, looked through once.

        Raises:
            ConfigError: no such query, or it has no such columns.
            DataError: a row without shopper or arm, or a shopper in two rows.
        """
        table = cls(connection, sql, unit, arm)
        table.need((unit, arm))
        table.check_rows()
        return table

    def check_rows(self) -> None:
        """Refuse rows that are not one for each shopper.

        Raises:
            DataError: a row without shopper or arm, or a shopper in two rows.
        """
        unit, arm = quoted(self.unit), quoted(self.arm)
        total, units, arms, distinct = self.one(
            f"SELECT count(*), count({unit}), count({arm}), count(DISTINCT {unit})"
        )
        for column, count in ((self.unit, units), (self.arm, arms)):
            if count < total:
                raise DataError(f"{column} of {total - count} rows == none, must be there")
        if distinct < total:
            raise DataError(
                f"{self.unit} == {distinct} shoppers in {total} rows, must be one row for each"
            )

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The type of each column, as DuckDB calls it.

        Raises:
            ConfigError: the query fails.
        """
        try:
            found = self.connection.execute(f"DESCRIBE {self.sql}").fetchall()
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            raise ConfigError(f"query of shoppers == {said}, must run") from error
        return {str(row[0]): str(row[1]) for row in found}

    def need(self, columns: Iterable[str], *, numbers: bool = False) -> None:
        """Refuse columns that there are not, or that are no numbers where they must be.

        Raises:
            ConfigError: with the column.
        """
        for column in columns:
            kind = self.kinds.get(column)
            if kind is None:
                listed = ", ".join(self.kinds)
                raise ConfigError(f"column == {column!r}, must be one of: {listed}")
            if numbers and kind.partition("(")[0] not in _NUMBERS:
                raise ConfigError(
                    f"{column} == {kind}, must be a number, such as ({column} = 'phone')::INT"
                )

    def one(self, select: str) -> tuple[Any, ...]:
        """The single row of a query of the table."""
        return tuple(self.connection.execute(f"{select} FROM ({self.sql})").fetchall()[0])

    def hashed(self, key: str) -> str:
        """SQL of 64 bits that hang on the shopper and the key alone, on no order of rows."""
        return f"md5_number_lower({_text(key + ':')} || {quoted(self.unit)}::VARCHAR)"

    def sample(
        self, columns: Sequence[str], *, strata: Sequence[Covariate] = (), groups: int = GROUPS
    ) -> Sample:
        """Statistics of these columns by arm, stratum and group of shoppers, in one pass.

        Args:
            columns: numbers, all finite.
            strata: the columns whose values make the strata; none: arms are not split.
            groups: groups that shoppers are drawn into by a hash.

        Raises:
            ConfigError: no such columns, or too many strata.
            DataError: a value that is not a finite number, with the column and how many.
        """
        names = tuple(dict.fromkeys(columns))
        self.need(names, numbers=True)
        self._check_strata(strata)
        inner = [f"{bounded(name)} AS c{at}" for at, name in enumerate(names)]
        inner.append(f"{quoted(self.arm)}::VARCHAR AS arm")
        inner.append(f"({self.hashed('group')} % {groups})::INTEGER AS part")
        inner.append(f"{_stratum(strata)} AS stratum")
        size = range(len(names))
        pairs = list(combinations(size, 2))
        asked = [f"avg(c{at}), coalesce(var_samp(c{at}), 0)" for at in size]
        asked += [f"coalesce(covar_samp(c{one}, c{two}), 0)" for one, two in pairs]
        asked += [f"count(*) - count(c{at})" for at in size]
        rows = self.connection.execute(
            f"SELECT arm, part, stratum, count(*), {', '.join(asked)} "
            f"FROM (SELECT {', '.join(inner)} FROM ({self.sql})) GROUP BY ALL"
        ).fetchall()
        for at, name in enumerate(names):
            refuse_odd(name, sum(row[at - len(names)] for row in rows))
        return _sample(rows, names, pairs, groups, split=bool(strata))

    def _check_strata(self, strata: Sequence[Covariate]) -> None:
        self.need(each.column for each in strata)
        if not strata:
            return
        (count,) = self.one(f"SELECT count(DISTINCT {_stratum(strata)})")
        if count > MOST_STRATA:
            listed = ", ".join(each.column for each in strata)
            raise ConfigError(
                f"strata by {listed} == {count}, must be at most {MOST_STRATA}: "
                "cut numbers into ranges"
            )

    def joined(self, columns: Sequence[str], sql: str) -> "UnitTable":
        """The table with these columns from a query that has the unit, too; NULL where it has not.

        Args:
            columns: new names.
            sql: a query of at most one row for each unit.

        Raises:
            ConfigError: the table has such a column.
        """
        for column in columns:
            if column in self.kinds:
                raise ConfigError(f"column == {column!r}, must be a new one")
        added = ", ".join(f"added.{quoted(column)}" for column in columns)
        unit = f"{quoted(self.unit)}::VARCHAR"
        return replace(
            self,
            sql=f"SELECT units.*, {added} FROM ({self.sql}) AS units "
            f"LEFT JOIN ({sql}) AS added ON units.{unit} = added.{unit}",
        )


def bounded(name: str) -> str:
    """SQL of a number that sums can take; NULL where it is none, or is not finite."""
    value = f"{quoted(name)}::DOUBLE"
    return f"CASE WHEN abs({value}) <= {MOST:g} THEN {value} END"


def refuse_odd(name: str, count: int) -> None:
    """Refuse a column in which so many values are no such numbers.

    Raises:
        DataError: there are some.
    """
    if count:
        raise DataError(
            f"{name} of {count} rows == odd, must be there, finite, and within +-{MOST:g}"
        )


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _stratum(strata: Sequence[Covariate]) -> str:
    """SQL of the name of a shopper's stratum."""
    values = [f"coalesce({quoted(each.column)}::VARCHAR, 'none')" for each in strata]
    return " || ' / ' || ".join(values) if values else "''"


def _sample(
    rows: Sequence[tuple[Any, ...]],
    names: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    groups: int,
    *,
    split: bool,
) -> Sample:
    """Rows of statistics as arms in groups."""
    zeros = (0.0,) * (2 * len(names) + len(pairs))
    nothing = _aggregates((0, *zeros), names, pairs)
    found: dict[int, dict[str, dict[str, Aggregates]]] = {part: {} for part in range(groups)}
    for arm, part, stratum, *statistics in sorted(rows, key=lambda row: row[:3]):
        cells = found[part].setdefault(arm, {})
        cells[stratum] = _aggregates(statistics, names, pairs)
    arms = sorted({row[0] for row in rows})
    made = []
    for part in found.values():
        cells = {arm: part.get(arm, {}) for arm in arms}
        if split:
            made.append({a: Arm.of(each) if each else Arm(nothing) for a, each in cells.items()})
        else:
            made.append({a: Arm(each.get("", nothing)) for a, each in cells.items()})
    return Sample(made)


def _aggregates(
    row: Sequence[Any], names: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> Aggregates:
    size = len(names)
    values = [float(value) for value in row[1 : 1 + 2 * size + len(pairs)]]
    return Aggregates(
        count_=int(row[0]),
        mean_=dict(zip(names, values[: 2 * size : 2], strict=True)),
        var_=dict(zip(names, values[1 : 2 * size : 2], strict=True)),
        cov_={
            (names[one], names[two]): value
            for (one, two), value in zip(pairs, values[2 * size :], strict=True)
        },
    )
