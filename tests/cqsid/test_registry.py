"""The settings of channels are told apart by their type."""

import pytest
from pydantic import TypeAdapter, ValidationError

from cqsid.registry import ChannelSpec

SPECS = TypeAdapter(ChannelSpec)


@pytest.mark.parametrize("kind", ["lexical", "dense", "itemcf", "popular", "random", "cqsid"])
def test_the_type_names_the_kind_of_channel(kind):
    spec = SPECS.validate_python({"type": kind, "limit": 7, "latency": {"base_s": 0.002}})
    assert spec.type == kind
    assert (spec.limit, spec.latency.base_s) == (7, 0.002)


@pytest.mark.parametrize(
    "wrong", [{"type": "lexical", "limit": 0}, {"type": "magic"}, {"limit": 3}]
)
def test_a_wrong_spec_is_refused(wrong):
    with pytest.raises(ValidationError):
        SPECS.validate_python(wrong)
