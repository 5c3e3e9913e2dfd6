"""Order statistics of the arms, taken in DuckDB by one sort that spills to disk.

DuckDB's own quantiles hold all values of a group in memory. A sort does not, so memory is flat in
rows.
"""

from collections.abc import Mapping, Sequence

import duckdb

from experiments.inference.logs import rows as fetched

Arm = int | str
"""An arm as the rows name it."""


def order_statistics(
    connection: duckdb.DuckDBPyConnection, rows: str, ranks: Mapping[Arm, Sequence[int]]
) -> dict[Arm, dict[int, float]]:
    """The values of some ranks, by arm and rank.

    Args:
        connection: open.
        rows: SQL of rows (arm, value).
        ranks: by arm, the ranks that are asked for: 1 is the least value.
    """
    asked = sorted({rank for some in ranks.values() for rank in some})
    if not asked:
        return {arm: {} for arm in ranks}
    listed = ", ".join(map(str, asked))
    found = connection.execute(
        "SELECT arm, rank, value FROM (SELECT arm, value::DOUBLE AS value, "
        f"row_number() OVER (PARTITION BY arm ORDER BY value) AS rank FROM ({rows})) "
        f"WHERE rank IN ({listed})"
    ).fetchall()
    values: dict[Arm, dict[int, float]] = {arm: {} for arm in ranks}
    for arm, rank, value in found:
        if arm in ranks and rank in ranks[arm]:
            values[arm][rank] = value
    return values


def sizes(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[Arm, tuple[int, int]]:
    """By arm, how many rows there are, and how many of them have no finite value.

    Args:
        connection: open.
        rows: SQL of rows (arm, value).
    """
    found = fetched(
        connection,
        "SELECT arm, count(*) AS n, count(*) FILTER (value IS NULL OR NOT isfinite(value::DOUBLE)) "
        f"AS odd FROM ({rows}) GROUP BY arm ORDER BY arm",
    )
    return {row["arm"]: (row["n"], row["odd"]) for row in found}


def by_arm(numbers: Mapping[Arm, float]) -> str:
    """SQL of the number of a row's arm."""
    cases = " ".join(f"WHEN {_literal(arm)} THEN {_double(n)}" for arm, n in numbers.items())
    return f"CASE arm {cases} END"


def _double(number: float) -> str:
    return f"'{number!r}'::DOUBLE"


def _literal(arm: Arm) -> str:
    return str(arm) if isinstance(arm, int) else "'" + arm.replace("'", "''") + "'"
