"""Judges as a feature of rankers and as the scorer of a channel: what is fitted and served."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from experiments.config.schema import Config
from experiments.running.apart.judges import BOUGHT, known_then
from experiments.running.channels import ComposedJob
from experiments.running.funnels import arm_funnel
from experiments.running.models import (
    CATALOG,
    LOG,
    MODEL,
    POPULATION,
    PartsOf,
    load_channel,
    load_saved,
)
from experiments.running.pipeline import Pipeline
from experiments.running.rankers import Taught, features_for, text_of
from experiments.stages.executor import ExecutionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Job, Maker
from experiments.stages.progress import NoProgress
from experiments.stages.stage import Stage
from ranking.examples import history_index, split_time
from ranking.funnel import Funnel
from recall.candidates import Pool
from recall.classic.lexical import LexicalChannel
from recall.composed.reranked import RerankedChannel
from recall.composed.settings import RerankedSpec
from simulator.annotations.pairs import Annotations
from simulator.annotations.verdicts import Verdicts
from simulator.catalogue.catalog import Ints
from simulator.errors import ConfigError
from simulator.living.world import Population
from simulator.log.history import load_history
from simulator.protocols import Requests
from simulator.randomness import Draws
from tests.experiments.small_runs import small_config

JUDGES = """
[annotations]
pairs = 900

[judges.plain]
type = "logistic"

[judges.twin]
permuted = true

[judges.idle]
type = "logistic"
"""
CHANNELS = """
[channels.best]
type = "reranked"
inner = "lexical"
scorer = "plain"
depth = 60
limit = 30
threshold = 0.2

[channels.nested]
type = "reranked"
inner = "best"
scorer = "dense"
depth = 30
limit = 20

[channels.sieve]
type = "reranked"
inner = "lexical"
scorer = "plain"
depth = 60
limit = 60
threshold = 0.2

[channels.twin_order]
type = "reranked"
inner = "lexical"
scorer = "twin"
depth = 100
limit = 100

[[arms]]
name = "best"
share = 0.1
channels = ["best", "popular"]

[[arms]]
name = "nested"
share = 0.1
channels = ["nested", "popular"]

[[arms]]
name = "sieve"
share = 0.1
channels = ["sieve", "popular"]

[[arms]]
name = "twin_order"
share = 0.1
channels = ["twin_order", "popular"]

[[arms]]
name = "twin_feature"
share = 0.1
channels = ["lexical", "popular"]
[arms.ranker]
judge = "twin"

[[arms]]
name = "feature"
share = 0.25
channels = ["lexical", "popular"]
[arms.ranker]
judge = "plain"
"""


@dataclass(frozen=True)
class Made:
    """The stages of a small run up to its models."""

    config: Config
    catalogue: Stage
    history: Stage
    late: dict[str, Stage]
    early: dict[str, Stage]
    rankers: list[Stage]
    folder: Path

    def stage(self, name: str) -> Path:
        """The folder of the only stage of this name."""
        (found,) = [
            path
            for path in (self.folder / "stages").iterdir()
            if path.name.rpartition("-")[0] == name
        ]
        return found

    def count(self, name: str) -> int:
        """How many stages of this name there are."""
        folders = (self.folder / "stages").iterdir()
        return sum(path.name.rpartition("-")[0] == name for path in folders)


def made(config: Config, folder: Path) -> Made:
    with RunFolder(folder) as run:
        maker = Maker(run, ExecutionSpec(processes=1), NoProgress())
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        with maker.together("models", "models"):
            late, early = pipeline.models.channels(catalogue, history)
            rankers = pipeline.models.rankers(catalogue, history, late, early)
        keys = [record.key for record in maker.records]
        assert len(keys) == len(set(keys))  # nobody makes a stage twice
    return Made(config, catalogue, history, late, early, rankers, folder)


class Unmade(Maker):
    """Makes nothing, and remembers what it was asked for."""

    jobs: list[Job]

    def here(self, job: Job, unit: str) -> None:
        """It stays unmade."""

    def side_by_side(
        self, name: str, jobs: Sequence[Job], unit: str, units_each: float | Sequence[float]
    ) -> dict[Path, str]:
        """They stay unmade."""
        self.jobs = [*getattr(self, "jobs", []), *jobs]
        return {}


def config_of(*overrides: str, more: str = "", folder: Path, control: float = 0.2) -> Config:
    """Eight arms, two of which are those of the small settings."""
    shares = (f"arms.control.share={control}", "arms.dense.share=0.05")
    return small_config(*shares, *overrides, more=JUDGES + CHANNELS + more, folder=folder)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("used")
    return made(config_of(folder=folder), folder / "run")


def test_each_part_is_fitted_once_whoever_names_it(trained: Made) -> None:
    for name in ("channel-lexical", "channel-best", "channel-dense", "judge-plain", "annotations"):
        assert trained.count(name) == 1, name
    assert trained.count("judge-idle") == 0  # nothing uses it; it is measured later
    kept: PartsOf = load_saved(trained.late["nested"].path / MODEL, trained.config)
    assert kept.folders == {
        "inner": trained.late["best"].path.name,
        "scorer": trained.late["dense"].path.name,
    }


def test_a_stored_channel_serves_as_one_made_of_its_parts(trained: Made) -> None:
    config, history = trained.config, load_history(trained.history.path / LOG)
    requests = history.requests(slice(0, 200))
    stored = load_channel(trained.late["best"].path / MODEL, config, "best")
    spec = config.channels["best"]
    assert isinstance(spec, RerankedSpec)
    inner = load_channel(trained.late["lexical"].path / MODEL, config, "lexical")
    judge = load_saved(trained.stage("judge-plain") / MODEL, config)
    by_hand = RerankedChannel(spec, inner=inner, scorer=judge)
    found, wanted = (channel.recall(requests, 30) for channel in (stored, by_hand))
    np.testing.assert_array_equal(found.items_BN, wanted.items_BN)
    np.testing.assert_array_equal(found.scores_BN, wanted.scores_BN)
    assert (found.items_BN[:, 0] >= 0).any()


def funnel_of(trained: Made, arm: str) -> Funnel:
    """The funnel of an arm, refreshed at the end of the history."""
    config = trained.config
    number = [each.name for each in config.arms].index(arm)
    channels = {
        name: load_channel(trained.late[name].path / MODEL, config, name)
        for name in config.arms[number].channels
    }
    catalog = load_saved(trained.catalogue.path / CATALOG)
    ranker = load_saved(trained.rankers[number].path / MODEL, config)
    funnel = arm_funnel(config, number, catalog, channels, ranker, Draws(1), [number])
    funnel.refresh(history_index(catalog, load_history(trained.history.path / LOG)))
    return funnel


@pytest.fixture(scope="module")
def pages(trained: Made) -> dict[str, Ints]:
    """(T, 10) what each arm shows for every text that was asked, to nobody in particular."""
    history = load_history(trained.history.path / LOG)
    asked = Requests.of_texts(history.texts).rows(np.unique(history.text_R).astype(np.intp))
    asked = replace(asked, at_B=np.full(len(asked), history.at_R.max()))
    arms = ("control", "sieve", "feature", "twin_feature", "twin_order")
    return {arm: funnel_of(trained, arm).serve(asked).items_BK[:, :10] for arm in arms}


def gain(trained: Made, pages: dict[str, Ints], arm: str) -> tuple[float, float]:
    """How much better an arm's pages are than the control's, in true grades, and its error."""
    population: Population = load_saved(trained.catalogue.path / POPULATION)
    verdicts = Verdicts(population.intents, population.supply.truth)
    text_B = np.unique(load_history(trained.history.path / LOG).text_R)

    def grades(items_BK: Ints) -> np.ndarray:
        held_BK = items_BK >= 0
        rows, slots = np.nonzero(held_BK)
        found_BK = np.zeros(items_BK.shape)
        found_BK[rows, slots] = verdicts.of(text_B[rows], items_BK[rows, slots]).grade_J
        return np.asarray(found_BK.sum(axis=1) / items_BK.shape[1])

    more_B = grades(pages[arm]) - grades(pages["control"])
    return float(more_B.mean()), float(more_B.std() / np.sqrt(len(more_B)))


def test_a_judge_that_sieves_candidates_makes_pages_better(
    trained: Made, pages: dict[str, Ints]
) -> None:
    more, error = gain(trained, pages, "sieve")
    assert more > 3 * error > 0


def test_the_twin_of_a_judge_is_worth_nothing_as_a_feature(
    trained: Made, pages: dict[str, Ints]
) -> None:
    more, error = gain(trained, pages, "twin_feature")
    assert abs(more) < 3 * error
    assert (pages["twin_feature"] != pages["control"]).any()  # it is another ranker


def test_the_twin_of_a_judge_changes_no_page_where_all_candidates_are_kept(
    pages: dict[str, Ints],
) -> None:
    np.testing.assert_array_equal(pages["twin_order"], pages["control"])


def test_a_funnel_waits_for_the_inner_channel_too(trained: Made) -> None:
    config = trained.config
    funnel = funnel_of(trained, "nested")
    median = float(funnel.latencies["nested"].seconds(0.0, 20))
    chain = [config.channels[name] for name in ("nested", "best", "lexical")]
    depths = (30, 60, 60)  # scored, scored, asked of the words
    each = [spec.latency.seconds(0.0, depth) for spec, depth in zip(chain, depths, strict=True)]
    assert median == pytest.approx(float(sum(each)))


def test_a_ranker_serves_with_the_judge_of_the_whole_log_and_learns_with_an_earlier_one(
    trained: Made,
) -> None:
    feature = load_saved(trained.rankers[-1].path / MODEL, trained.config)
    plain = load_saved(trained.rankers[0].path / MODEL, trained.config)
    assert feature.features.names == (*plain.features.names, "judge_match")
    late, early = (
        load_saved(trained.stage(name) / MODEL, trained.config).model.weight_F
        for name in ("judge-plain", "judge-plain-early")
    )
    np.testing.assert_array_equal(feature.features._judge.model.weight_F, late)
    assert (late != early).any()


def test_features_are_those_of_the_earlier_judge_while_a_ranker_learns(trained: Made) -> None:
    catalog = load_saved(trained.catalogue.path / CATALOG)
    early, late = LexicalChannel(), LexicalChannel()
    text = text_of(trained.config, catalog)
    dense = [load_saved(stages["dense"].path / MODEL) for stages in (trained.early, trained.late)]
    channels = [{"dense": each} for each in dense]
    taught = Taught(catalog, text, None, None, channels[0], channels[1], (early, late))
    arms = (len(trained.config.arms) - 1,)
    assert features_for(trained.config, arms, taught)._judge is early


def test_an_earlier_judge_knows_no_pair_that_was_first_shown_later(trained: Made) -> None:
    whole = load_history(trained.history.path / LOG)
    part = whole.before(split_time(whole, trained.config.examples))
    bought: Annotations = load_saved(trained.stage("annotations") / BOUGHT)
    known = known_then(bought, part, whole)
    assert len(bought) / 4 < len(known) < len(bought)

    def pairs(history) -> set[tuple[int, int]]:
        text_X = history.text_R[history.row_X].tolist()
        return set(zip(text_X, history.item_X.tolist(), strict=True))

    later = pairs(whole) - pairs(part)
    asked = set(part.text_R.tolist())
    bought_pairs = list(zip(bought.text_J.tolist(), bought.item_J.tolist(), strict=True))
    wanted = [pair for pair in bought_pairs if pair[0] in asked and pair not in later]
    assert list(zip(known.text_J.tolist(), known.item_J.tolist(), strict=True)) == wanted
    assert len(known_then(bought, whole, whole)) == len(bought)


RANKED = """
[channels.ranked]
type = "reranked"
inner = "lexical"
scorer = "ranker"
depth = 40
limit = 10

[[arms]]
name = "ranked"
share = 0.05
channels = ["ranked", "popular"]
"""


def test_the_common_ranker_may_score_what_a_channel_finds(trained: Made, tmp_path: Path) -> None:
    config = config_of(more=RANKED, folder=tmp_path, control=0.15)
    found = made(config, trained.folder)
    assert found.rankers[0].path == trained.rankers[0].path  # it is no other for being asked
    catalog, history = (
        load_saved(found.catalogue.path / CATALOG),
        load_history(found.history.path / LOG),
    )
    index, requests = history_index(catalog, history), history.requests(slice(0, 60))
    channel = load_channel(found.late["ranked"].path / MODEL, config, "ranked")
    ranker = load_saved(found.rankers[0].path / MODEL, config)
    for each in (channel, ranker):
        each.refresh(index, 0)
    first = load_channel(found.late["lexical"].path / MODEL, config, "lexical").recall(requests, 40)
    nothing_BNC = np.zeros((*first.items_BN.shape, 0))
    pool = Pool(first.items_BN, np.zeros_like(first.items_BN), nothing_BNC, nothing_BNC)
    order_BN = np.argsort(-ranker.score(requests, pool), axis=1, kind="stable")[:, :10]
    wanted_BN = np.take_along_axis(first.items_BN, order_BN, axis=1)
    np.testing.assert_array_equal(channel.recall(requests, 10).items_BN, wanted_BN)


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (("ranker.training=per_arm",), "each arm trains a ranker of its own"),
        (("ranker.type=merge_order",), "it orders what is merged, and scores no single item"),
        (("arms.feature.ranker.provenance=true",), "a ranker that learns from what channels find"),
    ],
)
def test_a_ranker_that_would_have_to_come_before_itself_is_refused(
    tmp_path: Path, overrides: tuple[str, ...], why: str
) -> None:
    with pytest.raises(ConfigError, match=f"scorer == 'ranker', must be a judge or .*: {why}"):
        config_of(*overrides, more=RANKED, folder=tmp_path, control=0.15)


def test_what_a_ranker_that_knows_channels_replays_is_made_of_what_was_known_early(
    tmp_path: Path,
) -> None:
    """The early wrapper names the early channel and the early judge."""
    told = ("ranker.provenance=true", "ranker.training=per_arm")
    config = config_of(*told, folder=tmp_path)
    with RunFolder(tmp_path / "run") as run:
        maker = Unmade(run, ExecutionSpec(processes=1), NoProgress())
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        _, early = pipeline.models.channels(catalogue, history)
    parts = {
        job.stage.name: {field: stage.name for field, stage in job.parts.items()}
        for job in maker.jobs
        if isinstance(job, ComposedJob)
    }
    assert early["best"].name == "channel-best-early"
    assert parts == {
        "channel-best": {"inner": "channel-lexical", "scorer": "judge-plain"},
        "channel-sieve": {"inner": "channel-lexical", "scorer": "judge-plain"},
        "channel-sieve-early": {"inner": "channel-lexical-early", "scorer": "judge-plain-early"},
        "channel-twin_order": {"inner": "channel-lexical", "scorer": "judge-twin"},
        "channel-twin_order-early": {
            "inner": "channel-lexical-early",
            "scorer": "judge-twin-early",
        },
        "channel-best-early": {"inner": "channel-lexical-early", "scorer": "judge-plain-early"},
        "channel-nested": {"inner": "channel-best", "scorer": "channel-dense"},
        "channel-nested-early": {"inner": "channel-best-early", "scorer": "channel-dense-early"},
    }


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("channels.best.scorer=plan",), "channels.best.scorer == 'plan', must be the name of a"),
        (("channels.best.inner=nested",), "must not be made of itself in the end"),
        (("channels.best.depth=20",), r"depth == 20, must be >= limit \(30\)"),
        (('truth.retrained=["best"]',), "truth.retrained == 'best', must be a channel that learns"),
        (("ranker.judge=plan",), "ranker.judge == 'plan', must be plain"),
        (("arms.feature.ranker.judge=plan",), "arms.feature.ranker.judge == 'plan', must be plain"),
        (
            ("ranker.judge=plain", "ranker.type=merge_order"),
            "ranker.judge == 'plain' with type 'merge_order', must be empty",
        ),
        (
            ("world.ramp.days=1",),
            "world.ramp.days == 1, must be 0: channel best is made of others",
        ),
        (
            ("world.updates.every_days=1", 'world.updates.models=["ranker"]'),
            "arms.feature.ranker.judge == 'plain', must be empty where world.updates trains",
        ),
        (
            ("world.updates.every_days=1", 'world.updates.models=["best"]'),
            "world.updates.models == 'best', must be a channel that learns: it serves what",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    tmp_path: Path, overrides: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        config_of(*overrides, folder=tmp_path)
