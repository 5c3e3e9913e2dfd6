"""The sums of an experiment's log by group, stratum and arm, computed and kept by DuckDB."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from experiments.designs.layout import Layout
from experiments.inference.logs import EngineSpec, Manifest, engine, read_manifest, scan
from experiments.inference.metrics import UNIT_COLUMNS, Metric
from experiments.inference.units import summed

UNITS = "units"
"""The column that counts units."""


class Cells:
    """A row for each group, stratum, arm and day, with sums of the columns that metrics need.

    Attributes:
        manifest: the log's manifest.
        connection: where the table lives; open until `open_cells` ends.
        layout: how rows belong to what was randomised.
        columns: of the unit table, that were summed.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        log: Path,
        layout: Layout,
        metrics: Sequence[Metric],
        parts: str = "",
    ) -> None:
        self.manifest: Manifest = read_manifest(log)
        self.connection = connection
        self.layout = layout
        asked = {column for metric in metrics for column in metric.columns}
        self.columns = tuple(sorted(asked & layout.columns))
        source = scan(log, "requests")
        if layout.by_text:
            source += f" JOIN {scan(log, 'texts')} USING (text)"
        stratum, counted = layout.stratum, layout.counted
        if parts:
            source += f" JOIN ({parts}) AS parts USING (request)"
            stratum, counted = "parts.part", "parts.starts"
        connection.execute(
            "CREATE TEMP TABLE asked AS SELECT request, shopper, arm, day, "
            f"({layout.group})::BIGINT AS grp, ({stratum})::BIGINT AS stratum, "
            f"({counted})::INTEGER AS counted FROM {source} WHERE {layout.kept}"
        )
        arms = len(self.manifest.arms)
        made = _cells(log, self.columns, arms, layout.slots)
        connection.execute(f"CREATE TEMP TABLE cells AS {made}")

    def possible(self, metric: Metric) -> bool:
        """Whether a request can be told to have what the metric counts."""
        return set(metric.columns) <= set(self.columns)

    def scale(self) -> float:
        """Units for each shopper who searched: what a unit has, times this, is of a shopper."""
        row = self.connection.execute("SELECT sum(counted) / count(DISTINCT shopper) FROM asked")
        found = (row.fetchone() or (None,))[0]
        return float(found) if found is not None else 0.0

    def days(self) -> list[int]:
        """The days with requests."""
        found = self.connection.execute("SELECT DISTINCT day FROM asked ORDER BY day").fetchall()
        return [day for (day,) in found]

    def units(self, stratum: int | None = None) -> dict[str, int]:
        """How many units each arm has, by name; over all, or in one stratum."""
        where = "true" if stratum is None else f"stratum = {stratum}"
        counted = f"SELECT arm, sum({UNITS}) FROM cells WHERE {where} GROUP BY arm"
        found = dict(self.connection.execute(counted).fetchall())
        return {name: int(found.get(arm, 0)) for arm, name in enumerate(self.manifest.arms)}


def _cells(log: Path, columns: Sequence[str], arms: int, slots: bool) -> str:
    """SQL of the table: sums over the rows of each table of the log, joined by request.

    Args:
        columns: of the unit table.
        arms: how many there are.
        slots: whether slots of a page count for arms of their own: what is counted by request is
            in all arms alike then.
    """
    keys, every = "grp, stratum, asked.day AS day", f"(SELECT unnest(range({arms})) AS arm)"
    own_arm = "asked.arm AS arm"
    units = "each.arm AS arm" if slots else own_arm
    source = f"asked CROSS JOIN {every} AS each" if slots else "asked"
    parts = [f"SELECT {keys}, {units}, sum(counted) AS {UNITS} FROM {source} GROUP BY ALL"]
    for table in dict.fromkeys(UNIT_COLUMNS[name].table for name in columns):
        own = [name for name in columns if UNIT_COLUMNS[name].table == table]
        sums = ", ".join(f"{summed(UNIT_COLUMNS[name])} AS {name}" for name in own)
        by_slot = slots and table in ("exposures", "orders")
        left_out = "(day)" if by_slot else "(arm, day)"
        arm = "rows.arm AS arm" if by_slot else own_arm
        joined = f"(SELECT * EXCLUDE {left_out} FROM {scan(log, table)}) AS rows"
        joined += " JOIN asked USING (request)"
        if slots and not by_slot:
            arm, joined = units, f"{joined} CROSS JOIN {every} AS each"
        parts.append(f"SELECT {keys}, {arm}, {sums} FROM {joined} GROUP BY ALL")
    total = ", ".join(f"coalesce(sum({name}), 0)::DOUBLE AS {name}" for name in (UNITS, *columns))
    union = " UNION ALL BY NAME ".join(parts)
    return f"SELECT grp, stratum, arm, day, {total} FROM ({union}) GROUP BY ALL"


@contextmanager
def open_cells(
    log: Path,
    layout: Layout,
    metrics: Sequence[Metric],
    *,
    parts: str = "",
    spec: EngineSpec | None = None,
) -> Iterator[Cells]:
    """Read a log into cells for these metrics.

    Args:
        log: the experiment's log folder.
        layout: of its design.
        metrics: all that will be asked.
        parts: SQL of `request`, `part` and `starts`, which take the place of the layout's stratum
            and of what it counts; "": they are the layout's.
        spec: threads and memory.

    Raises:
        DataError: the folder is not a log.
    """
    read_manifest(log)
    with engine(spec or EngineSpec()) as connection:
        yield Cells(connection, log, layout, metrics, parts)
