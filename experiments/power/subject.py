"""What a test is planned from: the log of a run, or a log by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from experiments.inference.logs import read_manifest
from experiments.inference.metrics import METRICS, Metric
from experiments.records.experiment.power import Source
from experiments.records.files import CONFIG, MANIFEST, read_json
from experiments.records.manifest import BenchManifest, RunManifest
from experiments.stages.finished import finished_config, finished_stage
from simulator.errors import ConfigError, StoreError, closest

LOG = "log"
"""The log's folder in a stage, as `running.models.LOG`, which loads torch, has it."""

USUAL = "orders"
"""The metric that is meant where nothing tells which."""


@dataclass(frozen=True)
class Subject:
    """The logs that a test is planned from.

    Attributes:
        name: of the run or of the log's folder.
        source: "run" or "log".
        log, history: folders; the latter of the period before, None without one.
        metrics: that may be asked for.
        primary: which is meant where none is asked for, if it may be.
        confidence: level of intervals.
        shares: that the arms should have, by name, control first; None: the log tells.
        untold: metrics that the run has and that cannot be planned for.
    """

    name: str
    source: Source
    log: Path
    history: Path | None
    metrics: Mapping[str, Metric]
    primary: str
    confidence: float
    shares: Mapping[str, float] | None
    untold: tuple[str, ...] = ()

    def metric(self, name: str | None) -> Metric:
        """The metric that is asked for.

        Raises:
            ConfigError: it does not exist, with the nearest that does; or it is not made of columns
                of the unit table.
        """
        chosen = name or (self.primary if self.primary in self.metrics else USUAL)
        if chosen in self.untold:
            raise ConfigError(
                f"--metric == {chosen!r} of analysis.own, must be made of columns of the unit "
                f"table: one of {', '.join(self.metrics)}"
            )
        if chosen not in self.metrics:
            near = closest(chosen, list(self.metrics))
            told = f" (the closest known: {near!r})" if near else ""
            raise ConfigError(
                f"--metric == {chosen!r}, must be one of: {', '.join(self.metrics)}{told}"
            )
        return self.metrics[chosen]


def open_subject(folder: Path, history: Path | None) -> Subject:
    """Find the logs of a folder.

    Args:
        folder: of a finished run, or of a log.
        history: log of the period before, in place of the run's own.

    Raises:
        StoreError: neither, or a run that is not whole or of another version.
        DataError: a log without a manifest.
        ConfigError: a history that is the log itself.
    """
    if history is not None and history.resolve() == folder.resolve():
        raise ConfigError(f"--history == {history}, must be another log: of the period before")
    if (folder / "requests").is_dir():
        read_manifest(folder)
        return Subject(
            name=folder.resolve().name,
            source="log",
            log=folder,
            history=history,
            metrics=METRICS,
            primary=USUAL,
            confidence=0.95,
            shares=None,
        )
    if not (folder / CONFIG).is_file():
        raise StoreError(f"{folder} == neither a finished run nor a log, must be the folder of one")
    config = finished_config(folder)
    manifest = read_json(folder / MANIFEST)
    tested = isinstance(manifest, dict) and "arms" in manifest
    kind = RunManifest if tested else BenchManifest
    before = finished_stage(folder, "history", kind) / LOG
    own = history or (before if tested else None)
    shares = None
    if tested:
        names = [config.control, *(arm.name for arm in config.arms if arm.name != config.control)]
        planned = {arm.name: arm.share for arm in config.arms}
        shares = {name: planned[name] for name in names}
    return Subject(
        name=config.name,
        source="run",
        log=finished_stage(folder, "experiment", kind) / LOG if tested else before,
        history=own if config.analysis.cuped or history else None,
        metrics={**METRICS, **{each.name: each for each in config.analysis.metrics}},
        primary=config.analysis.primary,
        confidence=config.analysis.confidence,
        shares=shares,
        untold=tuple(each.name for each in config.analysis.own),
    )
