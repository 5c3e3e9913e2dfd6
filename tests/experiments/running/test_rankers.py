"""Which arms share a ranker, what it learns from, and what a refit changes."""

from pathlib import Path

import numpy as np
import pytest

from experiments.config.schema import Config
from experiments.running.models import EXAMPLES, MODEL, load_saved
from experiments.running.pipeline import Pipeline
from experiments.running.rankers import replayed, sharing
from experiments.stages.executor import ExecutionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from experiments.stages.stage import Stage
from ranking.examples import Examples
from tests.experiments.small_runs import small_config

OWN = """
[[arms]]
name = "third"
share = 0.2
channels = ["popular"]
[arms.ranker]
type = "learned"
learned = { epochs = 1 }
"""
SHARES = ("arms.control.share=0.5", "arms.dense.share=0.3")
TOLD = ("ranker.provenance=true", "ranker.training=per_arm")
CUSTOM = ("ranker.type=custom", "ranker.object=tests.experiments.plugins:WitnessRanker")


def fitted(config: Config, folder: Path, count: int = 1) -> tuple[list[list[Stage]], list[Stage]]:
    """Rankers by refit and arm, and the stages of examples."""
    with RunFolder(folder) as run:
        pipeline = Pipeline(config, Maker(run, ExecutionSpec(processes=1), NoProgress()))
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        late, early = pipeline.models.channels(catalogue, history)
        rankers = pipeline.models.refits(catalogue, history, late, early, count)
        examples = pipeline.models._examples(catalogue, history, early)
    return rankers, [stage for stages in examples for stage in stages]


def test_arms_without_a_ranker_of_their_own_share_one(tmp_path: Path) -> None:
    config = small_config(*SHARES, more=OWN, folder=tmp_path)
    assert sharing(config) == [(0, 1), (0, 1), (2,)]
    each = small_config(*SHARES, "ranker.training=per_arm", more=OWN, folder=tmp_path)
    assert sharing(each) == [(0,), (1,), (2,)]


def test_only_channels_that_a_ranker_is_told_of_are_replayed() -> None:
    assert replayed(small_config(), (0, 1)) == []
    assert replayed(small_config("ranker.type=merge_order"), (0, 1)) == []
    assert replayed(small_config(*TOLD), (0,)) == ["lexical", "popular"]
    assert replayed(small_config(*CUSTOM), (0, 1)) == ["lexical", "popular", "dense"]


def test_a_shared_ranker_is_fitted_once_and_both_arms_load_it(tmp_path: Path) -> None:
    config = small_config()
    ((one, other),), examples = fitted(config, tmp_path / "run")
    assert one.path == other.path
    assert len(list((tmp_path / "run" / "stages").glob("ranker-*"))) == 1
    assert len({stage.path for stage in examples}) == 1
    learned = load_saved(one.path / MODEL, config)
    assert not any(name.startswith(("rank_", "channels")) for name in learned.features.names)


def test_a_ranker_that_is_told_of_channels_is_one_for_each_arm(tmp_path: Path) -> None:
    config = small_config(*TOLD)
    ((one, other),), examples = fitted(config, tmp_path / "run")
    assert one.path != other.path
    found = [load_saved(stage.path / EXAMPLES) for stage in examples]
    assert [(each.pool.ranks_BNC >= 0).any(axis=(0, 1)).tolist() for each in found] == [
        [True, True, False],
        [True, True, True],
    ]


def test_examples_of_a_custom_ranker_that_arms_share_are_of_the_union(tmp_path: Path) -> None:
    _, (stage, _) = fitted(small_config(*CUSTOM), tmp_path / "union")
    union: Examples = load_saved(stage.path / EXAMPLES)
    _, stages = fitted(small_config(*CUSTOM, "ranker.training=per_arm"), tmp_path / "each")
    one, other = (load_saved(each.path / EXAMPLES) for each in stages)
    np.testing.assert_array_equal(union.pool.items_BN, one.pool.items_BN)
    np.testing.assert_array_equal(
        union.pool.sources_BN, one.pool.sources_BN | other.pool.sources_BN
    )
    assert (one.pool.sources_BN != other.pool.sources_BN).any()


def test_a_refit_learns_from_the_same_examples_with_other_luck(tmp_path: Path) -> None:
    config = small_config()
    ((first, _), (second, same)), examples = fitted(config, tmp_path / "run", 2)
    assert len({stage.path for stage in examples}) == 1
    assert second.path == same.path != first.path
    shipped, refit = (load_saved(stage.path / MODEL, config) for stage in (first, second))
    assert shipped.report.requests == refit.report.requests
    assert (shipped.network.first[0] != refit.network.first[0]).any()
    ((alone, _),), _ = fitted(config, tmp_path / "alone")
    again = load_saved(alone.path / MODEL, config)
    np.testing.assert_array_equal(again.network.first[0], shipped.network.first[0])


def test_neither_names_nor_order_of_arms_make_another_shared_ranker(tmp_path: Path) -> None:
    keys = set()
    for overrides in (
        (),
        (
            'arms.control.channels=["lexical", "popular", "dense"]',
            'arms.dense.channels=["lexical", "popular"]',
        ),
    ):
        with RunFolder(tmp_path / "run") as run:
            config = small_config(*CUSTOM, *overrides)
            pipeline = Pipeline(config, Maker(run, ExecutionSpec(processes=1), NoProgress()))
            catalogue = pipeline.catalogue()
            history = pipeline.history(catalogue)
            channels = pipeline.models.channels(catalogue, history)
            (one, other) = pipeline.models.rankers(catalogue, history, *channels)
            assert one.key == other.key
            keys.add(one.key)
    assert len(keys) == 1


def test_a_shared_ranker_that_is_told_of_channels_is_refused() -> None:
    with pytest.raises(Exception, match="must be False"):
        small_config("ranker.provenance=true")
