"""Files as shops and spreadsheets really export them, read rightly.

Every case is a small copy of something that public repositories, forums or issue trackers show.
"""

import gzip

import pytest

from simulator.files.importer import supply_of
from simulator.randomness import Draws
from tests.simulator.files.shops import items_of, spec_of, written

HEAD = "id,title,price\n"

# What a file holds: its name, its bytes or text, settings, and (title, price) by id.
READ = {
    "semicolons and decimal commas, as Excel writes them in half of Europe": (
        "shop.csv",
        "id;title;price\n1;lamp;12,50\n2;desk;1.234,99\n",
        {},
        {"1": ("lamp", 12.5), "2": ("desk", 1234.99)},
    ),
    "tabs under the name of CSV": (
        "shop.csv",
        "id\ttitle\tprice\n1\tlamp, red\t10\n",
        {},
        {"1": ("lamp, red", 10)},
    ),
    "a TSV feed with prices and their currency (Google Merchant)": (
        "feed.tsv",
        "id\ttitle\tprice\n1\tlamp\t28.00 USD\n2\tdesk\t1,299.00 USD\n",
        {},
        {"1": ("lamp", 28), "2": ("desk", 1299)},
    ),
    "bars between cells": (
        "shop.txt",
        "id|title|price\n1|lamp, red|10\n",
        {},
        {"1": ("lamp, red", 10)},
    ),
    "Excel's line that names the delimiter": (
        "shop.csv",
        "sep=;\r\nid;title;price\r\n1;lamp, a, b;10\r\n",
        {},
        {"1": ("lamp, a, b", 10)},
    ),
    "a byte order mark, Windows line ends and a text over two lines": (
        "shop.csv",
        b'\xef\xbb\xbfid,title,price\r\n1,"lamp\r\nred",10\r\n2,desk,20\r\n',
        {},
        {"1": ("lamp red", 10), "2": ("desk", 20)},
    ),
    "line ends of old Macs": ("shop.csv", "id,title,price\r1,lamp,10\r", {}, {"1": ("lamp", 10)}),
    "UTF-16 with a mark, as Excel's Unicode text": (
        "shop.txt",
        b"\xff\xfe" + "id\ttitle\tprice\n1\tlämp\t10\n".encode("utf-16-le"),
        {},
        {"1": ("lämp", 10)},
    ),
    "UTF-16 without a mark": (
        "shop.csv",
        "id,title,price\n1,lamp,10\n".encode("utf-16-le"),
        {},
        {"1": ("lamp", 10)},
    ),
    "Windows-1252, where it is said": (
        "shop.csv",
        "id;title;price\n1;Möbel “Ö”;10\n".encode("windows-1252"),
        {"format": {"encoding": "windows-1252"}},
        {"1": ("Möbel “Ö”", 10)},
    ),
    "Shift-JIS, where it is said": (
        "shop.csv",
        "id,title,price\n1,赤いランプ,1980\n".encode("shift_jis"),
        {"format": {"encoding": "shift_jis"}},
        {"1": ("赤いランプ", 1980)},
    ),
    "packed with gzip": (
        "shop.csv.gz",
        gzip.compress(b"id,title,price\n1,lamp,10\n"),
        {},
        {"1": ("lamp", 10)},
    ),
    "an inch mark without a final line end": (
        "shop.csv",
        'id,title,price\n1,19" monitor,99',
        {},
        {"1": ('19" monitor', 99)},
    ),
    "an inch mark before a text over two lines": (
        "shop.csv",
        'id,title,price\n1,19" monitor,99\n2,"a desk\nof oak",20',
        {},
        {"1": ('19" monitor', 99), "2": ("a desk of oak", 20)},
    ),
    "doubled quotes": (
        "shop.csv",
        'id,title,price\n1,"19"" monitor, ""new""",99\n',
        {},
        {"1": ('19" monitor, "new"', 99)},
    ),
    "quotes behind a backslash, as MySQL writes them": (
        "shop.csv",
        'id,title,price\n1,"19\\" monitor, new",99\n2,"desk",20\n',
        {},
        {"1": ('19" monitor, new', 99), "2": ("desk", 20)},
    ),
    "quotes as plain characters between tabs": (
        "shop.tsv",
        'id\ttitle\tprice\n1\t"Best" lamp\t10\n2\t19" desk\t20\n',
        {},
        {"1": ('"Best" lamp', 10), "2": ('19" desk', 20)},
    ),
    "a blank after each comma": (
        "shop.csv",
        'id, title, price\n1, "lamp, red", 10\n',
        {},
        {"1": ("lamp, red", 10)},
    ),
    "a delimiter at the end of each line": (
        "shop.csv",
        "id,title,price,\n1,lamp,10,\n",
        {},
        {"1": ("lamp", 10)},
    ),
    "blank lines and rows of commas, as spreadsheets leave them": (
        "shop.csv",
        "\n,,\nid,title,price\n\n1,lamp,10\n,,\n  \n2,desk,20\n,,\n",
        {},
        {"1": ("lamp", 10), "2": ("desk", 20)},
    ),
    "a mark of byte order behind a tab (WooCommerce)": (
        "shop.csv",
        "\t\ufeffid,title,price\n1,lamp,10\n",
        {},
        {"1": ("lamp", 10)},
    ),
    "no header, columns by number": (
        "shop.csv",
        "1,lamp,10\n2,desk,20\n",
        {"format": {"header": False}, "columns": {"id": "1", "title": "2", "price": "3"}},
        {"1": ("lamp", 10), "2": ("desk", 20)},
    ),
    "a column twice that nobody asks for": (
        "shop.csv",
        "id,title,price,note,note\n1,lamp,10,a,b\n",
        {},
        {"1": ("lamp", 10)},
    ),
    "ids that a spreadsheet has made fractions": (
        "shop.jsonl",
        '{"id": 17.0, "title": "lamp", "price": 10}\n',
        {},
        {"17": ("lamp", 10)},
    ),
    "a description of a thousand commas over many lines": (
        "shop.csv",
        HEAD + '1,"' + "soft, warm\n" * 500 + '",10\n2,desk,20\n3,bed,30\n',
        {},
        {"1": (" ".join(["soft, warm"] * 500), 10), "2": ("desk", 20), "3": ("bed", 30)},
    ),
    "a line separator inside a JSON text": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp\u2028red", "price": 12}\n{"id": 2, "title": "desk", "price": 20}\n',
        {},
        {"1": ("lamp red", 12), "2": ("desk", 20)},
    ),
    "a NEL inside a JSON text": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp\u0085red", "price": 12}\n',
        {},
        {"1": ("lamp red", 12)},
    ),
    "JSON Lines with Windows line ends and blank lines": (
        "shop.jsonl",
        '\ufeff{"id": 1, "title": "lamp", "price": 12}\r\n\r\n',
        {},
        {"1": ("lamp", 12)},
    ),
    "a JSON array over many lines": (
        "shop.json",
        '[\n {"id": 1, "title": "lamp", "price": 12},\n {"id": 2, "title": "desk", "price": 20}\n]\n',
        {},
        {"1": ("lamp", 12), "2": ("desk", 20)},
    ),
    "records inside an object": (
        "shop.json",
        '{"total": 1, "products": [{"id": 1, "title": "lamp", "price": 12}]}',
        {},
        {"1": ("lamp", 12)},
    ),
    "records deep inside an object, where it is said": (
        "shop.json",
        '{"data": {"all": {"hits": [{"id": 1, "title": "lamp", "price": 12}]}}}',
        {"format": {"records": "data.all.hits"}},
        {"1": ("lamp", 12)},
    ),
    "nested fields by their paths": (
        "shop.jsonl",
        '{"sku": "a.1", "names": {"en": "lamp"}, "offers": [{"price": {"value": "12.00 EUR"}}]}\n',
        {"columns": {"id": "sku", "title": "names.en", "price": "offers.0.price.value"}},
        {"a.1": ("lamp", 12)},
    ),
    "a field whose own name has a dot": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp", "price.value": 12, "price": {"value": 13}}\n',
        {"columns": {"price": "price.value"}},
        {"1": ("lamp", 12)},
    ),
    "words for nothing where a value may be empty": (
        "shop.csv",
        "id,title,price,brand,kind,stars\n1,lamp,10,nan,None,NULL\n",
        {"columns": {"brand": "brand", "category": "kind", "rating": "stars"}},
        {"1": ("lamp", 10)},
    ),
    "HTML in a title": (
        "shop.csv",
        HEAD + "1,<b>lamp</b>&nbsp;&amp; shade,10\n",
        {},
        {"1": ("lamp & shade", 10)},
    ),
    "rows of another country left out": (
        "shop.csv",
        "id,title,price,locale\n1,lamp,10,us\n1,lampe,11,de\n",
        {"only": {"locale": "us"}},
        {"1": ("lamp", 10)},
    ),
    "thousands that another value of the column tells": (
        "shop.csv",
        HEAD + '1,lamp,"1,299"\n2,desk,12.50\n',
        {},
        {"1": ("lamp", 1299), "2": ("desk", 12.5)},
    ),
    "thousands that the setting tells": (
        "shop.csv",
        HEAD + "1,lamp,1.299\n2,desk,999\n",
        {"format": {"decimal": ","}},
        {"1": ("lamp", 1299), "2": ("desk", 999)},
    ),
}


@pytest.mark.parametrize("case", READ)
def test_a_file_is_read_rightly(tmp_path, case):
    name, content, settings, expected = READ[case]
    path = written(tmp_path, content, name)
    items = items_of(path, **settings)
    found = zip(items.key_I, items.title_I, items.price_I.tolist(), strict=True)
    assert {key: (title, price) for key, title, price in found} == expected
    supply = supply_of(items, spec_of(path, settings), Draws(1))
    assert len(supply.catalog) == len(expected)


def test_words_for_nothing_are_no_brand_and_no_category(tmp_path):
    name, content, settings, _ = READ["words for nothing where a value may be empty"]
    items = items_of(written(tmp_path, content, name), **settings)
    assert (items.brand_I[0], items.category_I[0]) == ("", "")
    assert items.rating_I[0] != items.rating_I[0]


@pytest.mark.parametrize(
    "outer",
    [
        '{"id":77,"title":"Summer collection","products":[%s]}',
        '{"name":"My shop","currency":"EUR","products":[%s]}',
    ],
)
def test_an_object_that_holds_products_is_no_product(tmp_path, outer):
    rows = ",".join(f'{{"id":{n},"title":"lamp {n}","price":{n + 5}}}' for n in range(3))
    items = items_of(written(tmp_path, outer % rows, "shop.json"))
    assert items.title_I.tolist() == ["lamp 0", "lamp 1", "lamp 2"]


def test_a_product_that_has_a_list_of_its_own_is_a_product(tmp_path):
    one = '{"id":7,"title":"lamp","price":12,"offers":[{"price":12},{"price":13}]}'
    items = items_of(written(tmp_path, one, "shop.json"))
    assert (items.key_I.tolist(), items.price_I.tolist()) == (["7"], [12])
