"""A stage's key changes with all that decides its content, and with nothing else."""

from pathlib import Path

import pytest

from experiments.config.execution import ExecutionSpec
from experiments.stages.keys import data_digest, source_digest, stage_key
from simulator.errors import DataError


def test_the_key_follows_every_ingredient() -> None:
    base = stage_key("history", {"days": 1}, inputs=["a"], code=["simulator"])
    others = [
        stage_key("train", {"days": 1}, inputs=["a"], code=["simulator"]),
        stage_key("history", {"days": 2}, inputs=["a"], code=["simulator"]),
        stage_key("history", {"days": 1}, inputs=["b"], code=["simulator"]),
        stage_key("history", {"days": 1}, inputs=["a"], code=["recall"]),
    ]
    assert len({base, *others}) == 5
    assert base == stage_key("history", {"days": 1}, inputs=["a"], code=["simulator"])


def test_specs_count_by_their_values() -> None:
    two, also_two, three = (ExecutionSpec(processes=n) for n in (2, 2, 3))
    assert stage_key("s", {"x": [two]}) == stage_key("s", {"x": (also_two,)})
    assert stage_key("s", two) != stage_key("s", three)


def test_the_order_of_channels_is_part_of_the_settings() -> None:
    first, second = {"lexical": 1, "dense": 2}, {"dense": 2, "lexical": 1}
    assert stage_key("s", first) != stage_key("s", second)


def test_a_changed_source_file_changes_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "keyed_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "module.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    source_digest.cache_clear()
    before = source_digest("keyed_package")
    (package / "inner" / "module.py").write_text("x = 2\n")
    source_digest.cache_clear()
    assert source_digest("keyed_package") != before


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
