"""A stage's key changes with all that decides its content, and with nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.config.execution import ExecutionSpec
from experiments.designs.shopper import ShopperSplit
from experiments.inference.estimates import Level
from experiments.running.worlds import live
from experiments.stages.keys import code_of, data_digest, stage_key
from recall.classic.settings import ItemCFSpec
from recall.registry import CustomSpec
from simulator.errors import DataError
from simulator.randomness import Draws


def task() -> None:
    """What the stages of these tests are made by."""


def other_task() -> None:
    """Another task of the same module has the same code."""


def key(name: str = "history", settings: Any = None, inputs: Sequence[str] = ("a",)) -> str:
    return stage_key(name, settings, task=task, inputs=inputs)


def test_the_key_follows_every_ingredient() -> None:
    base = key(settings={"days": 1})
    others = [
        key("train", settings={"days": 1}),
        key(settings={"days": 2}),
        key(settings={"days": 1}, inputs=["b"]),
        stage_key("history", {"days": 1}, task=live, inputs=["a"]),
    ]
    assert len({base, *others}) == 5
    assert base == key(settings={"days": 1})
    assert base == stage_key("history", {"days": 1}, task=other_task, inputs=["a"])


def test_specs_count_by_their_values() -> None:
    two, also_two, three = (ExecutionSpec(processes=n) for n in (2, 2, 3))
    assert key(settings={"x": [two]}) == key(settings={"x": (also_two,)})
    assert key(settings=two) != key(settings=three)


def test_dataclasses_count_by_their_values() -> None:
    even, also_even, odd = (
        ShopperSplit((share, 1 - share), "salt", Draws(1)) for share in (0.5, 0.5, 0.3)
    )
    assert key(settings=[even]) == key(settings=[also_even])
    assert key(settings=[even]) != key(settings=[odd])


def test_the_order_of_channels_is_part_of_the_settings() -> None:
    first, second = {"lexical": 1, "dense": 2}, {"dense": 2, "lexical": 1}
    assert key(settings=first) != key(settings=second)


def test_settings_bring_the_code_of_their_classes_and_of_what_they_name() -> None:
    def code(*settings: Any) -> set[str]:
        return set(code_of(live, {"some": settings}))

    for settings, module in [
        (Level(1.0, 0.1, 10), "experiments.inference.estimates"),
        (ItemCFSpec(), "recall.classic.itemcf"),
        (CustomSpec(object="tests.experiments.plugins:Shelf"), "tests.experiments.plugins"),
    ]:
        assert module not in code()
        assert module in code(settings)


def test_a_data_file_counts_by_its_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("id\n")
    second.write_text("id\n")
    assert data_digest(first) == data_digest(second)
    second.write_text("key\n")
    assert data_digest(first) != data_digest(second)
    with pytest.raises(DataError, match=r"c.csv: No such file"):
        data_digest(tmp_path / "c.csv")


def test_a_folder_counts_by_the_names_and_bytes_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a").write_text("x")
    before = data_digest(tmp_path)
    assert data_digest(tmp_path) == before
    (tmp_path / "inner" / "a").rename(tmp_path / "inner" / "b")
    renamed = data_digest(tmp_path)
    (tmp_path / "inner" / "b").write_text("y")
    assert len({before, renamed, data_digest(tmp_path)}) == 3
