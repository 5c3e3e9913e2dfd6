"""What whoever runs channels may ask of their settings."""

import pytest

from recall.classic.settings import DenseSpec, ItemCFSpec, LexicalSpec, PopularSpec, UniformSpec
from recall.registry import CustomSpec
from recall.settings import ChannelSettings
from simulator.errors import ContractError

BUILT_IN = [LexicalSpec, DenseSpec, ItemCFSpec, PopularSpec, UniformSpec]


@pytest.mark.parametrize("spec", BUILT_IN)
def test_a_built_in_channel_needs_nothing_of_the_users_and_trains_alone(
    spec: type[ChannelSettings],
) -> None:
    channel = spec()
    assert (channel.code(), channel.data()) == ((), ())
    assert not channel.shares_training
    assert channel.learned() == channel
    channel.check()


def test_only_the_dense_channel_of_the_built_in_ones_gives_vectors() -> None:
    assert [spec for spec in BUILT_IN if spec.gives_vectors] == [DenseSpec]


@pytest.mark.parametrize(
    ("own", "wanted"), [("auto", "cuda"), ("cpu", "cpu")], ids=["left open", "named"]
)
def test_a_device_that_is_left_open_is_the_runs(own: str, wanted: str) -> None:
    assert DenseSpec(device=own).on_device("cuda").device == wanted


def test_a_channel_without_a_device_stays_as_it_is() -> None:
    assert LexicalSpec().on_device("cuda") == LexicalSpec()


def test_a_users_channel_is_decided_by_its_module_and_made_before_a_run() -> None:
    mine = CustomSpec(object="recall.classic.uniform:UniformChannel")
    assert mine.code() == ("recall.classic.uniform",)
    mine.check()
    with pytest.raises(ContractError, match="the closest known"):
        CustomSpec(object="recall.classic.uniform:UniformChanel").check()
