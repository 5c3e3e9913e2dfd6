"""What a reader of a sweep must know of the luck that cells have in common."""

from types import SimpleNamespace
from typing import Any

import pytest

from experiments.config.loading import load_config
from experiments.sweep.results import warnings
from tests.experiments.small_runs import SMALL


def said(*overrides: str, drawn: bool = False) -> list[str]:
    levels = SimpleNamespace(confidence=0.95)
    cells: list[Any] = [
        SimpleNamespace(config=load_config(SMALL, [each]), metrics=levels) for each in overrides
    ]
    return warnings(cells, drawn=drawn)


@pytest.mark.parametrize(("key", "what"), [("catalog", "catalogue"), ("queries", "needs")])
def test_cells_that_differ_by_the_luck_of_the_shop_say_so(key: str, what: str) -> None:
    told = [f"Cells have several seeds of the {what}: they differ by that luck, which is in no"]
    assert [each[: len(told[0])] for each in said(f"{key}.seed=1", f"{key}.seed=2")] == told
    assert said(f"{key}.seed=1", f"{key}.seed=1") == []


@pytest.mark.parametrize(("key", "what"), [("catalog", "catalogue"), ("queries", "needs")])
def test_worlds_with_one_luck_of_the_shop_say_so(key: str, what: str) -> None:
    (told,) = said(f"{key}.seed=1", f"{key}.seed=1", drawn=True)
    assert told == f"All worlds have one luck of the {what}: what is said of them lacks it."
    assert said("seed=1", "seed=2", drawn=True) == []
