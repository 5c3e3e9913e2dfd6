"""Settings of the generative channel that depend on each other."""

import pytest

from cqsid.generator.textencoder import TextSpec
from cqsid.settings import CqsidSpec, ServingSpec
from simulator.errors import ConfigError


@pytest.mark.parametrize(
    ("own", "given", "wanted"),
    [("auto", "cpu", "cpu"), ("auto", "auto", "auto"), ("cpu", "cuda", "cpu")],
)
def test_all_parts_train_where_the_channel_does(own, given, wanted):
    spec = CqsidSpec(device=own).on_device(given)
    assert (spec.device, spec.text.device, spec.ids.rqvae.device) == (wanted,) * 3


def test_a_part_may_train_somewhere_else():
    spec = CqsidSpec(text=TextSpec(device="cpu")).on_device("cuda")
    assert (spec.device, spec.text.device, spec.ids.rqvae.device) == ("cuda", "cpu", "cuda")


def test_beams_are_one_number_or_one_for_each_level():
    for beams in (5, (5, 6, 7)):
        ServingSpec(beams=beams).check_levels(3)
    with pytest.raises(ConfigError, match=r"serving.beams == \(5, 6\), must be one number or 3"):
        ServingSpec(beams=(5, 6)).check_levels(3)
