"""The text of an XML file as a stream, whatever its packing and its encoding."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from simulator.files.tables.decoding import by_mark, guessed, title_of
from simulator.files.tables.findings import unusable
from simulator.files.tables.formats import AUTO

_PART = 1 << 16  # bytes that are held at once
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_WIDE = ("utf-16", "utf-32", "ucs-2", "ucs-4", "iso-10646")  # two or four bytes to a letter
_MARKED = ("utf-8-sig", "utf-16", "utf-32")  # a byte order mark says more than these names
_NEAR = 30  # characters of a line that a finding repeats


def utf8_of(path: Path, encoding: str, setting: str) -> Iterator[bytes]:
    """The file as UTF-8, in parts.

    Args:
        encoding: name of an encoding, or `auto`: that of a byte order mark, else the one that the
            file declares, else UTF-8.
        setting: what gives the encoding, for findings.

    Raises:
        UnusableFile: it cannot be read or unpacked, or is no text of its encoding.
    """
    parts = _parts(path)
    first = next(parts, b"")
    mark, name = by_mark(first) or (b"", "")
    if encoding not in (AUTO, name, *_MARKED):
        mark, name = b"", ""
    asked = name or encoding
    if asked == AUTO:
        asked = _declared(path.name, first, setting)
    decode, twin = codecs.getincrementaldecoder(asked)("strict"), _Utf8Twin(asked, name, encoding)
    data, line = first[len(mark) :], 1
    while data:
        try:
            text = decode.decode(data)
        except UnicodeError as error:
            raise _undecodable(path.name, data, line, asked, setting, error) from error
        twin.read(data)
        line += text.count("\n")
        yield text.encode("utf-8", "surrogatepass")
        data = next(parts, b"")
    try:
        yield decode.decode(b"", True).encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        wanted = f"complete {title_of(asked)}"
        raise unusable(f"{path.name}, line {line}", "a letter that is cut off", wanted) from error
    if twin.agrees:
        said = f'UTF-8 by its bytes; say which it is: {setting} = "utf-8" or "{asked}"'
        raise unusable(path.name, f"declared as {title_of(asked)}", said)


def head_of(path: Path) -> bytes:
    """The first bytes of a file, unpacked.

    Raises:
        UnusableFile: it cannot be read or unpacked.
    """
    return next(_parts(path), b"")[:64]


class _Utf8Twin:
    """Whether a file that declares another encoding is UTF-8 all the same, with odd letters."""

    def __init__(self, asked: str, mark: str, given: str) -> None:
        self._doubted = given == AUTO and not mark and codecs.lookup(asked).name != "utf-8"
        self._decode = codecs.getincrementaldecoder("utf-8")("strict")
        self.agrees = False

    def read(self, data: bytes) -> None:
        """Look at some more."""
        if not self._doubted:
            return
        try:
            self._decode.decode(data)
            self.agrees = self.agrees or not data.isascii()
        except UnicodeDecodeError:
            self._doubted = self.agrees = False


def _parts(path: Path) -> Iterator[bytes]:
    """The bytes of a file, unpacked."""
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            while part := stream.read(_PART):
                yield part
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unusable(path.name, f"unreadable ({reason})", "a complete file") from error


def _declared(file: str, first: bytes, setting: str) -> str:
    """The encoding that a file says it has.

    Raises:
        UnusableFile: an unknown one, or one that its first bytes are not of.
    """
    for name in ("utf-16-le", "utf-16-be"):
        if first.startswith("<?xml".encode(name)) or first.startswith("<".encode(name)):
            return name
    found = _DECLARED.match(first.lstrip())
    if found is None:
        return "utf-8"
    name = found[1].decode("ascii")
    place, told = f"{file}, line 1", f"encoding {name!r}"
    if name.lower().startswith(_WIDE):
        wanted = f'the one of its bytes, which are single; say which it is: {setting} = "utf-8"'
        raise unusable(place, told, wanted)
    try:
        codecs.getincrementaldecoder(name)
        "a".encode(name)
    except (LookupError, UnicodeError, ValueError) as error:
        raise unusable(place, told, f"a known one; say which it is: {setting}") from error
    return name


def _undecodable(
    file: str, data: bytes, line: int, name: str, setting: str, error: UnicodeError
) -> Exception:
    start = error.start if isinstance(error, UnicodeDecodeError) else 0
    inside = isinstance(error, UnicodeDecodeError) and error.object == data
    line += data.count(b"\n", 0, start) if inside else 0
    bad = data[start : start + 1] if inside else getattr(error, "object", b"")[start : start + 1]
    other = guessed(data)
    hint = ""
    if other is not None and other != name:
        begin = max(0, start - _NEAR, data.rfind(b"\n", 0, start) + 1)
        near = data[begin : start + _NEAR].split(b"\n", 1)[0].decode(other, "replace").strip()
        hint = f'; or is it {setting} = "{other}"? Then it reads {near!r}'
    return unusable(f"{file}, line {line}", repr(bad), f"valid {title_of(name)}{hint}")
