import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator.catalogue.catalog import Supply
from simulator.errors import DataError
from simulator.files.departments import group_departments
from simulator.files.importer import read_supply
from simulator.files.inferred import find_mentions, infer_categories
from simulator.files.judgments import read_judgments
from simulator.files.settings import CatalogFileSpec, ColumnSpec, JudgmentFileSpec
from simulator.files.tables.findings import FileFinding, UnusableFile
from simulator.protocols import DAY
from simulator.randomness import Draws
from simulator.shoppers.demand import generate_intents
from simulator.shoppers.intents import Wording
from simulator.shoppers.settings import QuerySpec

FULL = ColumnSpec(
    description="text",
    brand="maker",
    category="kind",
    seller="shop",
    rating="stars",
    stock="units",
    created_at="since",
    attributes=("colour",),
)


def _table(rows: int = 12) -> pd.DataFrame:
    number = np.arange(rows)
    return pd.DataFrame(
        {
            "id": [f"A{n}" for n in number],
            "title": [f"{'Red' if n % 2 else 'Green'} steel kettle mark{n}" for n in number],
            "price": 10.0 + number,
            "text": ["" if n % 3 else "boils water" for n in number],
            "maker": [["Acme", "Zeta", ""][n % 3] for n in number],
            "kind": [["Kitchen > Kettles", ""][n % 2] for n in number],
            "shop": ["north", "south", "west"] * (rows // 3),
            "stars": [4.5, 3.0, 2.5] * (rows // 3),
            "units": np.where(number % 2, 7, 3),
            "since": [f"2024-01-{n + 1:02d}" for n in number],
            "colour": ["red" if n % 2 else "green" for n in number],
        }
    )


def _write(table: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_json(path, orient="records", lines=True)
    return path


def problems(spec: CatalogFileSpec) -> list[FileFinding]:
    try:
        read_supply(spec, Draws(1))
    except UnusableFile as error:
        return error.findings
    return []


def _columns(supply: Supply) -> dict[str, list[object]]:
    parts = (supply, supply.catalog, supply.truth)
    return {
        f"{type(part).__name__}.{name}": value.tolist() if isinstance(value, np.ndarray) else value
        for part in parts
        for name, value in vars(part).items()
        if name not in ("catalog", "truth")
    }


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".ndjson", ".json"])
def test_every_format_gives_the_same_shop(tmp_path, suffix):
    reference = CatalogFileSpec(
        path=str(_write(_table(), tmp_path / "reference.parquet")), columns=FULL
    )
    spec = CatalogFileSpec(path=str(_write(_table(), tmp_path / f"shop{suffix}")), columns=FULL)
    assert problems(spec) == []
    assert _columns(read_supply(spec, Draws(1))) == _columns(read_supply(reference, Draws(1)))


def test_given_columns_are_kept_and_missing_ones_drawn(tmp_path):
    path = _write(_table(), tmp_path / "shop.parquet")
    supply = read_supply(CatalogFileSpec(path=str(path), columns=FULL), Draws(1))
    catalog = supply.catalog
    assert catalog.brands == ("Acme", "Zeta")
    assert catalog.brand_I[:3].tolist() == [0, 1, -1]
    assert catalog.category_I[:2].tolist() == [0, -1]
    assert (supply.truth.category_I == 0).all()
    assert supply.stock_I[:2].tolist() == [3, 7]
    assert catalog.rating_I[:2].tolist() == [4.5, 3.0]
    assert catalog.seller_I[:4].tolist() == [0, 1, 2, 0]
    np.testing.assert_allclose(catalog.created_at_I, (np.arange(12) - 11) * DAY)
    words = {supply.value_words[v][0] for v in supply.truth.values_IV[0] if v >= 0}
    assert words == {"green"}  # "steel" is everywhere, and "kettle" the category's own word
    plain = read_supply(CatalogFileSpec(path=str(path)), Draws(1))
    assert (plain.catalog.brand_I == -1).all()
    assert plain.catalog.categories == ("All products",)
    assert (plain.stock_I >= 1).all()
    assert (plain.catalog.created_at_I < 0).all()
    assert len(set(plain.truth.quality_I.tolist())) == 12


def test_good_ratings_mean_quality(tmp_path):
    table = pd.concat([_table()] * 20, ignore_index=True)
    table["id"] = np.arange(len(table))
    path = _write(table, tmp_path / "shop.parquet")
    supply = read_supply(CatalogFileSpec(path=str(path), columns=FULL), Draws(1))
    told = np.corrcoef(supply.catalog.rating_I, supply.truth.quality_I)[0, 1]
    assert 0.5 < told < 0.9


def test_a_shop_of_one_bare_item_works(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text('id,title,price\n7,"Kettle, large",12\n')
    supply = read_supply(CatalogFileSpec(path=str(path)), Draws(1))
    assert supply.catalog.title_I.tolist() == ["Kettle, large"]
    intents = generate_intents(supply, QuerySpec(intents=3), Draws(1))
    assert [intents.texts[t] for t in intents.text_QX[:, Wording.SPECIFIC]] == ["kettle, large"] * 3
    assert (intents.text_QX[:, Wording.GENERIC] == -1).all()


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("id", {3: "A1"}, "row 4: id == 'A1', must be an id that no earlier row has"),
        ("id", {3: ""}, "row 4: id == '', must be a text that is not empty"),
        ("title", {2: "   "}, "row 3, id 'A2': title == '   ', must be a text that is not empty"),
        (
            "price",
            {0: -3.0},
            "row 1, id 'A0': price == -3.0, must be a number >= 1e-06 and <= 1e+09",
        ),
        ("price", {0: 0.0}, "price == 0.0, must be a number >= 1e-06"),
        ("price", {5: np.nan}, "row 6, id 'A5': price == "),
        ("price", {5: 2e9}, "price == 2000000000.0, must be a number >= 1e-06 and <= 1e+09"),
        ("price", {5: np.inf}, "row 6, id 'A5': price == inf"),
        ("stars", {1: 9.0}, "stars == 9.0, must be a number from 1 to 5 (0: not rated), or empty"),
        ("units", {1: -1}, "units == -1, must be a whole number >= 0"),
        ("since", {1: "soon"}, "since == 'soon', must be an ISO 8601 date"),
    ],
)
def test_a_bad_value_is_told_with_row_id_and_wish(tmp_path, column, values, message):
    table = _table()
    for row, value in values.items():
        table.loc[row, column] = value
    spec = CatalogFileSpec(path=str(_write(table, tmp_path / "shop.parquet")), columns=FULL)
    (finding,) = problems(spec)
    assert message in str(finding)
    assert str(finding).startswith("shop.parquet, row ")


def test_text_in_a_price_column_is_told(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text("id,title,price\n1,Kettle,on sale\n2,Mug,\n")
    found = [str(finding) for finding in problems(CatalogFileSpec(path=str(path)))]
    assert found == [
        "shop.csv, line 2, id '1': price == 'on sale', must be a number >= 1e-06 and <= 1e+09",
        "shop.csv, line 3, id '2': price == '', must be a number >= 1e-06 and <= 1e+09",
    ]


def test_many_problems_are_told_at_once_and_counted(tmp_path):
    table = _table().assign(price=-1.0)
    table.loc[:1, "title"] = ""
    spec = CatalogFileSpec(path=str(_write(table, tmp_path / "shop.csv")), columns=FULL)
    found = [str(finding) for finding in problems(spec)]
    assert sum(": title == ''" in text for text in found) == 2
    assert sum(": price == '-1.0'" in text for text in found) == 5
    assert found[-1].endswith("(and 7 more rows like this)")
    with pytest.raises(DataError) as error:
        read_supply(spec, Draws(1))
    assert str(error.value).splitlines() == found


def test_missing_columns_name_the_closest_one(tmp_path):
    path = _write(_table().rename(columns={"price": "prise"}), tmp_path / "shop.jsonl")
    spec = CatalogFileSpec(path=str(path), columns=ColumnSpec(brand="makker"))
    found = [str(finding) for finding in problems(spec)]
    assert len(found) == 2
    assert "catalog.file.columns.price == 'price', must be a column of shop.jsonl" in found[0]
    assert "closest: 'prise'" in found[0]
    assert "closest: 'maker'" in found[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("shop.csv", b"", "shop.csv == an empty file, must be a table"),
        ("shop.jsonl", b"", "shop.jsonl == an empty file, must be a table"),
        ("shop.parquet", b"", "shop.parquet == an empty file, must be a table"),
        ("shop.csv", b"id,title,price\n", "shop.csv == 0 rows"),
        (
            "shop.csv",
            b"id,title,price\n1,Kettle\n",
            "line 2 == 2 cells (['1', 'Kettle']), must be 3 cells",
        ),
        ("shop.csv", b'id,title,price\n1,Mug,3\n2,4,"5', "a quote that is never closed"),
        ("shop.csv", b'id,title,price\n1,2,"3\n4,5,6\n', "a quote that is never closed"),
        ("shop.csv", b"id,title,price\n1,K\xff,3\n", r"shop.csv, line 2 == b'\xff', must be valid"),
        ("shop.jsonl", b'{"id": 1, "title": "K\xc3"}\n', "shop.jsonl, line 1 == "),
        (
            "shop.jsonl",
            b'{"id": 1, "title": "M", "price": 2}\n{"id": 2, "ti',
            "line 2 == unreadable",
        ),
        ("shop.jsonl", b"[1]\n", "shop.jsonl, record 1 == 1, must be a JSON object"),
        ("shop.parquet", b"PAR1 and no more", "shop.parquet == unreadable"),
        ("shop.xlsx", b"x", "must be a file with suffix .parquet, .csv"),
    ],
)
def test_a_broken_file_is_told_at_once(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    (finding,) = problems(CatalogFileSpec(path=str(path)))
    assert message in str(finding)
    with pytest.raises(DataError):
        read_supply(CatalogFileSpec(path=str(path)), Draws(1))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.csv'?, must be an existing file"):
        read_supply(CatalogFileSpec(path=str(tmp_path / "nothing.csv")), Draws(1))


def test_a_truncated_parquet_file_is_told(tmp_path):
    path = _write(_table(), tmp_path / "shop.parquet")
    path.write_bytes(path.read_bytes()[:-200])
    (finding,) = problems(CatalogFileSpec(path=str(path)))
    assert "must be a complete Parquet file" in str(finding)


def test_an_inch_sign_is_no_open_quote(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text('id,title,price\n1,Monitor 27" black,200\n')
    assert problems(CatalogFileSpec(path=str(path))) == []


def test_json_attributes_are_read_and_checked(tmp_path):
    table = _table()
    flags = [{"b_wi_fi": bool(n % 2), "n_weight": 3, "t_use": "steel,kettle"} for n in range(12)]
    table["data"] = [json.dumps(flag) for flag in flags]
    table["title"] = [f"kettle with wi fi {n % 4}" for n in range(12)]
    columns = ColumnSpec(attributes="data")
    path = _write(table, tmp_path / "shop.csv")
    supply = read_supply(CatalogFileSpec(path=str(path), columns=columns), Draws(1))
    words = {supply.value_words[v][0] for row in supply.truth.values_IV for v in row if v >= 0}
    assert "steel" not in words  # no title says it
    table.loc[2, "data"] = "{oops"
    spec = CatalogFileSpec(path=str(_write(table, path)), columns=columns)
    assert "line 4, id 'A2': data == '{oops', must be a JSON object" in str(problems(spec)[0])


def test_missing_categories_are_told_from_words():
    titles = np.array(
        ["laser toner black", "laser toner cyan", "usb cable black", "usb cable long"] * 4, object
    )
    category_I = np.array([0, 0, 1, 1] * 3 + [-1] * 4, np.int32)
    mentions = find_mentions(titles, [])
    nothing = np.full(16, -1, np.int32)
    inferred, _ = infer_categories(mentions, category_I, nothing, ("toner", "cable"))
    assert inferred.tolist() == [0, 0, 1, 1] * 4


def test_departments_come_from_paths_or_nouns():
    titles = np.array(["x"] * 4, object)
    mentions = find_mentions(titles, [])
    category_I = np.arange(4, dtype=np.int32)

    def departments(*names: str) -> list[int]:
        return group_departments(mentions, category_I, names).tolist()

    paths = departments("Home > Mugs", "Home > Beds", "Toys > Dolls", "Toys > Cars")
    assert paths[0] == paths[1] != paths[2] == paths[3]
    nouns = departments("ink cartridge", "toner cartridges", "pc/workstation", "cable")
    assert nouns[0] == nouns[1]
    assert len(set(nouns)) == 3


def _grades(tmp_path: Path, rows: list[tuple[object, ...]], suffix: str = ".csv") -> Path:
    table = pd.DataFrame(rows, columns=["query", "product_id", "grade"])
    return _write(table, tmp_path / f"grades{suffix}")


@pytest.fixture
def shop(tmp_path) -> Supply:
    path = _write(_table(), tmp_path / "shop.parquet")
    return read_supply(CatalogFileSpec(path=str(path)), Draws(1))


def test_judgments_are_sorted_and_join_by_id(tmp_path, shop):
    path = _grades(tmp_path, [("mug", "A5", 3), ("pot", "A2", 0), ("mug", "A1", 1)])
    judgments = read_judgments(JudgmentFileSpec(path=str(path)), shop.catalog.key_I)
    assert judgments.queries == ("mug", "pot")
    assert judgments.query_J.tolist() == [0, 0, 1]
    assert judgments.item_J.tolist() == [1, 5, 2]
    assert judgments.grade_J.tolist() == [1, 3, 0]
    found = judgments.grades(np.array([0], np.int32), np.array([[5, 2]], np.int32), 12)
    assert found[0, 0] == 3
    assert np.isnan(found[0, 1])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("mug", "A5", 4)], "grades.csv, line 2, id 'A5': grade == '4', must be 0, 1, 2 or 3"),
        ([("mug", "A5", 0.5)], "grade == '0.5', must be 0, 1, 2 or 3"),
        ([("mug", "A5", None)], "grade == '', must be 0, 1, 2 or 3"),
        ([("", "A5", 1)], "query == '', must be a text that is not empty"),
        ([("mug", "B5", 1)], "product_id == 'B5', must be the id of a product"),
        ([("mug", "A5", 1), ("mug", "A5", 2)], "line 3, id 'A5': grade == '2', must be the grade"),
    ],
)
def test_bad_judgments_are_told(tmp_path, shop, rows, message):
    path = _grades(tmp_path, rows)
    with pytest.raises(DataError) as error:
        read_judgments(JudgmentFileSpec(path=str(path)), shop.catalog.key_I)
    assert message in str(error.value)


def test_a_few_unknown_products_are_left_out_and_counted(tmp_path, shop, caplog):
    rows = [("mug", f"A{n}", 1) for n in range(9)] + [("mug", "gone", 3)]
    path = _grades(tmp_path, rows, ".parquet")
    with caplog.at_level(logging.WARNING):
        judgments = read_judgments(JudgmentFileSpec(path=str(path)), shop.catalog.key_I)
    assert len(judgments.item_J) == 9
    assert "1 judgments of unknown products left out" in caplog.text


def test_the_real_catalogue_and_its_judged_queries_are_read_in_place(data, monkeypatch):
    monkeypatch.setenv("FUNNELAB_DATA", str(data))
    columns = ColumnSpec(
        id="product_id",
        price="price_usd",
        description="short_description",
        brand="brand",
        category="category",
        created_at="date_released",
        attributes="attributes_json",
    )
    spec = CatalogFileSpec(path="$FUNNELAB_DATA/icecat/products.parquet", columns=columns)
    supply = read_supply(spec, Draws(1))
    catalog, truth = supply.catalog, supply.truth
    assert len(catalog) == 19_406
    assert (catalog.category_I < 0).mean() == pytest.approx(0.26, abs=0.01)
    assert (truth.category_I >= 0).all()
    assert len(set(truth.department_C.tolist())) <= 24
    assert (truth.values_IV >= 0).sum(axis=1).mean() > 4
    path = "$FUNNELAB_DATA/icecat/judgments.parquet"
    judgments = read_judgments(JudgmentFileSpec(path=path), catalog.key_I)
    assert len(judgments.queries) == 93
    assert len(judgments.item_J) == 2_582
    intents = generate_intents(supply, QuerySpec(), Draws(1), judgments)
    assert set(intents.judged_Q[intents.judged_Q >= 0]) == set(range(93))
    assert intents.weight_Q[intents.judged_Q >= 0].sum() == pytest.approx(0.3)
