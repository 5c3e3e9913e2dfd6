import pytest

from tests.simulator.files.shops import items_of, refusals, written

ROWS = """id,parent,title,brand,colour,price,stock,sold
1,A,Lamp,Lux,red,20,3,1.5
2,A,,,blue,15,4,2
3,,Desk,Holz,oak,99,1,0
4,B,Chair,,black,30,,7
5,B,,,white,31,2,
"""
COLUMNS = {"group": "parent", "brand": "brand", "stock": "stock", "attributes": ["colour"]}
COLUMNS |= {"sold": "sold"}


def test_variants_that_are_kept_take_from_their_product_what_they_lack(tmp_path):
    items = items_of(written(tmp_path, ROWS), columns=COLUMNS)
    assert items.key_I.tolist() == ["1", "2", "3", "4", "5"]
    assert items.title_I.tolist() == ["Lamp", "Lamp", "Desk", "Chair", "Chair"]
    assert items.brand_I.tolist() == ["Lux", "Lux", "Holz", "", ""]
    assert items.price_I.tolist() == [20, 15, 99, 30, 31]
    assert items.inside == 0


def test_variants_that_are_joined_are_one_item_at_the_lowest_price(tmp_path):
    items = items_of(written(tmp_path, ROWS), columns=COLUMNS, variants="join")
    assert items.key_I.tolist() == ["A", "3", "B"]
    assert items.price_I.tolist() == [15, 99, 30]
    assert items.stock_I.tolist() == [7, 1, 2]
    assert items.sold_I.tolist() == [3.5, 0, 7]
    assert [each["colour"] for each in items.attributes] == ["red, blue", "oak", "black, white"]
    assert items.inside == 2


def test_a_row_that_stands_for_the_product_is_no_item_where_its_variants_have_prices(tmp_path):
    rows = "id,parent,title,price\nA,,Lamp,\nA-1,A,,20\nA-2,A,Lamp blue,15\n"
    items = items_of(written(tmp_path, rows), columns={"group": "parent"})
    assert items.key_I.tolist() == ["A-1", "A-2"]
    assert items.title_I.tolist() == ["Lamp", "Lamp blue"]


def test_a_lowest_price_is_told_by_value_and_not_by_letters(tmp_path):
    rows = 'id,parent,title,price\n1,A,Lamp,"1.100,00"\n2,A,Lamp,"900,50"\n'
    path = written(tmp_path, rows)
    items = items_of(path, columns={"group": "parent"}, variants="join")
    assert items.price_I.tolist() == [900.5]


def test_a_variant_that_cannot_be_used_is_told_at_its_line(tmp_path):
    path = written(tmp_path, ROWS.replace("blue,15", "blue,free"))
    (found,) = refusals(path, columns=COLUMNS)
    assert found.startswith("shop.csv, line 3, id '2': price == 'free'")


def test_joining_wants_a_column_that_says_what_belongs_together(tmp_path):
    with pytest.raises(ValueError, match=r"catalog\.file\.variants == 'join', must be 'keep'"):
        items_of(written(tmp_path, ROWS), variants="join")


def test_ids_that_stand_as_floats_beside_gaps_are_those_of_their_products(tmp_path):
    rows = "id,parent,title,brand,price\n1,,Lamp,Lux,\n2,1.0,,,20\n3,1.0,,,15\n4,,Desk,Holz,99\n"
    items = items_of(written(tmp_path, rows), columns={"group": "parent", "brand": "brand"})
    assert items.title_I.tolist() == ["Lamp", "Lamp", "Desk"]
    assert items.brand_I.tolist() == ["Lux", "Lux", "Holz"]
