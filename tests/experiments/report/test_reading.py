"""Pages as readers use them: contents, folds, what marks tell, and words that do not collide."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments.records.interval import Interval
from experiments.records.reading import write_record
from experiments.report import write_report
from tests.experiments.report.browser import Browser
from tests.experiments.report.fake_attribution import fake_attribution
from tests.experiments.report.fake_run import fake_run
from tests.experiments.report.screenshots import NAMES

MARKS = {
    *("mark-plain", "mark-cuped", "mark-truth", "span", "whisker", "bar", "spot", "point"),
    *("diamond", "upright", "reach", "pair", "tile", "beyond"),
}
QUIET = {"legend", "gone", "arm"}  # what has no values, or whose spot tells them
VOID = {"meta", "br", "hr", "input"}


class Marks(HTMLParser):
    """The marks of a page's pictures, each with what is told of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[set[str], str]] = []
        self.found: list[tuple[set[str], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        classes = set((given.get("class") or "").split())
        self.open.append((classes, given.get("title") or ""))
        inside = set().union(*(each for each, _ in self.open))
        if classes & MARKS and "picture" in inside and not inside & QUIET:
            self.found.append((classes, next((t for _, t in self.open[::-1] if t), "")))
        if tag in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()


def shown(browsing: Browser, page: str, folder: Path, width: int, at: str = "") -> Browser:
    """The browser with a page, its script included."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    browsing.look(width, "light")
    browsing.open(file)
    if at:
        browsing.evaluate(f"location.hash = '{at}'")
        browsing.evaluate("new Promise(done => setTimeout(done, 50))")
    return browsing


@pytest.mark.parametrize("name", NAMES)
def test_every_mark_tells_its_values_without_a_script(written: dict[str, str], name: str) -> None:
    found = Marks(written[name]).found
    assert len(found) > 5
    silent = [sorted(classes) for classes, told in found if not any(map(str.isdigit, told))]
    assert not silent


def test_a_link_opens_the_section_that_it_leads_to(
    browsing: Browser, written: dict[str, str], tmp_path: Path
) -> None:
    tab = shown(browsing, written["run"], tmp_path, 1280)
    shut = "!document.querySelector('#latency > details').open"
    assert tab.evaluate(shut)
    tab.evaluate("document.querySelector('nav a[href=\"#latency\"]').click()")
    tab.evaluate("new Promise(done => setTimeout(done, 50))")
    assert not tab.evaluate(shut)
    top = "document.querySelector('#latency').getBoundingClientRect().top"
    assert 0 <= tab.evaluate(top) < 200
    links, sections = (
        tab.evaluate(f"document.querySelectorAll('{each}').length")
        for each in ("nav a", "main > section")
    )
    assert links == sections > 15


def test_contents_stay_in_reach(browsing: Browser, written: dict[str, str], tmp_path: Path) -> None:
    where = "document.querySelector('nav').getBoundingClientRect().top"
    for width in (1280, 375):
        tab = shown(browsing, written["run"], tmp_path, width, "health")
        assert tab.evaluate("scrollY") > 800
        assert 0 <= tab.evaluate(where) < 40
    assert not tab.evaluate("document.querySelector('nav > details').open")  # a menu on a phone
    before = tab.evaluate("document.documentElement.scrollHeight")
    tab.evaluate("document.querySelector('nav summary').click()")
    assert tab.evaluate("document.querySelector('nav ol').getClientRects().length") == 1
    assert tab.evaluate("document.documentElement.scrollHeight") == before
    assert tab.evaluate("document.documentElement.scrollWidth") == 375


def test_a_printed_page_has_all_folds_open_and_a_reader_gets_theirs_back(
    browsing: Browser, written: dict[str, str], tmp_path: Path
) -> None:
    tab = shown(browsing, written["ids"], tmp_path, 1280)
    count = "document.querySelectorAll('details:not([open])').length"
    before = tab.evaluate(count)
    assert before > 3
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate(count) == 0
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate(count) == before


def test_folds_and_their_prints_need_no_script(
    browsing: Browser, written: dict[str, str], tmp_path: Path
) -> None:
    still = written["ids"].replace("<script>", "<script type='text/none'>")
    tab = shown(browsing, still, tmp_path, 1280)
    seen = "document.querySelector('#method > details > p').checkVisibility()"
    assert not tab.evaluate(seen)
    tab.send("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate(seen)
    tab.send("Emulation.setEmulatedMedia", media="")
    assert not tab.evaluate(seen)
    tab.evaluate("document.querySelector('#method summary').click()")
    assert tab.evaluate(seen)


TIP = "document.querySelector('#tip.shown')?.textContent ?? ''"
OVER = (
    "document.querySelector('{}')"
    ".dispatchEvent(new PointerEvent('pointerover', {{bubbles: true, pointerType: '{}'}}))"
)


def test_marks_tell_their_values_to_mouse_touch_and_keys_and_nothing_moves(
    browsing: Browser, written: dict[str, str], tmp_path: Path
) -> None:
    tab = shown(browsing, written["run"], tmp_path, 1280)
    size = "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
    before = tab.evaluate(size)
    first = "#effects .tracks[data-tip]"
    for kind in ("mouse", "touch"):
        tab.evaluate(OVER.format(first, kind))
        assert tab.evaluate(TIP).startswith("GMV per shopper: A/B test +4.8")
        assert "truth +2.70" in tab.evaluate(TIP)
        tab.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
        assert tab.evaluate(TIP) == ""
    picture = "document.querySelector('#effects .picture')"
    tab.evaluate(f"{picture}.focus()")
    press = f"{picture}.dispatchEvent(new KeyboardEvent('keydown', {{key: 'ArrowDown'}}))"
    told = []
    for _ in range(3):
        tab.evaluate(press)
        told.append(tab.evaluate(TIP).split(":")[0])
    assert told == ["GMV per shopper", "Orders per shopper", "Shoppers who buy"]
    inside = tab.evaluate(
        "(box => box.left >= 0 && box.right <= innerWidth && box.top >= 0)"
        "(document.querySelector('#tip').getBoundingClientRect())"
    )
    assert inside
    assert tab.evaluate(size) == before
    assert 'title="GMV per shopper: A/B test' in tab.evaluate(f"funnelab.svg({picture})")


COLLIDING = """(() => {
  const found = [];
  for (const box of document.querySelectorAll(".axis, .days, .chart")) {
    const own = box.matches(".chart") ? ":scope > .rule > span" : ":scope > span";
    const words = [...box.querySelectorAll(own)].map((each) => [each.textContent,
      each.getBoundingClientRect()]).filter(([, place]) => place.width);
    words.forEach(([one, a], at) => words.slice(at + 1).forEach(([other, b]) => {
      if (a.left < b.right - 0.5 && b.left < a.right - 0.5
        && a.top < b.bottom - 2 && b.top < a.bottom - 2) {
        found.push(`${box.closest("section").id}: ${one} and ${other}`);
      }
    }));
  }
  return found;
})()"""


@pytest.mark.parametrize("name", [*NAMES, "three channels"])
def test_words_along_an_axis_never_collide(
    browsing: Browser, written: dict[str, str], tmp_path: Path, name: str
) -> None:
    page = three_channels(tmp_path) if name == "three channels" else written[name]
    tab = shown(browsing, page, tmp_path, 1280)
    tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for width in (1280, 375):
        tab.look(width, "light")
        assert tab.evaluate(COLLIDING) == []
        assert tab.evaluate("document.documentElement.scrollWidth") == width


def three_channels(folder: Path) -> str:
    """A run whose channels stand three in a row, one of them with very wide intervals."""
    run = fake_run(folder / "run")
    known = fake_attribution(("lexical", "popular", "cqsid"))
    wide = Interval(0.2, -16.0, 15.0)
    record = replace(
        known,
        values=tuple(replace(row, share=wide) for row in known.values),
        differences=tuple(replace(row, value=wide) for row in known.differences),
    )
    write_record(run, record)
    return write_report(run).read_text(encoding="utf-8")
