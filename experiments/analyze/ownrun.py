"""The scorecard of a simulated run: its log as units, with the history as the time before."""

from pathlib import Path

import duckdb

from experiments.analyze.reading.logdays import DAYS
from experiments.analyze.reading.logunits import BEFORE, SEGMENT, TABLE, LogUnits
from experiments.analyze.reading.source import literal, quoted
from experiments.analyze.scoring import score
from experiments.analyze.settings import LogMetric, LogSpec
from experiments.config.schema import Config
from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from experiments.inference.metrics import METRICS, UNIT_COLUMNS, meaning_of
from experiments.inference.units import shopper_days, unit_sums
from experiments.records.experiment.scorecard import Role, Scorecard
from experiments.stages.finished import finished_config, finished_stage
from simulator.errors import ConfigError
from simulator.protocols import DAY

LOG = "log"
"""Of a stage that is a world, the folder of its log."""


def scorecard_of_run(folder: Path, *, engine_spec: EngineSpec | None = None) -> Scorecard:
    """The scorecard of a finished run whose experiment has split shoppers.

    Raises:
        StoreError: no finished run, or one whose log is not whole.
        ConfigError: its experiment has split something else, or shoppers little by little.
    """
    config = finished_config(folder)
    if config.design.layout(0) is not None:
        raise ConfigError(
            f"design == {config.design.type}, must be a split of shoppers at once: "
            "metrics.json has the estimates of other designs"
        )
    experiment = finished_stage(folder, "experiment") / LOG
    history = finished_stage(folder, "history") / LOG if config.analysis.cuped else None
    spec = _spec(config)
    with engine(engine_spec or EngineSpec()) as connection:
        units = _units(connection, experiment, history, config, spec)
        return score(connection, units, spec, name=config.name, source=str(folder))


def _spec(config: Config) -> LogSpec:
    """The built-in metrics as a log's; what ratios are divided by comes as metrics of its own."""
    found: dict[str, LogMetric] = {}
    for metric in (*METRICS.values(), *config.analysis.metrics):
        meaning = meaning_of(metric.name)
        under = metric.denominator
        if under is not None and under not in found:
            found[under] = LogMetric(name=under, unit=UNIT_COLUMNS[under].meaning)
        found[metric.name] = LogMetric(
            name=metric.name,
            over=under,
            unit=metric.unit,
            better="more" if meaning.better > 0 else "less",
            share=meaning.kind == "share",
            role=_role(config, metric.name),
            margin=config.analysis.guardrails.get(metric.name),
        )
    return LogSpec(
        name=config.name,
        path=config.name,
        unit="shopper",
        control=config.control,
        arms={arm.name: arm.share for arm in config.arms},
        metrics=tuple(found.values()),
        segments=("device",),
        confidence=config.analysis.confidence,
        relative=config.analysis.relative,
    )


def _role(config: Config, name: str) -> Role:
    if name == config.analysis.primary:
        return "primary"
    return "guardrail" if name in config.analysis.guardrails else "secondary"


def _units(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    history: Path | None,
    config: Config,
    spec: LogSpec,
) -> LogUnits:
    """Make the table of units: the shoppers who searched."""
    columns = {metric.name: _column(metric.name, config) for metric in spec.metrics}
    used = sorted({*columns.values(), "requests"})
    connection.execute(
        f"CREATE TEMP TABLE here AS SELECT arm, shopper, {unit_sums(used)}, "
        "min(day) FILTER (requests > 0) AS first "
        f"FROM ({shopper_days(log, used)}) GROUP BY arm, shopper HAVING sum(requests) > 0"
    )
    chosen = [f"here.{column} AS {quoted(name)}" for name, column in columns.items()]
    joined = "here"
    if history is not None:
        connection.execute(
            f"CREATE TEMP TABLE earlier AS SELECT shopper, {unit_sums(used)} "
            f"FROM ({shopper_days(history, used)}) GROUP BY shopper"
        )
        chosen += [
            f"coalesce(earlier.{column}, 0) AS {quoted(BEFORE + name)}"
            for name, column in columns.items()
        ]
        joined += " LEFT JOIN earlier USING (shopper)"
    arms = read_manifest(log).arms
    named = " ".join(f"WHEN {at} THEN {literal(name)}" for at, name in enumerate(arms))
    connection.execute(
        f"CREATE TEMP TABLE {TABLE} AS SELECT shopper AS unit, CASE here.arm {named} END AS arm, "
        f"(here.first - {config.world.history_days}) * {DAY} AS first_at, {', '.join(chosen)}, "
        f"CASE device WHEN 0 THEN 'phone' ELSE 'desktop' END AS {quoted(SEGMENT + 'device')} "
        f"FROM {joined} JOIN (SELECT shopper, min(device) AS device FROM {scan(log, 'requests')} "
        "GROUP BY shopper) USING (shopper)"
    )
    daily = {name: column for name, column in columns.items() if not UNIT_COLUMNS[column].positive}
    _build_days(connection, log, config, daily)
    ordered = (config.control, *(name for name in arms if name != config.control))
    expected = {arm.name: arm.share for arm in config.arms}
    before = tuple(columns) if history is not None else ()
    return LogUnits(
        ordered,
        {name: expected[name] for name in ordered},
        before,
        (),
        config.world.days,
        0.0,
        tuple(daily),
    )


def _build_days(
    connection: duckdb.DuckDBPyConnection, log: Path, config: Config, columns: dict[str, str]
) -> None:
    """Make `DAYS` of the shoppers in `TABLE`, with what adds up over days."""
    start = config.world.history_days
    used = sorted({*columns.values(), "requests"})
    sums = ", ".join(f"by_day.{column} AS {quoted(name)}" for name, column in columns.items())
    connection.execute(
        f"CREATE TEMP TABLE {DAYS} AS SELECT unit, (by_day.day - {start})::INTEGER AS day, "
        f"(by_day.day - {start} - first_at / {DAY})::INTEGER AS since, {sums} FROM "
        f"({shopper_days(log, used)}) AS by_day JOIN (SELECT unit, first_at FROM {TABLE}) "
        f"ON by_day.shopper = unit WHERE (by_day.day - {start}) * {DAY} >= first_at"
    )


def _column(name: str, config: Config) -> str:
    """The column of the unit table that a metric, or what it is divided by, sums."""
    own = {metric.name: metric for metric in config.analysis.metrics}
    metric = own.get(name) or METRICS.get(name)
    return metric.numerator if metric is not None else name
