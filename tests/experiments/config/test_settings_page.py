"""The page of settings says what the settings are."""

import re

import pytest

from experiments.config.schema import Config
from tests.experiments.config.settings_page import settings_page
from tests.pages import DOCS, anchor

WRITTEN = (DOCS / "settings.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_settings_are() -> None:
    assert settings_page() == WRITTEN, "make docs renews it"


def test_every_setting_is_on_the_page() -> None:
    tables = [Config.model_json_schema(), *Config.model_json_schema()["$defs"].values()]
    keys = {
        key
        for table in tables
        for key, each in table.get("properties", {}).items()
        if "const" not in each
    }
    assert len(keys) > 300
    rows = re.findall(r"^\| `(\w+)` \|", WRITTEN, re.MULTILINE)
    sections = re.findall(r"^#+ (?:Section )?`\[*([\w.]+)\]*`", WRITTEN, re.MULTILINE)
    assert keys <= {*rows, *(name.rpartition(".")[2] for name in sections)}


@pytest.mark.parametrize(
    "row",
    [
        "| `index_refresh` | number | `21600.0` | > 0, ≤ 86,400 | seconds | time between two "
        "refreshes of the index |",
        '| `statistics` | `"shared"` or `"per_arm"` | `"shared"` |  |  | whether arms learn from '
        "each other's clicks |",
        "| `share` | number | *needed* | > 0, ≤ 1 |  | share of the shoppers; all arms sum to 1 |",
        "| `limits` | for each name: integer | `{}` | each > 0 |  | candidates asked of a channel, "
        "where not the channel's own limit |",
    ],
)
def test_a_row_says_type_default_range_unit_and_meaning(row: str) -> None:
    assert row in WRITTEN.splitlines()


def test_links_to_tables_lead_to_their_sections() -> None:
    heads = re.findall(r"^#+ (.+)$", WRITTEN, re.MULTILINE)
    anchors = [anchor(head) for head in heads]
    assert len(anchors) == len(set(anchors))
    assert {*re.findall(r"\]\(#([^)]+)\)", WRITTEN)} <= set(anchors)
