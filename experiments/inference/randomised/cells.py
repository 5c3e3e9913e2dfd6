"""The sums of an experiment's log by group, stratum and arm, computed and kept by DuckDB."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.designs.layout import Layout, ListingLayout
from experiments.inference.logs import EngineSpec, Manifest, engine, read_manifest, scan
from experiments.inference.metrics import UNIT_COLUMNS, Metric
from experiments.inference.units import summed

UNITS = "units"
"""The column that counts units."""


class Cells(ABC):
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
        layout: Layout | ListingLayout,
        metrics: Sequence[Metric],
    ) -> None:
        self.manifest: Manifest = read_manifest(log)
        self.connection = connection
        self.layout = layout
        wanted = {column for metric in metrics for column in metric.columns}
        self.columns = tuple(sorted(wanted & layout.columns))
        asked, cells = self._tables(log)
        connection.execute(f"CREATE TEMP TABLE asked AS {asked}")
        connection.execute(f"CREATE TEMP TABLE cells AS {cells}")

    def possible(self, metric: Metric) -> bool:
        """Whether a unit can be told to have what the metric counts."""
        return set(metric.columns) <= set(self.columns)

    def scale(self, last_day: int | None = None) -> float:
        """Units for each shopper who searched: what a unit has, times this, is of a shopper.

        Args:
            last_day: of those that came up to and including this day; none: of all.
        """
        until = "true" if last_day is None else f"day <= {last_day}"
        counted = f"(SELECT {self._counted} WHERE {until})"
        row = self.connection.execute(
            f"SELECT {counted} / nullif(count(DISTINCT shopper), 0) FROM asked WHERE {until}"
        )
        found = (row.fetchone() or (None,))[0]
        return float(found) if found is not None else 0.0

    def days(self) -> list[int]:
        """The days with requests."""
        found = self.connection.execute("SELECT DISTINCT day FROM asked ORDER BY day").fetchall()
        return [day for (day,) in found]

    def by_group(
        self, treatment: int, where: str
    ) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
        """What each group has, by column, and whether it is in the treatment.

        Args:
            treatment: index of that arm.
            where: SQL of the cells that count; a group has them in one arm.
        """
        names = (UNITS, *self.columns)
        sums = ", ".join(f"sum({name})::DOUBLE AS {name}" for name in names)
        found = self.connection.execute(
            f"SELECT arm, {sums} FROM cells WHERE {where} GROUP BY grp, arm ORDER BY grp, arm"
        ).fetchnumpy()
        treated_G = np.asarray(found["arm"]) == treatment
        return {name: np.asarray(found[name], np.float64) for name in names}, treated_G

    def units(self, stratum: int | None = None) -> dict[str, int]:
        """How many units each arm has, by name; over all, or in one stratum."""
        where = "true" if stratum is None else f"stratum = {stratum}"
        counted = f"SELECT arm, sum({UNITS}) FROM cells WHERE {where} GROUP BY arm"
        found = dict(self.connection.execute(counted).fetchall())
        return {name: int(found.get(arm, 0)) for arm, name in enumerate(self.manifest.arms)}

    @abstractmethod
    def _tables(self, log: Path) -> tuple[str, str]:
        """SQL of two tables: who asked on which day, and the sums."""

    @property
    @abstractmethod
    def _counted(self) -> str:
        """SQL of how many units there are, from a table with days."""


class RequestCells(Cells):
    """Requests belong to groups: sums over the rows that they brought."""

    layout: Layout

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        log: Path,
        layout: Layout,
        metrics: Sequence[Metric],
        parts: str = "",
    ) -> None:
        self._parts = parts
        super().__init__(connection, log, layout, metrics)

    def _tables(self, log: Path) -> tuple[str, str]:
        arms = len(self.manifest.arms)
        return _asked(log, self.layout, self._parts), _summed(
            log, self.columns, arms, self.layout.slots
        )

    @property
    def _counted(self) -> str:
        return "sum(counted) FROM asked"


def _asked(log: Path, layout: Layout, parts: str) -> str:
    """SQL of the requests that are analysed, and of where each belongs; see `open_cells`."""
    source, stratum, counted = scan(log, "requests"), layout.stratum, layout.counted
    if layout.by_text:
        source += f" JOIN {scan(log, 'texts')} USING (text)"
    if parts:
        source += f" JOIN ({parts}) AS parts USING (request)"
        stratum, counted = "parts.part", "parts.starts"
    return (
        f"SELECT request, shopper, arm, day, ({layout.group})::BIGINT AS grp, "
        f"({stratum})::BIGINT AS stratum, ({counted})::INTEGER AS counted "
        f"FROM {source} WHERE {layout.kept}"
    )


def summed_by_table(columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The tables of a log that columns of the unit table count, and SQL of the sums over each."""
    for table in dict.fromkeys(UNIT_COLUMNS[name].table for name in columns):
        own = [name for name in columns if UNIT_COLUMNS[name].table == table]
        yield table, ", ".join(f"{summed(UNIT_COLUMNS[name])} AS {name}" for name in own)


def _summed(log: Path, columns: Sequence[str], arms: int, slots: bool) -> str:
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
    for table, sums in summed_by_table(columns):
        by_slot = slots and table in ("exposures", "orders")
        left_out = "(day)" if by_slot else "(arm, day)"
        arm = "rows.arm AS arm" if by_slot else own_arm
        joined = f"(SELECT * EXCLUDE {left_out} FROM {scan(log, table)}) AS rows"
        joined += " JOIN asked USING (request)"
        if slots and not by_slot:
            arm, joined = units, f"{joined} CROSS JOIN {every} AS each"
        parts.append(f"SELECT {keys}, {arm}, {sums} FROM {joined} GROUP BY ALL")
    return added(parts, columns)


def added(parts: Sequence[str], columns: Sequence[str]) -> str:
    """SQL of the sums of parts that have some of the columns each."""
    return added_by("grp, stratum, arm, day", parts, (UNITS, *columns))


def added_by(keys: str, parts: Sequence[str], columns: Sequence[str]) -> str:
    """The same by any keys, a comma between them."""
    total = ", ".join(f"coalesce(sum({name}), 0)::DOUBLE AS {name}" for name in columns)
    return f"SELECT {keys}, {total} FROM ({' UNION ALL BY NAME '.join(parts)}) GROUP BY {keys}"


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
        yield RequestCells(connection, log, layout, metrics, parts)
