"""Columns of attribute values: what a file publishes in fields of their own, and what it cannot."""

import json

import numpy as np
import pandas as pd
import pytest

from simulator.catalogue.catalog import Structured
from simulator.files.importer import read_supply
from simulator.files.published import MOST_VALUES
from simulator.randomness import Draws
from tests.simulator.files.shops import items_of, refusals, spec_of, written

HEAD = "id,title,price,Color,Material\n"
SHOP = HEAD + (
    "1,lamp,10,Red,Oak\n2,chair,11,red ,\n3,desk,12,,OAK\n4,bed,13,Blue,steel\n5,sofa,14,n/a,\n"
)
MAPPED = {"attributes": {"colour": "Color", "material": "Material"}}


def told(structured: Structured | None) -> list[dict[str, str]]:
    """Attributes and values of each item, by their names."""
    assert structured is not None
    return [
        {
            structured.attributes[structured.attribute_W[code]]: structured.value_names[code]
            for code in row[row >= 0]
        }
        for row in structured.values_IV
    ]


def test_mapped_columns_are_published_and_empty_cells_are_missing(tmp_path):
    items = items_of(written(tmp_path, SHOP), columns=MAPPED)
    assert told(items.published) == [
        {"colour": "red", "material": "oak"},
        {"colour": "red"},
        {"material": "oak"},
        {"colour": "blue", "material": "steel"},
        {},
    ]
    assert items.published.attributes == ("colour", "material")
    assert items.published.values_IV.dtype == np.int32
    assert items.published.values_IV[2].tolist()[1:] == [-1]  # the holes are on the right


def test_a_table_publishes_and_several_columns_do_not_and_the_truth_is_the_same(tmp_path):
    path = written(tmp_path, SHOP)
    published, plain = (
        read_supply(spec_of(path, {"columns": {"attributes": each}}), Draws(1))
        for each in (MAPPED["attributes"], ["Color", "Material"])
    )
    assert published.catalog.structured is not None
    assert plain.catalog.structured is None
    np.testing.assert_array_equal(published.truth.values_IV, plain.truth.values_IV)
    np.testing.assert_array_equal(published.truth.vector_IT, plain.truth.vector_IT)
    assert published.value_words == plain.value_words


def test_rows_that_are_skipped_publish_nothing(tmp_path):
    path = written(tmp_path, SHOP + "6,,15,green,pine\n")
    items = items_of(path, columns=MAPPED, bad_rows="skip")
    assert len(items) == len(items.published.values_IV) == 5
    assert "green" not in items.published.value_names


def test_a_path_leads_into_a_text_that_holds_an_object(tmp_path):
    colours, sizes = ["Red", "Blue", None], [["s", "m"], "s", True]
    pairs = zip(colours, sizes, strict=True)
    cells = [json.dumps({"colour": c, "in": {"size": s}}) for c, s in pairs]
    table = pd.DataFrame({"id": [1, 2, 3], "title": ["a", "b", "c"], "price": 1.0, "facts": cells})
    path = tmp_path / "shop.parquet"
    table.to_parquet(path)
    mapped = {"attributes": {"colour": "facts.colour", "size": "facts.in.size"}}
    assert told(items_of(path, columns=mapped).published) == [
        {"colour": "red", "size": "s, m"},
        {"colour": "blue", "size": "s"},
        {"size": "yes"},
    ]


def test_attributes_that_cannot_be_told_apart_are_refused_all_at_once(tmp_path):
    many = [f"{n},lamp,10,red,,v{n}" for n in range(MOST_VALUES + 1)]
    path = written(tmp_path, "id,title,price,one,none,many\n" + "\n".join(many) + "\n")
    mapped = {"colour": "one", "material": "none", "size": "many"}
    place = "catalog.file.columns.attributes"
    assert refusals(path, columns={"attributes": mapped}) == [
        f"{place}.colour == 'one', which holds one value ('red'), must be one of 2 values or more: "
        "a single one tells no item apart",
        f"{place}.material == 'none', which holds no value, must be a column in which some item "
        "has a value",
        f"{place}.size == 'many', which holds {MOST_VALUES + 1:,} different values, must be one of "
        f"{MOST_VALUES:,} different values at most: more are measures or free text",
    ]


def test_a_column_that_is_not_there_and_a_cell_that_is_no_value_are_refused(tmp_path):
    path = written(tmp_path, SHOP)
    (found,) = refusals(path, columns={"attributes": {"colour": "Colour"}})
    assert found.startswith("catalog.file.columns.attributes.colour == 'Colour', must be a column")
    assert "closest: 'Color'" in found
    cells = [{"id": n, "title": "lamp", "price": 1, "c": c} for n, c in enumerate(("a", "b", {}))]
    path = written(tmp_path, json.dumps(cells), "shop.json")
    (found,) = refusals(path, columns={"attributes": {"colour": "c"}})
    assert found == "shop.json, record 3, id 2: c == {}, must be one text, not a JSON object"


@pytest.mark.parametrize("mapped", [{"": "Color"}, {"colour": ""}])
def test_a_name_without_a_column_and_the_other_way_round_are_refused(tmp_path, mapped):
    with pytest.raises(ValueError, match="must map a name to a column"):
        spec_of(written(tmp_path, SHOP), {"columns": {"attributes": mapped}})


def test_variants_that_are_joined_publish_their_values_together(tmp_path):
    path = written(
        tmp_path,
        HEAD.replace("\n", ",of\n") + "1,lamp,9,red,oak,x\n2,lamp,8,blue,,x\n3,bed,7,red,steel,y\n",
    )
    columns = {**MAPPED, "group": "of"}
    items = items_of(path, columns=columns, variants="join")
    assert told(items.published) == [
        {"colour": "red, blue", "material": "oak"},
        {"colour": "red", "material": "steel"},
    ]
