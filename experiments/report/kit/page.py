"""Every page: its frame, its sections, and the figures and notes in them, in one file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from experiments.records.files import write_text
from experiments.report.kit.markup import Html, join, raw_asset, tag
from experiments.report.kit.tables import Table

Subject = TypeVar("Subject")
Content = Sequence[object] | None
"""What a section has under its title, a plain sentence as a lead; None: there is no section."""

Part = tuple[str, str, str, Callable[[Subject], Content]]
"""A section to be drawn: its anchor, its name in the contents, its title, and what draws it."""

SHOWN = 2  # cautions that are not folded away
OPEN = 2
"""How many sections of a page are open at first; each of the others is a fold."""


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Attributes:
        key: its anchor.
        label: its name in the contents.
        title: above it.
        content: under its title; plain sentences are leads.
    """

    key: str
    label: str
    title: str
    content: Sequence[object]

    def __html__(self) -> Html:
        """By itself: never folded."""
        return self._around(self._heading, *self._drawn)

    def fold(self, *, opened: bool) -> Html:
        """As a fold under its title, which a reader opens and closes."""
        head = tag("summary", self._heading)
        return self._around(tag("details", head, *self._drawn, cls="chapter", open=opened))

    @property
    def _heading(self) -> Html:
        return tag("h2", self.title, id=f"{self.key}-title")

    @property
    def _drawn(self) -> list[object]:
        return [tag("p", each, cls="lead") if type(each) is str else each for each in self.content]

    def _around(self, *parts: object) -> Html:
        return tag("section", *parts, id=self.key, aria_labelledby=f"{self.key}-title")


def page(
    name: str,
    kind: str,
    said: Html,
    setting: Sequence[object],
    parts: Sequence[Section | Html],
    style: str,
) -> str:
    """A whole page, which needs no network and no other file.

    The first sections are open, the others are folds; a list of all of them stays in reach.

    Args:
        name: of the run.
        kind: what the page is, as "funnelab report".
        said: under the name: the verdict.
        setting: below it: sizes and other short facts.
        parts: the sections in their order, and what stands between them.
        style: CSS beyond the common one.
    """
    toggle = tag(
        "button", "Theme", id="theme", type="button", hidden=True, aria_label="Change the theme"
    )
    top = tag(
        "header",
        tag("div", tag("span", kind, cls="kind"), toggle, cls="bar-top"),
        tag(
            "div", tag("h1", name), tag("p", join(setting, " \u00b7 "), cls="setting"), cls="titled"
        ),
        said,
    )
    listed = [each for each in parts if isinstance(each, Section)]
    opened = {each.key for each in listed[:OPEN]}
    drawn = (
        each.fold(opened=each.key in opened) if isinstance(each, Section) else each
        for each in parts
    )
    shown = tag("div", _contents(listed), tag("main", *drawn), cls="columns")
    body = tag("body", top, shown, raw_asset("script", _asset("script.js")))
    return _document(f"{name} \u00b7 {kind}", body, style)


def _contents(parts: Sequence[Section]) -> Html:
    """A list of the sections; where there is little room, behind a button of the same name."""
    links = [tag("li", tag("a", each.label, href=f"#{each.key}")) for each in parts]
    every = tag("button", "Open all", id="unfold", type="button", hidden=True)
    menu = tag("details", tag("summary", "Contents"), tag("ol", *links), every, open=True)
    return tag("nav", menu, aria_label="Contents")


def alone(title: str, part: Section, style: str) -> str:
    """A page of one section, without a top and without contents.

    Args:
        title: of the page.
        part: the section.
        style: CSS beyond the common one.
    """
    body = tag("body", tag("main", part), raw_asset("script", _asset("script.js")))
    return _document(title, body, style)


def _document(title: str, body: Html, style: str) -> str:
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        raw_asset("style", _asset("style.css") + style),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def writer(
    file: str, read: Callable[[Path], Subject], render: Callable[[Subject], str]
) -> Callable[[Path], Path]:
    """What writes a page into a folder, from the JSON files in it alone.

    The page needs no network and no other file. An older one is replaced in one step.

    Args:
        file: name of the page.
        read: what the page is of, from the folder.
        render: the whole page.

    Returns:
        A function from the folder to the path of the page. It raises a StoreError where a file
        that is needed is not there, and a DataError where one is not what it must be.
    """

    def write(folder: Path) -> Path:
        write_text(folder / file, render(read(folder)))
        return folder / file

    return write


def sections(parts: Iterable[Part[Subject]], subject: Subject) -> list[Section]:
    """The parts of which there is something to be drawn; titles may name what the subject holds."""
    return [
        Section(key, label, title.format(subject), content)
        for key, label, title, draw in parts
        if (content := draw(subject)) is not None
    ]


def figure(picture: Html, numbers: Table | Html, described: str, caption: str = "") -> Html:
    """A picture with a description for those who cannot see it, its table, and its caption."""
    return tag(
        "figure",
        tag("figcaption", caption) if caption else None,
        tag("div", picture, role="img", aria_label=described, cls="picture"),
        folded(numbers),
    )


def folded(content: Table | Html, summary: str = "Show as a table") -> Html:
    """Content behind a line that opens it."""
    return tag("details", tag("summary", summary), content, cls="fold")


def panels(*parts: tuple[object, Html], kind: str = "panels") -> Html:
    """Small pictures under their titles, as many beside each other as there is room for."""
    drawn = (tag("div", tag("h4", title), picture, cls="panel") for title, picture in parts)
    return tag("div", *drawn, cls=kind)


def choice(group: str, labels: Sequence[object]) -> Html:
    """Buttons of which one is chosen, the first at the start."""
    buttons = []
    for at, label in enumerate(labels):
        key = f"{group}-{at}"
        first = True if at == 0 else None
        button = tag("input", type="radio", name=group, id=key, checked=first, cls="pick")
        buttons.append(tag("span", button, tag("label", label, for_=key)))
    return tag("div", *buttons, cls="choice")


def facts(entries: Mapping[str, object]) -> Html | None:
    """Names with what is known under them; nothing where nothing is."""
    known = [
        tag("div", tag("dt", name), tag("dd", value))
        for name, value in entries.items()
        if value != ""
    ]
    return tag("dl", *known, cls="facts") if known else None


def listing(sentences: Sequence[object], kind: str = "warnings") -> Html:
    """Sentences, one point each."""
    return tag("ul", *(tag("li", each) for each in sentences), cls=kind or None)


def note(sentence: object) -> Html:
    """What helps to read what stands above."""
    return tag("p", sentence, cls="note")


def alarm(sentence: str) -> Html:
    """A warning that must be seen before what follows it is read."""
    return tag("p", sentence, cls="alarm-note", role="note")


def cautions(sentences: Sequence[str]) -> list[Html]:
    """What limits all that a page says: the first ones, and a fold of the others."""
    shown = [tag("p", each, cls="alarm-note") for each in sentences]
    more = shown[SHOWN:]
    if len(more) < 2:  # a fold is as high as one of them
        return shown
    title = f"{len(more)} more limits of this comparison"
    return [*shown[:SHOWN], folded(tag("div", *more), title)]


def judged(good: bool, yes: str, no: str) -> Html:
    """One of two words, in the colour of what is as it should be, or is not."""
    return tag("b", yes if good else no, cls="yes" if good else "no")


def absent(sentence: str) -> Html:
    """Said where a part of the run is missing."""
    return tag("p", sentence, cls="absent")


def verdict(badge: str, sentence: Html, further: Sequence[object], tone: str) -> Html:
    """What is found, in a sentence under a badge, and what else a careful reader wants to know.

    Args:
        badge: the same in two or three words.
        sentence: a paragraph.
        further: markup, or a sentence each.
        tone: "good", "bad", "plain" or "alarm".
    """
    more = (each if isinstance(each, Html) else tag("p", each, cls="further") for each in further)
    return tag("div", tag("span", badge, cls="badge"), sentence, *more, cls=f"verdict {tone}")


def style_of(room: str) -> str:
    """The CSS of a room of pages."""
    return files(room).joinpath("page.css").read_text(encoding="utf-8")


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
