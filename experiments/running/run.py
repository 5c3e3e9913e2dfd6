"""A whole run: its stages, what is estimated from their logs, and the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.attribution.credit.credited import write_credit
from experiments.attribution.credit.customrules import check_rules
from experiments.attribution.credit.segments import Items
from experiments.config.loading import resolved_toml
from experiments.config.schema import Config
from experiments.inference.analysis import analyse, truth_table
from experiments.inference.metrics import METRICS, Metric
from experiments.report import write_report
from experiments.running.building import load_saved
from experiments.running.manifest import manifest
from experiments.running.models import CATALOG, training_reports
from experiments.running.pipeline import Pipeline, Worlds
from experiments.running.plugins import check_plug_ins
from experiments.running.worlds import LOG
from experiments.stages.folder import CONFIG, MANIFEST, RunFolder
from experiments.stages.guard import check_same_settings
from experiments.stages.maker import Maker
from experiments.stages.progress import Progress


def run_experiment(
    config: Config, folder: Path, *, progress: Progress, command: str, overwrite: bool = False
) -> Path:
    """Run or continue an experiment; returns the path of its report.

    Args:
        folder: the run folder; finished stages in it are reused.
        command: what the report names as the way to reproduce it.
        overwrite: replace the results of a finished run with other settings.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
    """
    with RunFolder(folder) as run:
        if not overwrite:
            check_same_settings(folder, resolved_toml(config))
        check_plug_ins(config)
        check_rules(config.attribution.rules)
        maker = Maker(run, config.execution, progress)
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        channels, early = pipeline.channels(catalogue, history)
        rankers = pipeline.rankers(catalogue, history, channels, early)
        retrieval = pipeline.retrieval(catalogue, history, channels)
        worlds = pipeline.worlds(catalogue, history, channels, rankers)
        with progress.stage("analyse"):
            models = training_reports(
                config,
                {name: stage.path for name, stage in channels.items()},
                [stage.path for stage in rankers],
            )
            results = _results(config, history.path / LOG, worlds, retrieval, models)
        run.remove(MANIFEST)  # a run without one is not finished: its results may be replaced
        run.write_text(CONFIG, resolved_toml(config))
        for name, content in results.items():
            if content is None:
                run.remove(name)
            else:
                run.write_json(name, content)
        with progress.stage("credit"):
            items = Items.of(load_saved(catalogue.path / CATALOG), history.path / LOG)
            write_credit(run, config, worlds.experiment, items)
        run.link("log", worlds.experiment)
        told = manifest(config, command, catalogue, worlds.experiment, maker.records)
        run.write_json(MANIFEST, told)
        with progress.stage("report"):
            return write_report(run.path)


def _results(
    config: Config,
    history: Path,
    worlds: Worlds,
    retrieval: Sequence[Mapping[str, Any]],
    models: Sequence[Mapping[str, Any]],
) -> dict[str, dict[str, Any] | None]:
    """The result files' content by name; None for one that this run does not have."""
    chosen: tuple[Metric, ...] = (*METRICS.values(), *config.analysis.metrics)
    metrics = analyse(
        worlds.experiment,
        history if config.analysis.cuped else None,
        name=config.name,
        arms={arm.name: arm.share for arm in config.arms},
        control=config.control,
        confidence=config.analysis.confidence,
        primary=config.analysis.primary,
        metrics=chosen,
        retrieval=retrieval,
        models=models,
    )
    truth = None
    if config.truth.seeds:
        truth = truth_table(worlds.truth, metrics, control=config.control, metrics=chosen)
    return {"metrics.json": metrics, "truth.json": truth}
