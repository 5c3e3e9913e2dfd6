"""Whether a log can be credited: its columns, its provenance, its channels."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from experiments.config.attribution import AttributionSpec
from experiments.inference.logs import Manifest, rows, scan
from simulator.errors import DataError

COLUMNS = {
    "requests": ("request", "shopper", "at", "day", "text"),
    "exposures": ("request", "shopper", "arm", "day", "item", "sources", "clicked", "carted"),
    "orders": (
        *("request", "shopper", "arm", "item", "at", "day", "price", "quantity", "sources"),
    ),
}
"""What credit reads of each table, beside `best_ranked`, which older logs lack."""

EVENT_TABLES = ("exposures", "orders")


def warnings(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest, spec: AttributionSpec
) -> list[str]:
    """What a reader must know before believing any credit from this log, gravest first.

    Raises:
        DataError: the log cannot be credited at all, as `refuse`.
    """
    refuse(connection, log, manifest, spec.rules)
    found = []
    (count,) = rows(
        connection,
        f"SELECT count(*) AS n FROM {scan(log, 'orders')} AS bought "
        f"ANTI JOIN {scan(log, 'exposures')} AS shown "
        "ON bought.request = shown.request AND bought.item = shown.item",
    )
    if count["n"]:
        found.append(
            f"{count['n']} purchases have no exposure in this log: rules over pages credit them by "
            "their own sources, shares of exposures do not know them"
        )
    (days,) = rows(connection, f"SELECT max(day) - min(day) + 1 AS n FROM {scan(log, 'requests')}")
    if days["n"] is not None and spec.window_days > days["n"]:
        found.append(
            f"the attribution window of {spec.window_days:g} days is longer than the log "
            f"({days['n']} days): touches before its first day are not known"
        )
    return found


def refuse(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest, rules: Sequence[str]
) -> None:
    """Refuse a log that these rules cannot credit.

    Raises:
        DataError: repeated names of channels; shards or columns that do not fit; rows without
            provenance or with channels and arms that the manifest does not know.
    """
    for name in manifest.channels:
        if manifest.channels.count(name) > 1:
            raise DataError(f"manifest.channels == {name!r} twice, must be named once")
    channels, arms = len(manifest.channels), len(manifest.arms)
    source = "coalesce(sources, 0)::BIGINT"
    for table in COLUMNS:
        ranked = "best_ranked" in table_columns(connection, log, table)
        if table not in EVENT_TABLES:
            continue
        if "best_rank" in rules and not ranked:
            raise DataError(
                f"{table} == no column best_ranked (an older log), must have it for rule "
                "best_rank; the other rules work without"
            )
        best = "coalesce(best_ranked, 0)::BIGINT" if ranked else "0"
        beyond = ~((1 << channels) - 1)
        problems = {
            f"{source} = 0": "sources == 0 in {n} rows, must name the channels that found the item "
            "(a log without provenance cannot be attributed)",
            f"{source} & {beyond} != 0": f"sources == bits beyond the manifest's {channels} "
            "channels in {n} rows, must be its channels (were channels renamed or added midway?)",
            f"{best} & ~{source} != 0": "best_ranked == channels outside sources in {n} rows, must "
            "be among those that found the item",
            f"{best} = 0 AND {'best_rank' in rules}": "best_ranked == 0 in {n} rows, must name the "
            "channels that ranked the item best for rule best_rank",
            f"arm < 0 OR arm >= {arms}": f"arm == outside the manifest's {arms} arms "
            "in {n} rows, must be one of them",
        }
        counts = ", ".join(f"count(*) FILTER ({bad})" for bad in problems)
        found = connection.sql(f"SELECT {counts} FROM {scan(log, table)}").fetchall()[0]
        for n, problem in zip(found, problems.values(), strict=True):
            if n:
                raise DataError(f"{table}.{problem.format(n=n)}")


def table_columns(connection: duckdb.DuckDBPyConnection, log: Path, table: str) -> tuple[str, ...]:
    """The columns that all shards of a table have.

    Raises:
        DataError: they differ, or what credit reads is not among them.
    """
    files = scan(log, table).replace("read_parquet", "parquet_schema", 1)
    shards = rows(
        connection,
        "SELECT file_name AS file, list(name ORDER BY name) AS columns "
        f"FROM {files} WHERE type IS NOT NULL GROUP BY file_name ORDER BY file_name",
    )
    columns: tuple[str, ...] = tuple(shards[0]["columns"])
    for shard in shards:
        differing = sorted(set(columns) ^ set(shard["columns"]))
        if differing:
            raise DataError(
                f"{table} == column {differing[0]} only in some shards "
                f"({Path(shard['file']).name} differs), must have the same columns in all"
            )
    missing = [column for column in COLUMNS.get(table, ()) if column not in columns]
    if missing:
        raise DataError(f"{table} == no column {missing[0]}, must have it to be credited")
    return columns
