import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from simulator.files.tables.amounts import ASK, MIXED, UNREADABLE, amounts, strange_currencies


def _values(*cells: object, decimal: str = "auto") -> list[float]:
    return amounts(cells, decimal).number_I.tolist()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12),
        ("12.50", 12.5),
        ("12,50", 12.5),
        (" 12.50 ", 12.5),
        (".5", 0.5),
        ("1e3", 1000),
        ("1.5E+2", 150),
        ("+3.25", 3.25),
        ("-3.25", -3.25),
        ("1,299.00", 1299),
        ("1.299,00", 1299),
        ("12,345,678.90", 12_345_678.9),
        ("1.234.567", 1_234_567),
        ("1 299,90", 1299.9),
        ("1\u00a0299,90 zł", 1299.9),
        ("1\u202f299,90 €", 1299.9),
        ("1'299.90", 1299.9),
        ("CHF 1’299.90", 1299.9),
        ("1,29,900.00", 129_900),
        ("₹1,29,900", 129_900),
        ("$19.99", 19.99),
        ("19.99 USD", 19.99),
        ("usd 19.99", 19.99),
        ("USD19.99", 19.99),
        ("$19.99 USD", 19.99),
        ("US$ 19.99", 19.99),
        ("-$5.00", -5),
        ("Rs. 499", 499),
        ("Rs.1,299.00", 1299),
        ("19,99 €", 19.99),
        ("€19.99", 19.99),
        ("R$ 1.299,90", 1299.9),
        ("249 kr", 249),
        ("249,- kr", 249),
        ("12,-", 12),
        ("12.– CHF", 12),
        ("4 990 руб.", 4990),
        ("¥1980", 1980),
        ("￥１，９８０", 1980),
        ("1,980円", 1980),
        ("฿ 120.00", 120),
        (7, 7),
        (7.25, 7.25),
        (np.float32(0.5), 0.5),
    ],
)
def test_a_number_is_read_as_people_write_it(cell, value):
    telling = ["0.5"] if cell in ("￥１，９８０", "1,980円", "₹1,29,900") else []
    assert _values(cell, *telling)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    "cell",
    [
        *("abc", "12 USD EUR", "$12 EUR", "10.00 - 20.00", "12,34,56", "1.2.3", "1,2,3", "(12.00)"),
        *("12%", "from 12", "12 50", "1,299,00", "1.299.0", "12..5", "12,", "1,2345.00", "--5"),
        *("true", "1_000", "0x10", "12\u20ac13", "１２，３４，５６", "1 2 3", "€", "inf", "-inf"),
        *(True, False, np.True_, ["12"], {"value": 12}, 10**400, "9" * 400),
    ],
)
def test_what_is_no_number_is_none(cell):
    read = amounts([cell])
    assert math.isnan(read.number_I[0])
    assert read.why == {0: UNREADABLE}


@pytest.mark.parametrize("cell", [None, "", "  ", "NaN", "null", "None", "N/A", r"\N", math.nan])
def test_an_empty_cell_is_empty(cell):
    read = amounts([cell])
    assert read.empty_I.all()
    assert read.why == {}


@pytest.mark.parametrize("cell", ["1,299", "1.299", "$1,299", "999.000 €"])
def test_three_digits_behind_one_sign_alone_are_asked_for(cell):
    assert amounts([cell, "5"]).why == {0: ASK}


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("1,299", "12.50"), [1299, 12.5]),
        (("1,299", "12,50"), [1.299, 12.5]),
        (("1.299", "12,50"), [1299, 12.5]),
        (("1.299", "12.50"), [1.299, 12.5]),
        (("1,299", "1,234,567"), [1299, 1_234_567]),
        (("1.299", "0.125"), [1.299, 0.125]),
        (("0,999", "1,250"), [0.999, 1.25]),
    ],
)
def test_another_value_of_the_column_tells_what_three_digits_are(cells, values):
    assert _values(*cells) == pytest.approx(values)


def test_the_setting_decides_where_it_is_given():
    assert _values("1,299", decimal=".") == [1299]
    assert _values("1,299", decimal=",") == [1.299]
    assert amounts(["12,50"], ".").why == {0: MIXED}


def test_a_column_has_one_sign_before_its_decimals():
    read = amounts(["12.50", "13.75", "12,50"])
    assert read.why == {2: MIXED}
    assert read.decimal == "."


def test_currencies_that_can_be_the_same_are_no_mixture():
    assert strange_currencies(["$", "usd", "", "us$"]) == ("$", set())
    assert strange_currencies(["€", "€", "usd", "$"]) == ("€", {"usd", "$"})
    assert strange_currencies(["kr", "sek", "nok", "kr"])[1] == {"nok"}


@given(
    cents=st.lists(st.integers(1, 10**11), min_size=1, max_size=6),
    style=st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]),
    signs=st.sampled_from(["{}", "${}", "{} €", "EUR {}", "Rs. {}", "{}\u00a0zł"]),
)
def test_a_column_in_one_style_is_read_back(cents, style, signs):
    thousands, decimal = style
    texts = [f"{c / 100:,.2f}".replace(",", "_").replace(".", decimal) for c in cents]
    found = amounts([signs.format(text.replace("_", thousands)) for text in texts])
    assert found.why == {}
    np.testing.assert_allclose(found.number_I, np.array(cents) / 100)


@given(
    wholes=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    thousands=st.sampled_from([",", "."]),
)
def test_whole_numbers_with_thousands_are_read_or_asked_for(wholes, thousands):
    found = amounts([f"{whole:,}".replace(",", thousands) for whole in wholes])
    for row, whole in enumerate(wholes):
        assert found.number_I[row] == whole or found.why[row] == ASK


@pytest.mark.parametrize("cell", ["12\u2079\u2079 \u20ac", "3\u00b2", "\u00b9"])
def test_raised_digits_are_no_digits_of_the_number(cell):
    """Cents are written so, and powers: 12\u2079\u2079 is no 1,299."""
    assert np.isnan(amounts([cell]).number_I[0])
