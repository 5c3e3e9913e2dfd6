"""Settings that no run can be made of are refused, however they are written."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from experiments.config.loading import load_config
from experiments.config.schema import Config
from simulator.errors import ConfigError
from tests.experiments.config.test_loading import SMALL, file, refusal

__all__ = ["file"]

HOSTILE = [
    ("shoppers.count=" + "9" * 26, "must be <= 1000000000 (shoppers)"),
    ("world.behavior.outside=nan", "world.behavior.outside == nan, must be a finite number"),
    ("world.behavior.match=inf", "world.behavior.match == inf, must be a finite number"),
    ("shoppers.visits_per_week=1e308", "must be <= 400.0"),
    ("catalog.units_per_day=1e308", "catalog.units_per_day == 1e+308, must be <= 1"),
    ("shoppers.count=" + "1" * 5_000, "a number of thousands of digits, must be one of at most"),
    ("shoppers.count=0x" + "f" * 9_000, "a number of thousands of digits, must be one of at most"),
    ("world.days=" + "[" * 3_000, "--set world.days: [[[[[[["),
    ("funnel.merge.weights.lexical=inf", "funnel.merge.weights.lexical == inf, must be a finite"),
    ("funnel.merge.quotas.lexical=-1", "funnel.merge.quotas.lexical == -1, must be >= 0"),
    ("funnel.merge.weights.lexical=0", "weights == 0 for all channels of arm control"),
]


@pytest.mark.parametrize(("override", "message"), HOSTILE, ids=[each[0][:40] for each in HOSTILE])
def test_numbers_that_nothing_can_be_are_refused(file: Path, override: str, message: str) -> None:
    assert message in refusal(file, override)


def number_settings(model: type[BaseModel], place: str = "") -> Iterator[str]:
    """Dotted places of plain number settings in a settings class and in the classes below it."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if kind in (int, float):
            yield f"{place}{name}"
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from number_settings(kind, f"{place}{name}.")


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1" + "0" * 26, "1e308", "-1e308"])
def test_no_number_setting_takes_what_is_not_finite_or_beyond_all_use(
    file: Path, value: str
) -> None:
    places = [each for each in number_settings(Config) if not each.startswith("catalog.file")]
    assert len(places) > 80
    for place in places:
        assert place.rpartition(".")[2] in refusal(file, f"{place}={value}")


@pytest.mark.parametrize(
    "name",
    ["a/../../../../escaped/deep", "a/b", "..", "", "\\u001b[31mred", "a\\u0000b", "x" * 300],
)
def test_the_name_of_a_channel_is_a_name_and_no_path(file: Path, name: str) -> None:
    file.write_text(f'{SMALL}\n[channels."{name}"]\ntype = "popular"\n')
    assert "channels" in refusal(file)


def test_names_that_differ_in_case_alone_are_refused(file: Path) -> None:
    file.write_text(f'{SMALL}\n[channels.Lexical]\ntype = "popular"\n')
    assert "'Lexical' and 'lexical', must differ in more than small and capital" in refusal(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 2_000 + "]" * 2_000, "must be at most 64 deep"),
        ("x = " + "[" * 100 + "]" * 100, "must be at most 64 deep"),
        ("x = " + "{a=" * 100 + "1" + "}" * 100, "must be at most 64 deep"),
        ("x = " + "1" * 5_000, "must be one of at most 1,000 digits"),
    ],
)
def test_settings_are_no_deeper_and_no_longer_than_can_be_read(
    file: Path, text: str, message: str
) -> None:
    file.write_text(text)
    assert message in refusal(file)


def test_a_value_that_is_no_table_holds_no_further_setting(file: Path) -> None:
    with pytest.raises(ConfigError, match="world == 'x', must be a table to set days in it"):
        load_config(file, ["world=x", "world.days=3"])


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "a/" * 3_000])
def test_a_config_whose_name_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="must be a TOML file or one of"):
        load_config(name)
