"""The pictures of the documentation, taken from finished runs.

`python -m tests.site.gallery runs/demo` renews those of that run which a page shows, by the names
of their files.
"""

import re
import sys
import tempfile
from pathlib import Path

from experiments.notebook.results import Results, open_run
from tests.experiments.report.browser import Browser, browser, find_chromium
from tests.pages import DOCS, PAGES

PICTURES = DOCS / "pictures"
WIDTH, WIDER = 900, {"effects": 1120, "headroom": 1120}
"""Of the page on which a section is drawn, in pixels; a figure is about as wide."""

FIRST = (1280, 800)  # the first screen of a report, in pixels
_SVG = "funnelab.svg(document.querySelectorAll('.picture')[{}])"


def shown() -> set[str]:
    """The files of pictures that a page shows."""
    texts = (page.read_text(encoding="utf-8") for page in PAGES)
    return {name for text in texts for name in re.findall(r"pictures/([\w.-]+\.\w+)\)", text)}


def take(results: Results, tab: Browser, folder: Path) -> list[Path]:
    """Write the pictures of a run that a page shows.

    Args:
        results: a finished run, or a sweep.
        tab: a browser.
        folder: for pages in between.

    Returns:
        The files, `<name of the run>-<section>-<number>.svg`.
    """
    written, wanted = [], shown()
    for key, picture in results.pictures.items():
        page = folder / f"{key}.html"
        page.write_text(picture.html, encoding="utf-8")
        tab.look(WIDER.get(key, WIDTH), "light")
        tab.open(page)
        count = tab.evaluate("document.querySelectorAll('.picture').length")
        for at in range(count):
            file = PICTURES / f"{results.name}-{key}-{at + 1}.svg"
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
    """Renew the pictures of the runs that are named on the command line."""
    program = find_chromium()
    if program is None:
        raise SystemExit("chromium == missing, must be installed")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as path, browser(program, Path(path) / "profile") as tab:
        for name in sys.argv[1:]:
            written = take(open_run(name), tab, Path(path))
            if (Path(name) / "report.html").is_file():
                written += first_screen(Path(name) / "report.html", tab)
            print(*(file.relative_to(DOCS) for file in written), sep="\n")


if __name__ == "__main__":
    main()
