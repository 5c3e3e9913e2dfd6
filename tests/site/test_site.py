"""The documentation as a site: every link leads somewhere, and nothing comes from elsewhere."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from simulator.exports import offered
from tests.pages import DOCS, ROOT, anchor
from tests.site.gallery import PICTURES, shown
from tests.site.sources import for_site, generated, on_site

BROKEN = {
    "a page": ("[x](nowhere.md)", "nowhere.md"),
    "a heading": ("[x](faq.md#nowhere)", "nowhere"),
    "a source": ("[x](../simulator/nowhere.py)", "nowhere.py"),
    "a picture from elsewhere": ("![x](https://example.com/x.png)", "example.com"),
}


def test_links_lead_to_the_same_things_as_in_the_repository() -> None:
    text = "[a](docs/faq.md#x) [b](CHANGELOG.md) [c](LICENSE) [d](https://x.org/y) [e](#here)"
    assert for_site(text, "") == (
        "[a](faq.md#x) [b](changelog.md) [c](source/LICENSE.md) [d](https://x.org/y) [e](#here)"
    )
    assert (
        for_site("[a](../README.md#start) [b](faq.md)", "docs") == "[a](index.md#start) [b](faq.md)"
    )
    assert on_site("recall/arrays.py") == "source/recall/arrays.py.md"


def test_a_folder_that_is_linked_is_shown_with_all_that_is_in_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[the files](../simulator/files)")
    made = generated([page])
    listing = made["source/simulator/files.md"]
    targets = re.findall(r"\]\(files/([^)]+)\)", listing)
    modules = {file.name for file in (ROOT / "simulator/files").glob("*.py")} - {"__init__.py"}
    assert {f"{name}.md" for name in modules} <= set(targets)
    assert all(f"source/simulator/files/{target}" in made for target in targets)
    assert (ROOT / "simulator/files/paths.py").read_text() in made[
        "source/simulator/files/paths.py.md"
    ]


def test_the_reference_has_every_public_name() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    shown = re.findall(r"^::: (.+)$", text, re.MULTILINE)
    names = offered(ast.parse((ROOT / "funnelab" / "__init__.py").read_bytes()).body)
    assert {f"funnelab.{name}" for name in names} <= set(shown)


def test_every_page_has_a_place_in_the_navigation_and_in_the_readme() -> None:
    navigation, readme = (Path(name).read_text() for name in ("mkdocs.yml", "README.md"))
    for page in sorted(path.name for path in Path("docs").glob("*.md")):
        assert f": {page}\n" in navigation, page
        assert f"docs/{page})" in readme, page


def test_every_picture_is_shown_and_every_picture_shown_is_there() -> None:
    assert {file.name for file in PICTURES.iterdir()} == shown()


def _built(folder: Path, docs: Path) -> subprocess.CompletedProcess[str]:
    """What the builder says of some pages."""
    config = folder / "mkdocs.yml"
    settings = {"docs_dir": str(docs), "site_dir": str(folder / "site")}
    hooks = [str(ROOT / "tests/site/hooks.py")]
    inherited = {"INHERIT": str(ROOT / "mkdocs.yml"), "hooks": hooks, **settings}
    config.write_text(yaml.safe_dump(inherited))
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", str(config)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A copy of all pages."""
    return Path(shutil.copytree(DOCS, tmp_path / "docs"))


@pytest.mark.slow
def test_the_site_is_built_with_the_notebooks_that_there_are(docs: Path, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# A look at rewards"]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": ["1 + 1"],
            "outputs": [
                {
                    "output_type": "execute_result",
                    "execution_count": 1,
                    "metadata": {},
                    "data": {"text/html": ["<b>two</b>"], "text/plain": ["2"]},
                }
            ],
        },
    ]
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
    (docs / "notebooks").mkdir(exist_ok=True)
    (docs / "notebooks" / "look.ipynb").write_text(json.dumps(notebook))
    done = _built(tmp_path, docs)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    home = (tmp_path / "site" / "index.html").read_text()
    assert re.search(r'href="notebooks/look.html"', home)
    assert "<b>two</b>" in (tmp_path / "site" / "notebooks" / "look.html").read_text()
    for page in docs.glob("*.md"):
        shown = (tmp_path / "site" / f"{page.stem}.html").read_text()
        heads = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert [head for head in heads if f'id="{anchor(head)}"' not in shown] == [], page.name


@pytest.mark.slow
@pytest.mark.parametrize("what", BROKEN)
def test_a_link_that_leads_nowhere_is_refused(what: str, docs: Path, tmp_path: Path) -> None:
    text, named = BROKEN[what]
    with (docs / "glossary.md").open("a") as page:
        page.write(f"\n\n{text}\n")
    done = _built(tmp_path, docs)
    assert done.returncode != 0
    assert named in done.stderr + done.stdout
