from typing import get_args

import pytest
from pydantic import ValidationError

from cqsid.tokenizer.schemes.registry import SCHEMES, guided
from cqsid.tokenizer.schemes.settings import GuidedSpec, IdsSpec, SchemeName


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


@pytest.mark.parametrize("name", SCHEMES)
def test_a_recipe_says_what_it_is_and_what_is_ours(name):
    recipe = SCHEMES[name]
    assert recipe.meaning
    assert recipe.source
    assert recipe.inferred


def test_the_name_says_what_guides_a_scheme_and_the_settings_say_how():
    spec = GuidedSpec(contrast="after", epochs=3, collaborative=0.5)
    cqsid, plain, letter = (
        guided(SCHEMES[name], spec) for name in ("cqsid", "cqsid_no_contrast", "letter")
    )
    assert (cqsid.category, cqsid.contrast, cqsid.collaborative) == ("hard", "after", 0.0)
    assert (plain.category, plain.contrast, plain.epochs) == ("hard", "none", 3)
    assert (letter.category, letter.contrast, letter.collaborative) == ("none", "none", 0.5)


def test_settings_written_out_in_full_leave_every_scheme_as_it_is():
    written = GuidedSpec.model_validate(GuidedSpec().model_dump())
    for recipe in SCHEMES.values():
        assert guided(recipe, written) == guided(recipe, GuidedSpec())
