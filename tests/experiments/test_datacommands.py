from pathlib import Path

import pytest

from experiments.cli import run_command

SHOP = "sku,name,price\n1,red lamp,10\n2,,20\n3,oak desk,30\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    return path


def test_bad_rows_are_refused_or_skipped_with_their_count(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["data", "check", "shop.csv"]) == 2
    assert "shop.csv, line 3, id '2': name == '', must be a text" in capsys.readouterr().err
    assert run_command(["data", "check", "shop.csv", "--skip-bad-rows"]) == 0
    assert "items 2" in (out := capsys.readouterr().out)
    assert "rows skipped 1" in out


def test_a_config_is_written_told_and_checked(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["data", "map", "shop.csv", "--skip-bad-rows"]) == 0
    out = capsys.readouterr().out
    assert all(each in out for each in ("shop.csv: id: sku", "Written: shop.toml", "can be used"))
    assert 'bad_rows = "skip"' in Path("shop.toml").read_text()
    assert run_command(["config", "shop.toml"]) == 0


def test_a_config_that_is_there_is_not_replaced_unasked(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("shop.toml").write_text("precious")
    assert run_command(["data", "map", "shop.csv"]) == 2
    assert "--out == 'shop.toml' exists" in capsys.readouterr().err
    assert Path("shop.toml").read_text() == "precious"
    assert run_command(["data", "map", "shop.csv", "--overwrite", "--skip-bad-rows"]) == 0


def test_what_cannot_be_used_is_told_behind_the_config_that_says_how_it_was_read(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["data", "map", "shop.csv", "--out", "own.toml"]) == 2
    captured = capsys.readouterr()
    assert "Written: own.toml" in captured.out
    assert "name == '', must be a text that is not empty" in captured.err
