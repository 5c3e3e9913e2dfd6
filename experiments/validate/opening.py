"""The logs that are judged: those of a finished run, or a history that is made for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.config.schema import Config
from experiments.inference.logs import EngineSpec
from experiments.records.files import MANIFEST, read_json
from experiments.records.manifest import BenchManifest, RunManifest
from experiments.records.metrics import Metrics
from experiments.records.reading import find_record
from experiments.records.truth import Truths
from experiments.running.models import LOG
from experiments.running.modelstages import taught_as
from experiments.running.worlds import STATE
from experiments.stages.executor import plug_in_limit
from experiments.stages.finished import finished_config, finished_stage
from experiments.stages.stage import Stage
from experiments.validate.evidence import Evidence, open_logs
from simulator.calling import limit_calls


@contextmanager
def of_run(folder: Path, spec: EngineSpec | None = None) -> Iterator[Evidence]:
    """What a finished run is judged by; a bench or lab has a history alone.

    Raises:
        StoreError: no finished run, or one of another version, or a stage that is not whole.
        DataError: a log that is not one, or that holds nothing.
    """
    config = finished_config(folder)
    limit_calls(plug_in_limit(config.execution))
    manifest = read_json(folder / MANIFEST)
    tested = isinstance(manifest, dict) and "arms" in manifest
    kind = RunManifest if tested else BenchManifest
    catalogue, history = (finished_stage(folder, name, kind) for name in ("catalogue", "history"))
    experiment = finished_stage(folder, "experiment", kind) / LOG if tested else None
    estimated: Mapping[str, Any] = {}
    if tested:
        estimated = {
            "metrics": find_record(Metrics, folder),
            "truths": find_record(Truths, folder),
            "channels": {
                name: finished_stage(folder, f"channel-{taught_as(config, name)}")
                for name in config.channels
                if any(name in arm.channels for arm in config.arms)
            },
        }
    with _evidence(config, catalogue, history, experiment, spec, estimated) as evidence:
        yield evidence


@contextmanager
def of_history(
    config: Config, catalogue: Stage, history: Stage, spec: EngineSpec | None = None
) -> Iterator[Evidence]:
    """What a history by itself is judged by."""
    with _evidence(config, catalogue.path, history.path, None, spec, {}) as evidence:
        yield evidence


@contextmanager
def _evidence(
    config: Config,
    catalogue: Path,
    history: Path,
    experiment: Path | None,
    spec: EngineSpec | None,
    estimated: Mapping[str, Any],
) -> Iterator[Evidence]:
    layout = config.design.layout(config.world.history_days)
    logs = history / LOG, experiment, config.control, spec, layout
    with open_logs(*logs) as (before, during):
        yield Evidence(
            name=config.name,
            config=config,
            confidence=config.analysis.confidence,
            catalogue=catalogue,
            state=history / STATE,
            history=before,
            experiment=during,
            control=config.control,
            shares={arm.name: arm.share for arm in config.arms},
            **estimated,
        )
