"""Ranges of what nobody knows: what is read, what is refused, and what comes with funnelab."""

import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from experiments.config.loading import load_config
from experiments.sweep.assumptions.declared import DECLARED, Range, declared_for, parse_vary
from simulator.errors import ConfigError
from tests.experiments.small_runs import SMALL


def test_a_range_is_read_with_its_scale_and_its_kind():
    assert parse_vary("queries.variety=0.05..0.3") == Range("queries.variety", 0.05, 0.3)
    assert parse_vary(" shoppers.count = 100 .. 900 ") == Range(
        "shoppers.count", 100.0, 900.0, whole=True
    )
    assert parse_vary("shoppers.tolerance=log:5..20") == Range(
        "shoppers.tolerance", 5.0, 20.0, log=True
    )
    assert parse_vary("world.behavior.basket_cost=-4..0.5").low == -4.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("queries.variety", "must be KEY=LOW..HIGH"),
        ("queries.variety=0.1", "must be KEY=LOW..HIGH"),
        ("=1..2", "must be KEY=LOW..HIGH"),
        ("queries.variety=0.3..0.1", "low == 0.3, must be < high == 0.1"),
        ("queries.variety=0.1..0.1", "low == 0.1, must be < high == 0.1"),
        ("queries.variety=a..0.1", "'a' == no number"),
        ("queries.variety=0.1..inf", "inf == not finite"),
        ("queries.variety=nan..1", "nan == not finite"),
        ("shoppers.tolerance=log:0..20", "low == 0, must be > 0"),
        ("a=1..2..3", "must be KEY=LOW..HIGH"),
    ],
)
def test_what_is_no_range_is_refused_with_what_was_written(text, told):
    with pytest.raises(ConfigError) as refused:
        parse_vary(text)
    assert told in str(refused.value)
    assert str(refused.value).startswith("--vary ")


@given(
    low=st.integers(-50, 50),
    size=st.integers(1, 90),
    place=st.floats(0, 1, exclude_max=True),
    log=st.booleans(),
    whole=st.booleans(),
)
def test_a_value_lies_in_its_range_and_its_place_is_found_again(low, size, place, log, whole):
    low = abs(low) + 1 if log else low
    each = Range("k", float(low), float(low + size), log, whole and not log)
    value = float(each.at(place))
    digits = 1e-3 * (abs(low) + size)  # values have four
    assert low - digits <= value <= low + size + digits
    near = 0.5 / (size + 1) if each.whole else 5 * digits / size
    assert each.place(value) == pytest.approx(place, abs=near + 1e-9)


def test_what_comes_with_funnelab_holds_the_defaults_and_is_checked_by_the_settings():
    config = load_config("demo")
    for each in DECLARED:
        value = config
        for step in each.key.split("."):
            value = getattr(value, step)
        assert each.low < value < each.high, each.key
        for end in (0.0, 1.0):
            load_config("demo", [f"{each.key}={each.at(end)}"])


def test_what_a_config_has_not_and_what_is_set_by_hand_is_left_out(tmp_path):
    of_file = {each.key for each in declared_for("icecat", [])}
    generated = {each.key for each in declared_for(str(SMALL), [])}
    assert {"catalog.title_synonyms", "catalog.demand_sigma"} <= generated
    assert "catalog.file.demand_sigma" in of_file
    assert not of_file & {"catalog.demand_sigma", "catalog.title_synonyms"}
    fixed = declared_for(str(SMALL), ["queries.variety=0.2"])
    assert {each.key for each in fixed} == generated - {"queries.variety"}
    laid = tmp_path / "mine.toml"
    laid.write_text("[queries]\nvariety = 0.2\n")
    assert declared_for(str(SMALL), [str(laid)]) == fixed


def test_the_page_on_sweeps_tells_the_ranges_that_come_with_funnelab():
    page = (Path(__file__).parents[4] / "docs" / "sweep.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)` \| ([\d.]+) \| ([\d.]+)(, log)? \|$", page, re.MULTILINE)
    told = [(key, float(low), float(high), bool(log)) for key, low, high, log in rows]
    assert told == [(each.key, each.low, each.high, each.log) for each in DECLARED]
