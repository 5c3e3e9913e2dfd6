"""Public JSON files: records written in one step, and read strictly.

The keys of a file are the fields of its record and of the rows in it. A key that is missing or
unknown, or a value of another type, is an error that names file and place: read in good faith, a
renamed key would leave a hole in a report.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from experiments.records.files import read_json, reading, storing, write_json
from simulator.errors import DataError

_TOLD = 3  # findings that an error lists
_READERS: dict[type, TypeAdapter[Any]] = {}


@dataclass(frozen=True)
class Record:
    """The content of one public JSON file.

    Attributes:
        schema: version of the keys.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)
    FILE: ClassVar[str]
    """Name of the file in a run folder."""
    COMMAND: ClassVar[str]
    """The command that writes it."""
    WITH: ClassVar[str] = ""
    """The setting that it needs; "" for none."""

    schema: int = field(default=2, kw_only=True)


AnyRecord = TypeVar("AnyRecord", bound=Record)
Row = TypeVar("Row")
Key = TypeVar("Key")


def write_record(folder: Path, record: Record) -> None:
    """Write a record into a run folder; an older file is replaced in one step.

    Raises:
        StoreError: the folder cannot be written.
    """
    with storing(folder / record.FILE):
        write_json(folder / record.FILE, record)


def read_record(kind: type[AnyRecord], folder: Path) -> AnyRecord:
    """Read what `write_record` wrote.

    Args:
        kind: which record.
        folder: the run folder.

    Raises:
        StoreError: the file is not there or not whole.
        DataError: it is of another version, or its keys are not those of the record.
    """
    path = folder / kind.FILE
    with reading(path):
        told = path.read_bytes()
    try:
        record = _reader(kind).validate_json(told)
    except ValidationError as error:
        _check_version(kind, path, read_json(path))
        found = [_told(kind, each) for each in error.errors()]
        more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
        raise DataError(f"{path}: {'; '.join(found[:_TOLD])}{more}") from error
    _check_version(kind, path, {"schema": record.schema})
    return record


def _reader(kind: type[AnyRecord]) -> TypeAdapter[AnyRecord]:
    """What reads a kind of record, made once: that takes longer than reading."""
    if kind not in _READERS:
        _READERS[kind] = TypeAdapter(kind)
    return _READERS[kind]


def find_record(kind: type[AnyRecord], folder: Path) -> AnyRecord | None:
    """The same, or None where the folder has no such file."""
    return read_record(kind, folder) if (folder / kind.FILE).is_file() else None


def rows_of(rows: Iterable[Row], **keys: object) -> list[Row]:
    """The rows that have these values."""
    return [row for row in rows if all(getattr(row, key) == keys[key] for key in keys)]


def row_of(rows: Iterable[Row], **keys: object) -> Row | None:
    """The first row that has these values; None where there is none."""
    return next(iter(rows_of(rows, **keys)), None)


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Rows, or whatever, by what a key is of them, in the order in which the keys come up."""
    groups: dict[Key, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def row_types(kind: Any) -> list[type]:
    """The record or rows that a field of this type holds, through lists, objects and None."""
    if isinstance(kind, type) and is_dataclass(kind):
        return [kind]
    return [row for part in get_args(kind) for row in row_types(part)]


def _check_version(kind: type[Record], path: Path, content: object) -> None:
    found = content.get("schema") if isinstance(content, dict) else None
    if found != kind.schema:
        raise DataError(
            f"{path}: schema == {found!r}, must be {kind.schema}: it was written by another "
            f"version of funnelab; write it again by `{kind.COMMAND}` into a new folder"
        )


def _told(kind: type[Record], error: ErrorDetails) -> str:
    """One finding: its place, what was found and what is wanted."""
    *above, last = error["loc"]
    if error["type"] == "missing":
        return f"{_place(error['loc'])} is missing"
    if error["type"] == "unexpected_keyword_argument":
        near = get_close_matches(str(last), _keys(kind, above), n=1)
        inside = f"{_place(above)}: " if above else ""
        closest = f" (the closest known: {near[0]!r})" if near else ""
        return f"{inside}unknown key {last!r}{closest}"
    return f"{_place(error['loc'])} == {error['input']!r}, must be right: {error['msg']}"


def _place(steps: Sequence[int | str]) -> str:
    """Such as estimates[3].relative.low."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return "".join(parts).removeprefix(".")


def _keys(kind: type, steps: Sequence[int | str]) -> list[str]:
    """The keys of the row at a place."""
    rows = [kind]
    for step in steps:
        if isinstance(step, str):
            hints = [get_type_hints(row).get(step) for row in rows]
            rows = [row for hint in hints for row in row_types(hint)] or rows
    return [each.name for row in rows for each in fields(row)]
