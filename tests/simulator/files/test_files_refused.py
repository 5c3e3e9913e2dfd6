"""Files that cannot be used, each refused in words that say where, what and what instead.

Every case is a small copy of something that public repositories, forums or issue trackers show.
"""

import gzip

import pytest

from tests.simulator.files.shops import assert_refused, items_of, refusals, written

HEAD = "id,title,price\n"

# What a file holds: its name, its bytes or text, settings, and what must be said against it.
REFUSED = {
    "a quote that swallows the next row": (
        "shop.csv",
        HEAD + '1,"lamp red,10\n2,"desk oak",20\n3,chair,30\n',
        {},
        ["shop.csv, line 2: title == '\"lamp red,10', must be a text whose quote ends before"],
    ),
    "a quote that swallows rows and is closed by an inch mark": (
        "shop.csv",
        HEAD + '1,"lamp red,10\n2,19",20\n3,chair,30\n4,bed,40\n',
        {},
        ["shop.csv, line 2: title == 'lamp red,10\\n2,19', must be a quoted text that swallows"],
    ),
    "a quote that swallows rows with commas in their texts": (
        "shop.csv",
        HEAD + '1,"lamp, red,10\n2,desk, oak 19",20\n3,chair,30\n4,bed,40\n',
        {},
        ["line 2: title == 'lamp, red,10\\n2,desk, oak 19', must be a quoted text that swallows"],
    ),
    "a quote that swallows rows from the first column": (
        "shop.csv",
        'id,title,price,stock\nc0,lamp,12.50,4\n"b1,desk,14,40\nu2,R&D,29,37\nc6",red,7.17,33\n',
        {},
        ["line 3: id == 'b1,desk,14,40\\nu2,R&D,29,37\\nc6', must be a quoted text that swallows"],
    ),
    "a quote that swallows rows beside a row that is broken in another way": (
        "shop.csv",
        'id|title|price\ne1|lamp|309.09\n"d2|red|24.00\nw3|R&D|530.10\nu6|a;b|15.\r67\nm7"|chair|17\n',
        {},
        ["line 3: id == 'd2|red|24.00", "must be a quoted text that swallows no rows"],
    ),
    "a quote that swallows rows where no row stands on one line": (
        "shop.csv",
        'id|title|price\nv0|"rug|510,79\np1|oak desk|473,54\nh2|""three, and\nmore"|82,00\n',
        {},
        ["line 2: title == 'rug|510,79\\np1|oak desk|473,54", "that swallows no rows"],
    ),
    "a quote inside quotes between tabs, where other cells are held by quotes": (
        "shop.tsv",
        'id\ttitle\tprice\n1\t"19"" monitor"\t93\n2\t"19"" moni"tor"\t84\n',
        {},
        ['shop.tsv, line 3: title == \'"19"" moni"tor"\\t84\''],
    ),
    "a quote that swallows all rows to the end": (
        "shop.csv",
        HEAD + '1,chair,30\n2,"lamp red,10\n3,desk,20\n',
        {},
        ["shop.csv, line 3: title == '\"lamp red,10'"],
    ),
    "a quote inside a quoted text": (
        "shop.csv",
        HEAD + '1,"19" monitor",99\n',
        {},
        ['shop.csv, line 2: title == \'"19" monitor",99\''],
    ),
    "a wanted column twice": (
        "shop.csv",
        "id,title,price,price\n1,lamp,10,9\n",
        {},
        [
            "catalog.file.columns.price == 'price', the name of columns 3 and 4 of shop.csv, must "
            "be the name of one column"
        ],
    ),
    "a key twice in a JSON object": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp", "price": 1, "price": 2}\n',
        {},
        ["line 1 == unreadable (the key 'price' stands twice in one object)"],
    ),
    "a boolean and a list": (
        "shop.jsonl",
        '{"id":1,"title":"lamp","price":true,"category":["Home","Lamps"]}\n'
        '{"id":2,"title":"desk","price":"20"}\n',
        {"columns": {"category": "category"}},
        [
            "shop.jsonl, line 1, id 1: price == True, must be a number >= 1e-06",
            "category == ['Home', 'Lamps'], must be one category, not a list (levels of a path",
        ],
    ),
    "prices of several currencies": (
        "shop.csv",
        HEAD + "1,lamp,$19.99\n2,desk,₹1099\n3,bed,$5\n",
        {},
        ["line 3, id '2': price == '₹1099', must be a price in the currency of the other rows ($)"],
    ),
    "currencies of their own column": (
        "shop.csv",
        "id,title,price,cur\n1,lamp,19.99,USD\n2,desk,20,EUR\n3,bed,5,USD\n",
        {"columns": {"currency": "cur"}},
        ["line 3: cur == 'EUR', must be 'USD', as in most rows"],
    ),
    "thousands or decimals": (
        "shop.csv",
        HEAD + '1,lamp,"1,299"\n2,desk,15\n',
        {},
        ["price == '1,299', must be a number", "Say so in catalog.file.format.decimal"],
    ),
    "two signs before decimals in one column": (
        "shop.csv",
        HEAD + '1,lamp,"1,299.00"\n2,desk,"12,50"\n',
        {},
        ["line 3, id '2': price == '12,50', must be", "with '.' before the decimals as in other"],
    ),
    "a range of prices": (
        "shop.csv",
        HEAD + "1,lamp,10.00 - 20.00\n",
        {},
        ["line 2, id '1': price == '10.00 - 20.00', must be a number"],
    ),
    "prices in eight ways of writing": (
        "shop.csv",
        HEAD + '1,lamp,"1,299.00"\n2,desk,$19.99\n3,chair,Rs. 499\n4,shelf,19.99 USD\n5,bed,₹1099\n'
        '6,sofa,"12,50"\n7,mat,\n8,rug,0\n',
        {},
        [
            "line 7, id '6': price == '12,50'",
            "line 8, id '7': price == ''",
            "line 9, id '8': price == '0'",
            "line 4, id '3': price == 'Rs. 499', must be a price in the currency of the other rows ($)",
            "line 6, id '5': price == '₹1099', must be a price in the currency of the other rows ($)",
        ],
    ),
    "words for nothing as titles": (
        "shop.csv",
        HEAD + "1,nan,10\n2,NULL,20\nundefined,lamp,30\n",
        {},
        [
            "line 2, id '1': title == 'nan', must be a text that is not",
            "title == 'NULL'",
            "id == 'undef",
        ],
    ),
    "errors of a spreadsheet": (
        "shop.csv",
        "id,title,price,brand\n1,#REF!,10,x\n2,lamp,#DIV/0!,#N/A\n3,desk,20,#NAME?\n",
        {"columns": {"brand": "brand"}},
        [
            "title == '#REF!', must be a text, not an error of a",
            "price == '#DIV/0!'",
            "brand == '#NAME?'",
        ],
    ),
    "no price, a price of nothing and one too small to divide by": (
        "shop.csv",
        HEAD + "1,lamp,\n2,desk,0\n3,bed,1e-300\n4,rug,free\n",
        {},
        ["line 2, id '1': price == ''", "price == '0'", "price == '1e-300'", "price == 'free'"],
    ),
    "Unix time where simulated seconds are said": (
        "shop.csv",
        "id,title,price,since\n1,lamp,10,1700000000\n",
        {"columns": {"created_at": "since"}, "format": {"times": "simulated"}},
        ["since == '1700000000', must be at most 315360000, the end of the simulated time"],
    ),
    "an id that a spreadsheet has shortened": (
        "shop.csv",
        HEAD + "4.00733E+12,lamp,10\n4.00734E+12,desk,10\n",
        {},
        ["id == '4.00733E+12', must be the whole id (a spreadsheet has shortened this one)"],
    ),
    "ids that cannot be seen": (
        "shop.csv",
        HEAD + "\u200b,lamp,10\n",
        {},
        ["line 2: id == '\\u200b', must be a text that is not empty"],
    ),
    "half a character": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp \\ud800", "price": 10}\n',
        {},
        ["title == 'lamp \\ud800', must be a text of whole Unicode characters"],
    ),
    "Windows-1252 where nothing says it": (
        "shop.csv",
        "id,title,price\n1,Möbel für Küche,10\n".encode("windows-1252"),
        {},
        [
            "shop.csv, line 2 == b'\\xf6', must be valid UTF-8; or is it catalog.file.format.encoding "
            "= \"windows-1252\"? Then it reads '1,Möbel für Küche,10'"
        ],
    ),
    "Windows-1251 where nothing says it": (
        "shop.csv",
        "id,title,price\n1,Красная лампа,10\n".encode("windows-1251"),
        {},
        ["= \"windows-1251\"? Then it reads '1,Красная лампа,10'"],
    ),
    "Shift-JIS where nothing says it": (
        "shop.csv",
        "id,title,price\n1,赤いランプ,10\n".encode("shift_jis"),
        {},
        ["= \"shift_jis\"? Then it reads '1,赤いランプ,10'"],
    ),
    "a row with a comma too many": (
        "shop.csv",
        HEAD + "1,lamp, red,10\n2,desk,20\n",
        {},
        [
            "shop.csv, line 2 == 4 cells (['1', 'lamp', 'red', '10']), must be 3 cells, as the header"
        ],
    ),
    "a row cut off": ("shop.csv", HEAD + "1,lamp,10\n2,de", {}, ["shop.csv, line 3 == 2 cells"]),
    "a JSON line cut off": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp", "price": 10}\n{"id": 2, "tit',
        {},
        ["shop.jsonl, line 2 == unreadable"],
    ),
    "a JSON array cut off": (
        "shop.json",
        '[{"id": 1},\n{"id"',
        {},
        ["shop.json, line 2 == unread"],
    ),
    "Python's way to print objects (Amazon reviews of 2014)": (
        "shop.json",
        "{'id': 1, 'title': 'lamp'}\n",
        {},
        ["must be one complete JSON object (this is a Python literal, not JSON)"],
    ),
    "two lists of records": (
        "shop.json",
        '{"a": [{"id": 1}], "b": [{"id": 2}]}',
        {},
        ["catalog.file.format.records == '', must be the path of one list of records in shop.json"],
    ),
    "a path to no list": (
        "shop.json",
        '{"products": [{"id": 1}]}',
        {"format": {"records": "items"}},
        [
            "catalog.file.format.records == 'items', must be the path of a list in shop.json (lists: '"
        ],
    ),
    "a record under each key": (
        "shop.json",
        '{"a1": {"title": "lamp"}, "a2": {"title": "desk"}}',
        {},
        ["(this is an object with a record under each key)"],
    ),
    "nesting without end": ("shop.json", "[" * 100_000, {}, ["nested too deep"]),
    "a number of 400 digits": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp", "price": 1' + "0" * 400 + "}\n",
        {},
        ["price == 1000", "must be a number >= 1e-06 and <= 1e+09"],
    ),
    "a number of 5,000 digits": (
        "shop.jsonl",
        '{"id": 1, "title": "lamp", "price": 1' + "0" * 5000 + "}\n",
        {},
        ["shop.jsonl, line 1 == unreadable"],
    ),
    "an Excel workbook under the name of CSV": (
        "shop.csv",
        b"PK\x03\x04\x14\x00\x06\x00",
        {},
        [
            "shop.csv == a ZIP archive or an Excel workbook, must be the table inside, exported as CSV"
        ],
    ),
    "an Excel workbook": ("shop.xlsx", b"PK", {}, ["export a workbook as CSV"]),
    "a web page instead of the file": (
        "shop.csv",
        "<!doctype html><html>Log in</html>",
        {},
        ["shop.csv == a web page, must be a table"],
    ),
    "a pointer of Git LFS instead of the file": (
        "shop.csv",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        {},
        ["shop.csv == a pointer of Git LFS, must be the file itself"],
    ),
    "a feed in XML under another name": (
        "shop.csv",
        "<?xml version='1.0'?><rss/>",
        {},
        ["shop.csv == an XML document by its content, must be a name that ends in .xml"],
    ),
    "a feed in XML without items": (
        "shop.xml",
        "<rss><channel><title>x</title></channel></rss>",
        {},
        ["shop.xml == 0 rows, must be a table with at least one row"],
    ),
    "rows of a feed that cannot be used, by their lines": (
        "shop.xml",
        "<rss><channel>\n<item><id>1</id><title>lamp</title><price>free</price></item>\n"
        "<item><id>2</id><title/><price>3</price></item></channel></rss>",
        {},
        ["shop.xml, line 2, id '1': price == 'free'", "shop.xml, line 3, id '2': title == ''"],
    ),
    "gzip cut off": (
        "shop.csv.gz",
        gzip.compress(b"id,title,price\n1,lamp,10\n" * 9)[:-9],
        {},
        ["shop.csv.gz == unreadable"],
    ),
    "blanks alone": ("shop.csv", " \n\n", {}, ["shop.csv == an empty file"]),
    "a header alone": ("shop.csv", HEAD, {}, ["shop.csv == 0 rows"]),
    "a NUL": ("shop.csv", HEAD + "1,la\0mp,10\n", {}, ["shop.csv, line 2 == a NUL character"]),
    "values that no row has": (
        "shop.csv",
        HEAD + "1,lamp,10\n",
        {"only": {"title": "desk"}},
        ["shop.csv: title == 'desk' in no row, must be one of: 'lamp'"],
    ),
    "no column of prices, and nothing said of it": (
        "shop.csv",
        "id,title\n1,lamp\n",
        {"columns": {"price": ""}},
        ["catalog.file.columns.price == '', must be a column of shop.csv, or", 'missing = "draw"'],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_is_refused_in_words(tmp_path, case):
    assert_refused(tmp_path, *REFUSED[case])


def test_a_name_longer_than_files_have_is_refused(tmp_path):
    (found,) = refusals(tmp_path / ("x" * 300 + ".csv"))
    assert found.endswith("must be an existing file")


def test_bad_rows_are_skipped_and_counted_where_it_is_asked_for(tmp_path):
    rows = "1,lamp,10\n1,lamp again,10\n2,,20\n3,desk,free\n4,bed,40,extra\n5,rug,50\n"
    path = written(tmp_path, HEAD + rows)
    assert len(refusals(path)) == 4
    items = items_of(path, bad_rows="skip")
    assert items.key_I.tolist() == ["1", "5"]
    assert items.skipped == 4
    nothing = written(tmp_path, HEAD + "1,,10\n2,lamp,\n", "nothing.csv")
    assert len(refusals(nothing, bad_rows="skip")) == 2


def test_a_quote_is_trusted_where_the_settings_say_so(tmp_path):
    text = HEAD + '1,"lamp red,10\n2,19",20\n3,chair,30\n4,bed,40\n'
    path = written(tmp_path, text)
    assert items_of(path, format={"quotes": "trust"}).title_I[0] == "lamp red,10 2,19"
    literal = items_of(path, format={"quotes": "literal"})
    assert literal.title_I.tolist() == ['"lamp red', '19"', "chair", "bed"]


def test_the_line_of_a_row_is_that_of_the_file(tmp_path):
    text = '\nid,title,price\n1,"lamp\n\nred",10\n\n2,desk,none at all\n'
    (found,) = refusals(written(tmp_path, text))
    assert found.startswith("shop.csv, line 7, id '2': price == 'none at all'")


def test_a_wish_for_a_column_names_it_as_the_user_wrote_it(tmp_path):
    path = written(tmp_path, "Handle,Title,Published\n1,lamp,true\n")
    found = refusals(path)
    assert found[0].startswith("catalog.file.columns.id == 'id', must be a column of shop.csv (col")
    assert "closest: 'Title'" in found[1]
    assert sum("'Published'" in line for line in found) == 1  # all columns are listed once
