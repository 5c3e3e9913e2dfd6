"""`funnelab check` passes what keeps its contract and names what breaks it."""

from pathlib import Path

import pytest

from cqsid.rewards.conformance import check_reward
from cqsid.rewards.of_log import LogReward
from experiments.cli import run_command
from experiments.commands.checkcommand import check_app
from experiments.commands.checking import SUITES
from ranking.conformance import check_ranker
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.randomness import Draws
from tests.experiments.plugins import Cheapest

PLUGINS = "tests.experiments.plugins"
NOUNS = {"click": "click model", "understanding": "catalogue step"}
SOUND = [
    ("channel", "recall.classic.lexical:LexicalChannel"),
    ("channel", "recall.classic.dense:DenseChannel"),
    ("channel", "recall.classic.itemcf:ItemCFChannel"),
    ("channel", "recall.classic.popular:PopularChannel"),
    ("channel", f"{PLUGINS}:Shelf"),
    ("ranker", "ranking.rankers.learned:LearnedRanker"),
    ("ranker", "ranking.rankers.ranker:MergeOrderRanker"),
    ("ranker", f"{PLUGINS}:Cheapest"),
    ("understanding", "recall.understanding.fillers.dictionary:DictionaryUnderstanding"),
    ("understanding", "recall.understanding.fillers.linear:LinearUnderstanding"),
    ("understanding", f"{PLUGINS}:FirstValue"),
    ("judge", "ranking.judges.logistic:LogisticJudge"),
    ("judge", "ranking.judges.entities:EntityJudge"),
    ("judge", f"{PLUGINS}:LongTitles"),
    ("rewriter", "recall.rewriting.coclick:CoclickRewriter"),
    ("rewriter", f"{PLUGINS}:FirstWord"),
    ("suggester", "recall.suggesting.affinity:AffinitySuggester"),
    ("click", f"{PLUGINS}:FirstResults"),
    ("metric", "tests.experiments.inference.own.own_metrics:margin"),
]
BROKEN = [
    (
        "channel",
        "Raises",
        "recall() == RuntimeError('no <service> today') (tests/experiments/plugins.py, line ",
    ),
    ("channel", "UnknownItems", "must be ids of the catalogue or -1"),
    ("channel", "WrongShape", "recall().items_BN.shape == (23, 10), must be (24, at most 10)"),
    (
        "channel",
        "CannotRefresh",
        "refresh() == KeyError('statistics') (tests/experiments/plugins.py, line ",
    ),
    ("channel", "CannotFit", "fit() == KeyError('colour') (tests/experiments/plugins.py, line "),
    ("channel", "CannotBeKept", "saving == "),
    ("channel", "Cheapest", "factory() == TypeError"),
    (
        "ranker",
        "RankerCannotFit",
        "ranker == IndexError('too few examples') (tests/experiments/plugins.py, line ",
    ),
    (
        "ranker",
        "RankerRaises",
        "score() == RuntimeError('no scores today') (tests/experiments/plugins.py, line ",
    ),
    ("ranker", "RankerOfAnotherShape", "score() == shape (24, 3), must have shape (24, 30)"),
    ("ranker", "RankerOfNumbersThatAreNone", "score() == nan, must be finite"),
    ("understanding", "Shelf", "understanding == Shelf, must have fit and fill"),
    ("understanding", "Overwrites", "== another published value, must stay as it is"),
    ("understanding", "Looks", "fill() of items in another order == other guesses"),
    ("understanding", "TooSure", "fill().confidence_IV == nan or outside 0 to 1, must be chances"),
    (
        "understanding",
        "NeedsValues",
        "fit() on a shop without values == AttributeError",
    ),
    ("judge", "Shelf", "judge == Shelf, must have name, fit, grades and pair_scores"),
    ("judge", "JudgeOfAnotherShape", "grades().shape == (24, 12), must be (24, 12, 4)"),
    ("ranker", "Shelf", "ranker == Shelf, must have name, fit and score"),
    ("channel", "WritesRequests", "must answer, and leave what it is given as it is"),
    ("channel", "EndsTheProgram", "recall() == sys.exit() (tests/experiments/plugins.py, line "),
    ("channel", "MovesAway", "os.chdir('/')"),
    ("click", "clicks_unseen", "clicked == True where not examined, must be examined first"),
    ("click", "clicks_of_one_column", "must be bool of shape (40, 12)"),
    ("click", "ClicksByChance", "model() asked twice == another answer"),
]


@pytest.mark.parametrize(("kind", "name"), SOUND)
def test_what_keeps_its_contract_passes(
    capsys: pytest.CaptureFixture[str], kind: str, name: str
) -> None:
    assert run_command(["check", kind, name]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{name} keeps the contract of a {NOUNS.get(kind, kind)}\n"


@pytest.mark.parametrize(("kind", "name", "wanted"), BROKEN)
def test_what_breaks_its_contract_is_named(
    capsys: pytest.CaptureFixture[str], kind: str, name: str, wanted: str
) -> None:
    assert run_command(["check", kind, f"{PLUGINS}:{name}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        f"Error: {PLUGINS}:{name} breaks the contract of a {NOUNS.get(kind, kind)}:"
    )
    assert wanted in error
    assert "Traceback" not in error


def test_every_kind_that_can_be_checked_has_a_command() -> None:
    assert [command.name for command in check_app.registered_commands] == list(SUITES)


CONFIG = """
name = "mine"
[catalog]
items = 90
[channels.lexical]
type = "lexical"
[channels.far]
type = "custom"
object = "tests.experiments.plugins:Picky"
options = { items = 90 }
[[arms]]
name = "a"
share = 0.5
channels = ["lexical"]
[[arms]]
name = "b"
share = 0.5
channels = ["lexical", "far"]
"""


def test_a_config_gives_its_items_and_options(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An index of the user's own items fits no others."""
    (tmp_path / "my.toml").write_text(CONFIG)
    check = ["check", "channel", f"{PLUGINS}:Picky"]
    assert run_command(check) == 2
    capsys.readouterr()
    assert run_command([*check, "--config", str(tmp_path / "my.toml")]) == 0
    assert (
        run_command([*check, "--config", str(tmp_path / "my.toml"), "--set", "catalog.items=80"])
        == 2
    )
    assert "channels.far: fit() == ValueError('80 items, must be 90')" in capsys.readouterr().err


def test_a_config_that_does_not_use_the_object_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "my.toml").write_text(CONFIG)
    name = f"{PLUGINS}:Shelf"
    assert run_command(["check", "channel", name, "--config", str(tmp_path / "my.toml")]) == 2
    assert f"{name} == not used by this config, must be named in it" in capsys.readouterr().err


def test_what_hangs_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["check", "channel", f"{PLUGINS}:Hangs", "--seconds", "0.3"]) == 2
    told = capsys.readouterr().err
    assert "took longer than 0.3 s (tests/experiments/plugins.py, line " in told


@pytest.mark.parametrize("kind", ["ranker", "reward"])
def test_items_of_a_config_do_for_every_kind(kind: str) -> None:
    catalog = generate_supply(CatalogSpec(items=150), Draws(3)).catalog
    if kind == "ranker":
        assert check_ranker(Cheapest, catalog) == []
    else:
        assert check_reward(LogReward(), None, catalog) == []
