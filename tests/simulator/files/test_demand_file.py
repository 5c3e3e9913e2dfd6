"""A shop's own queries, as files have them."""

import numpy as np
import pytest

from simulator.errors import DataError
from simulator.files.demand import read_demand
from simulator.files.settings import DemandFileSpec


def read(tmp_path, text, **settings):
    (tmp_path / "queries.csv").write_text(text, encoding="utf-8")
    return read_demand(DemandFileSpec(path=str(tmp_path / "queries.csv"), **settings))


def test_rows_of_one_text_add_up_whatever_case_and_blanks(tmp_path):
    asked = read(tmp_path, "query,n\nRed Shoe,3\nlamp,1\nred  shoe,2.5\n", count="n")
    assert asked.texts == ("red shoe", "lamp")
    np.testing.assert_array_equal(asked.count_A, [5.5, 1.0])


def test_without_counts_each_row_is_one_query(tmp_path):
    asked = read(tmp_path, "q\nlamp\nlamp\nchair\n", query="q")
    assert dict(zip(asked.texts, asked.count_A, strict=True)) == {"lamp": 2.0, "chair": 1.0}


def test_only_some_rows_and_other_layouts_are_read(tmp_path):
    text = "country;search;visits\nDE;lampe;1.200\nFR;lampe;7\n"
    asked = read(
        tmp_path,
        text,
        query="search",
        count="visits",
        only={"country": "DE"},
        format={"decimal": ","},
    )
    assert (asked.texts, asked.count_A.tolist()) == (("lampe",), [1200.0])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("query,n\nlamp,0\n", "n == '0', must be a number > 0"),
        ("query,n\nlamp,-3\n", "n == '-3', must be a number > 0"),
        ("query,n\nlamp,often\n", "n == 'often', must be a number > 0"),
        ("query,n\nlamp,\n", "n == '', must be a number > 0"),
        ("query,n\n,4\n", "query == ''"),
        ("query,times\nlamp,4\n", "demand.count"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path, text, place):
    with pytest.raises(DataError) as error:
        read(tmp_path, text, count="n")
    assert place in str(error.value)


def test_bad_rows_can_be_left_out(tmp_path):
    asked = read(tmp_path, "query,n\nlamp,0\nchair,2\n", count="n", bad_rows="skip")
    assert (asked.texts, asked.count_A.tolist()) == (("chair",), [2.0])
