"""`funnelab check` passes what keeps its contract and names what breaks it."""

import pytest

from experiments.cli import run_command

PLUGINS = "tests.experiments.plugins"
SOUND = [
    ("channel", "recall.classic.lexical:LexicalChannel"),
    ("channel", "recall.classic.dense:DenseChannel"),
    ("channel", "recall.classic.itemcf:ItemCFChannel"),
    ("channel", "recall.classic.popular:PopularChannel"),
    ("channel", f"{PLUGINS}:Shelf"),
    ("ranker", "ranking.rankers.learned:LearnedRanker"),
    ("ranker", "ranking.rankers.ranker:MergeOrderRanker"),
    ("ranker", f"{PLUGINS}:Cheapest"),
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
    ("ranker", "Shelf", "ranker == Shelf, must have name, fit and score"),
]


@pytest.mark.parametrize(("kind", "name"), SOUND)
def test_what_keeps_its_contract_passes(
    capsys: pytest.CaptureFixture[str], kind: str, name: str
) -> None:
    assert run_command(["check", kind, name]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{name} keeps the contract of a {kind}\n"


@pytest.mark.parametrize(("kind", "name", "wanted"), BROKEN)
def test_what_breaks_its_contract_is_named(
    capsys: pytest.CaptureFixture[str], kind: str, name: str, wanted: str
) -> None:
    assert run_command(["check", kind, f"{PLUGINS}:{name}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"Error: {PLUGINS}:{name} breaks the contract of a {kind}:")
    assert wanted in error
    assert "Traceback" not in error
