"""Settings of the generative channel that depend on each other."""

import pytest

from cqsid.generator.settings import TextSpec
from cqsid.registry import GENERATIVE_TYPES, generative
from cqsid.settings import CqsidSpec, ServingSpec
from cqsid.tokenizer.schemes.settings import IdsSpec
from recall.classic.settings import LexicalSpec
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


def test_only_what_acts_on_serving_is_left_out_of_what_was_learned():
    serving = ServingSpec(beams=7)
    assert CqsidSpec(limit=9, serving=serving).learned() == CqsidSpec().learned()
    assert CqsidSpec(personalised=False).learned() != CqsidSpec().learned()
    assert CqsidSpec.shares_training


def test_the_users_files_are_a_checkpoint_or_what_training_begins_from():
    text = TextSpec(encoder="bert")
    assert CqsidSpec().data() == ()
    assert CqsidSpec(text=text).data() == ("bert",)
    assert CqsidSpec(text=text, checkpoint="saved").data() == ("saved",)


def test_the_users_code_is_that_of_a_scheme():
    scheme = IdsSpec(scheme="custom", object="my_ids:Mine")
    assert CqsidSpec(ids=scheme).code() == ("my_ids",)
    assert CqsidSpec().code() == ()


def test_the_registry_tells_the_channels_that_generate_ids():
    channels = {"words": LexicalSpec(), "one": CqsidSpec(), "two": CqsidSpec(limit=9)}
    assert list(generative(channels)) == ["one", "two"]
    assert {spec.type for spec in generative(channels).values()} == set(GENERATIVE_TYPES)
