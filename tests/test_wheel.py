"""The wheel is whole: what it says of itself, what it holds, that it works where nothing else is.

The environment in which it is tried has the libraries of this one, and of this project the wheel
alone.
"""

import email.message
import email.parser
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.house import PACKAGES, ROOT
from tests.pages import DOCS, blocks

pytestmark = pytest.mark.slow

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
USED = """\
import funnelab
from recall import Candidates
from simulator import Catalog, Requests

run: funnelab.Results = funnelab.open_run("runs/shop")
found = run.truth["relative"].tolist()


def first(catalog: Catalog, requests: Requests) -> type[Candidates]:
    return Candidates


wrong: int = run.prose
"""
"""A user's module, in which the last line alone is wrong."""


def told(*words: str | Path, cwd: Path) -> str:
    """What a command prints; it must end well, and sees nothing of the checkout."""
    away = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, words)],
        cwd=cwd,
        env=away | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    told(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        return email.parser.Parser().parsestr(archive.read(name).decode("utf-8"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's commands."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index")
    told(*pip, wheel, cwd=folder)
    # Now the libraries come into sight; a path that a .pth file adds has no .pth files of its own.
    (home,) = folder.glob("lib/python*/site-packages")
    (home / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def test_an_index_of_packages_would_take_it(wheel: Path) -> None:
    assert "PASSED" in told(
        sys.executable, "-m", "twine", "check", "--strict", wheel, cwd=wheel.parent
    )


def test_it_says_what_it_is(metadata: email.message.Message) -> None:
    assert metadata["Name"] == "funnelab"
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["Summary"] == PROJECT["description"]
    assert metadata["Author"] == "The funnelab maintainers"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    extras = set(metadata.get_all("Provides-Extra", []))
    assert extras == set(PROJECT["optional-dependencies"])
    needed = [each for each in metadata.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert len(needed) == len(PROJECT["dependencies"])


def test_nothing_in_its_long_description_leads_nowhere(metadata: email.message.Message) -> None:
    text = str(metadata.get_payload())
    assert "# funnelab" in text
    assert "`docs/tutorial.md`" in text
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert all(re.match(r"https?://", target) for target in targets), targets
    assert not re.findall(r"!\[", text)


def test_the_files_that_it_names_are_in_the_source_distribution(
    metadata: email.message.Message, tmp_path: Path
) -> None:
    told(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    (made,) = tmp_path.iterdir()
    with tarfile.open(made) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    named = set(re.findall(r"`((?:docs/)?[\w-]+\.md|LICENSE)`", str(metadata.get_payload())))
    assert len(named) > 20
    assert named <= held


def test_it_holds_the_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        (licence,) = (each for each in held if each.endswith("/licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {each for each in held if ".dist-info/" not in each} == wanted
    assert {f"{package}/py.typed" for package in PACKAGES} <= held


def test_every_package_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    program = (
        f"import {', '.join(PACKAGES)}, torch\n"
        f"print(*({', '.join(f'{name}.__file__' for name in PACKAGES)}), sep='\\n')"
    )
    places = told(installed / "python", "-c", program, cwd=tmp_path).splitlines()
    assert len(places) == len(PACKAGES)
    assert all(Path(place).is_relative_to(installed.parent) for place in places), places


def test_it_runs_from_the_command_and_from_python(installed: Path, tmp_path: Path) -> None:
    page = DOCS / "python.md"
    config = next(text for kind, text in blocks(page) if kind == "toml")
    (tmp_path / "shop.toml").write_text(config, encoding="utf-8")
    command = installed / "funnelab"
    told(command, "run", "shop.toml", "--out", "runs/shop", cwd=tmp_path)
    assert (tmp_path / "runs" / "shop" / "report.html").is_file()
    program = (
        "import funnelab\n"
        "run = funnelab.run('shop.toml', settings={'world.days': 3}, out='runs/mine', quiet=True)\n"
        "print(run.truth[['metric', 'relative', 'resolution']].to_string())\n"
        "assert 'effects' in run.pictures\n"
    )
    assert "gmv" in told(installed / "python", "-c", program, cwd=tmp_path)


def test_its_types_are_seen(installed: Path, tmp_path: Path) -> None:
    """A strict user is told of a wrong type, and of nothing where all is right."""
    (tmp_path / "mine.py").write_text(USED)
    words = ("-m", "mypy", "--strict", "--cache-dir", tmp_path, "--python-executable")
    with pytest.raises(AssertionError) as refused:
        told(sys.executable, *words, installed / "python", "mine.py", cwd=tmp_path)
    wrong = [line for line in str(refused.value).splitlines() if line.startswith("mine.py")]
    assert len(wrong) == 1
    assert wrong[0].startswith(f"mine.py:{USED.count(chr(10))}: error: Incompatible types")
