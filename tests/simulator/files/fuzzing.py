"""Files that are spoiled at random, and what must hold of whatever is accepted.

A file is made of rows that are known, in a random dialect, and changed at one place or a few. Whoever
accepts it must have every row that was not touched, as it was: a quote that swallows a row, a shifted
cell, a price read as another one are wrong acceptances. What is refused must be refused in words.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from simulator.errors import FunnelabError
from simulator.files.importer import supply_of
from simulator.files.items import Items, read_items
from simulator.files.mapping.proposing import propose_catalog
from simulator.files.settings import CatalogFileSpec
from simulator.randomness import Draws

WORDS = (
    *(
        "red",
        "lamp",
        "oak desk",
        '19" monitor',
        "chair, soft",
        "Küche",
        "a;b",
        "x\ty",
        "<b>rug</b>",
    ),
    *(
        "it's",
        "salt & pepper",
        "赤いランプ",
        "two\nlines",
        "three, and\nmore, 5\n6",
        "R&D",
        "1,5 m",
        "|",
    ),
)
INSERTED = (
    '"',
    '""',
    "'",
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\r\n",
    "\r",
    "\\",
    " ",
    "\ufeff",
    "\u2028",
    "{",
    "]",
)
INSERTED += (
    "é",
    "0",
    "-",
    "\x00",
    ":",
    "<",
    "e",
    "\ud7ff",
    "null",
    "=",
    "\x85",
    "\x1a",
    '","',
    '",\n"',
)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Row:
    """A row as it was before the file was spoiled."""

    key: str
    title: str
    price: float
    stock: int


@dataclass(frozen=True)
class Case:
    """A spoiled file.

    Attributes:
        name: of the file.
        data: its bytes.
        untouched: the rows that must be as they were if the file is accepted.
    """

    name: str
    data: bytes
    untouched: tuple[Row, ...]


def cases(seed: int, numbers: Iterable[int], *, spoiled: bool = True) -> Iterator[Case]:
    """Files, spoiled or whole; each depends on the seed and its own number alone."""
    for number in numbers:
        yield _case(np.random.default_rng((seed, number)), spoiled)


def _case(rng: np.random.Generator, spoiled: bool) -> Case:
    rows = [
        Row(
            f"{ALPHABET[rng.integers(26)]}{number}",
            " ".join(rng.choice(WORDS, rng.integers(1, 4))),
            float(rng.choice([round(rng.uniform(1, 2000), 2), rng.integers(1, 99)])),
            int(rng.integers(0, 50)),
        )
        for number in range(rng.integers(1, 12))
    ]
    make = [_csv_file, _json_file, _xml_file][int(rng.choice(3, p=[0.5, 0.25, 0.25]))]
    name, pieces, encoding = make(rng, rows)
    touched: set[int] = set()
    for _ in range(int(rng.choice([1, 1, 1, 2, 3])) if spoiled else 0):
        _spoil(rng, pieces, touched)
    text = "".join(pieces)
    data = text.encode(encoding, "surrogatepass")
    if spoiled and rng.random() < 0.1:
        at = int(rng.integers(len(data) + 1))
        start = len("".join(pieces[:1]).encode(encoding, "surrogatepass"))
        data = data[:at]
        ends = np.cumsum([len(p.encode(encoding, "surrogatepass")) for p in pieces])
        touched |= {n for n, end in enumerate(ends.tolist()) if end > at}
        touched |= {0} if at < start else set()
    untouched = () if 0 in touched else tuple(r for n, r in enumerate(rows, 1) if n not in touched)
    return Case(name, data, untouched)


def _csv_file(rng: np.random.Generator, rows: list[Row]) -> tuple[str, list[str], str]:
    delimiter = str(rng.choice([",", ",", ";", "\t", "|"]))
    end = str(rng.choice(["\n", "\n", "\r\n"]))
    quoting = csv.QUOTE_ALL if rng.random() < 0.3 else csv.QUOTE_MINIMAL
    comma = delimiter != "," and rng.random() < 0.4
    encoding = str(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))

    def line(cells: list[object]) -> str:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerow(cells)
        return out.getvalue()

    def price(value: float) -> str:
        return f"{value:.2f}".replace(".", ",") if comma else f"{value:.2f}"

    lines = [line([r.key, r.title, price(r.price), r.stock]) for r in rows]
    if rng.random() < 0.3:
        lines[-1] = lines[-1].removesuffix(end)
    suffix = str(rng.choice([".csv", ".txt"]))
    return f"shop{suffix}", [line(["id", "title", "price", "stock"]), *lines], encoding


def _json_file(rng: np.random.Generator, rows: list[Row]) -> tuple[str, list[str], str]:
    plain = bool(rng.random() < 0.5)
    records = [
        json.dumps(
            {"id": r.key, "title": r.title, "price": r.price, "stock": r.stock}, ensure_ascii=plain
        )
        for r in rows
    ]
    if rng.random() < 0.5:
        return "shop.jsonl", ["", *(f"{record}\n" for record in records)], "utf-8"
    body = [f"{record},\n" for record in records[:-1]] + [records[-1], "\n]\n"]
    return "shop.json", ["[\n", *body], "utf-8"


def _xml_file(rng: np.random.Generator, rows: list[Row]) -> tuple[str, list[str], str]:
    """A feed in RSS or Atom, or a plain list."""
    outer, item = [("rss><channel", "item"), ("feed", "entry"), ("shop", "thing")][rng.integers(3)]
    prefix = str(rng.choice(["", "", "g:", "base:"]))
    if item == "thing" and len(rows) == 1:
        item, outer = "entry", "feed"
    declared = f' xmlns:{prefix[:-1]}="http://base.google.com/ns/1.0"' if prefix else ""
    encoding = str(rng.choice(["utf-8", "utf-8", "utf-16"]))
    inside = outer.replace(">", f"{declared}>", 1) if ">" in outer else outer + declared
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n<{inside}>\n'

    def field(name: str, value: object) -> str:
        text = f"<![CDATA[{value}]]>" if rng.random() < 0.2 else escape(str(value))
        return f"<{prefix}{name}>{text}</{prefix}{name}>"

    pieces = [
        f"<{item}>{field('id', r.key)}{field('title', r.title)}{field('price', r.price)}"
        f"{field('stock', r.stock)}</{item}>\n"
        for r in rows
    ]
    tail = "".join(f"</{name}>" for name in reversed(outer.split("><")))
    return "shop.xml", [head, *pieces, tail], encoding


def _spoil(rng: np.random.Generator, pieces: list[str], touched: set[int]) -> None:
    """Change one piece of a file: the header (0) or a row."""
    at = int(rng.integers(0 if rng.random() < 0.1 else min(1, len(pieces) - 1), len(pieces)))
    touched.add(at)
    text = pieces[at]
    place = int(rng.integers(len(text) + 1))
    if place + 3 >= len(text.rstrip("\r\n")):
        touched.add(at + 1)  # the end of a row is also the beginning of the next one
    match int(rng.integers(9)):
        case 0 | 1 | 2:
            pieces[at] = text[:place] + str(rng.choice(INSERTED)) + text[place:]
        case 3:
            pieces[at] = text[:place] + text[place + int(rng.integers(1, 4)) :]
        case 4:
            pieces[at] = text[:place] + str(rng.choice(INSERTED)) + text[place + 1 :]
        case 5:
            pieces[at] = text + text
        case 6 | 7 if "{" not in text:
            _swallow(rng, pieces, at, touched)
        case _:
            quotes = [n for n, letter in enumerate(text) if letter in "\"'{}[],;\t|\n"]
            if quotes:
                place = int(rng.choice(quotes))
                touched |= {at + 1} if text[place] == "\n" else set()
                pieces[at] = text[:place] + text[place + 1 :]


def _swallow(rng: np.random.Generator, pieces: list[str], at: int, touched: set[int]) -> None:
    """Open a quote at the beginning of a cell, and mostly close it at the end of a later one."""
    delimiter = max(",;\t|", key=pieces[0].count)
    column = int(rng.choice([0, 1, 1, 1, 2, 3]))
    cells = pieces[at].split(delimiter)
    if len(cells) > column:
        cells[column] = '"' + cells[column]
        pieces[at] = delimiter.join(cells)
    last = int(rng.integers(at, len(pieces)))
    cells = pieces[last].split(delimiter)
    if last > at and len(cells) > column and rng.random() < 0.8:
        touched.add(last)
        whole = cells[column].rstrip("\r\n")
        cells[column] = whole + '"' + cells[column][len(whole) :]
        pieces[last] = delimiter.join(cells)


def tried(case: Case, folder: Path) -> str:
    """What came of a case: "refused", "accepted", or what is wrong with it."""
    path = folder / case.name
    path.write_bytes(case.data)
    try:
        spec = CatalogFileSpec.model_validate({"path": str(path), "columns": _columns(case)})
        items = read_items(spec)
    except FunnelabError as error:
        return "refused" if str(error).strip() else "refused without a word"
    wrong = _wrong(items, case)
    if not wrong:
        supply_of(items, spec, Draws(1))
        try:
            settings: dict[str, Any] = propose_catalog(path).settings
            read_items(CatalogFileSpec.model_validate({**settings, "path": str(path)}))
        except FunnelabError:
            pass
    return wrong or "accepted"


def _columns(case: Case) -> dict[str, str]:
    """Where the columns are, as whoever made the file knows."""
    google = case.name.endswith(".xml") and b"g:id" in case.data.replace(b"\0", b"")
    google |= b"base:id" in case.data.replace(b"\0", b"")
    roles = ("id", "title", "price", "stock") if google else ("stock",)
    return {role: f"g:{role}" * google or role for role in roles}


def _wrong(items: Items, case: Case) -> str:
    """What is wrong with accepted items; "" where nothing is."""
    if len(set(items.key_I)) < len(items) or "" in items.key_I or "" in items.title_I:
        return "an id or a title that is empty or twice"
    if not (np.isfinite(items.price_I) & (items.price_I > 0) & (items.price_I <= 1e9)).all():
        return "a price that is none"
    number = {key: row for row, key in enumerate(items.key_I)}
    for row in case.untouched:
        at = number.get(row.key)
        if at is None:
            return f"{row} is lost"
        title = " ".join(row.title.replace("<b>", " ").replace("</b>", " ").split())
        if items.title_I[at] != title:
            return f"{row} has the title {items.title_I[at]!r}"
        if abs(items.price_I[at] - row.price) > 0.006 or items.stock_I[at] != row.stock:
            return f"{row} has {items.price_I[at]}, {items.stock_I[at]}"
    return ""


ODD: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 2.5, 1e300, -1e300, 5e-324, 10**400, float("nan"), float("inf")),
    *(
        "",
        " ",
        "x",
        "lamp",
        "1,299",
        "1.299,00",
        "Rs. 499",
        "$1",
        "\u20ac 2",
        "nan",
        "12 50",
        "1e5",
    ),
    *("2024-01-31", "20240131", 20240131, 1700000000, 1700000000000, "2020", 2020, "9999-12-31"),
    *("0001-01-01", "2024-13-01", "[1]", "['a', 'b']", "[", "{}", "{", '{"a": {"text": ["b"]}}'),
    *([], ["a"], ["a", "b"], [["a", "b"]], [None], [{"name": "a"}], {}, {"a": 1}, {"text": ["b"]}),
    *("\ud800", "a\u0000b", "\u200b", "\u2028", "<b>", "&#0;", "&#1114112;", "a" * 300, "A > B"),
    *("5 out of 5", "0", "-0", "00", "1_000", "\u0661\u0662", "1.23E+11", "id:1", "USD", "EUR"),
)
ROLES = ("id", "title", "price", "description", "brand", "category", "seller", "rating", "stock")
ROLES += ("created_at", "group", "currency", "attributes", "sold")
SETTINGS: dict[str, tuple[object, ...]] = {
    "variants": ("keep", "join"),
    "bad_rows": ("refuse", "skip", "skip"),
    "prices": ({}, {"missing": "draw"}),
}
FORMATS: dict[str, tuple[str, ...]] = {
    "decimal": ("auto", ".", ","),
    "times": ("auto", "dates", "simulated", "unix_s", "unix_ms", "unix_us"),
    "lists": ("refuse", "path", "first", "commas"),
    "markup": ("strip", "keep"),
    "quotes": ("auto", "trust", "literal"),
}


def odd_values(seed: int, number: int, folder: Path) -> str:
    """What came of a file of odd values in every column, read with some settings."""
    rng = np.random.default_rng((seed, number))

    def one(values: tuple[object, ...]) -> Any:
        return values[int(rng.integers(len(values)))]

    records = []
    for row in range(int(rng.integers(1, 8))):
        usual = {"id": f"k{row}", "title": "red lamp", "price": 10.0 + row}
        odd = {role: one(ODD) for role in ROLES if rng.random() < (0.15 if role in usual else 0.5)}
        records.append(usual | odd)
    path = folder / "odd.jsonl"
    text = "".join(f"{json.dumps(record)}\n" for record in records)
    path.write_text(text, encoding="utf-8")
    known = {name for record in records for name in record}
    columns = {role: role for role in ROLES if role in known and rng.random() < 0.8}
    settings = {name: one(values) for name, values in SETTINGS.items()}
    settings["format"] = {name: one(values) for name, values in FORMATS.items()}
    if "group" not in columns:
        settings["variants"] = "keep"
    spec = CatalogFileSpec.model_validate({"path": str(path), "columns": columns, **settings})
    try:
        items = read_items(spec, 100 * 86_400.0)
    except FunnelabError as error:
        return "refused" if str(error).strip() else "refused without a word"
    if len(set(items.key_I)) < len(items) or "" in items.key_I or "" in items.title_I:
        return "an id or a title that is empty or twice"
    late = items.created_at_I[np.isfinite(items.created_at_I)] > 100 * 86_400.0
    texts = "".join(map("".join, (items.title_I, items.description_I, items.category_I)))
    if late.any() or any(ord(letter) < 32 for letter in texts):
        return "an arrival after the end, or a control character"
    texts.encode()
    supply = supply_of(items, spec, Draws(1))
    price_I = supply.catalog.price_I
    if not (np.isfinite(price_I) & (price_I > 0) & (price_I <= 1e9)).all():
        return f"prices {price_I}"
    return "accepted"
