"""`funnelab attribute`: what each channel of a finished run contributes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import get_args

from experiments.attribution.credit.credited import credit_log
from experiments.attribution.credit.customrules import load_rule
from experiments.attribution.credit.segments import Items
from experiments.attribution.incremental.arms import open_arm
from experiments.attribution.incremental.measured import measure
from experiments.config.attribution import BUILT_IN_RULES, Method
from experiments.config.overrides import suggestion
from experiments.config.schema import Config
from experiments.records.attribution import FILE, AttributionRecord, read_record, write_record
from experiments.report import write_report
from experiments.running.building import load_saved
from experiments.running.finished import finished_config, finished_stage
from experiments.running.models import CATALOG
from experiments.running.plugins import check_plug_ins
from experiments.running.worlds import LOG
from experiments.stages.files import read_json
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import Progress
from simulator.errors import ConfigError, DataError, StoreError

_OWN = ("attribution.", "execution.")
_NONE = "none"


def asked(rules: Sequence[str], incremental: Sequence[str]) -> list[str]:
    """Overrides of the settings that say the same as the options of the command.

    Raises:
        ConfigError: a method that does not exist, or "none" beside one.
    """
    known = [*get_args(Method), _NONE]
    for method in incremental:
        if method not in known:
            raise ConfigError(f"--incremental == {method!r}, must be {suggestion(method, known)}")
    if _NONE in incremental and len(incremental) > 1:
        raise ConfigError(f"--incremental == {', '.join(incremental)}, must be none alone")
    methods = [method for method in incremental if method != _NONE]
    found = [f"attribution.rules={list(rules)!r}"] if rules else []
    return [*found, *([f"attribution.incremental={methods!r}"] if incremental else [])]


def attribute_run(folder: Path, *, overrides: Sequence[str] = (), progress: Progress) -> Path:
    """Attribute a finished run's log to its channels; returns the path of the report.

    Writes attribution.json into the run folder, and the report again. Replays and worlds are
    stages of the run: an interrupted attribution goes on behind the last finished one.

    Args:
        folder: of a finished run.
        overrides: `attribution.key=value` or `execution.key=value` each.
        progress: is told what is done.

    Raises:
        FunnelabError: bad input, or a run whose worlds cannot be lived again.
    """
    for override in overrides:
        if not override.startswith(_OWN):
            raise ConfigError(f"--set {override}, must be a setting of attribution or execution")
    config = finished_config(folder, overrides)
    check_rules(config)
    check_plug_ins(config)
    catalogue, history = _stage(folder, "catalogue"), _stage(folder, "history") / LOG
    with RunFolder(folder) as run:
        with progress.stage("credit"):
            record = _credit(config, folder / LOG, catalogue, history)
        opened = cache(partial(open_arm, config, Maker(run, config.execution, progress)))
        record = measure(record, config, opened)
        write_record(folder / FILE, record)
        with progress.stage("report"):
            return write_report(folder)


def write_credit(run: RunFolder, config: Config, log: Path, catalogue: Path, history: Path) -> None:
    """Write the attribution of a run's log alone, unless there is one of this very log.

    Args:
        run: where it goes.
        config: of the run.
        log: its log folder.
        catalogue: folder of its stage of the catalogue.
        history: log folder of the period before.
    """
    with suppress(StoreError, DataError):
        if read_record(run.path / FILE).log_digest == read_json(log / "manifest.json")["digest"]:
            return
    run.write_json(FILE, asdict(_credit(config, log, catalogue, history)))


def check_rules(config: Config) -> None:
    """Refuse rules of credit that do not exist before any work is done.

    Raises:
        ConfigError: there is no rule of that name.
        ContractError: a custom object that cannot be found or made.
    """
    for rule in config.attribution.rules:
        if rule not in BUILT_IN_RULES:
            load_rule(rule)


def _credit(config: Config, log: Path, catalogue: Path, history: Path) -> AttributionRecord:
    return credit_log(
        log,
        Items.of(load_saved(catalogue / CATALOG), history),
        config.attribution,
        name=config.name,
        arms={arm.name: arm.channels for arm in config.arms},
        confidence=config.analysis.confidence,
    )


def _stage(folder: Path, name: str) -> Path:
    found = finished_stage(folder, name)
    if found is None:
        raise StoreError(f"{folder}: {name} == no stage, must be the folder of a finished run")
    return found
