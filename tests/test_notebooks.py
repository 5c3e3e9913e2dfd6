"""The committed notebooks are whole, and one that is interrupted loses nothing."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from tests.experiments.small_runs import SMALL
from tests.notebooks import NOTEBOOKS, PICTURE, environment
from tests.pages import DOCS

books = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|work|Users|opt|var)/")
_LONGEST = 100  # of a line of code, as everywhere


def book_of(path: Path) -> NotebookNode:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    return book


def code_of(book: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def test_there_is_one_for_each_kind_of_user() -> None:
    names = {path.stem for path in NOTEBOOKS}
    assert names == {"online_impact", "reward_design", "channel_contribution"}
    told = (DOCS / "python.md").read_text(encoding="utf-8")
    assert all(f"(notebooks/{name}.ipynb)" in told for name in names)


@books
def test_every_cell_has_run_in_its_order_and_none_has_failed(path: Path) -> None:
    cells = code_of(book_of(path))
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {
        *("stream", "execute_result", "display_data"),
    }
    assert all(output.get("name") != "stderr" for output in outputs)


@books
def test_a_cell_that_ends_in_a_value_shows_it(path: Path) -> None:
    for cell in code_of(book_of(path)):
        last = cell.source.strip().splitlines()[-1]
        if re.fullmatch(r"[\w.]+(\(.*\)|\[.*\])*[\w.()\[\]\"%', ]*", last) and "=" not in last:
            assert cell.outputs, cell.source


@books
def test_it_ends_in_a_figure(path: Path) -> None:
    *_, last = code_of(book_of(path))
    (output,) = last.outputs
    picture = output.data[PICTURE]
    assert picture.rstrip().endswith("</svg>")
    assert len(picture) < 60_000
    assert "<text" in picture  # letters, not outlines of letters


@books
def test_it_says_nothing_of_the_machine_or_of_the_day(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not _MACHINE.findall(text)
    assert "<dc:date>" not in text
    book = book_of(path)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert all(not cell.metadata for cell in book.cells)


@books
def test_it_reads_as_a_lecture(path: Path) -> None:
    """Words before each cell of code, ids that stay, and the whole by one import."""
    book = book_of(path)
    assert book.cells[0].source.startswith("# ")
    assert sum(cell.cell_type == "markdown" for cell in book.cells) >= 6
    ids = [cell.id for cell in book.cells]
    assert ids == [f"{path.stem.split('_')[0]}-{at:02d}" for at in range(len(ids))]
    assert "import funnelab\n" in "".join(f"{cell.source}\n" for cell in code_of(book))


def test_a_path_of_a_machine_would_be_seen() -> None:
    assert _MACHINE.search('"/home/me/.venv/lib/x.py:21: Warning"')
    assert _MACHINE.search("in /tmp/ipykernel_12/3.py")
    assert not _MACHINE.search("see https://example.com/home/page and runs/tmp/x")


_CELL = """
import funnelab
run = funnelab.run({config!r}, out="run", settings={settings!r}, quiet=True)
print(len(run.truth))
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Any]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(tmp_path), env=os.environ | environment(tmp_path)
    )
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_kernel_that_is_interrupted_loses_nothing(kernel: Any, tmp_path: Path) -> None:
    """The same cell, run again in the same kernel, goes on behind the last finished stage."""
    manager, client = kernel
    settings = {"truth.headroom": 0, "truth.retrained": [], "world.days": 3}
    cell = _CELL.format(config=str(SMALL), settings=settings)
    client.execute(cell)
    stages = tmp_path / "run" / "stages"
    until = time.monotonic() + 600
    while not (finished := [each for each in stages.glob("history-*") if not each.suffix]):
        assert time.monotonic() < until, "history == not there after 600 s"
        time.sleep(0.02)
    manager.interrupt_kernel()
    told = client.get_shell_msg(timeout=120)["content"]
    assert (told["status"], told["ename"]) == ("error", "KeyboardInterrupt")
    assert not (tmp_path / "run" / "manifest.json").exists()
    kept = finished[0] / "stage.json"
    made = kept.stat().st_mtime_ns
    client.execute(cell)
    told = client.get_shell_msg(timeout=600)["content"]
    assert told["status"] == "ok", json.dumps(told)
    assert kept.stat().st_mtime_ns == made
    assert (tmp_path / "run" / "report.html").is_file()
