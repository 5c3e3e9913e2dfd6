"""The examples of every guide run, and say what their page says."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from experiments.notebook.results import open_run
from tests.pages import DOCS, blocks
from tests.quickcommands import quick_commands
from tests.shopify import write_products

pytestmark = pytest.mark.long

_FILE = re.compile(r"# ([\w.]+)(, continued)?( *\n)")
_INPUT = re.compile(r"\\input\{(.+?)\}")
_SIZE = re.compile(r"^(history_days|days|count) = (\d+)$", re.MULTILINE)
MOST = {"history_days": 2, "days": 1, "count": 200}
"""Days and shoppers of a guide's shop where it is not as written."""
FEWER = "\n[truth]\nseeds = 0\nheadroom = 0\n"


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
        elif language == "latex":  # the reader's paper; where there is TeX, test_papers sets it
            missing = [name for name in _INPUT.findall(text) if not (self.folder / name).is_file()]
            assert not missing, f"{missing}, must be files that the page has made"
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


def _run_examples(page: str, folder: Path, command: Path, as_written: bool) -> dict[str, Any]:
    """Run the blocks of a page; gives what those in Python have defined."""
    example = Example(folder, command, as_written, {"__name__": "example"})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        for language, text in blocks(DOCS / page):
            example.run(language, text)
    return example.namespace


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
def test_the_examples_of_environments_run(tmp_path: Path, command: Path, as_written: bool) -> None:
    _run_examples("environments.md", tmp_path, command, as_written)
    assert (tmp_path / "shop" / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.* is deprecated:FutureWarning")
def test_the_worked_example_leads_from_an_export_to_a_table_and_to_a_training(
    tmp_path: Path, command: Path
) -> None:
    """Whoever has Shopify's export and this page alone gets there."""
    write_products(tmp_path / "products_export.csv")
    found = _run_examples("worked-example.md", tmp_path, command, as_written=True)
    run = tmp_path / "runs" / "engine"
    assert "lux-oak-desk-lamp-000" in set(open_run(run).items()["item_id"])
    assert 0 < found["true"].loc["gmv", "resolution"] < 0.05
    table = (run / "export-latex" / "tables.tex").read_text()
    assert table.count(r"\toprule") == table.count(r"\bottomrule") > 0
    assert found["credit"].set_index("rule").loc["any_touch", "share"] > 0.5
    assert found["lost"]["relative"].notna().all()
    assert set(found["gains"]["policy"]) == {"log.eg_grpo", "mine.eg_grpo"}
    assert len(found["steps"]) == 3
    assert any(entry["rewards/mine/mean"] != 0 for entry in found["steps"])


@pytest.mark.slow
def test_the_examples_of_cqsid_run(example_bench: Path) -> None:
    assert (example_bench / "ids.html").is_file()
    assert (example_bench.parent / "lab" / "report.html").is_file()


def test_the_examples_of_power_run(tmp_path: Path, command: Path, as_written: bool) -> None:
    _run_examples("power.md", tmp_path, command, as_written)
    assert (tmp_path / "plan" / "power.html").is_file()


@pytest.mark.slow
def test_the_commands_of_the_tutorial_run(tmp_path: Path, command: Path) -> None:
    """In a smaller shop; those of the demo are left to it."""
    example = Example(tmp_path, command, as_written=True, namespace={})
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    ((_, products),) = blocks(DOCS / "tutorial.md")
    example.run("python", products)
    typed = re.findall(r"^(?:funnelab|python) .+$", text, re.MULTILINE)
    mine = [line for line in typed if " demo" not in line]
    assert len(mine) == 7
    beside = {
        "funnelab run": "--set shoppers.count=300 --set world.days=2 --set world.history_days=3",
        "funnelab compare": "|| test $? -eq 1",  # other settings may well say something else
    }
    for line in mine:
        example.run("sh", f"{line} {beside.get(' '.join(line.split()[:2]), '')}")
    assert "What the test needs" in example.output
    assert (tmp_path / "runs" / "gap" / "report.html").is_file()
