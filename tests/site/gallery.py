"""The pictures of the documentation, taken from runs.

`python -m tests.site.gallery` makes the runs of `RUNS` that are not there in `runs`, and renews the
pictures of theirs that a page shows, by the names of their files. With names of runs it does so for
these alone.
"""

import argparse
import re
import tempfile
from pathlib import Path

from experiments.cli import run_command
from experiments.notebook.results import Results, open_run
from tests.experiments.report.browser import Browser, browser, find_chromium
from tests.pages import DOCS, PAGES

PICTURES = DOCS / "pictures"
SHOP = str(Path(__file__).with_name("gallery.toml"))
RUNS = {
    "demo": (["demo", "--out", "{}"],),
    "attribution": (["run", SHOP, "--out", "{}"], ["attribute", "{}"]),
    "ids": (["ids", "bench", SHOP, "--out", "{}"],),
    "rewards": (["rewards", SHOP, "--out", "{}"],),
    "sweep": (["sweep", SHOP, "--out", "{}"],),
}
"""By the name of a run, the commands that make it in the folder that stands for {}."""

WIDTH, WIDER = 900, {"effects": 1120, "headroom": 1120, "substitution": 1120}
"""Of the page on which a section is drawn, in pixels; a figure is about as wide."""

FIRST = (1280, 800)  # the first screen of a report, in pixels
_SVG = "funnelab.svg(document.querySelectorAll('.picture')[{}])"


def shown() -> set[str]:
    """The files of pictures that a page shows."""
    texts = (page.read_text(encoding="utf-8") for page in PAGES)
    return {name for text in texts for name in re.findall(r"pictures/([\w.-]+\.\w+)\)", text)}


def make(name: str, folder: Path) -> None:
    """Make a run where it is not finished.

    Raises:
        SystemExit: a command failed.
    """
    for words in RUNS[name]:
        status = run_command([word.format(folder) for word in words])
        if status:
            raise SystemExit(f"funnelab {' '.join(words)}: status == {status}, must be 0")


def take(name: str, results: Results, tab: Browser, folder: Path) -> list[Path]:
    """Write the pictures of a run that a page shows.

    Args:
        name: with which those of the run begin.
        results: a finished run, a bench or a sweep.
        tab: a browser.
        folder: for pages in between.

    Returns:
        The files, `<name>-<section>-<number>.svg`.
    """
    written, wanted = [], shown()
    for key, picture in results.pictures.items():
        page = folder / f"{key}.html"
        page.write_text(picture.html, encoding="utf-8")
        tab.look(WIDER.get(key, WIDTH), "light")
        tab.open(page)
        count = tab.evaluate("document.querySelectorAll('.picture').length")
        for at in range(count):
            file = PICTURES / f"{name}-{key}-{at + 1}.svg"
            if file.name in wanted:
                file.write_text(_compact(tab.evaluate(_SVG.format(at))), encoding="utf-8")
                written.append(file)
    return written


def _compact(svg: str) -> str:
    """A picture without the rules of its style that are about nothing in it."""
    style = re.search(r"<style><!\[CDATA\[(.*?)\]\]></style>", svg, re.DOTALL)
    assert style is not None
    body = svg[style.end() :]
    names = {name for each in re.findall(r'class="([^"]+)"', body) for name in each.split()}
    kept = [
        rule
        for rule in style[1].splitlines()
        if not (used := re.findall(r"\.(-?[A-Za-z_][\w-]*)", rule.partition("{")[0]))
        or any(name in names for name in used)
    ]
    return svg[: style.start(1)] + "\n".join(kept) + svg[style.end(1) :]


def first_screen(report: Path, tab: Browser) -> list[Path]:
    """Write what a reader of a report sees first, in light and in dark."""
    written = []
    for theme in ("light", "dark"):
        tab.look(FIRST[0], theme)
        tab.open(report)
        tab.look(FIRST[0], theme)
        file = PICTURES / f"first-screen-{theme}.png"
        shown = tab.picture().crop((0, 0, *FIRST))
        shown.quantize(64, dither=0).save(file, optimize=True)
        written.append(file)
    return written


def main() -> None:
    """Make the runs that are not there, and renew their pictures."""
    program = find_chromium()
    if program is None:
        raise SystemExit("chromium == missing, must be installed")
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[], metavar="RUN", help=", ".join(RUNS))
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs")
    asked = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as path, browser(program, Path(path) / "profile") as tab:
        for name in asked.names or RUNS:
            folder = asked.runs / (name if name == "demo" else f"gallery-{name}")
            make(name, folder)
            written = take(name, open_run(folder), tab, Path(path))
            if name == "demo":
                written += first_screen(folder / "report.html", tab)
            print(*(file.relative_to(DOCS) for file in written), sep="\n")


if __name__ == "__main__":
    main()
