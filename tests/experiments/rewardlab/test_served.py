"""A policy in the store is the supervised model with other weights, wherever the store lies."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cqsid.alignment.trainer import save_weights
from cqsid.channel import CqsidChannel
from cqsid.settings import CqsidSpec, ServingSpec
from experiments.config.loading import load_config
from experiments.rewardlab.policies import WEIGHTS, PolicyModel
from experiments.running.models import MODEL, load_channel
from recall.channel import Channel
from recall.sampleshop import sample_index, sample_requests
from recall.storage import save
from simulator.errors import DataError, StoreError
from tests.cqsid.shop import tiny_shop
from tests.cqsid.small import SMALL, fitted_channel


def changed() -> CqsidChannel:
    """The small channel after its weights have been moved, and refreshed."""
    channel = fitted_channel()
    weights = channel.learned.weights
    head = weights.embedding_VD * 1.5 + 0.3 * weights.embedding_VD.flip(0)
    moved = replace(weights, embedding_VD=head, head_VD=head)
    channel.serve(replace(channel.learned, weights=moved))
    return channel


def opened(folder: Path, spec: CqsidSpec = SMALL) -> Channel:
    """The channel in a folder, serving with some settings."""
    config = load_config("cqsid").model_copy(update={"channels": {"cqsid": spec}})
    return load_channel(folder / MODEL, config, "cqsid")


def answers(channel: CqsidChannel) -> tuple[np.ndarray, np.ndarray]:
    catalog, _ = tiny_shop()
    channel.refresh(sample_index(catalog), 0)
    found = channel.recall(sample_requests(catalog), 20)
    return found.items_BN, found.scores_BN


@pytest.fixture
def stages(tmp_path: Path) -> Path:
    """A store with the supervised model in `sft-1` and a policy in `policy-1`."""
    stages = tmp_path / "stages"
    for name in ("sft-1", "policy-1"):
        (stages / name).mkdir(parents=True)
    save(stages / "sft-1" / MODEL, fitted_channel())
    save_weights(stages / "policy-1" / WEIGHTS, changed().learned.weights)
    save(stages / "policy-1" / MODEL, PolicyModel("sft-1"))
    return stages


def test_a_policy_answers_with_its_own_weights(stages: Path) -> None:
    loaded = opened(stages / "policy-1")
    assert isinstance(loaded, CqsidChannel)
    for found, wanted in zip(answers(loaded), answers(changed()), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not np.array_equal(answers(loaded)[1], answers(fitted_channel())[1])


def test_a_channel_serves_what_it_learned_again_as_before() -> None:
    channel = changed()
    channel.serve(fitted_channel().learned)
    for found, wanted in zip(answers(channel), answers(fitted_channel()), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_policy_serves_with_the_settings_of_the_run(stages: Path) -> None:
    spec: CqsidSpec = SMALL.model_copy(update={"serving": ServingSpec(beams=1)})
    narrow, wide = (
        (answers(opened(stages / "policy-1", each))[0] >= 0).sum() for each in (spec, SMALL)
    )
    assert 0 < narrow < wide


def test_a_store_may_be_moved(stages: Path, tmp_path: Path) -> None:
    before = answers(opened(stages / "policy-1"))
    shutil.move(stages, tmp_path / "elsewhere")
    after = answers(opened(tmp_path / "elsewhere" / "policy-1"))
    for found, wanted in zip(after, before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_policy_on_disk_is_a_small_part_of_the_supervised_model(stages: Path) -> None:
    size = {
        name: sum(file.stat().st_size for file in (stages / name).iterdir())
        for name in ("sft-1", "policy-1")
    }
    weights = changed().learned.weights
    tables = [weights.embedding_VD, weights.norm]
    tables += [part for layer in weights.layers for part in vars(layer).values()]
    assert size["policy-1"] < sum(each.numel() * 4 for each in tables) + 4000 < size["sft-1"] / 2


def test_a_policy_without_its_supervised_model_or_weights_says_what_is_missing(
    stages: Path,
) -> None:
    (stages / "policy-1" / WEIGHTS).unlink()
    with pytest.raises(DataError, match="must be weights"):
        opened(stages / "policy-1")
    shutil.rmtree(stages / "sft-1")
    with pytest.raises(StoreError, match="sft-1"):
        opened(stages / "policy-1")
