"""What is swept is read from the command line or a file, and crossed."""

from pathlib import Path

import pytest

from experiments.config.loading import load_config
from experiments.config.schema import SweepSpec
from experiments.sweep.cells import make_sweep
from experiments.sweep.grid import (
    MOST_CELLS,
    Axis,
    axes_of,
    cell_name,
    crossed,
    parse_over,
    read_cells,
    value_of,
)
from simulator.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1", ["1"]),
        ("a.b=0.2, 0.35 ,high", ["0.2", "0.35", "high"]),
        ("a.b=[1, 2],[3]", ["[1, 2]", "[3]"]),
        ('a.b=["x,y", "z"],[]', ['["x,y", "z"]', "[]"]),
        (
            "a.b={type = 'own', n = 1},{type = 'dense'}",
            ["{type = 'own', n = 1}", "{type = 'dense'}"],
        ),
        (r'a.b="one, \"two\"",three', [r'"one, \"two\""', "three"]),
        ("a.b=it's,good", ["it's", "good"]),
        ("a.b=x=1,y=2", ["x=1", "y=2"]),
    ],
)
def test_values_are_split_at_commas_outside_of_brackets_and_quotes(
    text: str, values: list[str]
) -> None:
    assert parse_over(text) == Axis(("a.b",), tuple((each,) for each in values))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a.b", "--over a.b, must be KEY=V1,V2,.."),
        ("=1,2", "must be KEY=V1,V2,.."),
        ("a.b=", "a.b == no values"),
        ("a.b=1,,2", "a.b == an empty value"),
        ("a.b=1,", "a.b == an empty value"),
        ("a.b=[1,2", "a bracket == without its other half"),
        ("a.b=1],2", "a bracket == without its other half"),
        ('a.b="x,y', "a quote == without its other half"),
    ],
)
def test_lists_that_cannot_be_read_are_refused(text: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=r"must") as error:
        parse_over(text)
    assert wanted in str(error.value)


def test_lists_are_crossed_and_the_last_one_changes_fastest() -> None:
    keys, rows = crossed([parse_over("a=1,2"), parse_over("b=x,y")])
    assert keys == ("a", "b")
    assert rows == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]


def test_a_file_ties_settings_together_and_is_crossed_with_lists(tmp_path: Path) -> None:
    file = tmp_path / "cells.toml"
    file.write_text('[[cells]]\na.b = 1\nc = "x, y"\n[[cells]]\nc = "z"\na = { b = [2, 3] }\n')
    axis = read_cells(file)
    assert axis.keys == ("a.b", "c")
    assert [[value_of(text) for text in row] for row in axis.rows] == [[1, "x, y"], [[2, 3], "z"]]
    keys, rows = crossed([parse_over("d=5,6"), axis])
    assert keys == ("d", "a.b", "c")
    assert len(rows) == 4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "== empty, must be [[cells]] tables"),
        ("cells = []", "must be [[cells]] tables"),
        ("[[cells]]\na = 1\n[other]\nb = 2", "must be [[cells]] tables"),
        ("[[cells]]\na = 1\n[[cells]]\nb = 2", "cells[1] == b, must set a as every cell does"),
        ("[[cells]]\n", "cells[0] == nothing, must set a setting"),
        ("cells = [1]", "cells[0] == nothing"),
        ("[[cells]", "must be TOML"),
    ],
)
def test_files_without_such_cells_are_refused(tmp_path: Path, text: str, wanted: str) -> None:
    file = tmp_path / "cells.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"must") as error:
        read_cells(file)
    assert wanted in str(error.value)


def test_no_list_a_key_twice_and_endless_grids_are_refused() -> None:
    with pytest.raises(ConfigError, match="--over == not given"):
        crossed([])
    with pytest.raises(ConfigError, match="--over a == given twice"):
        crossed([parse_over("a=1"), parse_over("a=2")])
    many = Axis(("b",), tuple((str(each),) for each in range(MOST_CELLS + 1)))
    with pytest.raises(ConfigError, match="cells == 1,001, must be <= 1,000"):
        crossed([many])


def test_a_cell_is_named_by_its_values_so_that_a_grid_may_grow() -> None:
    keys = ("queries.vocabulary_gap", "queries.intents")
    assert cell_name(keys, ("0.35", "6000")) == "vocabulary_gap=0.35_intents=6000"
    assert cell_name(("arms.a.share", "arms.b.share"), ("1", "2")) == "a.share=1_b.share=2"


def test_values_that_no_folder_can_have_are_told_apart_by_a_digest() -> None:
    names = [
        cell_name(("a.b",), (each,)) for each in ("[1, 2]", "[1,2]", "x/../y", "1_2", "y" * 90)
    ]
    assert len(set(names)) == len(names)
    assert all("/" not in name and len(name) <= 100 for name in names)
    assert names[3] == "b=1_2"


def test_settings_may_bring_their_own_lists() -> None:
    spec = SweepSpec(over={"queries": {"vocabulary_gap": [0.2, 0.8]}, "a": {"b": [["x"], ["y"]]}})
    assert axes_of(spec) == [
        Axis(("queries.vocabulary_gap",), (("0.2",), ("0.8",))),
        Axis(("a.b",), (('["x"]',), ('["y"]',))),
    ]


@pytest.mark.parametrize("value", [0.2, [], "0.2,0.8"])
def test_a_setting_that_brings_no_list_is_refused(value: object) -> None:
    with pytest.raises(
        ConfigError, match=r"sweep\.over\.queries\.gap == .* must be a list of values"
    ):
        axes_of(SweepSpec(over={"queries": {"gap": value}}))


def test_the_study_of_latency_has_12_cells_that_differ_in_what_serves_and_how_many_search() -> None:
    config = load_config("quality-against-latency")
    assert config.sweep is not None
    sweep = make_sweep("quality-against-latency", axes_of(config.sweep))
    assert len(sweep.configs) == len(sweep.cells) == 12
    first, *others = [cell.channels["cqsid"].learned() for cell in sweep.configs]
    assert all(each == first for each in others)
    steps = {len(cell.channels["cqsid"].steps()) for cell in sweep.configs}
    assert steps == {1, 3}


def test_the_shipped_study_has_27_cells_that_all_can_be_and_are_runs_of_their_own() -> None:
    config = load_config("when-generative-pays")
    assert config.sweep is not None
    sweep = make_sweep("when-generative-pays", axes_of(config.sweep))
    assert len(sweep.configs) == len(sweep.cells) == 27
    assert {cell.sweep for cell in sweep.configs} == {None}
    assert config.truth.trainings == "each"
    assert {"ranker", "cqsid"} == {*config.truth.retrained}
