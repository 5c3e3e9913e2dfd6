"""`funnelab attribute`: what each channel of a finished run contributes."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import get_args

from experiments.attribution.credit.credited import credit_run
from experiments.attribution.credit.customrules import check_rules
from experiments.attribution.credit.segments import Items
from experiments.attribution.incremental.arms import open_arm
from experiments.attribution.measured import measure
from experiments.config.attribution import Method
from experiments.config.overrides import suggestion
from experiments.records.reading import write_record
from experiments.report import write_report
from experiments.running.models import CATALOG, LOG, load_saved
from experiments.running.plugins import check_plug_ins
from experiments.stages.finished import finished_config, finished_stage
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import Progress
from simulator.errors import ConfigError

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
    check_rules(config.attribution.rules)
    check_plug_ins(config)
    catalogue = finished_stage(folder, "catalogue")
    history, log = (finished_stage(folder, name) / LOG for name in ("history", "experiment"))
    with RunFolder(folder) as run:
        with progress.stage("credit"):
            items = Items.of(load_saved(catalogue / CATALOG), history)
            record = credit_run(config, log, items)
        opened = cache(partial(open_arm, config, Maker(run, config.execution, progress)))
        record = measure(record, config, opened)
        write_record(folder, record)
        with progress.stage("report"):
            return write_report(folder)
