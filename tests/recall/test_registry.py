import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from recall.arrays import blank
from recall.candidates import Candidates
from recall.channel import Channel
from recall.registry import CHANNEL, ChannelSpec, CustomSpec, build_channel
from simulator.errors import ContractError

SPECS = TypeAdapter(ChannelSpec)


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


@pytest.mark.parametrize("kind", ["lexical", "dense", "itemcf", "popular", "random"])
def test_built_in_channels_are_named_by_type(kind):
    spec = SPECS.validate_python({"type": kind, "limit": 7, "latency": {"base_s": 0.002}})
    channel = build_channel(f"my_{kind}", spec)
    assert isinstance(channel, Channel)
    assert channel.name == f"my_{kind}"
    assert (spec.limit, spec.latency.base_s) == (7, 0.002)


def test_a_custom_channel_gets_its_options_and_its_name_in_the_run():
    spec = SPECS.validate_python(
        {"type": "custom", "object": "my_package:Silent", "options": {"loud": True}}
    )
    channel = build_channel("quiet", spec)
    assert channel.name == "quiet"
    assert channel.loud


@pytest.mark.parametrize(
    "wrong", [{"type": "lexical", "limit": 0}, {"type": "magic"}, {"limit": 3}]
)
def test_a_wrong_spec_is_refused(wrong):
    with pytest.raises(ValidationError):
        SPECS.validate_python(wrong)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("my_package", "object == 'my_package', must be MODULE:OBJECT"),
        ("no_such_package:X", "object == 'no_such_package:X', must name a module that is there"),
        ("my_package:X", "object == 'my_package:X', must name an object in my_package"),
        ("my_package:SPECS", "object == 'my_package:SPECS', must be callable"),
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
