"""Reading XML: feeds of products (RSS, Atom), and any other list of elements that are records.

A file is read as a stream, and only the fields that are asked for are kept. A record is an object:
a child element is a field under its name as it is written (`g:` for Google's namespace whatever
its prefix), several of one name are a list, children in it an object; an attribute is a field
`@name`, and of a child `child@name`. Nothing outside of the file is opened, and entities that a
file declares are refused: a few lines of them can unfold to any size.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

import numpy as np

from simulator.files.tables.findings import unusable
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.table import Table, cells_of, fields_of, reached, require, shown
from simulator.files.tables.xmlfiles.xmltext import utf8_of

Record = dict[str, Any]
Found = Callable[[Record, int], None]
"""Told of each record and the line where it begins."""

GOOGLE = "http://base.google.com/ns/1.0"
_FEEDS = {("rss", "channel", "item"): "rss", ("feed", "entry"): "feed", ("RDF", "item"): "RDF"}
_DEEPEST = 64  # elements within each other
_UNKNOWN_ENTITY = expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]
_WIDEST = 3  # steps below the root in which records are looked for


def read_xml(path: Path, spec: FormatSpec, wanted: Mapping[str, str], setting: str) -> Table:
    """The wanted fields of all records; a dotted path leads into nested ones.

    Args:
        path: the file, perhaps packed.
        spec: `records` and `encoding` count.
        wanted: setting that asks for a field -> its name or path.
        setting: what gives the format, for findings.

    Raises:
        UnusableFile: no such XML, entities, no list of records, or a field that no record has.
    """
    numbers: list[int] = []
    columns: dict[str, list[Any]] = {name: [] for name in wanted.values()}
    there: set[str] = set()

    def keep(record: Record, line: int) -> None:
        numbers.append(line)
        for name, cells in columns.items():
            known, value = reached(record, name)
            cells.append(value)
            if known:
                there.add(name)

    _each_record(path, spec, setting, keep)
    if numbers and len(there) < len(columns):
        require(path.name, [*xml_columns(path, spec, setting), *there], wanted)
    cells = {name: cells_of(values) for name, values in columns.items()}
    return Table(path.name, "line", np.array(numbers, np.int64), cells)


def xml_columns(path: Path, spec: FormatSpec, setting: str = "format") -> list[str]:
    """The fields of all records, Google's first, and behind them the paths of nested ones.

    Raises:
        UnusableFile: as `read_xml`, but for the fields.
    """
    known: dict[str, None] = {}
    _each_record(
        path, spec, setting, lambda record, _: known.update(dict.fromkeys(fields_of([record])))
    )
    return sorted(known, key=lambda name: (name.count("."), not name.startswith("g:")))


def _each_record(path: Path, spec: FormatSpec, setting: str, found: Found) -> None:
    """Tell of every record of a file.

    Raises:
        UnusableFile: it cannot be read, or what its records are cannot be told.
    """
    steps = tuple(spec.records.split(".")) if spec.records else _records_in(path, spec, setting)
    reader = _Records(path.name, steps, found)
    _parse(path, spec, setting, reader)
    if spec.records and not reader.count:
        known = ", ".join(".".join(each) for each in _candidates(path, spec, setting)) or "none"
        raise unusable(
            f"{setting}.records",
            repr(spec.records),
            f"the path of an element in {path.name} "
            f"that has others in it, as of its records (there are: {known})",
        )


def _records_in(path: Path, spec: FormatSpec, setting: str) -> tuple[str, ...]:
    """The steps below the root to the elements that are records."""
    found = _candidates(path, spec, setting)
    if not found:
        raise unusable(path.name, "no element with others in it", "XML with one for each record")
    depth = min(len(steps) for steps in found)
    first = [steps for steps in found if len(steps) == depth]
    if len(first) > 1:
        names = [".".join(steps) for steps in first]
        raise unusable(
            f"{setting}.records", "''", f"the path of the records in {path.name}: {shown(names)}"
        )
    return first[0]


def _candidates(path: Path, spec: FormatSpec, setting: str) -> list[tuple[str, ...]]:
    """Steps to elements that may be records: of a feed its own, else those that come repeatedly.

    Where none comes twice, one that comes once.
    """
    counts = _Counts(path.name)
    _parse(path, spec, setting, counts)
    for names, root in _FEEDS.items():
        if counts.root == root:
            return [names[1:]]
    often = [steps for steps, count in counts.records.items() if count > 1]
    return often or list(counts.records)


def _parse(path: Path, spec: FormatSpec, setting: str, reader: "_Reader") -> None:
    """Lead a reader through a file.

    Raises:
        UnusableFile: it is no XML, is not complete, or declares entities.
    """
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    reader.line = lambda: parser.CurrentLineNumber
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler = reader.text

    def entity(name: str, *_: Any) -> NoReturn:
        wanted = "XML without entities of its own, which can unfold to any size"
        reader.refuse(f"the entity {name!r} declared", wanted)

    def unknown(name: str, _: bool) -> NoReturn:
        wanted = "a letter, or &amp; &lt; &gt; &quot; &apos; or a number as &#160;"
        reader.refuse(f"&{name};", wanted)

    parser.EntityDeclHandler, parser.SkippedEntityHandler = entity, unknown
    try:
        for part in utf8_of(path, spec.encoding, f"{setting}.encoding"):
            parser.Parse(part, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        hint = " (HTML names others; XML knows amp, lt, gt, quot and apos)"
        wanted = "complete XML" + hint * (error.code == _UNKNOWN_ENTITY)
        raise unusable(
            f"{path.name}, line {error.lineno}", f"unreadable ({said})", wanted
        ) from error


class _Reader:
    """Follows the elements of a file. Names are in Google's prefix, whatever the file's own is."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.line: Callable[[], int] = lambda: 0
        self.path: list[str] = []
        self.written = ""  # name of the element that begins or ends, as it is written
        self._google: set[str] = set()

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if len(self.path) >= _DEEPEST:
            self.refuse(f"elements {_DEEPEST} deep", "XML that is nested less")
        for key, value in attributes.items():
            if key.startswith("xmlns:") and value.rstrip("/") == GOOGLE:
                self._google.add(key.removeprefix("xmlns:"))
        self.written = name
        self.path.append(self.named(name))
        self.began({k: v for k, v in attributes.items() if not k.startswith("xmlns")})

    def end(self, name: str) -> None:
        """An element ends."""
        self.written = name
        self.ended()
        self.path.pop()

    def named(self, name: str) -> str:
        """A name with Google's usual prefix."""
        prefix, colon, local = name.partition(":")
        return f"g:{local}" if colon and prefix in self._google else name

    def began(self, attributes: dict[str, str]) -> None:
        """The element at the end of `path` begins."""

    def text(self, text: str) -> None:
        """A part of a text."""

    def ended(self) -> None:
        """The element at the end of `path` ends."""

    def refuse(self, found: str, wanted: str) -> NoReturn:
        """Refuse the file for what stands here."""
        raise unusable(f"{self.file}, line {self.line()}", found, wanted)


class _Counts(_Reader):
    """Counts the elements below the root that have others in them.

    Attributes:
        root: name of the root, without a prefix.
        records: how many there are, by the steps to them.
    """

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.root = ""
        self.records: Counter[tuple[str, ...]] = Counter()
        self._parents: list[bool] = []  # of the open elements, whether others are in them

    def began(self, attributes: dict[str, str]) -> None:
        self.root = self.root or self.path[0].rpartition(":")[2]
        if self._parents:
            self._parents[-1] = True
        self._parents.append(False)

    def ended(self) -> None:
        steps = tuple(self.path[1:])
        if self._parents.pop() and 0 < len(steps) <= _WIDEST:
            self.records[steps] += 1


class _Records(_Reader):
    """Makes an object of every element at some steps below the root."""

    def __init__(self, file: str, steps: tuple[str, ...], found: Found) -> None:
        super().__init__(file)
        self.steps, self.found, self.count = steps, found, 0
        self._begun, self._tag = 0, ""
        self._open: list[tuple[dict[str, Any], list[str]]] = []  # fields, and pieces of text

    def began(self, attributes: dict[str, str]) -> None:
        if self._open:
            fields = self._open[-1][0]
            for key, value in attributes.items():
                fields.setdefault(f"{self.path[-1]}@{self.named(key)}", value)
            self._open.append(({}, []))
        elif tuple(self.path[1:]) == self.steps:
            self._begun, self._tag = self.line(), self.written
            self._open.append(({f"@{self.named(k)}": v for k, v in attributes.items()}, []))

    def text(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append(text)

    def ended(self) -> None:
        if not self._open:
            return
        fields, pieces = self._open.pop()
        if not self._open:
            self.count += 1
            self.found(fields, self._begun)
            return
        text = "".join(pieces).strip()
        if f"</{self.written}>" in text and f"</{self._tag}>" in text:
            begun = (
                f"the end of its own {self.written} and of the {self._tag} of line {self._begun}"
            )
            self.refuse(f"a text with {begun}", "closed before: a ]]> may be missing")
        above = self._open[-1][0]
        value: Any = text if text or not fields else fields
        if text and fields:  # markup within a text
            value = " ".join([text, *_texts(fields)])
        name = self.path[-1]
        if name not in above:
            above[name] = value
        elif isinstance(above[name], list):
            above[name].append(value)
        else:
            above[name] = [above[name], value]


def _texts(value: Any) -> Iterator[str]:
    """All texts within a value."""
    if isinstance(value, str):
        yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from _texts(inner)
