"""What the truth does with models that are trained again: an A/A of each, or pairs of their own."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from experiments.records.reading import read_record
from experiments.records.truth import Truths
from simulator.errors import ConfigError
from tests.experiments.cqsid_runs import cached, cqsid_config, stage_of
from tests.experiments.small_runs import read, run, small_config

pytestmark = pytest.mark.long

BOTH = 'truth.retrained=["ranker", "cqsid"]'
EACH = ("truth.trainings=each", "truth.seeds=2")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, whole: Path) -> Path:
    """A run that compares its ranker and its generator with another training of each."""
    folder = tmp_path_factory.mktemp("compared")
    return run(cqsid_config(folder, BOTH), folder / "run", like=whole)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, whole: Path) -> Path:
    """A run whose two pairs of worlds have a training each of ranker and generator."""
    folder = tmp_path_factory.mktemp("retrained")
    return run(cqsid_config(folder, BOTH, *EACH), folder / "run", like=whole)


def test_each_model_has_an_a_a_of_its_own_in_an_arm_that_has_it(compared: Path) -> None:
    rows = read_record(Truths, compared).refits
    assert {(row.arm, row.model) for row in rows} == {("control", "ranker"), ("dense", "cqsid")}
    moved = {row.model: row.relative.estimate for row in rows if row.metric == "ctr"}
    assert moved["ranker"] != 0 != moved["cqsid"]
    assert moved["ranker"] != moved["cqsid"]


def clicks(folder: Path, world: str) -> np.ndarray:
    table = pq.read_table(stage_of(folder, world) / "expected.parquet").to_pandas()
    return np.array([table["clicks"].sum(), table["exposures"].sum()])


def test_pairs_with_trainings_of_their_own_are_what_other_trainings_live(
    trained: Path, compared: Path
) -> None:
    """The first pair is that of a run with one training; the second is served by another one."""
    for arm in ("control", "dense"):
        first, second = (clicks(trained, f"truth-{arm}-{pair}") for pair in (0, 1))
        np.testing.assert_array_equal(first, clicks(compared, f"truth-{arm}-0"))
        assert (first != second).all()
    (row,) = [each for each in read(trained, "truth")["truth"] if each["metric"] == "ctr"]
    assert (row["trainings"], row["seeds"]) == (2, 2)
    assert row["training_sd"] > 0
    assert read(trained, "truth")["refits"] == []


@pytest.mark.slow
def test_another_training_seed_trains_all_models_again_in_the_same_world(trained: Path) -> None:
    again = run(
        cqsid_config(trained.parent, BOTH, *EACH, "training_seed=1"), trained, overwrite=True
    )
    kept = cached(again)
    assert kept["catalogue"]
    assert kept["history"]
    models = ("channel-cqsid", "channel-cqsid-1", "ranker", "ranker-1")
    assert not any(kept[name] for name in models)


def test_bad_settings_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"truth.retrained == .*cqsit"):
        small_config('truth.retrained=["cqsit"]')
    with pytest.raises(ConfigError, match=r"truth.seeds == 1, must be >= 2 where truth.trainings"):
        small_config("truth.trainings=each", BOTH.replace(', "cqsid"', ""))
    with pytest.raises(ConfigError, match=r"truth.retrained == \[\], must name models"):
        small_config("truth.trainings=each", "truth.seeds=2")
