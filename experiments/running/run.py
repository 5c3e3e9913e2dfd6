"""A whole run: its stages, what is estimated from their logs, and the report."""

from collections.abc import Sequence
from pathlib import Path

from experiments.attribution.credit.credited import write_credit
from experiments.attribution.credit.customrules import check_rules
from experiments.attribution.credit.segments import Items
from experiments.config.loading import resolved_toml
from experiments.config.schema import Config
from experiments.inference.analysis import analyse, truth_table
from experiments.inference.metrics import METRICS, Metric
from experiments.records.metrics import Metrics, Model, Retrieval
from experiments.records.reading import write_record
from experiments.records.truth import Truths
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
            metrics, truths = _results(config, history.path / LOG, worlds, retrieval, models)
        run.remove(MANIFEST)  # a run without one is not finished: its results may be replaced
        run.write_text(CONFIG, resolved_toml(config))
        write_record(run.path, metrics)
        if truths is None:
            run.remove(Truths.FILE)
        else:
            write_record(run.path, truths)
        with progress.stage("credit"):
            items = Items.of(load_saved(catalogue.path / CATALOG), history.path / LOG)
            write_credit(run, config, worlds.experiment, items)
        run.link("log", worlds.experiment)
        told = manifest(config, command, catalogue, worlds.experiment, maker.records)
        write_record(run.path, told)
        with progress.stage("report"):
            return write_report(run.path)


def _results(
    config: Config,
    history: Path,
    worlds: Worlds,
    retrieval: Sequence[Retrieval],
    models: Sequence[Model],
) -> tuple[Metrics, Truths | None]:
    """What the logs tell; no true effects where the run has no such worlds."""
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
    if not config.truth.seeds:
        return metrics, None
    return metrics, truth_table(worlds.truth, metrics, control=config.control, metrics=chosen)
