"""What the truth does with models that are trained again: an A/A of each, and a mean over all."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from experiments.inference.metrics import METRICS
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.truth.effects import paired_truth
from simulator.errors import ConfigError, DataError
from tests.experiments.cqsid_runs import cached, cqsid_config, stage_of
from tests.experiments.small_runs import read, run, small_config

BOTH = 'truth.retrained=["ranker", "cqsid"]'


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose truth is the mean over two trainings of its ranker and its generator."""
    folder = tmp_path_factory.mktemp("retrained")
    return run(cqsid_config(folder, BOTH, "truth.trainings=2"), folder / "run")


def test_each_model_has_an_a_a_of_its_own_in_an_arm_that_has_it(trained: Path) -> None:
    rows = read_record(Truths, trained).refits
    assert {(row.arm, row.model) for row in rows} == {("control", "ranker"), ("dense", "cqsid")}
    moved = {row.model: row.relative.estimate for row in rows if row.metric == "ctr"}
    assert moved["ranker"] != 0 != moved["cqsid"]
    assert moved["ranker"] != moved["cqsid"]


def test_an_effect_over_trainings_is_the_mean_of_what_both_arms_bring_with_each(
    trained: Path,
) -> None:
    (row,) = [each for each in read(trained, "truth")["truth"] if each["metric"] == "ctr"]
    levels = {}
    for arm in ("control", "dense"):
        folder = stage_of(trained, f"truth-{arm}-0")
        tables = [
            pq.read_table(folder / name).to_pandas()
            for name in ("expected.parquet", "expected-training-1.parquet")
        ]
        levels[arm] = sum(table["clicks"].sum() for table in tables) / sum(
            table["exposures"].sum() for table in tables
        )
    assert row["effect"]["estimate"] == pytest.approx(levels["dense"] - levels["control"])
    assert row["trainings"] == 2
    assert row["training_sd"] > 0


def test_an_arm_without_a_retrained_model_brings_the_same_with_every_training(
    tmp_path: Path,
) -> None:
    config = cqsid_config(tmp_path, 'truth.retrained=["cqsid"]', "truth.trainings=2")
    folder = run(config, tmp_path / "run")
    assert not (stage_of(folder, "truth-control-0") / "expected-training-1.parquet").exists()
    (row,) = [each for each in read(folder, "truth")["truth"] if each["metric"] == "orders"]
    own = pq.read_table(stage_of(folder, "truth-control-0") / "expected.parquet").to_pandas()
    assert row["control"] == pytest.approx(own["orders"].sum() / len(own))
    assert row["trainings"] == 2


def test_another_training_seed_trains_all_models_again_in_the_same_world(trained: Path) -> None:
    folder = trained.parent
    again = run(
        cqsid_config(folder, BOTH, "truth.trainings=2", "training_seed=1"), trained, overwrite=True
    )
    kept = cached(again)
    assert kept["catalogue"]
    assert kept["history"]
    trainings = ("channel-cqsid", "channel-cqsid-1", "ranker", "ranker-1")
    assert not any(kept[name] for name in trainings)


def test_worlds_that_were_not_followed_with_another_training_are_refused(trained: Path) -> None:
    logs = [[stage_of(trained, f"truth-{arm}-0") / "log"] for arm in ("control", "dense")]
    with pytest.raises(DataError, match=r"expected-training-4.parquet, must have it"):
        paired_truth(*logs, [METRICS["orders"]], trainings=5)


def test_bad_settings_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"truth.retrained == .*cqsit"):
        small_config('truth.retrained=["cqsit"]')
    with pytest.raises(ConfigError, match=r"truth.trainings == 2, must be 1"):
        small_config("truth.trainings=2")
