from typing import get_args

import pytest
from pydantic import ValidationError

from cqsid.quantize.rqvae import RqvaeSpec
from cqsid.schemes.registry import SCHEMES, preset
from cqsid.schemes.settings import IdsSpec, SchemeName


def test_every_name_of_the_settings_has_a_recipe():
    assert set(get_args(SchemeName)) == {*SCHEMES, "custom"}


def test_the_default_is_cqsid_as_published():
    spec = IdsSpec()
    assert (spec.scheme, spec.codes, spec.split.rule) == ("cqsid", None, "random")
    assert (spec.split.largest, spec.split.groups, spec.split.capacity) == (50, 100, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scheme": "magic"},
        {"codes": (8,)},
        {"codes": (8, 0, 8)},
        {"split": {"rule": "alphabet"}},
        {"split": {"largest": 0}},
        {"split": {"groups": 0}},
        {"room": -0.1},
        {"scheme": "custom"},
        {"object": "my_package:Mine"},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        IdsSpec.model_validate(wrong)


def test_every_preset_names_settings_of_the_rqvae_and_allowed_values():
    for recipe in SCHEMES.values():
        RqvaeSpec.model_validate(dict(recipe.preset))


@pytest.mark.parametrize("name", SCHEMES)
def test_a_recipe_says_what_it_is_and_what_is_ours(name):
    recipe = SCHEMES[name]
    assert recipe.meaning
    assert recipe.source
    assert recipe.inferred


def test_a_preset_fills_only_what_the_user_left_unset():
    spec = RqvaeSpec.model_validate({"contrast": "after", "epochs": 3})
    filled = preset(spec, SCHEMES["cqsid_no_contrast"].preset)
    assert (filled.contrast, filled.category, filled.epochs) == ("after", "hard", 3)
    assert preset(RqvaeSpec(), SCHEMES["letter"].preset).collaborative == 0.01


def test_a_value_that_the_user_sets_to_its_default_still_counts_as_set():
    spec = RqvaeSpec.model_validate({"category": "hard"})
    assert preset(spec, SCHEMES["rqvae"].preset).category == "hard"
