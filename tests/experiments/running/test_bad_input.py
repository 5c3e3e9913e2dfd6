"""Bad input through the command: one clear message, status 2, and nothing overwritten."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.cli import run_command
from tests.experiments.small_runs import PLAIN, SMALL, content

GENERATED = "[catalog]\nitems = 300\n"


@pytest.fixture
def folder(tmp_path: Path, small_run: Path) -> Path:
    """A folder with a finished run in `run` and the small settings in `bad.toml`."""
    shutil.copytree(small_run, tmp_path / "run", symlinks=True)
    (tmp_path / "bad.toml").write_text(SMALL.read_text())
    return tmp_path


def refusal(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command says; the run that is there must stay, even if told to replace it."""
    before = content(folder)
    words = ["run", str(folder / "bad.toml"), "--out", str(folder / "run"), "--overwrite"]
    assert run_command([*words, *options]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "Traceback" not in output.err
    assert content(folder) == before
    return output.err


SETTINGS = [
    ("days = 2", "days = 0", "world.days == 0, must be >= 1"),
    ("items = 300", "items = 0", "catalog.items == 0, must be >= 1"),
    ("count = 600", "count = 0", "shoppers.count == 0, must be >= 1"),
    ("count = 600", 'count = "600"', "shoppers.count == '600', must be a whole number"),
    (
        "count = 600",
        "cuont = 600",
        "shoppers.cuont == 600 is not a setting, must be shoppers.count",
    ),
    ('name = "small"\n', "", "name is missing, must be given"),
    ("seed = 5", "seed = ", "Invalid value (at line 4, column 8), must be TOML"),
    ("share = 0.5\n", "share = 0.6\n", "arms.share == [0.6, 0.6], sum 1.2, must sum to 1"),
    ('"popular", "dense"]', '"popluar"]', "arms.dense.channels == 'popluar', must be popular"),
]


@pytest.mark.parametrize(("old", "new", "wanted"), SETTINGS)
def test_settings_that_cannot_work_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, wanted: str
) -> None:
    text = SMALL.read_text()
    assert old in text
    (folder / "bad.toml").write_text(text.replace(old, new))
    error = refusal(folder, capsys)
    assert str(folder / "bad.toml") in error
    assert wanted in error


def test_a_config_that_is_not_utf8_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.toml").write_bytes(b'name = "small"\nseed = \xff\n')
    assert r"bad.toml: line 2 == b'\xff', must be UTF-8" in refusal(folder, capsys)


SHOP = pd.DataFrame(
    {
        "id": [f"A{n}" for n in range(12)],
        "title": [f"red lamp {n}" for n in range(12)],
        "price": np.linspace(3, 30, 12),
    }
)
ROWS = [
    ("title", {2: ""}, "shop.csv, line 4, id 'A2': title == '', must be a text that is not empty"),
    ("id", {3: "A1"}, "shop.csv, line 5: id == 'A1', must be an id that no earlier row has"),
    ("price", {0: -3.0}, "id 'A0': price == '-3.0', must be a number >= 1e-06 and <= 1e+09"),
    ("price", {0: 0.0}, "line 2, id 'A0': price == '0.0', must be a number >= 1e-06"),
    ("price", {5: np.nan}, "line 7, id 'A5': price == '', must be a number >= 1e-06"),
    ("price", {5: 1e12}, "price == '1000000000000.0', must be a number >= 1e-06 and <= 1e+09"),
]


def from_file(folder: Path, name: str) -> None:
    text = SMALL.read_text()
    assert GENERATED in text
    (folder / "bad.toml").write_text(text.replace(GENERATED, f'[catalog.file]\npath = "{name}"\n'))


@pytest.mark.parametrize(("column", "values", "wanted"), ROWS)
def test_items_that_cannot_be_sold_are_refused_by_row_and_id(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    column: str,
    values: dict[int, object],
    wanted: str,
) -> None:
    shop = SHOP.copy()
    for row, value in values.items():
        shop.loc[row, column] = value
    shop.to_csv(folder / "shop.csv", index=False)
    from_file(folder, "shop.csv")
    assert wanted in refusal(folder, capsys)


def csv() -> bytes:
    return SHOP.to_csv(index=False).encode()


def parquet(folder: Path) -> bytes:
    SHOP.to_parquet(folder / "whole.parquet")
    return (folder / "whole.parquet").read_bytes()


FILES = [
    ("shop.csv", lambda _: b"", "shop.csv == an empty file, must be a table with at least one row"),
    ("shop.csv", lambda _: b"id,title,price\n", "shop.csv == 0 rows, must be a table with at"),
    (
        "shop.csv",
        lambda _: csv().replace(b"red lamp 3", b"red \xff"),
        r"line 5 == b'\xff', must be",
    ),
    ("shop.csv", lambda _: csv().replace(b"price", b"prize"), "file.columns.price == 'price'"),
    ("shop.csv", lambda _: csv()[:-30] + b',"lam', "must be a text whose quote ends"),
    ("shop.jsonl", lambda _: b'{"id": 1, "title": "a', "shop.jsonl, line 1 == unreadable"),
    ("shop.parquet", lambda folder: parquet(folder)[:-60], "must be a complete Parquet file"),
    ("shop.parquet", lambda folder: parquet(folder)[:9], "must be a complete Parquet file"),
    ("shop.xlsx", lambda _: b"x", "must be a file with suffix .parquet, .csv, .tsv"),
]


@pytest.mark.parametrize(("name", "make", "wanted"), FILES)
def test_files_that_cannot_be_read_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, make, wanted: str
) -> None:
    (folder / name).write_bytes(make(folder))
    from_file(folder, name)
    error = refusal(folder, capsys)
    assert name in error
    assert wanted in error


def test_a_file_that_is_not_there_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from_file(folder, "nowhere.csv")
    error = refusal(folder, capsys)
    assert f"{folder / 'nowhere.csv'}" in error
    assert "must be" in error


# --- where the results go


def test_a_folder_with_something_else_in_it_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.tex").write_text("precious")
    before = content(folder)
    assert run_command(["run", str(SMALL), "--out", str(folder / "thesis"), "--overwrite"]) == 2
    assert (
        "thesis exists and is not a funnelab run, must be a new or empty" in capsys.readouterr().err
    )
    assert content(folder) == before


@pytest.mark.parametrize("place", ["bad.toml", "bad.toml/run", "/proc/run"])
def test_a_folder_that_cannot_be_made_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    before = content(folder)
    assert run_command(["run", str(SMALL), "--out", str(folder / place)]) == 2
    error = capsys.readouterr().err
    assert f"{folder / place}" in error
    assert "must be a" in error
    assert "Traceback" not in error
    assert content(folder) == before


def test_a_finished_run_is_not_replaced_by_another_unless_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(folder)
    told = [word for setting in (*PLAIN, "seed=6") for word in ("--set", setting)]
    words = ["run", str(SMALL), "--out", str(folder / "run"), *told]
    assert run_command(words) == 2
    assert "(seed == 5, now 6), must be the same settings" in capsys.readouterr().err
    assert content(folder) == before
