from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.simulator.files.shops import items_of, refusals


def _written(folder: Path, **columns: object) -> Path:
    path = folder / "shop.parquet"
    usual = {"id": ["a", "b"], "title": ["lamp", "desk"], "price": [10.0, 20.0]}
    pa.parquet.write_table(pa.table(usual | columns), path)
    return path


def test_numbers_and_dates_of_any_type_are_read(tmp_path):
    path = _written(
        tmp_path,
        id=pa.array([7, 8], pa.int64()),
        price=pa.array([Decimal("12.50"), Decimal("3.00")], pa.decimal128(10, 2)),
        since=pa.array([date(2024, 1, 1), date(2024, 1, 31)], pa.date32()),
        units=pa.array([3, None], pa.int32()),
    )
    items = items_of(path, columns={"created_at": "since", "stock": "units"})
    assert items.key_I.tolist() == ["7", "8"]
    assert items.price_I.tolist() == [12.5, 3.0]
    assert items.created_at_I.tolist() == [-30 * 86_400.0, 0.0]
    assert items.stock_I[0] == 3


def test_fields_inside_structures_and_lists_are_read_by_their_paths(tmp_path):
    path = _written(
        tmp_path,
        price=pa.array([{"value": 12.5}, {"value": 3.0}]),
        category=pa.array([["Home > Lamps", "Sale"], []], pa.list_(pa.string())),
    )
    items = items_of(path, columns={"price": "price.value", "category": "category.0"})
    assert items.price_I.tolist() == [12.5, 3.0]
    assert items.category_I.tolist() == ["Home > Lamps", ""]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"price": [True, False]}, "shop.parquet, row 1, id 'a': price == True, must be a number"),
        ({"price": pa.array([10**15, 0], pa.timestamp("s"))}, "must be values of years 1 to 9999"),
        ({"title": [["lamp", "light"], ["desk"]]}, "title == ['lamp', 'light'], must be one text"),
        ({"title": [b"\xff", b"desk"]}, "row 1, id 'a': title == b'\\xff', must be one text"),
        ({"price": [{"value": 1.0}, None]}, "price == {'value': 1.0}, must be a number"),
    ],
)
def test_values_of_another_kind_are_told(tmp_path, columns, message):
    assert message in "\n".join(refusals(_written(tmp_path, **columns)))


def test_a_column_that_is_there_twice_is_told(tmp_path):
    path = tmp_path / "shop.parquet"
    table = pa.Table.from_arrays(
        [pa.array(["a"]), pa.array(["lamp"]), pa.array([1.0]), pa.array([2.0])],
        names=["id", "title", "price", "price"],
    )
    pa.parquet.write_table(table, path)
    (found,) = refusals(path)
    assert "the name of columns 3 and 4 of shop.parquet, must be the name of one column" in found


def test_a_path_that_leads_nowhere_is_told_with_its_setting(tmp_path, monkeypatch):
    (found,) = refusals(tmp_path / "none.csv")
    assert found.startswith("catalog.file.path == ")
    monkeypatch.delenv("FUNNELAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    (found,) = refusals(tmp_path, path="$FUNNELAB_DATA/none.csv")
    assert found.endswith("an existing file ($FUNNELAB_DATA names the folder of data sets)")
