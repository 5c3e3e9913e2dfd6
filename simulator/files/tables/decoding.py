"""From bytes to text."""

import codecs
import re

from simulator.files.tables.findings import unusable
from simulator.files.tables.formats import AUTO

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Encodings that are not told by a mark, each with the letters that its texts are made of.
_GUESSES = {
    "windows-1252": re.compile("[\u00a0-\u00ff\u0152-\u0178\u2013-\u2122]"),
    "shift_jis": re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]"),
    "windows-1251": re.compile("[\u0400-\u045f\u00a0-\u00bb\u2013-\u2122]"),
    "gb18030": re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]"),
}
_TYPICAL = 0.9  # share of the letters beyond ASCII that must be such
_HIGH = re.compile(rb"[\x80-\xff]+")
_SAMPLE = 4096  # bytes that tell UTF-16 without a mark
_NEAR = 30  # characters of a line that a finding repeats


def text_of(file: str, data: bytes, encoding: str, setting: str) -> str:
    """The text of a file, without a byte order mark.

    Args:
        file: its name, for findings.
        data: its bytes.
        encoding: name of an encoding, or `auto`: that of a byte order mark, else UTF-16 where
            every other byte is 0, else UTF-8.
        setting: what gives the encoding, for findings.

    Raises:
        UnusableFile: the bytes are no such text; says with what encoding they could be.
    """
    for mark, name in _MARKS:
        if data.startswith(mark) and encoding in (AUTO, name, "utf-8-sig", "utf-16", "utf-32"):
            return _decoded(file, data[len(mark) :], name, setting)
    if encoding == AUTO:
        encoding = _without_mark(data)
    return _decoded(file, data, encoding, setting).removeprefix("\ufeff")


def by_mark(data: bytes) -> tuple[bytes, str] | None:
    """A byte order mark and the encoding that it tells; None where there is none."""
    return next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), None)


def guessed(data: bytes) -> str | None:
    """An encoding in which some bytes that are no UTF-8 read like a text; None where none does.

    Western European texts have single letters beyond ASCII between plain ones; runs of such bytes
    are of another script.
    """
    runs = _HIGH.findall(data)
    lone = sum(len(run) == 1 for run in runs)
    for name, typical in _GUESSES.items():
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        beyond = [letter for letter in text if ord(letter) > 127]
        fits = len(typical.findall(text)) >= _TYPICAL * len(beyond)
        if fits and (name != "windows-1252" or 2 * lone >= len(runs)):
            return name
    return None


def _without_mark(data: bytes) -> str:
    even, odd = data[:_SAMPLE:2], data[1:_SAMPLE:2]
    if odd and odd.count(0) > len(odd) / 2 and even.count(0) < len(even) / 4:
        return "utf-16-le"
    if even and even.count(0) > len(even) / 2 and odd.count(0) < len(odd) / 4:
        return "utf-16-be"
    return "utf-8"


def _decoded(file: str, data: bytes, encoding: str, setting: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        # A codec may tell the place within a part of the bytes alone; then the line is not known.
        inside = data[error.start : error.end] == error.object[error.start : error.end]
        start = error.start if inside else 0
        line = data.count(b"\n", 0, start) + 1
        found = repr(error.object[error.start : error.end][:8])
        raise unusable(
            f"{file}, line {line}",
            found,
            f"valid {title_of(encoding)}{_hint(data, start, setting)}",
        ) from error
    except UnicodeError as error:
        raise unusable(file, f"unreadable ({error})", f"valid {title_of(encoding)}") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        wanted = f"text without it; is it another encoding? Then say so in {setting}"
        raise unusable(f"{file}, line {line}", "a NUL character", wanted)
    return text


def title_of(encoding: str) -> str:
    """An encoding as a sentence names it."""
    return encoding.upper() if encoding.startswith("utf") else encoding


def _hint(data: bytes, start: int, setting: str) -> str:
    name = guessed(data)
    if name is None:
        return ""
    line = data[data.rfind(b"\n", 0, start) + 1 :].split(b"\n", 1)[0]
    before = len(data[data.rfind(b"\n", 0, start) + 1 : start])
    near = line[max(0, before - _NEAR) : before + _NEAR].decode(name, "replace").strip()
    return f'; or is it {setting} = "{name}"? Then it reads {near!r}'
