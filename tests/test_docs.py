"""What README and docs say is so: links lead somewhere, names are those of the code."""

import re
import tomllib
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from cqsid.alignment.settings import PRESETS
from cqsid.rewards.registry import RewardMix
from cqsid.settings import CqsidSpec
from cqsid.tokenizer.schemes.registry import SCHEMES
from experiments.config.attribution import BUILT_IN_RULES
from experiments.config.ids_bench import IdsBenchSpec
from experiments.config.schema import Config
from experiments.inference.metrics import METRICS, UNIT_COLUMNS
from simulator.files.settings import FileCatalog
from simulator.log.codes import EndReason, NextAction
from simulator.log.tables import OPTIONAL, table_schemas
from tests.experiments.records.key_tables import documented, renewed
from tests.pages import DOCS, PAGES, ROOT, anchor, blocks

pytestmark = pytest.mark.long

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_the_plug_ins_in_the_readme_are_those_that_are_tried() -> None:
    guides = [DOCS / "extending.md", DOCS / "rewards.md"]
    tried = [t for guide in guides for kind, t in blocks(guide) if kind == "python"]
    shown = [text for language, text in blocks(ROOT / "README.md") if language == "python"]
    assert shown
    assert set(shown) <= set(tried)


def test_the_catalogue_in_the_readme_is_a_valid_setting() -> None:
    (text,) = (text for language, text in blocks(ROOT / "README.md") if language == "toml")
    FileCatalog.model_validate(tomllib.loads(text)["catalog"])


@pages
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, place = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if place:
            assert place in _anchors(file), f"{page.name} links to {target}"


def _anchors(page: Path) -> set[str]:
    """Anchors of the headings, as code hosts form them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {anchor(head) for head in heads}


_SECTIONS = "|".join(Config.model_fields)
_SETTING = re.compile(rf"`((?:{_SECTIONS})(?:\.[a-z_]+)+)`")
_FILE_NAMES = (".json", ".toml", ".html", ".py", ".md", ".safetensors", ".parquet")


@pages
def test_every_setting_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = [name for name in _SETTING.findall(text) if not name.endswith(_FILE_NAMES)]
    assert not [name for name in named if not _exists(Config, name.split("."))]


def _exists(kind: Any, path: list[str]) -> bool:
    """Whether a dotted path leads to a setting; names of channels and arms may stand in it."""
    origin, parts = get_origin(kind), [part for part in get_args(kind) if part is not ...]
    if origin is Annotated:
        return _exists(parts[0], path)
    if origin in (Union, UnionType):
        return any(_exists(part, path) for part in parts)
    if origin in (list, tuple):
        return not path or any(_exists(part, rest) for part in parts for rest in (path, path[1:]))
    if origin is dict:
        return not path or _exists(parts[1], path[1:])
    if isinstance(kind, type) and issubclass(kind, BaseModel) and path:
        field = kind.model_fields.get(path[0])
        return field is not None and _exists(field.annotation, path[1:])
    return not path


def test_a_setting_that_does_not_exist_would_be_seen() -> None:
    assert _exists(Config, ["world", "behavior", "click_model", "eta_phone"])
    assert _exists(Config, ["channels", "dense", "latency", "base_s"])
    assert _exists(Config, ["catalog", "file", "columns", "id"])
    assert not _exists(Config, ["world", "dayz"])
    assert not _exists(Config, ["channels", "dense", "latncy"])


def _settings(kind: Any, place: str) -> Iterator[str]:
    """Every setting below a place, as a dotted path."""
    if get_origin(kind) in (Annotated, Union, UnionType, tuple):
        for part in get_args(kind):
            yield from _settings(part, place)
    elif isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            below = list(_settings(field.annotation, f"{place}.{name}"))
            yield from below or [f"{place}.{name}"]


def _common(name: str) -> str:
    """A setting's name without what is only about where a file is read."""
    return re.sub(r"^judgments(\.queries)?\.format\b", "catalog.format", name).replace(
        "catalog.file.", "catalog."
    )


@pytest.mark.parametrize("section", ["catalog", "judgments", "queries", "shoppers", "world"])
def test_the_market_page_names_every_setting_of_the_world(section: str) -> None:
    texts = [(DOCS / page).read_text(encoding="utf-8") for page in ("market.md", "extending.md")]
    named = {name for text in texts for name in _SETTING.findall(text)}
    named = {_common(name) for name in named} | named
    known = set(_settings(Config.model_fields[section].annotation, section))
    known = {_common(name) for name in known}
    mapping = {name for name in known if name.startswith("catalog.columns")}
    missing = {name for name in known - mapping if not name.endswith((".type", ".path"))} - named
    assert not {name for name in missing if not name.endswith((".object", ".options"))}


def _tables(page: str) -> dict[str, list[list[str]]]:
    """The cells of the table under each heading that is a name in backticks."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = {}
    for part in re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]:
        head = re.match(r"`([^`]+)`", part)
        if head is not None:
            lines = [line.strip("| ") for line in part.splitlines() if line.startswith("|")]
            found[head[1]] = [re.split(r" *(?<!\\)\| *", line) for line in lines[2:]]
    return found


def _names(cells: list[list[str]]) -> list[str]:
    return [name for row in cells for name in re.findall(r"`([^`]+)`", row[0])]


def test_the_documented_columns_are_those_of_the_log() -> None:
    documented = _tables("architecture.md")
    for table, schema in table_schemas(("<channel>",), OPTIONAL).items():
        rows = {name: row[1] for row in documented[table] for name in _names([row])}
        assert list(rows) == schema.names, table
        assert rows == {field.name: _short(str(field.type)) for field in schema}, table


def _short(kind: str) -> str:
    return {"double": "float64", "float": "float32"}.get(kind, kind.partition("<")[0])


def test_the_documented_codes_are_those_of_the_log() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    for reason in EndReason:
        assert f"`{reason.name.lower()}`" in text
    for action in NextAction:
        assert f"{action.value} {action.name.lower().replace('_', ' ')}" in text


def test_the_documented_rules_are_those_of_the_settings() -> None:
    text = (DOCS / "attribution.md").read_text(encoding="utf-8")
    listed = re.search(r"^## Credit\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert tuple(re.findall(r"^\| `(\w+)`", listed[1], re.MULTILINE)) == BUILT_IN_RULES


def _reward_types() -> set[str]:
    (rewards, *_) = get_args(RewardMix.model_fields["components"].annotation)
    kinds = get_args(get_args(rewards)[0])
    return {get_args(kind.model_fields["type"].annotation)[0] for kind in kinds}


def test_the_documented_rewards_and_algorithms_are_those_of_the_code() -> None:
    text = (DOCS / "rewards.md").read_text(encoding="utf-8")
    for heading, known in (("The rewards", _reward_types()), ("The algorithms", set(PRESETS))):
        part = re.search(rf"^## {heading}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
        assert part is not None
        assert set(re.findall(r"^\| `(\w+)`", part[1], re.MULTILINE)) == known


def test_the_rewards_of_varg_are_valid_settings() -> None:
    (text,) = (t for _, t in blocks(DOCS / "rewards.md") if t.startswith("# varg.toml"))
    assert len(RewardMix.model_validate(tomllib.loads(text)).components) == 2


def test_the_tables_of_keys_are_those_of_the_records() -> None:
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    assert renewed(text) == text, "make docs renews them"
    assert set(re.findall(r"<!-- keys of (\w+) -->", text)) == set(documented())


def test_the_documented_metrics_and_unit_columns_are_those_of_the_code() -> None:
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    listed = re.search(r"^## The unit table\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"^\| `(\w+)`", listed[1], re.MULTILINE)) == set(UNIT_COLUMNS)
    listed = re.search(r"^## Metrics\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"^\| `(\w+)`", listed[1], re.MULTILINE)) == set(METRICS)


def test_the_documented_schemes_are_those_of_the_registry() -> None:
    text = (DOCS / "cqsid.md").read_text(encoding="utf-8")
    listed = re.search(r"^## Schemes\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert listed is not None
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", listed[1], re.MULTILINE)
    recipes = {name: (each.meaning, each.source, each.inferred) for name, each in SCHEMES.items()}
    assert {name: tuple(cells) for name, *cells in rows} == recipes


def test_the_documented_defaults_of_cqsid_are_those_of_the_settings() -> None:
    specs: dict[str, BaseModel] = {"channels.cqsid": CqsidSpec(), "ids_bench": IdsBenchSpec()}
    tables = {head[1:-1]: rows for head, rows in _tables("cqsid.md").items() if head[0] == "["}
    assert len(tables) > 5
    for section, rows in tables.items():
        root = next(root for root in specs if section.startswith(root))
        for cells in rows:
            path = f"{section}.{cells[0].strip('`')}".removeprefix(f"{root}.").split(".")
            value = reduce(getattr, path, specs[root])
            assert cells[1] == _shown(value), f"{section}.{cells[0]}"


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool | None) else str(value)
