"""Experiments with luck of their own: each lived, tested, and its log thrown away.

All have the same shop, shoppers, history and models. What shoppers do, and who is in which arm, is
drawn anew in each.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.schema import Config
from experiments.designs.layout import AnyLayout
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.inference.randomised.byexposure import CTR, exposure_test
from experiments.inference.randomised.comparison import ByShopper, open_by_shopper, open_grouped
from experiments.inference.randomised.redrawn import NOTHING, Redrawn, Test, told
from experiments.operating.study import Study
from experiments.records.files import read_json, write_json
from experiments.records.metrics import Contrast
from experiments.running.models import LOG, Trained
from experiments.running.pipeline import Pipeline
from experiments.running.worlds import ExperimentWorld, open_world
from experiments.stages.executor import Advance
from experiments.stages.maker import Maker
from experiments.stages.stage import Stage
from simulator.randomness import Draws

TESTS = "tests.json"
_EXPOSURES = "by_exposure"
_SPEC = EngineSpec(threads=1)  # each in a process of its own


@dataclass(frozen=True)
class TestedWorld:
    """An experiment to be lived and tested.

    Attributes:
        stage: where the test's numbers go.
        world: the experiment, whose log is written into the same stage.
        metrics: what is compared.
        contrast: control and treatment.
        confidence: level of the intervals.
        layout: how its log is read; None: shopper by shopper.
    """

    __test__ = False

    stage: Stage
    world: ExperimentWorld
    metrics: tuple[Metric, ...]
    contrast: Contrast
    confidence: float
    layout: AnyLayout | None

    @property
    def work(self) -> float:
        """As of worlds."""
        return self.world.work


def live_and_test(job: TestedWorld, *, advance: Advance) -> None:
    """Live an experiment, test it, and keep the test alone.

    Hundreds of logs would fill a disk.
    """
    with job.stage.write() as folder:
        log = folder / LOG
        opened = open_world(job.world, log)
        each = job.world.pages_each
        opened.run(lambda requests: advance(requests * each), work=advance)
        write_json(folder / TESTS, tested(log, job))
        shutil.rmtree(log)


def tested(log: Path, job: TestedWorld) -> dict[str, list[float | None]]:
    """The test of a log: by metric the numbers of `Test`; None where there is none."""
    metrics = (*job.metrics, CTR)
    opened = (
        open_by_shopper(log, metrics, None, scale="fieller", spec=_SPEC)
        if job.layout is None
        else open_grouped(log, metrics, job.layout, scale="fieller", spec=_SPEC)
    )
    found: dict[str, list[float | None]] = {}
    with opened as units:
        for row, _ in units.estimates(job.metrics, [job.contrast], job.confidence):
            effect, low, high = row.effect.numbers
            found[row.metric] = [row.control, effect, low, high, row.p_value]
        if isinstance(units, ByShopper):
            found[_EXPOSURES] = list(_by_exposure(units, job.contrast, job.confidence))
    return found


def _by_exposure(units: ByShopper, contrast: Contrast, confidence: float) -> Test:
    arms = units.units.aggregates([CTR])
    sums = [
        np.array([arms[name].count() * arms[name].mean(column) for name in contrast])
        for column in CTR.columns
    ]
    return exposure_test(*sums, confidence=confidence)


def experiments(study: Study, maker: Maker, trained: Trained, *, alike: bool) -> list[TestedWorld]:
    """The experiments of a study.

    Args:
        study: what is studied.
        maker: of the stages.
        trained: models of the study's arms.
        alike: whether all arms are control's funnel (an A/A test).
    """
    config = study.config
    if alike:
        control = config.arms[0]
        same = [control.model_copy(update={"name": a.name, "share": a.share}) for a in config.arms]
        config = config.model_copy(update={"arms": tuple(same)})
        trained = replace(trained, rankers=[trained.rankers[0]] * len(same))
    return [_job(study, config, maker, trained, number, alike) for number in range(study.worlds)]


def _job(
    study: Study, config: Config, maker: Maker, trained: Trained, number: int, alike: bool
) -> TestedWorld:
    # The seed of a later world decides its luck and its split; all else comes with the models.
    own = config.model_copy(update={"seed": luck_of(config.seed, number)})
    world = Pipeline(own, maker).experiment(trained)
    confidence = config.analysis.confidence
    stage = maker.stage(
        f"operating-{'aa' if alike else 'ab'}-{number}",
        [list(study.metrics), list(study.contrast), confidence],
        inputs=[world.stage.key],
        task=live_and_test,
    )
    layout = config.design.layout(config.world.history_days)
    made = replace(world, stage=stage), study.metrics, study.contrast, confidence, layout
    return TestedWorld(stage, *made)


def luck_of(seed: int, number: int) -> int:
    """The seed of an experiment with luck of its own."""
    return Draws(seed).child(f"operating.{number}").seed >> 1


def read_tests(jobs: Sequence[TestedWorld], metrics: Sequence[Metric]) -> Redrawn:
    """The tests of finished experiments, in their order."""
    every = [_read(job) for job in jobs]
    return told(metrics, [[_test(found, each.name) for each in metrics] for found in every])


def read_by_exposure(jobs: Sequence[TestedWorld]) -> Redrawn | None:
    """The same tests by exposure; None where shoppers are not split."""
    every = [_read(job) for job in jobs]
    if not all(_EXPOSURES in found for found in every):
        return None
    return told([CTR], [[_test(found, _EXPOSURES)] for found in every])


def _read(job: TestedWorld) -> Mapping[str, Any]:
    return dict(read_json(job.stage.path / TESTS))


def _test(found: Mapping[str, Any], name: str) -> Test:
    numbers = found.get(name)
    if numbers is None or None in numbers:
        return NOTHING
    level, effect, low, high, p_value = map(float, numbers)
    return level, effect, low, high, p_value
