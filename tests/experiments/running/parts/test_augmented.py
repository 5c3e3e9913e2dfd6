"""A dense channel of a run that learns from made pairs, too."""

from pathlib import Path

import numpy as np
import pytest

from experiments.running.models import MODEL, load_channel, load_saved
from experiments.running.opening import open_run
from experiments.running.pipeline import Pipeline
from experiments.stages.progress import NoProgress
from recall.augmenting.augmentation import Synthetic
from simulator.errors import ConfigError
from tests.experiments.small_runs import begun, small_config

MORE = """
[augmentations.words]
type = "lexical"

[augmentations.itself]
type = "self"
channel = "dense"

[augmentations.unused]
type = "repeat"

[channels.taught]
type = "dense"
epochs = 1
buckets = 1024
augment = ["words", "itself"]
"""
ARMS = ('arms.dense.channels=["lexical", "dense", "taught"]',)


def test_pairs_are_made_once_and_before_the_channel_that_learns_from_them(
    tmp_path: Path, small_run: Path
) -> None:
    config = small_config(*ARMS, more=MORE, folder=tmp_path / "config")
    run = begun(tmp_path / "run", small_run)
    with open_run(config, run, NoProgress(), overwrite=False) as maker:
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        with maker.together("models", "models"):
            late, _ = pipeline.models.channels(catalogue, history)
        names = [record.name for record in maker.records]
    assert not [name for name in names if "unused" in name]
    (words,) = (run / "stages").glob("augmentation-words-*")
    made: Synthetic = load_saved(words / MODEL, config)
    assert len(made.text_P) > 100
    plain, taught = (
        load_channel(late[name].path / MODEL, config, name) for name in ("dense", "taught")
    )
    assert (plain.item_vectors != taught.item_vectors).any()
    assert late["dense"].path.name in {path.name for path in (small_run / "stages").iterdir()}
    np.testing.assert_array_equal(np.isfinite(taught.item_vectors), True)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ('channels.taught.augment=["word"]', r"augment\[0\] == 'word', must be the name of an aug"),
        ('augmentations.itself.channel="taught"', "must not be made of itself in the end"),
        (
            'world.updates={every_days=1, models=["taught"]}',
            "must be a channel that learns from the log alone",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(setting: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        small_config(*ARMS, setting, more=MORE, folder=tmp_path)
