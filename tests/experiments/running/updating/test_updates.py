"""Models trained anew inside an experiment: when, from which log, and who serves with them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.attribution.run import attribute_run
from experiments.config.estimate import plan
from experiments.config.schema import Config
from experiments.rewardlab.run import bench_rewards
from experiments.running.models import MODEL, REPORT, Trained
from experiments.running.pipeline import Pipeline
from experiments.running.updating.served import Served
from experiments.running.updating.updates import UPDATES
from experiments.running.worlds import live, open_world
from experiments.stages.executor import ExecutionSpec
from experiments.stages.finished import finished_stage
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from experiments.stages.sources import Sources
from ranking.funnel import Funnel
from simulator.errors import ConfigError
from simulator.following.walk import follow
from tests.experiments.cqsid_runs import cqsid_config
from tests.experiments.running.test_stage_keys import stages_of
from tests.experiments.small_runs import (
    begun,
    log_digests,
    read,
    run,
    small_config,
    stage,
    table,
)

pytestmark = pytest.mark.long

UPDATED = ("world.days=3", "world.updates.every_days=1", 'world.updates.models=["ranker","dense"]')
APART = 'world.updates.log="per_arm"'
FIRST = 3  # the day of the first update


@pytest.fixture(scope="module")
def updated(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two updates, with all that is followed beside its worlds."""
    more = ("truth.seeds=1", "truth.headroom=20", 'truth.retrained=["ranker"]')
    folder = tmp_path_factory.mktemp("updated") / "run"
    return run(small_config(*UPDATED, *more), folder, like=small_run)


@pytest.fixture(scope="module")
def plain(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run without updates."""
    config = small_config("world.days=3", "truth.seeds=1")
    return run(config, tmp_path_factory.mktemp("plain") / "run", like=small_run)


@pytest.fixture(scope="module")
def apart(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which each arm learns from its own log."""
    config = small_config(*UPDATED, APART, "truth.seeds=0")
    return run(config, tmp_path_factory.mktemp("apart") / "run", like=small_run)


@contextmanager
def shop(config: Config, folder: Path) -> Iterator[tuple[Pipeline, Trained]]:
    """The stages of a run up to its worlds."""
    with RunFolder(folder) as held:
        pipeline = Pipeline(config, Maker(held, ExecutionSpec(processes=1), NoProgress()))
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        late, early = pipeline.models.channels(catalogue, history)
        yield pipeline, pipeline.models.trained(catalogue, history, late, early)


def told(folder: Path, world: str) -> pd.DataFrame:
    """What a world tells of its updates."""
    return pd.DataFrame(json.loads((stage(folder, world) / UPDATES).read_text()))


@pytest.mark.parametrize("world", ["experiment", "truth-control-0", "truth-dense-0"])
def test_a_world_is_as_without_updates_up_to_the_first_and_another_one_from_then_on(
    updated: Path, plain: Path, world: str
) -> None:
    one, other = (table(stage(run, world) / "log", "exposures") for run in (updated, plain))
    early, late = ([each[each["day"] < FIRST], each[each["day"] >= FIRST]] for each in (one, other))
    assert len(early[0]) > 500
    pd.testing.assert_frame_equal(early[0].reset_index(drop=True), late[0].reset_index(drop=True))
    assert (
        not early[1]["item"].reset_index(drop=True).equals(late[1]["item"].reset_index(drop=True))
    )


def test_the_history_and_the_models_that_serve_at_first_do_not_know_of_updates(
    updated: Path, plain: Path
) -> None:
    for name in ("catalogue", "history", "channel-dense", "ranker"):
        assert finished_stage(updated, name).name == finished_stage(plain, name).name


def test_each_model_is_trained_anew_at_each_update_from_a_longer_log(updated: Path) -> None:
    rows = told(updated, "experiment")
    found = rows[rows["arm"] == "dense"]
    assert sorted(zip(found["day"], found["model"], strict=True)) == [
        *((3, "dense"), (3, "ranker"), (4, "dense"), (4, "ranker")),
    ]
    for model in ("ranker", "dense"):
        stages = found[found["model"] == model]
        assert list(stages["stage"]) == [
            f"{'channel-' * (model == 'dense')}{model}-update-{number}" for number in (1, 2)
        ]
        names = [f"{row.stage}-{row.key}" for row in stages.itertuples()]
        content = {(updated / "stages" / name / MODEL).read_bytes() for name in names}
        assert len(content) == 2


def test_arms_that_share_a_log_share_the_ranker_that_learns_from_it(updated: Path) -> None:
    rows = told(updated, "experiment")
    keys = rows[rows["model"] == "ranker"].groupby("day")["key"].nunique()
    assert keys.to_dict() == {3: 1, 4: 1}


def test_arms_that_keep_their_logs_apart_have_rankers_of_their_own(apart: Path) -> None:
    rows = told(apart, "experiment")
    keys = rows[rows["model"] == "ranker"].groupby("day")["key"].nunique()
    assert keys.to_dict() == {3: 2, 4: 2}


def rankers(folder: Path, log: str) -> list[dict[str, Any]]:
    """Reports of the rankers that the only update of an experiment has trained, by arm."""
    config = small_config(
        *("world.days=3", "world.updates.every_days=2", f"world.updates.log={log}")
    )
    with shop(config, folder) as (pipeline, trained):
        job = pipeline.experiment(trained)
        live(job, advance=lambda work: None)
        rows = json.loads((job.stage.path / UPDATES).read_text())
        names = {row["arm"]: f"{row['stage']}-{row['key']}" for row in rows}
        return [
            json.loads((folder / "stages" / names[arm] / REPORT).read_text())
            for arm in ("control", "dense")
        ]


def test_a_weighted_ranker_learns_as_much_as_there_is_in_the_log_of_both_arms(
    updated: Path,
) -> None:
    """Kept beside the other run, so that the history and its models are made once."""
    shared, own, weighted = (rankers(updated, log) for log in ("shared", "per_arm", "weighted"))
    assert shared[0] == shared[1]
    assert weighted[0] != weighted[1]
    for arm in (0, 1):
        assert own[arm]["exposures"] < 0.85 * shared[arm]["exposures"]
        assert weighted[arm]["exposures"] == pytest.approx(shared[arm]["exposures"], abs=2)
        assert weighted[arm] != shared[arm]


def test_the_world_of_a_treatment_also_teaches_the_control_that_is_followed_in_it(
    updated: Path,
) -> None:
    """Its own funnel, control's, and its own with another training of the ranker in control."""
    assert list(told(updated, "truth-dense-0")["arm"]) == ["dense"] * 2 + ["control"] * 2 + [
        *["dense"] * 2,
        *["control"] * 2,
    ]
    again = told(updated, "truth-control-0")
    keys = again[again["model"] == "ranker"].groupby("day")["key"].nunique()
    assert keys.to_dict() == {3: 2, 4: 2}  # by its own luck, and by another


def totals(config: Config, folder: Path, *, kept_up: bool) -> list[dict[str, Any]]:
    """What is expected of a world's pages, and of those of a second funnel of the same arm."""
    with shop(config, folder) as (pipeline, trained):
        job = pipeline.one_arm("watched", "truth.0", 1, trained)
        opened = open_world(job, folder / f"again-{kept_up}")
        catalog = opened.world.population.supply.catalog
        (other,) = job._funnels((1,), catalog, opened.world.draws)
        if kept_up:
            opened.keep_up(Served(other, 1))
        assert isinstance(opened.service, Funnel)
        walks = [
            follow(opened.world, opened.service.twin()),
            follow(opened.world, other, own=False),
        ]
        opened.run(lambda requests: None)
        assert opened.digest == log_digests(folder)[stage(folder, "truth-dense-0").name]
        return [walk.totals() for walk in walks]


def test_what_is_expected_is_told_with_the_models_that_serve_on_each_day(updated: Path) -> None:
    """A second funnel makes every page anew: it must have the same models on the same days."""
    config = small_config(*UPDATED, "truth.seeds=1")
    own, other = totals(config, updated, kept_up=True)
    for name, column in own.items():
        np.testing.assert_array_equal(column, other[name], err_msg=name)
    _, stale = totals(config, updated, kept_up=False)
    assert not np.array_equal(stale["clicks"], own["clicks"])


def test_a_world_that_is_stopped_in_the_middle_finds_the_models_that_it_had_trained(
    updated: Path, small_run: Path, tmp_path: Path
) -> None:
    class StoppedError(Exception):
        pass

    def stop(work: float) -> None:
        if list(tmp_path.glob("run/stages/ranker-update-2-*/stage.json")):
            raise StoppedError

    folder = begun(tmp_path / "run", small_run)
    with shop(small_config(*UPDATED, "truth.seeds=0"), folder) as (pipeline, trained):
        job = pipeline.experiment(trained)
        with pytest.raises(StoppedError):
            live(job, advance=stop)
        assert not job.stage.finished
        made = {
            path: path.stat().st_mtime_ns for path in tmp_path.glob("run/stages/*update*/*.json")
        }
        assert len(made) >= 8
        live(job, advance=lambda work: None)
    assert {path: path.stat().st_mtime_ns for path in made} == made
    name = job.stage.path.name
    assert log_digests(tmp_path / "run")[name] == log_digests(updated)[name]


def test_a_model_that_is_not_as_it_was_written_is_trained_again_to_the_same_bytes(
    apart: Path,
) -> None:
    with shop(small_config(*UPDATED, APART, "truth.seeds=0"), apart) as (pipeline, trained):
        job = pipeline.experiment(trained)
        path = next(apart.glob(f"stages/ranker-update-1-*/{MODEL}"))
        before = path.read_bytes()
        path.write_bytes(before[:100])
        opened = open_world(replace(job), apart / "again")
        opened.run(lambda requests: None)
    assert path.read_bytes() == before
    assert opened.digest == log_digests(apart)[job.stage.path.name]


def test_the_page_says_what_was_trained_anew_and_from_which_log(updated: Path, apart: Path) -> None:
    for folder, whose in ((updated, "the log of all arms together"), (apart, "each arm alone")):
        said, *more = read(folder, "metrics")["health"]["warnings"]
        assert said.startswith("Every 1 days of the experiment models (ranker, dense) were trained")
        assert whose in said
        # Of one pair of worlds, the truth's interval lacks the luck of what models learned from.
        assert any("With one pair of worlds" in each for each in more) == (folder == updated)


def test_replays_and_worlds_without_a_channel_are_refused_where_models_change(
    updated: Path,
) -> None:
    with pytest.raises(
        ConfigError, match=r"incremental == \['replay'\], must be \[\] \(--incrementa"
    ):
        attribute_run(
            updated, overrides=['attribution.incremental=["replay"]'], progress=NoProgress()
        )
    page = attribute_run(updated, overrides=["attribution.incremental=[]"], progress=NoProgress())
    assert page.is_file()


def test_worlds_of_policies_are_refused_where_models_change(tmp_path: Path) -> None:
    config = cqsid_config(tmp_path, "world.days=2", "world.updates.every_days=1")
    lab = config.reward_lab.model_copy(update={"worlds": 1})
    config = config.model_copy(update={"reward_lab": lab})
    with pytest.raises(ConfigError, match=r"world.updates.every_days == 1, must be 0"):
        bench_rewards(config, tmp_path / "run", progress=NoProgress(), command="a test")


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ("world.updates.every_days=2", {"experiment", "truth-dense-0"}),
        ('world.updates.models=["ranker"]', {"experiment", "truth-dense-0"}),
        (APART, {"experiment", "truth-dense-0"}),
    ],
)
def test_what_decides_updates_is_in_the_keys_of_worlds_alone(
    tmp_path: Path, changed: str, moved: set[str]
) -> None:
    looked_at = {"history", "channel-dense", "ranker", "experiment", "truth-dense-0"}
    before, after = (
        {name: asked.key(Sources()) for name, asked in stages_of(config, tmp_path / "run").items()}
        for config in (small_config(*UPDATED), small_config(*UPDATED, changed))
    )
    assert {name for name in looked_at if before[name] != after[name]} == moved


def test_code_of_updates_decides_only_worlds_that_have_them(tmp_path: Path) -> None:
    module = "experiments.running.updating.past"
    for overrides, within in (((), False), (UPDATED, True)):
        asked = stages_of(small_config(*overrides), tmp_path / "run")
        assert (module in asked["experiment"].code) is within
        assert module not in asked["history"].code


def test_updates_are_planned_for_more_time() -> None:
    plain, more = (dict(plan(small_config(*each))) for each in (UPDATED[:1], UPDATED))
    assert more["worlds"] > plain["worlds"]
    assert {**more, "worlds": 0} == {**plain, "worlds": 0}


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (
            [*UPDATED, "world.updates.log=weighted"],
            "world.updates.models == 'dense', must be 'ranker' alone where world.updates.log is",
        ),
        (["world.days=3", "world.updates.every_days=3"], r"every_days == 3, must be < world.days"),
        (["world.updates.every_days=-1"], "world.updates.every_days == -1, must be >= 0"),
        (
            ["world.updates.log=own"],
            "world.updates.log == 'own', must be 'shared', 'per_arm' or 'weighted'",
        ),
        ([*UPDATED, 'world.updates.models=["rankr"]'], "world.updates.models == 'rankr', must be"),
        ([*UPDATED, "world.updates.models=[]"], "world.updates.models"),
        (
            [*UPDATED, 'world.updates.models=["ranker","ranker"]'],
            "world.updates.models == 'ranker' 2 times, must name each model once",
        ),
        (
            [*UPDATED, 'world.updates.models=["lexical"]'],
            "'lexical', must be a channel that learns: it learns from the catalogue alone",
        ),
        ([*UPDATED, "ranker.type=merge_order"], "'ranker', must be a model that learns: all arms"),
        (
            [*UPDATED, 'arms.dense.channels=["popular"]'],
            "'dense', must be a channel that an arm has",
        ),
    ],
)
def test_an_update_that_cannot_be_is_refused(overrides: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        small_config(*overrides)
