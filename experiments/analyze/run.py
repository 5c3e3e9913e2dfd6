"""`funnelab analyze`: the scorecard of an experiment from a log or a data frame."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from experiments.analyze.ownrun import scorecard_of_run
from experiments.analyze.reading.logunits import build_units
from experiments.analyze.reading.source import Source, frame_source, open_source
from experiments.analyze.reading.ubi import METRICS, ubi_source
from experiments.analyze.scoring import score
from experiments.analyze.settings import LogSpec
from experiments.analyze.shown import Analysis
from experiments.config.messages import explain
from experiments.config.tomlfiles import read_toml
from experiments.inference.logs import EngineSpec, engine
from experiments.records.experiment.scorecard import Scorecard
from experiments.records.files import storing
from experiments.records.reading import write_record
from experiments.report.scorecard.page import write_report
from simulator.errors import ConfigError

FRAME = "data frame"
_PATHS = ("path", "assignments", "after")


def read_log_spec(path: Path, more: Mapping[str, Any] | None = None) -> LogSpec:
    """The settings of a log from a TOML file; paths in it lead from the file.

    Args:
        path: of the file.
        more: settings that take the place of the file's.

    Raises:
        ConfigError: with every problem that was found, one a line.
    """
    settings = read_toml(path)
    folder = path.absolute().parent
    for place in (settings, settings.get("ubi")):
        for name in (*_PATHS, "queries", "events"):
            found = place.get(name) if isinstance(place, dict) else None
            if isinstance(place, dict) and isinstance(found, str) and not found.startswith("$"):
                place[name] = os.path.normpath(folder / Path(found).expanduser())
    return log_spec({**settings, **(more or {})}, str(path))


def log_spec(settings: dict[str, Any], origin: str) -> LogSpec:
    """Settings of a log, checked.

    Raises:
        ConfigError: with every problem that was found, one a line.
    """
    if isinstance(settings.get("ubi"), dict):
        settings = {"metrics": METRICS, "time": "moment", **settings}
    try:
        return LogSpec.model_validate_json(json.dumps(settings, default=str), strict=True)
    except ValidationError as error:
        told = explain(error, LogSpec, settings, origin=lambda place: origin)
        raise ConfigError(told) from error


def analyze_log(spec: LogSpec, folder: Path, *, engine_spec: EngineSpec | None = None) -> Path:
    """Write scorecard.json and scorecard.html of a log into a folder; returns the page's path.

    Raises:
        FunnelabError: a log that cannot be read, that no number can be told from, or a folder that
            cannot be written.
    """
    return _written(scorecard_of(spec, engine_spec=engine_spec), folder)


def analyze_run(run: Path, folder: Path) -> Path:
    """Write the same of a finished run's experiment.

    Raises:
        FunnelabError: no finished run, one that has not split shoppers, or a folder that cannot be
            written.
    """
    return _written(scorecard_of_run(run), folder)


def _written(record: Scorecard, folder: Path) -> Path:
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_record(folder, record)
    return write_report(folder)


def scorecard_of(
    spec: LogSpec, frame: Any = None, *, engine_spec: EngineSpec | None = None
) -> Scorecard:
    """The scorecard of a log, or of a data frame.

    Raises:
        DataError: it cannot be read, or no number can be told from it.
    """
    with engine(engine_spec or EngineSpec()) as connection:
        if frame is not None:
            source = frame_source(connection, frame)
        elif spec.ubi is not None:
            source = ubi_source(connection, spec.ubi.queries, spec.ubi.events, spec.ubi.arm)
        else:
            source = open_source(connection, spec.path)
        return _scored(connection, source, spec)


def _scored(connection: Any, source: Source, spec: LogSpec) -> Scorecard:
    units = build_units(connection, source, spec)
    return score(connection, units, spec, name=spec.name, source=source.place)


def analyze(
    frame: Any,
    *,
    metrics: Sequence[str | Mapping[str, Any]],
    unit: str = "unit",
    arm: str = "arm",
    **settings: Any,
) -> Analysis:
    """The scorecard of an experiment in a data frame: pandas, Polars, Arrow or DuckDB.

    It shows itself in a notebook; `prose` and `to_markdown()` say the same in words.

    Args:
        frame: a row for each unit (`rows="units"`) or for each event.
        metrics: names of columns, or settings of `LogMetric`.
        unit, arm: columns of who was assigned, and to what.
        settings: others of `LogSpec`, such as `control`, `segments`, `covariates` or `confidence`.

    Raises:
        ConfigError: settings that do not fit.
        DataError: a frame that no number can be told from.

    Example:
        Orders of two arms, narrowed by those of the month before::

            analyze(frame, rows="units", unit="customer",
                    metrics=[{"name": "orders", "value": "orders", "before": "orders_before"}])
    """
    told = [
        each if isinstance(each, Mapping) else {"name": each, "value": each} for each in metrics
    ]
    given = {"path": FRAME, "unit": unit, "arm": arm, "metrics": told, **settings}
    return Analysis.of(scorecard_of(log_spec(given, FRAME), frame))
