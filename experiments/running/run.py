"""A whole run: its stages, what is estimated from their logs, and the report."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from experiments.attribution.credit.credited import write_credit
from experiments.attribution.credit.customrules import check_rules
from experiments.attribution.credit.segments import Items
from experiments.config.estimate import plan
from experiments.config.execution import ExecutionSpec
from experiments.config.schema import Config
from experiments.designs.settings import InterleavingDesign
from experiments.inference.analysis import analyse
from experiments.inference.metrics import CLICKS, METRICS, Metric
from experiments.records.apart.judges import JudgesRecord
from experiments.records.apart.stress import StressRecord
from experiments.records.apart.understanding import UnderstandingRecord
from experiments.records.files import read_json
from experiments.records.metrics import Metrics, Model, Retrieval
from experiments.records.truth import Truths
from experiments.report import write_report
from experiments.running.manifest import manifest
from experiments.running.models import CATALOG, LOG, REPORT, Trained, load_saved
from experiments.running.opening import announce, at_work, finish_run, open_run, replace_results
from experiments.running.pipeline import Pipeline, Worlds
from experiments.running.plugins import check_plug_ins
from experiments.running.population import remarks
from experiments.stages.executor import prepare
from experiments.stages.maker import Maker
from experiments.stages.progress import Progress
from experiments.stages.stage import Stage
from experiments.truth.precision import MOST_PAIRS, missed, pairs_wanted, shortfall
from experiments.truth.table import truth_table
from simulator.catalogue.catalog import Catalog


def run_experiment(
    config: Config,
    folder: Path,
    *,
    progress: Progress,
    command: str,
    overwrite: bool = False,
    execution: ExecutionSpec | None = None,
    shared: bool = False,
) -> Path:
    """Run or continue an experiment; returns the path of its report.

    Parts that fail while it goes on are told at its top, and in `failed` of manifest.json.

    Args:
        folder: the run folder; finished stages in it are reused.
        command: what the report names as the way to reproduce it.
        overwrite: replace the results of a finished run with other settings.
        execution: how it is executed, where not as the settings say.
        shared: whether other runs make stages in the same store at the time, see `RunFolder`.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
        PartFailedError: a part failed where nothing could go on without it.
    """
    hold = {"overwrite": overwrite, "shared": shared}
    with open_run(config, folder, progress, execution=execution, **hold) as maker:
        announce(progress, plan(config))
        prepare(modules(config), maker.execution)
        check_plug_ins(config)
        check_rules(config.attribution.rules)
        with at_work():
            return _made(config, maker, command)


def _made(config: Config, maker: Maker, command: str) -> Path:
    """The report of a run whose settings and parts have been tried."""
    progress, pipeline = maker.progress, Pipeline(config, maker)
    catalogue = pipeline.catalogue()
    history = pipeline.history(catalogue)
    with maker.together("models", "models"):
        channels, early = pipeline.models.channels(catalogue, history)
        trained = pipeline.models.trained(catalogue, history, channels, early)
    retrieval = pipeline.retrieval(catalogue, history, channels)
    judges = pipeline.judges(catalogue, history)
    suggested = pipeline.suggesters(catalogue, history, early)
    understanding = pipeline.understanding(catalogue, history)
    stress = pipeline.stress(trained, judges)
    worlds = pipeline.worlds(trained, config.truth.seeds)
    with progress.stage("analyse"):
        models = training_reports(
            config,
            {name: stage.path for name, stage in channels.items()},
            [stage.path for stage in trained.rankers],
        )
        models += [Model("suggester", name, (), told) for name, told in suggested.items()]
        catalog = load_saved(catalogue.path / CATALOG)
        metrics = _metrics(config, catalog, history.path / LOG, worlds, retrieval, models)
        metrics = _with_remarks(metrics, config, catalogue)
    truths = _truths(pipeline, trained, worlds, metrics, catalog)
    beside = {
        Truths.FILE: truths,
        StressRecord.FILE: stress,
        JudgesRecord.FILE: judges.record if judges is not None else None,
        UnderstandingRecord.FILE: understanding,
    }
    replace_results(maker.run, config, metrics, *(each for each in beside.values() if each))
    for name in (name for name, each in beside.items() if each is None):
        maker.run.remove(name)
    with progress.stage("credit"):
        items = Items.of(catalog, history.path / LOG)
        write_credit(maker.run, config, worlds.experiment, items)
    maker.run.link("log", worlds.experiment)
    bought = judges.record.bought if judges is not None else 0
    told = manifest(config, command, catalogue, worlds.experiment, maker, bought)
    return finish_run(maker, told, write_report)


def modules(config: Config) -> list[str]:
    """The modules that worlds and trainings load, and those of the built-in channels."""
    homes = [spec.home.partition(":")[0] for spec in config.channels.values() if spec.home]
    return ["experiments.running.worlds", "experiments.running.rankers", *homes]


def _with_remarks(metrics: Metrics, config: Config, catalogue: Stage) -> Metrics:
    """Metrics whose warnings begin with what a reader must know of the data."""
    said = remarks(config, catalogue.record().rows)
    health = replace(metrics.health, warnings=(*said, *metrics.health.warnings))
    return replace(metrics, health=health)


def _metrics(
    config: Config,
    catalog: Catalog,
    history: Path,
    worlds: Worlds,
    retrieval: Sequence[Retrieval],
    models: Sequence[Model],
) -> Metrics:
    """What the log of the experiment tells."""
    return analyse(
        worlds.experiment,
        history if config.analysis.cuped else None,
        name=config.name,
        arms={arm.name: arm.share for arm in config.arms},
        control=config.control,
        confidence=config.analysis.confidence,
        primary=config.analysis.primary,
        metrics=_chosen(config),
        retrieval=retrieval,
        models=models,
        own=config.analysis.own,
        catalog=catalog if config.analysis.own else None,
        layout=config.design.layout(config.world.history_days),
        scale=config.analysis.relative,
    )


def _chosen(config: Config) -> tuple[Metric, ...]:
    own = config.analysis.metrics
    interleaved = isinstance(config.design, InterleavingDesign)
    clicks = interleaved and CLICKS.name not in [each.name for each in own]
    return (*METRICS.values(), *([CLICKS] if clicks else []), *own)


def _truths(
    pipeline: Pipeline, trained: Trained, worlds: Worlds, metrics: Metrics, catalog: Catalog
) -> Truths | None:
    """The true effects, as sure as is wanted or as time allows; None where the run has none.

    A metric of the user's own that has failed is asked no more: it may be one that hangs.
    """
    config, start = pipeline.config, time.monotonic()
    spec, pairs = config.truth, config.truth.seeds
    if not pairs:
        return None
    period = config.world.history_days, config.world.days
    lasting = period if config.world.habit.strength else None
    while True:
        failed = {row.part for row in pipeline.maker.failed}
        with pipeline.maker.progress.stage("truth"):
            truths = truth_table(
                worlds.truth,
                metrics,
                control=config.control,
                metrics=_chosen(config),
                own=[each for each in config.analysis.own if f"metric {each.name}" not in failed],
                catalog=catalog,
                method=spec.method,
                trainings=1 + len(trained.again) if spec.trainings == "each" else 1,
                lasting=lasting,
            )
        rest = missed(truths, spec.resolution)
        if not rest:
            return truths
        known = {row.metric for row in truths.truth}
        more = {name: width for name, width in rest.items() if name in known}
        if not more or pairs >= MOST_PAIRS or time.monotonic() - start > 60 * spec.minutes:
            told = shortfall(pairs, rest, spec.resolution)
            return replace(truths, warnings=(*truths.warnings, *told))
        aim = max(pairs_wanted(pairs, each, spec.resolution[name]) for name, each in more.items())
        pairs = min(max(pairs + 1, min(aim, 2 * pairs)), MOST_PAIRS)
        worlds = pipeline.worlds(trained, pairs)


def training_reports(
    config: Config, channels: Mapping[str, Path], rankers: Sequence[Path]
) -> list[Model]:
    """What the models that serve tell of their training, a row for each that tells anything.

    Args:
        channels: model folders of the channels, by name.
        rankers: model folders of the arms' rankers, in the order of the arms; arms may share one.
    """
    rows = [
        _row("channel", name, [arm.name for arm in config.arms if name in arm.channels], folder)
        for name, folder in channels.items()
    ]
    for folder in dict.fromkeys(rankers):
        arms = [arm for arm, own in zip(config.arms, rankers, strict=True) if own == folder]
        kind = (arms[0].ranker or config.ranker).type
        rows.append(_row("ranker", kind, [arm.name for arm in arms], folder))
    return [row for row in rows if row.report]


def _row(model: str, name: str, arms: list[str], folder: Path) -> Model:
    return Model(model, name, tuple(arms), read_json(folder / REPORT))
