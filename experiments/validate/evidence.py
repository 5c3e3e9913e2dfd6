"""What a market is judged by: the logs of a run, and what is known of their making."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.config.schema import Config
from experiments.designs.layout import AnyLayout
from experiments.inference.logs import EngineSpec, Manifest, engine, read_manifest, rows, scan
from experiments.records.files import read_json
from experiments.records.metrics import Metrics
from experiments.records.truth import Truths
from experiments.records.validity import Period
from simulator.errors import DataError
from simulator.protocols import DAY

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class PeriodLog:
    """The log of one period, open in the log engine.

    Attributes:
        period: which one.
        folder: of the log.
        connection: to the engine.
        manifest: what the log says about itself.
        first_day, days: its simulated days.
        counted: rows by table, as the manifest counts them.
        arm: number of the arm whose rows stand for the shop; None: all.
        layout: how it is read where the design of its experiment does not split shoppers once and
            for all; None: it does, or there is no experiment in it.
    """

    period: Period
    folder: Path
    connection: duckdb.DuckDBPyConnection
    manifest: Manifest
    first_day: int
    days: int
    counted: dict[str, int]
    arm: int | None = None
    layout: AnyLayout | None = None

    @property
    def mixed(self) -> bool:
        """Whether slots of one page may count for several arms."""
        return self.layout is not None and self.layout.slots

    @property
    def arm_name(self) -> str:
        """The arm whose rows stand for the shop; "" for all."""
        return "" if self.arm is None else self.manifest.arms[self.arm]

    @property
    def start(self) -> float:
        """First moment of the period, simulated seconds."""
        return self.first_day * DAY

    @property
    def end(self) -> float:
        """First moment behind the period."""
        return (self.first_day + self.days) * DAY

    def table(self, name: str) -> str:
        """SQL of a table, with all its rows."""
        return scan(self.folder, name)

    def own(self, name: str) -> str:
        """SQL of the rows of a table that stand for the shop; of a table with arms."""
        table = self.table(name)
        return table if self.arm is None else f"(SELECT * FROM {table} WHERE arm = {self.arm})"

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a small result."""
        return rows(self.connection, sql)

    def row(self, sql: str) -> dict[str, Any]:
        """The only row of a result."""
        (found,) = self.rows(sql)
        return found

    def columns(self, sql: str) -> Columns:
        """A result as columns, a row for each shopper at most; nulls are not allowed."""
        found = self.connection.execute(sql).fetchnumpy()
        return {name: np.ma.getdata(column) for name, column in found.items()}


@dataclass(frozen=True)
class Evidence:
    """Everything that a rung may read.

    Attributes:
        name: of the run.
        config: its settings.
        confidence: level of intervals.
        catalogue: folder of the catalogue stage.
        state: where the history stopped.
        history: the log of the days before.
        experiment: that of the experiment; None where none was run.
        control: name of the control arm.
        shares: share of the shoppers of each arm, by name.
        channels: model folders of the trained channels, by name.
        metrics, truths: what the run has estimated; None where it has not.
    """

    name: str
    config: Config
    confidence: float
    catalogue: Path
    state: Path
    history: PeriodLog
    experiment: PeriodLog | None
    control: str
    shares: dict[str, float]
    channels: Mapping[str, Path] = field(default_factory=dict)
    metrics: Metrics | None = None
    truths: Truths | None = None

    @cached_property
    def logs(self) -> tuple[PeriodLog, ...]:
        """The logs that there are, in the order of time."""
        return (self.history,) if self.experiment is None else (self.history, self.experiment)


@contextmanager
def open_logs(
    history: Path,
    experiment: Path | None,
    control: str,
    spec: EngineSpec | None = None,
    layout: AnyLayout | None = None,
) -> Iterator[tuple[PeriodLog, PeriodLog | None]]:
    """Both logs in one engine, whose memory is bounded whatever their length.

    Args:
        history, experiment: log folders.
        control: name of the arm that stands for the shop in the experiment.
        spec: what the engine may use.
        layout: of the experiment's design, see `PeriodLog`. Where slots of one page count for
            several arms, all rows stand for the shop.

    Raises:
        DataError: a folder that is not a log, lacks a table, or has nothing in it.
    """
    # One thread: rows come in the same order each time, and sums of them are the same to the bit.
    with engine(spec or EngineSpec(threads=1)) as connection:
        before = _opened(connection, history, "history", None)
        during = None
        if experiment is not None:
            during = _opened(connection, experiment, "experiment", control)
            during = replace(during, layout=layout)
        if during is not None and during.mixed:
            during = replace(during, arm=None)
        yield before, during


def _opened(
    connection: duckdb.DuckDBPyConnection, folder: Path, period: Period, control: str | None
) -> PeriodLog:
    manifest, facts = read_manifest(folder), read_json(folder / "manifest.json")
    try:
        span = int(facts["start_day"]), int(facts["days"])
        counted = {str(name): int(count) for name, count in facts["rows"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{folder / 'manifest.json'} == {error!r}, must tell start_day, days and rows"
        ) from error
    for table in TABLES:
        if not any((folder / table).glob("*.parquet")):
            raise DataError(f"{folder / table} == missing, must be a table of the log")
    arm = None
    if control is not None:
        if control not in manifest.arms:
            wanted = ", ".join(manifest.arms)
            raise DataError(f"{folder}: control == {control!r}, must be one of its arms: {wanted}")
        arm = manifest.arms.index(control)
    log = PeriodLog(period, folder, connection, manifest, *span, counted, arm)
    if not log.row(f"SELECT count(*) AS n FROM {log.table('requests')}")["n"]:
        raise DataError(
            f"{folder}: requests == 0 rows, must be a {period} in which somebody searched "
            "(more shoppers, visits or days)"
        )
    return log


TABLES = ("assignments", "texts", "requests", "sessions", "exposures", "orders", "latent")
"""Those that checks read."""
