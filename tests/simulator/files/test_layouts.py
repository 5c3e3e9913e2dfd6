"""Layouts of public product files: each is recognised and read as its users mean it."""

import pytest

from simulator.errors import DataError
from simulator.files.items import Items
from simulator.files.mapping.proposing import propose_catalog
from simulator.files.tables.findings import UnusableFile
from tests.simulator.files.layout_files import KNOWN, MERCHANT, SHOPIFY
from tests.simulator.files.shops import items_of, written


def _proposed(tmp_path, name: str, content: str | bytes) -> tuple[str, Items, tuple[str, ...]]:
    path = written(tmp_path, content, name)
    proposal = propose_catalog(path)
    return proposal.layout, items_of(path, **proposal.settings), proposal.told


@pytest.mark.parametrize("case", KNOWN)
def test_a_layout_is_recognised_and_read(tmp_path, case):
    name, content, layout, expected = KNOWN[case]
    found, items, told = _proposed(tmp_path, name, content)
    assert found == layout, told
    prices = [None if price != price else price for price in items.price_I.tolist()]
    rows = zip(items.key_I, items.title_I, prices, items.category_I, items.brand_I, strict=True)
    read = {key: rest for key, *rest in rows}
    assert {key: tuple(read[key]) for key in expected} == expected
    if case not in ("Amazon sales (Kaggle)", "codes of categories beside their names"):
        assert read.keys() == expected.keys()


def test_variants_of_shopify_are_kept_where_it_is_asked_for(tmp_path):
    path = written(tmp_path, SHOPIFY)
    settings = propose_catalog(path).settings | {"variants": "keep"}
    items = items_of(path, **settings)
    assert items.key_I.tolist() == ["red-lamp-1", "red-lamp-2", "oak-desk"]
    assert items.title_I.tolist() == ["Red lamp", "Red lamp", "Oak desk"]
    assert items.description_I.tolist() == ["Warm & soft", "Warm & soft", ""]
    assert items.price_I.tolist() == [19.9, 29.9, 199.0]
    assert items.inside == 1


def test_a_joined_product_has_all_its_options(tmp_path):
    path = written(tmp_path, SHOPIFY)
    items = items_of(path, **propose_catalog(path).settings)
    assert items.attributes[0]["Option1 Value"] == "Small, Large"
    assert "Option1 Value" not in items.attributes[1]  # "Default Title" says nothing


def test_what_was_decided_is_told(tmp_path):
    told = _proposed(tmp_path, "feed.tsv", MERCHANT)[2]
    assert told[0].startswith(
        "recognised: Google Merchant feed; the price is the one before any sale"
    )
    assert "category: product_type" in told
    assert "not used: link, google_product_category" in told
    esci = _proposed(tmp_path, "products.csv", KNOWN["Shopping Queries (ESCI)"][1])[2]
    assert "2 of 3 rows count: those whose product_locale is us, of es, us" in esci
    assert any(line.startswith("2 of 2 rows have no price: it is drawn") for line in esci)


@pytest.mark.parametrize(
    ("cells", "column"),
    [(("12", "1,250", ""), "sold"), (("True", "False", "True"), None), (("1.2k", "7", "9"), None)],
)
def test_sales_are_mapped_where_they_are_numbers(tmp_path, cells, column):
    rows = [f'{n},Lamp {n},{10 + n},"{cell}"' for n, cell in enumerate(cells)]
    path = written(tmp_path, "\n".join(["id,title,price,sold", *rows]))
    assert propose_catalog(path).settings["columns"].get("sold") == column


def test_a_guessed_encoding_is_told(tmp_path):
    told = _proposed(tmp_path, "item.csv", KNOWN["a Japanese shop in Shift-JIS"][1])[2]
    assert any(line.startswith("the encoding is guessed: shift_jis") for line in told)


def test_the_users_own_columns_come_before_what_is_told(tmp_path):
    path = written(tmp_path, "nr,id,title,price,old\na,1,Lamp,10,20\n")
    given = {"columns": {"id": "nr", "price": "old"}, "bad_rows": "skip"}
    settings = propose_catalog(path, given).settings
    assert settings["columns"] == {"id": "nr", "title": "title", "price": "old"}
    assert settings["bad_rows"] == "skip"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "no column that is known as id or as title, must be named by --set"),
        (
            "query_id,query,label\n1,lamp,Exact\n",
            "(this looks like a file of grades or of queries)",
        ),
        (
            "asin,title,text,rating,user_id\nB1,Good,Well,5,u\n",
            "what looks like a log of what users did, must be a file with a row for each item",
        ),
        (
            "reviewerID,asin,reviewText,title\nA,B1,Well,x\n",
            "what looks like a file of reviews, must be a file with a row for each item",
        ),
        ("Invoice,StockCode,Name,Price\n1,2,LAMP,3\n", "(this looks like a file of orders)"),
        (
            "id,title,price,price\n1,lamp,1,2\n",
            "catalog.file.columns.price == 'price', the name of",
        ),
    ],
)
def test_a_file_that_cannot_be_told_is_refused_with_its_columns(tmp_path, content, message):
    with pytest.raises(DataError) as error:
        propose_catalog(written(tmp_path, content))
    assert message in str(error.value)


def test_ids_that_repeat_are_left_to_the_check(tmp_path):
    path = written(tmp_path, "id,title,price\n1,lamp,10\n1,desk,20\n2,bed,30\n")
    settings = propose_catalog(path).settings
    with pytest.raises(UnusableFile, match="an id that no earlier row has"):
        items_of(path, **settings)
