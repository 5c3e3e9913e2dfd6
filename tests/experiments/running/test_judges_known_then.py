"""Judges in use: what was known when a ranker learned, and what may not ask a judge."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from experiments.running.apart.judges import BOUGHT, known_then
from experiments.running.channels import ComposedJob
from experiments.running.models import (
    CATALOG,
    LOG,
    MODEL,
    load_channel,
    load_saved,
)
from experiments.running.pipeline import Pipeline
from experiments.running.rankers import Taught, features_for, text_of
from experiments.stages.executor import ExecutionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Job, Maker
from experiments.stages.progress import NoProgress
from ranking.examples import history_index, split_time
from recall.candidates import Pool
from recall.classic.lexical import LexicalChannel
from simulator.annotations.pairs import Annotations
from simulator.errors import ConfigError
from simulator.log.history import load_history
from tests.experiments.running.judgedshop import RANKED, Made, config_of, made


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


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("used")
    return made(config_of(folder=folder), folder / "run")


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
