from pathlib import Path

import pytest

from experiments.config.loading import load_config
from experiments.config.userdata.datacheck import check_data
from experiments.config.userdata.datamap import map_data
from simulator.errors import ConfigError, DataError

SHOP = "sku;name;eur;path\nA1;red lamp;12,50;Home > Lamps\nA2;oak desk;1.299,00;Home > Desks\n"


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_alone_is_read_by_the_names_of_its_columns(tmp_path):
    checked = check_data(str(_file(tmp_path, "shop.csv", SHOP)))
    (row,) = checked.rows
    assert (row["items"], row["categories"], row["highest_price"]) == (2, 2, 1299.0)
    assert "price: eur" in checked.told


def test_a_file_alone_is_read_as_options_say(tmp_path):
    path = str(
        _file(tmp_path, "shop.csv", "nr,name,price\n1,red lamp,10\n1,desk,20\n2,,3\n3,bed,4\n")
    )
    with pytest.raises(DataError):
        check_data(path, ["catalog.file.columns.id=nr"])
    options = ["catalog.file.columns.id=nr", "catalog.file.bad_rows=skip"]
    (row,) = check_data(path, options).rows
    assert (row["items"], row["rows_skipped"]) == (2, 2)


def test_only_the_sections_of_data_count(tmp_path):
    _file(tmp_path, "shop.csv", SHOP)
    text = '[catalog.file]\npath = "shop.csv"\n[catalog.file.columns]\nid = "sku"\ntitle = "name"\n'
    config = _file(tmp_path, "shop.toml", text + 'price = "eur"\n')
    (row,) = check_data(str(config)).rows
    assert row["items"] == 2


def test_a_setting_is_told_as_it_is_written(tmp_path):
    _file(tmp_path, "shop.csv", SHOP)
    text = (
        '[catalog.file]\npath = "shop.csv"\n[catalog.file.columns]\nid = "skuu"\ntitel = "name"\n'
    )
    config = str(_file(tmp_path, "shop.toml", text))
    with pytest.raises(
        ConfigError, match=r"catalog\.file\.columns\.titel == 'name' is not a setting"
    ):
        check_data(config)
    settings = text.replace("titel", "title") + 'price = "eur"\n'
    _file(tmp_path, "shop.toml", settings)
    with pytest.raises(DataError, match=r"catalog\.file\.columns\.id == 'skuu'.*closest: 'sku'"):
        check_data(config)
    with pytest.raises(ConfigError, match=r"--set catalog\.file\.bad_rows=maybe"):
        check_data(config, ["catalog.file.bad_rows=maybe"])


def test_arrivals_are_checked_against_the_simulated_time_of_the_config(tmp_path):
    _file(tmp_path, "shop.csv", "id,title,price,since\n1,lamp,10,200000\n")
    text = '[catalog.file]\npath = "shop.csv"\n[catalog.file.columns]\ncreated_at = "since"\n'
    config = str(_file(tmp_path, "shop.toml", text + "[world]\nhistory_days = 1\ndays = 1\n"))
    with pytest.raises(DataError, match="since == '200000', must be at most 172800"):
        check_data(config)
    _file(tmp_path, "shop.toml", text + "[world]\nhistory_days = 2\ndays = 1\n")
    assert check_data(config).rows[0]["items"] == 1


def test_a_mapped_config_is_one_that_runs_and_is_checked_alike(tmp_path):
    folder = tmp_path / "sets"
    folder.mkdir()
    file = _file(tmp_path, "product.csv", SHOP.replace("eur", "note"))
    _file(tmp_path, "query.csv", "query_id,query\n0,red lamp\n")
    grades = _file(
        tmp_path, "label.csv", "query_id,product_id,label\n0,A1,Exact\n0,A2,Irrelevant\n"
    )
    mapped = map_data(str(file), folder, judgments=str(grades))
    path = _file(folder, "shop.toml", mapped.toml)
    config = load_config(path)
    assert config.name == "product"
    assert [arm.name for arm in config.arms] == ["control", "treatment"]
    catalog, judgments = check_data(str(path)).rows
    assert catalog["without_price"] == 2
    assert (judgments["queries"], judgments["relevant"]) == (1, 1)
    assert all(f"# {sentence}" in mapped.toml for sentence in mapped.told)


def test_paths_of_a_mapped_config_lead_from_its_folder(tmp_path, monkeypatch):
    _file(tmp_path, "shop.csv", SHOP)
    (tmp_path / "sets").mkdir()
    monkeypatch.chdir(tmp_path)
    mapped = map_data("shop.csv", tmp_path / "sets")
    assert 'path = "../shop.csv"' in mapped.toml
    path = _file(tmp_path / "sets", "shop.toml", mapped.toml)
    assert check_data(str(path)).rows[0]["items"] == 2
