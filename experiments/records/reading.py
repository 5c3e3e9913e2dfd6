"""Records of frozen rows as JSON files: written in one step, checked when they are read."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from experiments.stages.files import read_json, write_json
from simulator.errors import DataError

Record = TypeVar("Record")


def write_record(path: Path, record: Any) -> None:
    """Write a dataclass as JSON; an older file is replaced in one step."""
    write_json(path, asdict(record))


def read_as(kind: type[Record], path: Path, schema: int) -> Record:
    """Read what `write_record` wrote.

    Args:
        kind: the dataclass; one of its fields is `schema`.
        path: the file.
        schema: version of the keys that is wanted.

    Raises:
        StoreError: the file is not there or not whole.
        DataError: it is not such a record, or of another version.
    """
    content = read_json(path)
    found = content.get("schema") if isinstance(content, dict) else None
    if found != schema:
        raise DataError(f"{path}: schema == {found!r}, must be {schema}")
    try:
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {place} == {first['input']!r}, {first['msg']}") from error
