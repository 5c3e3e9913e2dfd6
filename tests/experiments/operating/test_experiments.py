"""Experiments with luck of their own: what differs between them, and what is kept of each."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.designs.settings import ShopperDesign
from experiments.inference.analysis import analyse
from experiments.operating.experiments import TESTS, experiments, luck_of, read_tests
from experiments.running.assigning.designed import design_of, split_of
from experiments.running.models import POPULATION, load_saved
from experiments.running.pipeline import Pipeline
from tests.experiments.operating.lived import WORLDS, LivedStudy

pytestmark = pytest.mark.long


def test_each_has_a_split_of_its_own(lived: LivedStudy, tmp_path: Path) -> None:
    config = lived.study.config
    with lived.opened(tmp_path / "run") as (_, trained):
        population = load_saved(trained.catalogue.path / POPULATION)
        arms = [
            split_of(
                design_of(
                    config.model_copy(update={"seed": seed}),
                    ShopperDesign(),
                    population,
                    trained.history.path / "log",
                )
            ).assign(np.arange(600), np.zeros(600))
            for seed in (config.seed, luck_of(config.seed, 0), luck_of(config.seed, 1))
        ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert 0.4 < float((arms[one] != arms[other]).mean()) < 0.6


def test_seeds_are_of_the_range_that_settings_allow_and_differ() -> None:
    seeds = [luck_of(5, number) for number in range(500)]
    assert len(set(seeds)) == 500
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert luck_of(6, 0) != luck_of(5, 0)


def test_their_tests_are_kept_and_their_logs_are_not(lived: LivedStudy) -> None:
    found = sorted((lived.folder / "stages").glob("operating-a[ab]-*"))
    assert len(found) == 2 * WORLDS
    told = {(path / TESTS).read_text() for path in found}
    assert len(told) == len(found)
    assert not any((path / "log").exists() for path in found)


def test_a_test_is_that_of_a_run_with_the_same_luck(lived: LivedStudy, tmp_path: Path) -> None:
    """Of the same models, with another seed from the first day of the experiment on."""
    study = lived.study
    with lived.opened(tmp_path / "run") as (maker, trained):
        job = experiments(study, maker, trained, alike=False)[1]
        own = study.config.model_copy(update={"seed": luck_of(study.config.seed, 1)})
        world = Pipeline(own, maker).experiment(trained)
        maker.side_by_side("world", [world], "pages", 1)
        found = analyse(
            *(world.stage.path / "log", None),
            name="x",
            arms={arm.name: arm.share for arm in study.config.arms},
            control="control",
            metrics=study.metrics,
        )
        kept = json.loads((job.stage.path / TESTS).read_text())
        columns = read_tests([job], study.metrics)
    for at, row in enumerate(found.estimates):
        numbers = [row.control, *row.effect.numbers, row.p_value]
        assert kept[row.metric] == pytest.approx(numbers, rel=1e-12)
        assert columns.effect_RM[0, at] == row.effect.estimate
        assert columns.p_RM[0, at] == row.p_value


def test_all_arms_of_an_a_a_are_controls_funnel(lived: LivedStudy, tmp_path: Path) -> None:
    with lived.opened(tmp_path / "run") as (maker, trained):
        alike, apart = (
            experiments(lived.study, maker, trained, alike=each)[0] for each in (True, False)
        )
    arms = alike.world.config.arms
    assert [arm.channels for arm in arms] == [("lexical", "popular")] * 2
    assert [arm.name for arm in arms] == ["control", "dense"]
    assert len({stage.key for stage in alike.world.trained.rankers}) == 1
    assert apart.world.config.arms[1].channels == ("lexical", "popular", "dense")
    assert alike.stage.finished
    assert apart.stage.finished
    assert alike.stage.key != apart.stage.key
