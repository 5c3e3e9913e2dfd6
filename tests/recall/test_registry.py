import numpy as np
import pytest

from recall.arrays import blank
from recall.candidates import Candidates
from recall.channel import Channel
from recall.classic.settings import DenseSpec, ItemCFSpec, LexicalSpec, PopularSpec, UniformSpec
from recall.registry import CHANNEL, CustomSpec, build_channel
from simulator.errors import ContractError

PLAIN = 3  # no object that makes anything


class Silent:
    """A channel that never finds anything."""

    name = "unnamed"

    def __init__(self, loud: bool = False) -> None:
        self.loud = loud

    def fit(self, catalog, history, *, rng: np.random.Generator) -> None:
        pass

    def recall(self, requests, limit: int) -> Candidates:
        return blank(len(requests), limit)


def not_a_channel() -> object:
    return object()


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "my_package", sys.modules[__name__])


@pytest.mark.parametrize("kind", [LexicalSpec, DenseSpec, ItemCFSpec, PopularSpec, UniformSpec])
def test_built_in_channels_are_made_by_their_settings(kind):
    channel = build_channel("mine", kind())
    assert isinstance(channel, Channel)
    assert channel.name == "mine"


def test_a_custom_channel_gets_its_options_and_its_name_in_the_run():
    spec = CustomSpec(object="my_package:Silent", options={"loud": True})
    channel = build_channel("quiet", spec)
    assert channel.name == "quiet"
    assert channel.loud


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("my_package", "object == 'my_package', must be MODULE:OBJECT"),
        ("no_such_package:X", "object == 'no_such_package:X', must name a module that is there"),
        ("my_package:X", "object == 'my_package:X', must name an object in my_package"),
        ("my_package:PLAIN", "object == 'my_package:PLAIN', must be callable"),
    ],
)
def test_a_wrong_path_names_what_is_wrong(path, message):
    with pytest.raises(ContractError, match=message):
        CHANNEL.load(path)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (CustomSpec(object="my_package:Silent", options={"odd": 1}), "raised TypeError"),
        (
            CustomSpec(object="my_package:not_a_channel"),
            "== object without fit and recall, must have fit and recall",
        ),
    ],
)
def test_an_object_that_makes_no_channel_is_refused(spec, message):
    with pytest.raises(ContractError, match=message):
        build_channel("x", spec)
