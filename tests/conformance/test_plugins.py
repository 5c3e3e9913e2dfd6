"""Whatever a user plugs in is found, made and blamed in one way."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cqsid.rewards.registry import CustomReward
from cqsid.tokenizer.schemes.registry import build_scheme
from cqsid.tokenizer.schemes.settings import IdsSpec
from experiments.attribution.credit.customrules import load_rule
from ranking.features import FeatureSet, text_scorer
from ranking.rankers.registry import build_ranker
from ranking.rankers.settings import RankerSpec
from recall.registry import CustomSpec, build_channel
from recall.sampleshop import sample_catalog
from simulator.behaviour.clickmodels import CustomClickModel
from simulator.errors import ContractError

MINE = """
three = 3

class Refuses:
    def __init__(self, *arguments, **options):
        self.luck = refuse()

class Empty:
    def __init__(self, *arguments, **options):
        pass

class Strict:
    def __init__(self, *arguments):
        pass

def refuse():
    raise ValueError("no luck")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with modules of their own; the command runs there."""
    (tmp_path / "my_things.py").write_text(MINE)
    (tmp_path / "my_broken.py").write_text("import my_things\n\nfound = my_things.refuse()\n")
    (tmp_path / "my_typo.py").write_text("three = 3\ndef four() return 4\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("my_things", "my_broken", "my_typo"):
        sys.modules.pop(name, None)


def ranker(name: str, options: dict[str, int]) -> object:
    catalog = sample_catalog()
    features = FeatureSet(catalog, ("lexical",), text_scorer(catalog, rng=np.random.default_rng(0)))
    return build_ranker(RankerSpec(type="custom", object=name, options=options), features)


def scheme(name: str, options: dict[str, int]) -> object:
    return build_scheme(IdsSpec(scheme="custom", object=name, options=options))


MAKERS: dict[str, Callable[[str, dict[str, int]], object]] = {
    "a channel": lambda name, options: build_channel(
        "mine", CustomSpec(object=name, options=options)
    ),
    "a ranker": ranker,
    "an identifier scheme": scheme,
    "a reward": lambda name, options: CustomReward(object=name, options=options).made(),
    "a rule": lambda name, options: load_rule(name),
    "a click model": lambda name, options: CustomClickModel(object=name, options=options).made(),
}
WITH_OPTIONS = [kind for kind in MAKERS if kind != "a rule"]
MUST = {
    "a channel": "Empty() == Empty without fit and recall, must have fit and recall",
    "a ranker": "Empty() == Empty without name, fit and score, must have name, fit and score",
    "an identifier scheme": "Empty() == Empty without fit and assign, must have fit and assign",
    "a reward": "Empty() == Empty, must be callable with (logged, samples, shop)",
    "a rule": "Empty() == Empty, must be callable with (paths)",
    "a click model": "Empty() == Empty, must be callable with (attraction_BK, phone_B, look_BK",
}

kinds = pytest.mark.parametrize("kind", MAKERS)


def refusal(kind: str, name: str, **options: int) -> str:
    with pytest.raises(ContractError) as raised:
        MAKERS[kind](name, options)
    return str(raised.value)


@kinds
def test_a_name_of_another_form_tells_the_form(kind: str) -> None:
    assert "== 'nonsense', must be " in refusal(kind, "nonsense")
    assert "MODULE:OBJECT" in refusal(kind, "nonsense")


@kinds
def test_a_module_that_is_not_there_names_the_closest(kind: str) -> None:
    told = refusal(kind, "my_thing:Mine")
    assert "== 'my_thing:Mine', must name a module that is there: my_things (the closest" in told


@kinds
def test_a_package_that_is_not_there_names_the_closest(kind: str) -> None:
    told = refusal(kind, "my_thing.inner:Mine")
    assert "must name a module that is there: my_things (the closest known)" in told


@kinds
def test_a_module_that_raises_is_told_by_its_own_line(kind: str) -> None:
    told = refusal(kind, "my_broken:Mine")
    assert "import my_broken raised ValueError('no luck') (my_things.py, line 17), must" in told


@kinds
def test_a_module_with_a_typing_error_is_told_by_its_line(kind: str) -> None:
    told = refusal(kind, "my_typo:Mine")
    assert "import my_typo raised SyntaxError(\"expected ':'\") (my_typo.py, line 2)" in told


@kinds
def test_an_object_that_is_not_there_names_the_closest(kind: str) -> None:
    told = refusal(kind, "my_things:Emtpy")
    assert "must name an object in my_things: Empty (the closest known)" in told


@kinds
def test_an_object_that_cannot_be_called_is_told(kind: str) -> None:
    assert "== 'my_things:three', must be callable (int found)" in refusal(kind, "my_things:three")


@kinds
def test_a_maker_that_raises_is_told_by_what_it_makes_and_its_line(kind: str) -> None:
    told = refusal(kind, "my_things:Refuses")
    assert "my_things:Refuses(" in told
    assert f"raised ValueError('no luck') (my_things.py, line 17), must return {kind}" in told


@pytest.mark.parametrize("kind", WITH_OPTIONS)
def test_options_that_are_refused_are_told(kind: str) -> None:
    told = refusal(kind, "my_things:Strict", depth=3)
    assert "**{'depth': 3}) raised TypeError(" in told
    assert "unexpected keyword argument 'depth'" in told
    assert f"must return {kind}" in told


@kinds
def test_what_is_of_another_kind_tells_what_was_wanted(kind: str) -> None:
    assert MUST[kind] in refusal(kind, "my_things:Empty")
