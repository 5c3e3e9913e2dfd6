"""From the rows of a log to a table with a row for each unit, inside DuckDB.

Rows are summed over units once, and memory does not grow with them. What is wrong with rows is
counted on the way: what no number can be told from is refused, the rest is left out, and told.
"""

from dataclasses import dataclass

import duckdb

from experiments.analyze.reading.logdays import build_days
from experiments.analyze.reading.rowsql import (
    counts,
    fixed,
    numbers_of_rows,
    said,
    sum_of,
    value_of,
)
from experiments.analyze.reading.source import Source, open_source, quoted
from experiments.analyze.settings import LogMetric, LogSpec
from experiments.inference.logs import rows
from experiments.inference.reduction.cuped import PRE
from simulator.errors import DataError

TABLE = "log_units"
"""Of units: `unit`, `arm` (its name), `first_at` (first exposure, where times are known), the sum
of each metric by its name, that of the time before with `BEFORE`, segments and covariates."""

BEFORE, SEGMENT, COVARIATE = PRE, "segment_", "covariate_"
MANY = 0.01
"""Part of all units above which units in several arms are an alarm, and not only told."""


@dataclass(frozen=True)
class LogUnits:
    """The units of a log, in the table `TABLE` of a connection.

    Attributes:
        arms: names, control first, in the order of their numbers.
        expected: planned share of each.
        before: metrics whose time before the experiment is known.
        remarks: what was left out or is odd, a sentence each, gravest first.
        days: of which there are sums in `logdays.DAYS`; 0: there is no such table.
        daily: metrics that have sums there.
        start: first exposure of all, in seconds, where there are days.
    """

    arms: tuple[str, ...]
    expected: dict[str, float]
    before: tuple[str, ...]
    remarks: tuple[str, ...]
    days: int = 0
    start: float = 0.0
    daily: tuple[str, ...] = ()


def build_units(connection: duckdb.DuckDBPyConnection, source: Source, spec: LogSpec) -> LogUnits:
    """Make the table of units.

    Raises:
        DataError: a column that is not there or holds no numbers, times that are no times, rows
            without a unit, a unit twice in a table of units, arms that are not planned or that
            nobody is in, numbers that are missing or not finite.
    """
    told = _Remarks()
    _typed(connection, source, spec)
    given = _assignments(connection, spec)
    _assign(connection, spec, given, told)
    arms, expected = _arms(connection, spec, source.place)
    _sum(connection, spec, given is not None)
    _check(connection, spec, source, given is not None, told)
    before = [m.name for m in spec.metrics if _has_before(m, spec, given is not None)]
    days, start = build_days(connection, spec)
    daily = tuple(m.name for m in spec.metrics if days and m.quantile is None)
    return LogUnits(arms, expected, tuple(before), told.sorted, days, start, daily)


class _Remarks:
    """Sentences with how grave they are."""

    def __init__(self) -> None:
        self._told: list[tuple[int, str]] = []

    def add(self, count: int, sentence: str, *, grave: bool = False) -> None:
        """A sentence, where there is anything to count."""
        if count:
            self._told.append((0 if grave else 1, sentence))

    @property
    def sorted(self) -> tuple[str, ...]:
        """Gravest first, else in the order in which they were found."""
        return tuple(sentence for _, sentence in sorted(self._told, key=lambda each: each[0]))


def _typed(connection: duckdb.DuckDBPyConnection, source: Source, spec: LogSpec) -> None:
    """The view `log_rows`: `unit_`, `arm_` and `at_` beside the columns of the source."""
    chosen = [f"{source.column(spec.unit, 'unit')} AS unit_"]
    if spec.arm is not None and spec.assignments is None:
        chosen.append(f"{source.column(spec.arm, 'arm')}::VARCHAR AS arm_")
    if spec.time is not None:
        chosen.append(f"{_moment(source, spec.time)} AS at_")
    others = (("segments", spec.segments), ("beside", spec.beside), ("covariates", spec.covariates))
    for place, names in others:
        for name in names:
            source.column(name, place)
    for metric in spec.metrics:
        if metric.before is not None:
            source.column(metric.before, f"metrics.{metric.name}.before")
    event = "" if spec.event is None else source.column(spec.event, "event")
    repeated = f"QUALIFY row_number() OVER (PARTITION BY {event}) = 1" if event else ""
    try:
        connection.execute(
            f"CREATE TEMP VIEW log_rows AS SELECT *, {', '.join(chosen)} "
            f"FROM {source.sql} {repeated}"
        )
    except duckdb.BinderException as error:
        raise DataError(f"{source.place} == {said(error)}, must be columns of SQL") from error


def _moment(source: Source, name: str) -> str:
    """SQL of a time in seconds: a timestamp, a date, or a number of seconds or milliseconds."""
    column, kind = source.column(name, "time"), source.types[name]
    if kind.startswith("TIMESTAMP") or kind in ("DATE", "TIME"):
        return f"epoch({column}::TIMESTAMP)"
    if kind == "VARCHAR":
        return f"epoch(try_cast({column} AS TIMESTAMPTZ))"
    return f"{column}::DOUBLE"


def _assignments(connection: duckdb.DuckDBPyConnection, spec: LogSpec) -> Source | None:
    """The table of assignments, where there is one, as the view `log_assignments`."""
    if spec.assignments is None:
        return None
    given = open_source(connection, spec.assignments, "assignments")
    unit, arm = given.column(spec.unit, "unit"), given.column(spec.arm or "arm", "arm")
    at = _moment(given, spec.time) if spec.time in given.types else "NULL::DOUBLE"
    connection.execute(
        f"CREATE TEMP VIEW log_assignments AS SELECT {unit} AS unit_, {arm}::VARCHAR AS arm_, "
        f"{at} AS at_ FROM {given.sql}"
    )
    return given


def _assign(
    connection: duckdb.DuckDBPyConnection, spec: LogSpec, given: Source | None, told: _Remarks
) -> None:
    """The table `log_assigned`: each unit that is in one arm, with its arm and first exposure."""
    table = "log_rows" if given is None else "log_assignments"
    at = "min(at_)" if given is not None or spec.time is not None else "NULL::DOUBLE"
    connection.execute(
        "CREATE TEMP TABLE log_assigned AS SELECT unit_, min(arm_) AS arm_, "
        f"min(arm_) <> max(arm_) AS several_, {at} AS at_ FROM {table} "
        "WHERE unit_ IS NOT NULL AND arm_ IS NOT NULL GROUP BY unit_"
    )
    (both, everybody) = connection.execute(
        "SELECT count(*) FILTER (several_), count(*) FROM log_assigned"
    ).fetchone() or (0, 0)
    share = both / everybody if everybody else 0.0
    told.add(
        both,
        f"{both:,} of {everybody:,} units are in several arms and were left out"
        + (": more than one in a hundred, so look for how they were assigned" * (share > MANY)),
        grave=share > MANY,
    )
    connection.execute("DELETE FROM log_assigned WHERE several_")


def _arms(
    connection: duckdb.DuckDBPyConnection, spec: LogSpec, place: str
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Names of the arms, control first, with their planned shares."""
    counts = dict(
        connection.execute(
            "SELECT arm_, count(*) FROM log_assigned GROUP BY arm_ ORDER BY arm_"
        ).fetchall()
    )
    if not counts:
        raise DataError(f"{place} == no unit with an arm, must have units in two arms")
    if spec.arms:
        odd = [name for name in counts if name not in spec.arms]
        if odd:
            wanted = ", ".join(spec.arms)
            raise DataError(
                f"arm == {odd[0]!r} of {counts[odd[0]]:,} units, must be one of: {wanted}"
            )
        empty = [name for name in spec.arms if name not in counts]
        if empty:
            raise DataError(f"arms.{empty[0]} == no unit, must have some in {place}")
    names = list(spec.arms or counts)
    if len(names) < 2:
        raise DataError(f"arm == {names[0]!r} alone, must be two arms or more")
    control = spec.control or names[0]
    if control not in names:
        raise DataError(f"control == {control!r}, must be one of: {', '.join(names)}")
    ordered = (control, *(name for name in names if name != control))
    shares = spec.arms or dict.fromkeys(names, 1 / len(names))
    return ordered, {name: shares[name] for name in ordered}


def _sum(connection: duckdb.DuckDBPyConnection, spec: LogSpec, given: bool) -> None:
    """Make `TABLE`, and count on the way what is odd in rows.

    Rows are summed first and arms joined to the sums: nothing but sums is kept of a unit on the
    way, which halves the time.
    """
    sums, told = ["count(*) AS rows_"], ["coalesce(rows_, 0) AS rows_"]

    def add(value: str, name: str, empty: str = "0") -> None:
        sums.append(f"{value} AS {quoted(name)}")
        told.append(f"coalesce({quoted(name)}, {empty}) AS {quoted(name)}")

    for metric in spec.metrics:
        if metric.quantile is not None:
            continue
        name, counted = metric.name, counts(metric, spec)
        earlier = f"({metric.where or 'true'}) AND of_log.at_ < assigned.at_"
        add(sum_of(metric, counted), name)
        add(_missing(metric, counted), "missing_" + name)
        if metric.before is not None:
            add(f"sum({quoted(metric.before)}::DOUBLE)", BEFORE + name)
        elif _has_before(metric, spec, given):
            add(sum_of(metric, earlier), BEFORE + name)
    for name in (*spec.segments, *spec.beside):
        add(f"min({quoted(name)})::VARCHAR", SEGMENT + name, "NULL")
        add(f"count(DISTINCT {quoted(name)})", "kinds_" + name)
    for name in spec.covariates:
        add(f"avg({quoted(name)}::DOUBLE)", COVARIATE + name, "NULL")
    joined = "log_assigned AS assigned JOIN log_rows AS of_log USING (unit_)"
    with numbers_of_rows():
        connection.execute(
            f"CREATE TEMP TABLE {TABLE} AS SELECT unit_ AS unit, arm_ AS arm, at_ AS first_at, "
            f"{', '.join(told)} FROM log_assigned LEFT JOIN "
            f"(SELECT unit_, {', '.join(sums)} FROM {joined} GROUP BY unit_) USING (unit_)"
        )


def _missing(metric: LogMetric, counted: str) -> str:
    """SQL of how many rows that count have no number; none where every row adds the same."""
    if fixed(metric):
        return "0"
    return f"count(*) FILTER ({counted} AND {value_of(metric)} IS NULL)"


def _distinct(connection: duckdb.DuckDBPyConnection) -> int:
    """Units in the table of assignments, in however many arms, or in none."""
    (found,) = connection.execute(
        "SELECT count(DISTINCT unit_) FROM log_assignments"
    ).fetchone() or (0,)
    return int(found)


def _has_before(metric: LogMetric, spec: LogSpec, given: bool) -> bool:
    """Whether the time before the experiment is known: from rows before a unit's assignment."""
    if metric.quantile is not None:
        return False
    return metric.before is not None or (spec.rows == "events" and given and spec.time is not None)


def _check(
    connection: duckdb.DuckDBPyConnection,
    spec: LogSpec,
    source: Source,
    given: bool,
    told: _Remarks,
) -> None:
    """Refuse what no number can be told from; tell the rest."""
    counts = ["count(*) AS all_rows", "count(*) FILTER (unit_ IS NULL) AS without_unit"]
    if spec.time is not None:
        counts.append("count(*) FILTER (at_ IS NULL OR NOT isfinite(at_)) AS without_time")
    if not given:
        counts.append("count(*) FILTER (arm_ IS NULL) AS without_arm")
    (found,) = rows(connection, f"SELECT {', '.join(counts)} FROM log_rows")
    for name, what in (("without_unit", spec.unit), ("without_time", spec.time or "")):
        if found.get(name):
            raise DataError(
                f"{source.place}: {what} of {found[name]:,} of {found['all_rows']:,} rows == "
                "nothing that can be read, must be there in every row"
            )
    told.add(
        found.get("without_arm", 0),
        f"{found.get('without_arm', 0):,} of {found['all_rows']:,} rows have no arm; their units "
        "were left out unless another row tells it",
    )
    _check_repeats(connection, spec, source, told)
    _check_numbers(connection, spec, told)
    if given:
        _check_assigned(connection, spec, source, told, found["all_rows"])
    for name in (*spec.segments, *spec.beside):
        (several,) = connection.execute(
            f"SELECT count(*) FILTER ({quoted('kinds_' + name)} > 1) FROM {TABLE}"
        ).fetchone() or (0,)
        told.add(
            several,
            f"{several:,} units have several values of {name}; the first in order was taken, so "
            "read it with care",
        )


def _check_repeats(
    connection: duckdb.DuckDBPyConnection, spec: LogSpec, source: Source, told: _Remarks
) -> None:
    """Units or events that come twice."""
    if spec.rows == "units":
        twice = rows(
            connection,
            "SELECT unit_::VARCHAR AS unit, count(*) AS n FROM log_rows GROUP BY unit_ "
            "HAVING count(*) > 1 ORDER BY n DESC, unit LIMIT 1",
        )
        if twice:
            raise DataError(
                f"{source.place}: unit {twice[0]['unit']!r} == {twice[0]['n']} rows, must be in "
                "one: a row is a unit here (rows = 'events' sums them)"
            )
        return
    if spec.event is not None:
        total = connection.execute(f"SELECT count(*) FROM {source.sql}").fetchone()
        kept = connection.execute("SELECT count(*) FROM log_rows").fetchone()
        left_out = (total or (0,))[0] - (kept or (0,))[0]
        told.add(left_out, f"{left_out:,} rows repeat the id of an event and were left out")


def _check_numbers(connection: duckdb.DuckDBPyConnection, spec: LogSpec, told: _Remarks) -> None:
    """Sums that are not finite, and numbers that are missing."""
    for metric in spec.metrics:
        if metric.quantile is not None:
            continue
        name, place = quoted(metric.name), f"metrics.{metric.name}"
        (odd, missing) = connection.execute(
            f"SELECT count(*) FILTER (NOT isfinite({name})), "
            f"sum({quoted('missing_' + metric.name)}) FROM {TABLE}"
        ).fetchone() or (0, 0)
        if odd:
            raise DataError(f"{place} of {odd:,} units == no finite number, must be finite")
        if missing and spec.missing == "refuse":
            raise DataError(
                f"{place} of {int(missing):,} rows == nothing, must be a number "
                "(missing = 'zero' takes them as 0)"
            )
        told.add(
            int(missing or 0), f"{metric.name} is missing in {int(missing or 0):,} rows, taken as 0"
        )


def _check_assigned(
    connection: duckdb.DuckDBPyConnection,
    spec: LogSpec,
    source: Source,
    told: _Remarks,
    all_rows: int,
) -> None:
    """Rows of nobody, and of a time before their unit was assigned."""
    (kept, units) = connection.execute(
        f"SELECT coalesce(sum(rows_), 0), count(*) FROM {TABLE}"
    ).fetchone() or (0, 0)
    strange = all_rows - int(kept)
    if strange and units < _distinct(connection):  # some are of units that were left out
        (strange,) = connection.execute(
            "SELECT count(*) FROM log_rows ANTI JOIN log_assignments USING (unit_)"
        ).fetchone() or (0,)
    told.add(
        strange, f"{strange:,} rows of {source.place} are of units that nobody assigned; left out"
    )
    (never, everybody) = connection.execute(
        f"SELECT count(*) FILTER (rows_ = 0), count(*) FROM {TABLE}"
    ).fetchone() or (0, 0)
    told.add(never, f"{never:,} of {everybody:,} assigned units have no row; they count with zeros")
    if spec.time is not None:
        (untimed,) = connection.execute(
            f"SELECT count(*) FILTER (first_at IS NULL) FROM {TABLE}"
        ).fetchone() or (0,)
        told.add(
            untimed,
            f"{untimed:,} units have no time of assignment: none of their rows is counted",
            grave=True,
        )
