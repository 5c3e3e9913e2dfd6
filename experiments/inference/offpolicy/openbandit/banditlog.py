"""Logs in Open Bandit form (Saito, Aihara, Matsutani and Narita, NeurIPS 2021, Datasets track).

A row is an action that a policy took at a position, with its probability and its reward. The file
is read once into a table inside DuckDB, and checked; of it only sums leave the engine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from experiments.inference.logs import EngineSpec, engine, rows
from experiments.inference.offpolicy.openbandit.settings import BanditLogSpec
from simulator.errors import DataError
from simulator.files.tables.datapath import data_path

ONE_POLICY = "logged"
"""Name of the policy of a log that tells none."""

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


@dataclass(frozen=True)
class BanditLog:
    """A checked log inside DuckDB, as the table `rounds`.

    The table has, by number, the policy, unit, context, position and action of each row, with its
    reward and propensity. Numbers are places in the tuples here.

    Attributes:
        connection: where the table is; open until `open_bandit_log` ends.
        policies: by name.
        contexts: values of the columns of the context, None where a cell is empty.
        positions: ascending.
        actions: by name, numbers in their order.
        warnings: what speaks against the log and is no error.
    """

    connection: duckdb.DuckDBPyConnection
    policies: tuple[str, ...]
    contexts: tuple[tuple[str | None, ...], ...]
    positions: tuple[int, ...]
    actions: tuple[str, ...]
    warnings: tuple[str, ...]

    def policy(self, name: str) -> int:
        """The number of a policy.

        Raises:
            DataError: the log has none of this name.
        """
        if name not in self.policies:
            known = ", ".join(map(repr, self.policies))
            raise DataError(f"policy == {name!r}, must be one of the log's: {known}")
        return self.policies.index(name)


@contextmanager
def open_bandit_log(
    spec: BanditLogSpec, *, engine_spec: EngineSpec | None = None
) -> Iterator[BanditLog]:
    """Read a log and check it.

    Args:
        spec: where it is, and which column holds what.
        engine_spec: threads and memory.

    Raises:
        DataError: no such file or column; no rows; a propensity outside (0, 1]; a row without an
            action, a whole position or a finite reward; a position twice in a round.
    """
    path = data_path(spec.path)
    with engine(engine_spec or EngineSpec()) as connection:
        connection.execute("SET preserve_insertion_order = true")  # rows are told apart by place
        with _reading(path):
            _load(connection, path, spec)
        _check(connection, path, spec)
        yield _numbered(connection, path, spec)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What the engine says of a file that it cannot read, as an error of the file."""
    try:
        yield
    except (duckdb.InterruptException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        raise DataError(f"{path} == unreadable ({said}), must be Parquet or CSV") from error


def _load(connection: duckdb.DuckDBPyConnection, path: Path, spec: BanditLogSpec) -> None:
    """The table `raw`: the columns that are named, and what whole copies of a row share.

    Where a file has no further column, equal rows are nothing odd.
    """
    if not path.is_file():
        raise DataError(f"{path} == no file, must be a log in Open Bandit form")
    source = _source(path)
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    known = [str(row[0]) for row in described]
    columns = spec.columns
    wanted = [(f"columns.{name}", getattr(columns, name)) for name in _NAMED]
    wanted += [("columns.context", name) for name in columns.context]
    wanted += [("only", name) for name in spec.only]
    for setting, name in wanted:
        if name is not None and name not in known:
            listed = ", ".join(map(repr, known))
            raise DataError(f"{path}: columns == {listed}; must have {name!r} ({setting})")
    listed = ", ".join(_selected(spec))
    kept = " AND ".join(f"CAST({_quoted(c)} AS VARCHAR) = {_text(v)}" for c, v in spec.only.items())
    named = {name for _, name in wanted}
    whole = "NULL" if named >= set(known) else f"hash({', '.join(map(_quoted, known))})"
    connection.execute(
        f"CREATE TEMP TABLE raw AS SELECT {listed}, {whole} AS whole FROM {source} "
        f"WHERE {kept or 'true'}"
    )


_NAMED = ("action", "reward", "propensity", "position", "policy", "round")


def _source(path: Path) -> str:
    """SQL that reads the file; cells of a CSV stay text, so that a wrong one can be named."""
    name = path.name.lower()
    if name.endswith(_PARQUET):
        return f"read_parquet({_text(str(path))})"
    if name.endswith(_CSV):
        return f"read_csv({_text(str(path))}, all_varchar = true, header = true)"
    raise DataError(f"{path} == of unknown kind, must end with {', '.join((*_PARQUET, *_CSV))}")


def _selected(spec: BanditLogSpec) -> Iterator[str]:
    """SQL of the columns of `raw`."""
    columns = spec.columns
    instead = {"policy": _text(ONE_POLICY), "round": "NULL"}
    for name in ("action", "policy", "round"):
        column = getattr(columns, name)
        cell = instead[name] if column is None else _quoted(column)
        yield f"{cell}::VARCHAR AS {name}"
    context = ", ".join(f"{_quoted(each)}::VARCHAR" for each in columns.context)
    yield f"[{context}]::VARCHAR[] AS context"
    for name in ("reward", "propensity", "position"):
        column = getattr(columns, name)
        cell = "0" if column is None else _quoted(column)
        number = f"TRY_CAST({cell} AS DOUBLE)"
        if name == "reward":  # true and false are 1 and 0
            number = f"coalesce({number}, TRY_CAST({cell} AS BOOLEAN)::DOUBLE)"
        yield f"{number} AS {name}"
        yield f"{cell}::VARCHAR AS {name}_cell"


def _check(connection: duckdb.DuckDBPyConnection, path: Path, spec: BanditLogSpec) -> None:
    """Refuse rows that cannot be used; the first one is named."""
    columns = spec.columns
    if not rows(connection, "SELECT count(*) AS n FROM raw")[0]["n"]:
        kept = "".join(f", of those with {name} == {value!r}" for name, value in spec.only.items())
        raise DataError(f"{path}: rows == 0{kept}, must be > 0")
    found = (
        ("action", columns.action, "action IS NULL", "be there"),
        ("policy", columns.policy, "policy IS NULL", "be there"),
        ("round", columns.round, "round IS NULL", "be there"),
        ("reward_cell", columns.reward, _odd("reward"), "be a finite number"),
        ("position_cell", columns.position, f"{_odd('position')} OR position % 1 <> 0", _WHOLE),
        ("propensity_cell", columns.propensity, _NO_CHANCE, "be > 0 and <= 1"),
    )
    for cell, column, bad, wanted in found:
        if column is None:
            continue
        odd = rows(
            connection,
            f"SELECT count(*) AS n, arg_min({cell}, rowid) AS first FROM raw WHERE {bad}",
        )[0]
        if odd["n"]:
            value = "none" if odd["first"] is None else odd["first"]
            raise DataError(f"{path}: {column} of {odd['n']} rows == {value}, must {wanted}")
    if columns.round is not None:
        _check_rounds(connection, path, columns.round)


_WHOLE = "be a whole number"
_NO_CHANCE = "propensity IS NULL OR NOT (propensity > 0 AND propensity <= 1)"


def _odd(name: str) -> str:
    return f"{name} IS NULL OR NOT isfinite({name})"


def _check_rounds(connection: duckdb.DuckDBPyConnection, path: Path, column: str) -> None:
    """Refuse a position that a round has twice."""
    twice = rows(
        connection,
        "SELECT policy, round, position, count(*) AS n FROM raw GROUP BY ALL HAVING n > 1 "
        "ORDER BY policy, round, position LIMIT 1",
    )
    if twice:
        place = f"{column} {twice[0]['round']!r}, position {twice[0]['position']:.0f}"
        raise DataError(f"{path}: rows of {place} == {twice[0]['n']}, must be 1")


def _numbered(connection: duckdb.DuckDBPyConnection, path: Path, spec: BanditLogSpec) -> BanditLog:
    """The table `rounds`, with numbers for names."""
    for name in ("policy", "context", "position", "action"):
        order = f"TRY_CAST({name} AS DOUBLE) NULLS LAST, {name}"
        if name == "context":
            order = name
        connection.execute(
            f"CREATE TEMP TABLE {name}_names AS SELECT {name}, "
            f"row_number() OVER (ORDER BY {order}) - 1 AS number FROM raw GROUP BY {name}"
        )
    unit = "SELECT rowid AS row, rowid AS unit FROM raw"
    if spec.columns.round is not None:
        connection.execute(
            "CREATE TEMP TABLE units AS SELECT policy, round, "
            "row_number() OVER (ORDER BY min(rowid)) - 1 AS unit FROM raw GROUP BY policy, round"
        )
        unit = "SELECT raw.rowid AS row, unit FROM raw JOIN units USING (policy, round)"
    connection.execute(
        f"""
        CREATE TEMP TABLE rounds AS
        SELECT p.number AS policy, u.unit, c.number AS context, k.number AS position,
            a.number AS action, raw.reward, raw.propensity
        FROM raw JOIN ({unit}) AS u ON u.row = raw.rowid
        JOIN policy_names AS p ON p.policy = raw.policy
        JOIN context_names AS c ON c.context = raw.context
        JOIN position_names AS k ON k.position = raw.position
        JOIN action_names AS a ON a.action = raw.action
        """
    )
    warnings = _doubled(connection, path, spec)
    connection.execute("DROP TABLE raw")
    names: dict[str, list[Any]] = {
        name: [row[name] for row in rows(connection, f"SELECT * FROM {name}_names ORDER BY number")]
        for name in ("policy", "context", "position", "action")
    }
    return BanditLog(
        connection=connection,
        policies=tuple(names["policy"]),
        contexts=tuple(map(tuple, names["context"])),
        positions=tuple(map(int, names["position"])),
        actions=tuple(names["action"]),
        warnings=warnings,
    )


def _doubled(
    connection: duckdb.DuckDBPyConnection, path: Path, spec: BanditLogSpec
) -> tuple[str, ...]:
    """A warning of rows that are whole copies of others, where no round tells them apart."""
    if spec.columns.round is not None:
        return ()
    sql = "SELECT count(*) AS n, count(whole) - count(DISTINCT whole) AS copies FROM raw"
    found = rows(connection, sql)[0]
    copies = found["copies"]
    if not copies:
        return ()
    return (
        f"{path}: {copies:,} of {found['n']:,} rows are whole copies of others: where these are "
        "the same rounds twice, intervals are too narrow; columns.round tells rounds apart",
    )


def _quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
