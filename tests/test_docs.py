"""What README and docs say is so: examples run, links lead somewhere, names exist."""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from tempfile import TemporaryDirectory
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
from tests.quickcommands import quick_commands

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w.]+)(, continued)?( *\n)")
_SIZE = re.compile(r"^(history_days|days|count) = (\d+)$", re.MULTILINE)
MOST = {"history_days": 2, "days": 1, "count": 200}
"""Days and shoppers of a guide's shop where it is not as written."""
FEWER = "\n[truth]\nseeds = 0\nheadroom = 0\n"

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@dataclass
class Example:
    """Runs the blocks of a page in one folder, in the order of the page."""

    folder: Path
    command: Path
    as_written: bool
    namespace: dict[str, Any]
    output: str = ""

    def run(self, language: str, text: str) -> None:
        named = _FILE.match(text)
        if language == "text":
            missing = [line for line in text.splitlines() if line not in self.output]
            assert not missing, f"{missing} not in:\n{self.output}"
        elif language == "sh":
            self.output = self._shell(text)
        elif named is not None:
            with (self.folder / named[1]).open("a" if named[2] else "w") as file:
                file.write(text if self.as_written else _smaller(text))
        else:
            assert language == "python", f"nobody runs {language} blocks without a file name"
            exec(compile(text, "docs example", "exec"), self.namespace)

    def _shell(self, text: str) -> str:
        path = f"{self.command.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-e", "-c", text],
            cwd=self.folder,
            env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def _smaller(text: str) -> str:
    """Settings of a smaller shop; of any other file what is written."""
    whole = "[shoppers]" in text and "[truth]" not in text
    return _SIZE.sub(_at_most, text) + FEWER * whole


def _at_most(size: re.Match[str]) -> str:
    return f"{size[1]} = {min(int(size[2]), MOST[size[1]])}"


def _blocks(page: Path) -> list[tuple[str, str]]:
    return _FENCE.findall(page.read_text(encoding="utf-8"))


def _run_examples(page: str, folder: Path, command: Path, as_written: bool) -> None:
    example = Example(folder, command, as_written, {"__name__": "example"})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        for language, text in _blocks(DOCS / page):
            example.run(language, text)


@pytest.fixture(scope="module")
def command() -> Iterator[Path]:
    """What stands for `funnelab` in the blocks of a page."""
    with TemporaryDirectory() as folder, quick_commands(Path(folder)) as command:
        yield command


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(False, id="smaller"),
        pytest.param(True, id="as written", marks=pytest.mark.slow),
    ],
)
def as_written(request: pytest.FixtureRequest) -> bool:
    """Whether the shops of guides have all their days and shoppers."""
    return bool(request.param)


@pytest.fixture(scope="module")
def example_run(tmp_path_factory: pytest.TempPathFactory, command: Path, as_written: bool) -> Path:
    """The run folder that the examples of extending.md leave behind."""
    folder = tmp_path_factory.mktemp("extending")
    _run_examples("extending.md", folder, command, as_written)
    return folder / "lab"


@pytest.fixture(scope="module")
def example_bench(
    tmp_path_factory: pytest.TempPathFactory, command: Path, as_written: bool
) -> Path:
    """The folder of the id bench that the examples of cqsid.md leave behind."""
    folder = tmp_path_factory.mktemp("cqsid")
    _run_examples("cqsid.md", folder, command, as_written)
    return folder / "bench"


@pytest.fixture(scope="module")
def example_lab(tmp_path_factory: pytest.TempPathFactory, command: Path, as_written: bool) -> Path:
    """The folder of the reward lab that the guide in rewards.md leaves behind."""
    folder = tmp_path_factory.mktemp("rewards")
    _run_examples("rewards.md", folder, command, as_written)
    return folder / "lab"


@pytest.fixture(scope="module")
def example_attribution(
    tmp_path_factory: pytest.TempPathFactory, command: Path, as_written: bool
) -> Path:
    """The run folder that the guide in attribution.md leaves behind, attributed in full."""
    folder = tmp_path_factory.mktemp("attribution")
    _run_examples("attribution.md", folder, command, as_written)
    return folder / "lab"


@pytest.mark.slow
def test_the_guide_to_attribution_runs(example_attribution: Path) -> None:
    record = json.loads((example_attribution / "attribution.json").read_text(encoding="utf-8"))
    assert record["rules"] == ["any_touch", "my_rules:Recent"]


@pytest.mark.slow
def test_the_guide_to_rewards_runs(example_lab: Path) -> None:
    assert (example_lab / "rewards.html").is_file()
    assert not list(example_lab.glob("stages/policy-*/events"))  # an extra that nobody asked for


def test_the_examples_of_extending_run(example_run: Path) -> None:
    assert (example_run / "report.html").is_file()


@pytest.mark.slow
def test_the_examples_of_own_parts_run(tmp_path: Path, command: Path, as_written: bool) -> None:
    _run_examples("own-parts.md", tmp_path, command, as_written)
    assert (tmp_path / "lab" / "report.html").is_file()


def test_the_example_of_looking_early_says_what_the_page_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run_examples("sequential.md", tmp_path, tmp_path, True)
    decided = [line.split()[-3:] for line in capsys.readouterr().out.splitlines()]
    assert decided == [
        ["more", "untold", "untold"],
        ["more", "untold", "untold"],
        ["more", "more", "untold"],
        ["more", "more", "more"],
    ]


def test_the_examples_of_off_policy_run(tmp_path: Path, command: Path) -> None:
    _run_examples("off-policy.md", tmp_path, command, as_written=True)


def test_the_examples_of_variance_reduction_run(tmp_path: Path) -> None:
    _run_examples("variance-reduction.md", tmp_path, tmp_path, True)  # no command, no shop


def test_the_example_of_an_analysis_says_launch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run_examples("analyze.md", tmp_path, tmp_path, True)
    assert capsys.readouterr().out.split()[:2] == ["launch", "CUPED"]


@pytest.mark.slow
def test_the_examples_in_python_run(
    tmp_path: Path, command: Path, as_written: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    _run_examples("python.md", tmp_path, command, as_written)
    told = capsys.readouterr().out
    assert "relative_true" in told
    assert "queries.vocabulary_gap" in told


@pytest.mark.slow
def test_the_examples_of_cqsid_run(example_bench: Path) -> None:
    assert (example_bench / "ids.html").is_file()
    assert (example_bench.parent / "lab" / "report.html").is_file()


def test_the_examples_of_power_run(tmp_path: Path, command: Path, as_written: bool) -> None:
    _run_examples("power.md", tmp_path, command, as_written)
    assert (tmp_path / "plan" / "power.html").is_file()


def test_the_plug_ins_in_the_readme_are_those_that_are_tried() -> None:
    guides = [DOCS / "extending.md", DOCS / "rewards.md"]
    tried = [t for guide in guides for kind, t in _blocks(guide) if kind == "python"]
    shown = [text for language, text in _blocks(ROOT / "README.md") if language == "python"]
    assert shown
    assert set(shown) <= set(tried)


def test_the_catalogue_in_the_readme_is_a_valid_setting() -> None:
    (text,) = (text for language, text in _blocks(ROOT / "README.md") if language == "toml")
    FileCatalog.model_validate(tomllib.loads(text)["catalog"])


@pages
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(file), f"{page.name} links to {target}"


def _anchors(page: Path) -> set[str]:
    """Anchors of the headings, as code hosts form them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


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
    pages = [(DOCS / page).read_text(encoding="utf-8") for page in ("market.md", "extending.md")]
    named = {name for text in pages for name in _SETTING.findall(text)}
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
    (text,) = (t for _, t in _blocks(DOCS / "rewards.md") if t.startswith("# varg.toml"))
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
