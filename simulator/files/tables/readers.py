"""Reading a table from a file in any of the formats that shops export."""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulator.files.tables import delimited, jsontable, parquet
from simulator.files.tables.datapath import is_default
from simulator.files.tables.decoding import text_of
from simulator.files.tables.findings import unusable
from simulator.files.tables.formats import FormatSpec
from simulator.files.tables.table import Table, fields_of, filled
from simulator.files.tables.xmlfiles import xmltable
from simulator.files.tables.xmlfiles.xmltext import head_of

DELIMITED = (".csv", ".tsv", ".tab", ".txt")
JSON = (".jsonl", ".ndjson", ".json")
PARQUET = (".parquet", ".pq")
XML = (".xml", ".rss", ".atom")
PACKED = ".gz"
XML_MARKS = (b"<?xml", b"<rss")

# What files begin with that are not what their name says, and what to do with them.
_STRANGERS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "the table inside, exported as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "the table inside, exported as CSV"),
    (b"PAR1", "a Parquet file by its content", "a name that ends in .parquet"),
    (b"%PDF", "a PDF document", "a table"),
    (b"version https://git-lfs", "a pointer of Git LFS", "the file itself (git lfs pull)"),
    (b"<!DOCTYPE html", "a web page", "a table"),
    (b"<html", "a web page", "a table"),
    (XML_MARKS[0], "an XML document by its content", "a name that ends in .xml"),
    (XML_MARKS[1], "an XML feed by its content", "a name that ends in .xml"),
)


def read_table(path: Path, spec: FormatSpec, wanted: Mapping[str, str], setting: str) -> Table:
    """The wanted columns of a file, under the names that ask for them.

    Args:
        path: format by suffix: .parquet; .csv, .tsv, .tab or .txt; .json, .jsonl or .ndjson; .xml,
            .rss or .atom; all but the first also packed, with .gz behind.
        spec: how it is written, where it does not tell.
        wanted: setting that asks for a column -> the column's name in the file.
        setting: place of `spec`, for findings.

    Raises:
        UnusableFile: no such file, unknown suffix, empty, truncated, an encoding or a structure
            that cannot be read, a wanted column is missing, or no rows.
    """
    suffix = known_suffix(path, f"{setting.removesuffix('.format')}.path")
    if suffix in PARQUET:
        return filled(parquet.read_parquet(path, wanted))
    if suffix in XML:
        _refuse_stranger(path.name, head_of(path), but=XML_MARKS)
        return filled(xmltable.read_xml(path, spec, wanted, setting))
    text = file_text(path, spec, setting)
    if suffix in JSON:
        place = f"{setting}.records"
        return filled(jsontable.read_json(path.name, text, spec.records, wanted, place))
    return filled(delimited.read_delimited(path.name, text, spec, wanted, setting))


def table_columns(path: Path, spec: FormatSpec) -> list[str]:
    """The names of a file's columns, in their order; with the paths of nested fields, if any.

    Raises:
        UnusableFile: as `read_table`.
    """
    suffix = known_suffix(path)
    if suffix in PARQUET:
        return parquet.column_names(path)
    if suffix in XML:
        _refuse_stranger(path.name, head_of(path), but=XML_MARKS)
        return xmltable.xml_columns(path, spec)
    text = file_text(path, spec, "format")
    if suffix in JSON:
        records = jsontable.records_of(path.name, text, spec.records, "format.records")[0]
        return fields_of(records)
    return delimited.column_names(path.name, text, spec)


def known_suffix(path: Path, setting: str = "FILE") -> str:
    """The suffix that tells a file's format, without that of its packing.

    Args:
        setting: what gives the path, for findings.

    Raises:
        UnusableFile: the file is not there, or its suffix is of no known format.
    """
    if not _is_file(path):
        hint = " ($FUNNELAB_DATA names the folder of data sets)" if is_default(path) else ""
        raise unusable(setting, repr(str(path)), f"an existing file{hint}")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] == PACKED
    suffix = "".join(suffixes[-2:-1] if packed else suffixes[-1:])
    if suffix not in (*JSON, *DELIMITED, *XML, *(() if packed else PARQUET)):
        known = ", ".join((*PARQUET[:1], *DELIMITED, *JSON, *XML))
        hint = "; export a workbook as CSV" if suffix.startswith(".xls") else ""
        wanted = f"a file with suffix {known}, or one of them but the first with {PACKED}{hint}"
        raise unusable(setting, repr(str(path)), wanted)
    if path.stat().st_size == 0:
        raise unusable(path.name, "an empty file", "a table with at least one row")
    return suffix


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that cannot be one of a file
        return False


def file_text(path: Path, spec: FormatSpec, setting: str) -> str:
    """The text of a file that is not Parquet, unpacked.

    Raises:
        UnusableFile: it cannot be read or unpacked, is no text, or something else than it says.
    """
    data = file_bytes(path)
    _refuse_stranger(path.name, data[:64])
    text = text_of(path.name, data, spec.encoding, f"{setting}.encoding")
    if not text.strip():
        raise unusable(path.name, "an empty file", "a table with at least one row")
    return text


def _refuse_stranger(file: str, head: bytes, but: Sequence[bytes] = ()) -> None:
    """Refuse a file that begins like something else than its name says."""
    head = head.lstrip()
    for mark, found, wanted in _STRANGERS:
        if mark not in but and head[: len(mark)].lower() == mark.lower():
            raise unusable(file, found, wanted)


def file_bytes(path: Path) -> bytes:
    """What a file holds, unpacked."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unusable(path.name, f"unreadable ({reason})", "a complete file") from error
    return data
