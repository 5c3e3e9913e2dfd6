"""`funnelab calibrate`: the operating characteristics of an experiment in a simulated shop."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.config.estimate import plan_operating
from experiments.config.schema import Config
from experiments.operating.answers import Answers
from experiments.operating.experiments import (
    TestedWorld,
    experiments,
    read_by_exposure,
    read_tests,
)
from experiments.operating.redraws import kinds, redraws
from experiments.operating.splits import Drawn, unit_of
from experiments.operating.study import Study, name_of, study_of
from experiments.operating.targets import Logs, Targets, targets
from experiments.records.experiment.operating import Operating
from experiments.report.operating.page import write_report
from experiments.running.manifest import bench_manifest
from experiments.running.models import LOG, POPULATION, Trained, load_saved
from experiments.running.opening import announce, at_work, finish_run, open_run, replace_results
from experiments.running.pipeline import Pipeline
from experiments.running.plugins import check_plug_ins
from experiments.running.run import modules
from experiments.running.worlds import OneArmWorld
from experiments.stages.executor import prepare
from experiments.stages.maker import Maker
from experiments.stages.pace import lasting
from experiments.stages.progress import Progress
from simulator.randomness import Draws

_LUCK = "operating"
"""Of the pair of worlds whose splits are drawn anew: neither the experiment's nor the truth's."""

SHOWN_WORLDS = 200
"""Experiments whose cost is told where none are asked for."""


def calibrate_config(
    config: Config,
    folder: Path,
    *,
    progress: Progress,
    command: str,
    overwrite: bool = False,
    redraws: int = 1_000,
    worlds: int = 0,
    designs: Sequence[str] = (),
    treatment: str = "",
) -> Path:
    """Make the experiment of a config many times, and say how often its test is wrong.

    Writes operating.json and operating.html; returns the path of the page. Models and worlds are
    stages: the same command continues an interrupted one.

    Args:
        config: whose experiment is made.
        folder: the run folder; finished stages in it are reused.
        progress: is told what is done.
        command: what the manifest names as the way to reproduce it.
        overwrite: replace the results of a finished folder with other settings.
        redraws: splits of each design that are drawn in one pair of worlds; 0: none.
        worlds: experiments with luck of their own, as many A/A as A/B.
        designs: those whose splits are drawn; none: all that fit.
        treatment: the arm that is compared with control; "": the first other one.

    Raises:
        FunnelabError: bad input, or a folder that cannot be used.
        PartFailedError: a part failed where nothing could go on without it.
    """
    study = study_of(config, redraws=redraws, worlds=worlds, designs=designs, treatment=treatment)
    with open_run(config, folder, progress, overwrite=overwrite) as maker:
        _announce(study, progress)
        prepare(modules(config), maker.execution)
        check_plug_ins(config)
        with at_work():
            lived = _live(study, maker)
            record = _answered(study, lived, progress)
            replace_results(maker.run, config, record)
            manifest = bench_manifest(config, command, lived.trained.catalogue, maker)
            return finish_run(maker, manifest, write_report)


def _announce(study: Study, progress: Progress) -> None:
    """What is to come, and what experiments would cost where none are asked for."""
    config, asked = study.config, (list(study.designs), study.redraws)
    steps = plan_operating(config, *asked, study.worlds)
    announce(progress, steps)
    if not study.worlds:
        more = plan_operating(config, *asked, SHOWN_WORLDS)
        seconds = sum(each for _, each in more) - sum(each for _, each in steps)
        progress.plan(f"--worlds {SHOWN_WORLDS} would take about {lasting(seconds)} more")


@dataclass(frozen=True)
class _Lived:
    """The finished stages of a study.

    Attributes:
        trained: models, and what they learned from.
        pair: worlds of equal luck, control's first; none where no split is drawn anew.
        truth: worlds of the truth, of control and of the treatment.
        aa, ab: experiments with luck of their own.
    """

    trained: Trained
    pair: Sequence[OneArmWorld]
    truth: tuple[Sequence[OneArmWorld], Sequence[OneArmWorld]]
    aa: Sequence[TestedWorld]
    ab: Sequence[TestedWorld]


def _live(study: Study, maker: Maker) -> _Lived:
    """Train the models and live all worlds side by side."""
    config, pipeline = study.config, Pipeline(study.config, maker)
    catalogue = pipeline.catalogue()
    history = pipeline.history(catalogue)
    with maker.together("models", "models"):
        channels, early = pipeline.models.channels(catalogue, history)
        trained = pipeline.models.trained(catalogue, history, channels, early)
    pair = [
        pipeline.one_arm(f"operating-{arm.name}", _LUCK, number, trained, followed=False)
        for number, arm in enumerate(study.arms)
        if study.designs
    ]
    seeds = range(config.truth.seeds)
    one, other = ([pipeline.truth_world(n, seed, trained) for seed in seeds] for n in (0, 1))
    aa, ab = (experiments(study, maker, trained, alike=alike) for alike in (True, False))
    jobs: list[OneArmWorld | TestedWorld] = [*pair, *one, *other, *aa, *ab]
    maker.side_by_side("worlds", jobs, "pages", [job.work for job in jobs])
    return _Lived(trained, pair, (one, other), aa, ab)


def _answered(study: Study, lived: _Lived, progress: Progress) -> Operating:
    """Everything that the record holds."""
    config, metrics = study.config, study.metrics
    answers = Answers(study)
    with progress.stage("truth"):
        pair: Logs = ([_log(job) for job in lived.pair[:1]], [_log(job) for job in lived.pair[1:]])
        one, other = lived.truth
        truth: Logs = [_log(job) for job in one], [_log(job) for job in other]
        known = targets(config, metrics, truth, pair)
    if lived.pair:
        _redraw(study, lived, known, answers, progress)
    if lived.aa:
        answers.lived(
            name_of(config.design),
            unit_of(config.design.layout(config.world.history_days)),
            read_tests(lived.aa, metrics),
            read_tests(lived.ab, metrics),
            read_by_exposure(lived.aa),
            known,
        )
    return answers.record(known)


def _redraw(
    study: Study, lived: _Lived, known: Targets, answers: Answers, progress: Progress
) -> None:
    """Draw the splits of every design anew, and ask the tests."""
    config, trained = study.config, lived.trained
    population = load_saved(trained.catalogue.path / POPULATION)
    every = {
        name: Drawn.of(config, spec, population, trained.history.path / LOG)
        for name, spec in study.designs.items()
    }
    total = sum(map(kinds, every.values())) * study.redraws
    worlds = _log(lived.pair[0]), _log(lived.pair[1])
    with progress.stage("redraws", total=total, unit="tests") as bar:
        for name, drawn in every.items():
            made = redraws(
                *(worlds, drawn, study.metrics, study.redraws),
                confidence=config.analysis.confidence,
                seed=Draws(config.seed).child(f"operating.sample.{name}").seed,
                advance=bar.advance,
            )
            answers.redrawn(name, drawn.unit, made, known)


def _log(job: OneArmWorld) -> Path:
    return job.stage.path / LOG
