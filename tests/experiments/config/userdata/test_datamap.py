"""What a user has decided of a file stands in the config that is written for it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import run_command
from experiments.config.userdata.datacheck import check_data
from experiments.config.userdata.datamap import map_data
from simulator.errors import ConfigError, DataError

PLAIN = "id,title,price,category\n1,red lamp,10,Home\n2,oak desk,20,Home\n"
ESCI = (
    "product_id,product_title,product_bullet_point,product_brand,product_locale\n"
    "1,lamp,,A,us\n2,desk,,B,us\n3,Lampe,,B,de\n"
)
GRADES = "frage;doc;stufe\nlamp;1;3\nlamp;2;0\n"


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def mapped(folder: Path, file: str, *overrides: str, **files: str) -> dict[str, Any]:
    return tomllib.loads(map_data(file, folder, overrides=overrides, **files).toml)


def test_settings_are_laid_over_what_a_layout_says_and_not_instead_of_it(tmp_path):
    file = written(tmp_path, "esci.csv", ESCI)
    only = mapped(tmp_path, file, "catalog.file.only.product_brand=B")["catalog"]["file"]["only"]
    assert only == {"product_locale": "us", "product_brand": "B"}
    median = mapped(tmp_path, file, "catalog.file.prices.median=80")["catalog"]["file"]["prices"]
    assert (median["median"], median["missing"]) == (80, "draw")
    told = map_data(file, tmp_path, overrides=["catalog.file.prices.median=80"]).told
    assert any("around a median of 80" in sentence for sentence in told)


def test_a_layouts_reading_of_lists_gives_way_to_the_users(tmp_path):
    rows = '{"parent_asin":"B1","title":"lamp","main_category":"Home","categories":["A","B"]}\n'
    file = written(tmp_path, "meta.jsonl", rows * 1 + rows.replace("B1", "B2"))
    decided = mapped(tmp_path, file, "catalog.file.format.lists=first")
    assert decided["catalog"]["file"]["format"]["lists"] == "first"


def test_files_of_demand_and_of_grades_that_are_decided_are_in_the_config(tmp_path):
    file = written(tmp_path, "shop.csv", PLAIN)
    asked = written(tmp_path, "asked.csv", "query,count\nlamp,3\n")
    graded = written(tmp_path, "grades.csv", GRADES)
    config = mapped(tmp_path, file, f"demand.path={asked}", f"judgments.path={graded}")
    assert config["demand"]["path"] == asked
    assert config["judgments"]["path"] == graded


def test_columns_of_grades_that_are_decided_are_not_looked_for(tmp_path):
    file, graded = written(tmp_path, "shop.csv", PLAIN), written(tmp_path, "grades.csv", GRADES)
    names = ("judgments.query=frage", "judgments.product=doc", "judgments.grade=stufe")
    decided = (*names, "judgments.format.delimiter=semicolon")
    config = mapped(tmp_path, file, *decided, judgments=graded)["judgments"]
    assert [config[role] for role in ("query", "product", "grade")] == ["frage", "doc", "stufe"]
    assert config["format"]["delimiter"] == "semicolon"


def test_texts_of_queries_without_grades_are_refused(tmp_path):
    file = written(tmp_path, "shop.csv", PLAIN)
    with pytest.raises(ConfigError, match=r"--queries q\.csv == without --judgments"):
        map_data(file, tmp_path, queries="q.csv")


@pytest.mark.parametrize(
    "wrong",
    [
        *("catalog.file.format.encoding=klingon", "catalog.file.format.delimiter=xx"),
        *("catalog.file.format=3", "catalog.file.columns=3", "catalog.file=3"),
        *("catalog.file.columns.category=[1,2]", "catalog.file.format.lists=all"),
        "catalog.file.format.decimal=x",
    ],
)
def test_settings_that_cannot_be_are_refused_before_a_file_is_read(tmp_path, wrong):
    file = written(tmp_path, "shop.csv", PLAIN)
    for read in (
        lambda: map_data(file, tmp_path, overrides=[wrong]),
        lambda: check_data(file, [wrong]),
    ):
        with pytest.raises(ConfigError, match=r"--set catalog\.file"):
            read()


def test_several_columns_of_a_category_may_be_given(tmp_path):
    file = written(tmp_path, "two.csv", "id,title,price,c1,c2\n1,lamp,3,Home,Lamps\n")
    given = 'catalog.file.columns.category=["c1","c2"]'
    assert mapped(tmp_path, file, given)["catalog"]["file"]["columns"]["category"] == ["c1", "c2"]


@pytest.mark.parametrize("role", ["category", "brand", "rating", "stock", "sold", "group"])
def test_no_name_is_no_column(tmp_path, role):
    file = written(
        tmp_path, "shop.csv", f"id,title,price,{role}\n1,red lamp,10,x\n2,oak desk,20,y\n"
    )
    none = f"catalog.file.columns.{role}="
    assert role not in mapped(tmp_path, file, none)["catalog"]["file"]["columns"]
    assert check_data(file, [none]).rows[0]["items"] == 2
    config = written(
        tmp_path, "mine.toml", f'[catalog.file]\npath = "shop.csv"\ncolumns.{role} = ""\n'
    )
    assert check_data(config).rows[0]["items"] == 2


def test_a_file_of_settings_may_be_given(tmp_path):
    file = written(tmp_path, "shop.csv", PLAIN.replace("price", "cost"))
    more = written(tmp_path, "more.toml", '[catalog.file.columns]\nprice = "cost"\n')
    assert check_data(file, [more]).rows[0]["median_price"] == 15
    assert mapped(tmp_path, file, more)["catalog"]["file"]["columns"]["price"] == "cost"


def test_the_config_is_never_written_over_the_data(tmp_path, capsys):
    file = written(tmp_path, "shop.csv", PLAIN)
    assert run_command(["data", "map", file, "--out", file, "--overwrite"]) == 2
    assert "is a file of data" in capsys.readouterr().err
    assert Path(file).read_text() == PLAIN


@pytest.mark.parametrize("cell", ["From $12.00", "see shop"])
def test_prices_that_are_there_and_not_read_are_not_drawn_in_silence(tmp_path, cell):
    rows = "".join(f"{n},lamp {n},{cell}\n" for n in range(3))
    file = written(tmp_path, "shop.csv", "id,title,price\n" + rows)
    with pytest.raises(DataError, match=r"price == .*must be a price; name another column"):
        map_data(file, tmp_path)
    drawn = mapped(tmp_path, file, "catalog.file.prices.missing=draw")["catalog"]["file"]
    assert drawn["prices"]["missing"] == "draw"
    assert not drawn["columns"]["price"]


def test_names_of_columns_with_dots_are_known(tmp_path):
    """Exports abbreviate: such a dot leads into nothing."""
    rows = 'Artikel-Nr.,Name,"Price (tax excl.)"\n1,lamp,"23,90"\n2,desk,"5,00"\n'
    columns = mapped(tmp_path, written(tmp_path, "shop.csv", rows))["catalog"]["file"]["columns"]
    assert (columns["id"], columns["price"]) == ("Artikel-Nr.", "Price (tax excl.)")


@pytest.mark.parametrize("name", ["price_currency", "currencyId"])
def test_a_second_currency_is_told(tmp_path, name):
    rows = f"id,title,price,{name}\n1,lamp,10,EUR\n2,desk,2000,JPY\n3,bed,30,EUR\n"
    mapping = map_data(written(tmp_path, "shop.csv", rows), tmp_path)
    assert any("2 of 3 rows count" in sentence for sentence in mapping.told)


def test_categories_that_are_several_paths_are_one_path_each(tmp_path):
    """As shops on Magento write them."""
    cell = '"Default Category/Gear,Default Category/Gear/Bags"'
    rows = f"sku,name,price,categories\n1,bag,10,{cell}\n2,purse,12,{cell}\n"
    file = mapped(tmp_path, written(tmp_path, "shop.csv", rows))["catalog"]["file"]
    assert file["format"]["lists"] == "commas"


def test_rows_that_are_not_for_sale_are_known_whatever_blanks_are_beside(tmp_path):
    head = "ID,Type,SKU,Name,Regular price,Categories,Parent\n"
    rows = "1,simple ,cap,Cap,16,Caps,\n2,grouped,set,Set,,Caps,\n3,simple ,hat,Hat,9,Hats,\n"
    config = written(tmp_path, "woo.csv", head + rows)
    assert check_data(config).rows[0]["items"] == 2
