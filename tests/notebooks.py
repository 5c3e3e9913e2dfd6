"""The notebooks of the documentation, run from top to bottom.

    python -m tests.notebooks [--write] [NAME ...]

Each runs in a folder of its own that is thrown away. With `--write` what came out takes the place
of the outputs in the repository, without what differs from one time to the next.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.pages import DOCS, ROOT

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
PICTURE = "image/svg+xml"
_DATE = re.compile(r"\s*<dc:date>.*?</dc:date>", re.DOTALL)
# Letters stay letters, and names inside a picture are the same each time.
_PICTURES = "svg.fonttype: none\nsvg.hashsalt: funnelab\n"


def environment(folder: Path) -> dict[str, str]:
    """Variables of a kernel: it sees this checkout, and draws the same picture each time."""
    (folder / "matplotlibrc").write_text(_PICTURES)
    seen = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "MATPLOTLIBRC": str(folder),
        "PYTHONPATH": os.pathsep.join(seen),
        "PYTHONWARNINGS": "ignore:IProgress not found",  # a bar that nobody would see
    }


def execute(path: Path, folder: Path) -> NotebookNode:
    """A notebook with what its cells gave.

    Args:
        path: of the notebook, which stays as it is.
        folder: in which it runs.

    Raises:
        CellExecutionError: a cell failed.
    """
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        timeout=1_800,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    client.execute(env=os.environ | environment(folder))
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if PICTURE in data:
                data[PICTURE] = _DATE.sub("", data[PICTURE])
                data.pop("text/plain", None)  # the place of an object
    book.metadata = {"kernelspec": book.metadata.kernelspec, "language_info": {"name": "python"}}
    return book


def main(words: Sequence[str]) -> None:
    """Run some notebooks, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("names", nargs="*", default=[path.stem for path in NOTEBOOKS])
    asked = parser.parse_args(words)
    for path in NOTEBOOKS:
        if path.stem in asked.names:
            began = time.monotonic()
            with TemporaryDirectory() as folder:
                book = execute(path, Path(folder))
            if asked.write:
                nbformat.write(book, path)
            print(f"{path.stem}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
