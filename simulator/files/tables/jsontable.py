"""Reading JSON: a record on each line, a list of records, or records inside an object."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulator.files.tables.findings import FileFinding, UnusableFile, short, told, unusable
from simulator.files.tables.table import Table, cells_of, fields_of, reached, require, shown

_OBJECT = "a JSON object"
_SAMPLED = 200  # records that tell the fields, for a hint
_REASON = 200  # characters of a reason that a finding repeats

Record = dict[str, Any]


class _TwiceError(ValueError):
    """A key that an object has twice."""


def read_json(file: str, text: str, path: str, wanted: Mapping[str, str], setting: str) -> Table:
    """The wanted fields of all records; a dotted path leads into objects and lists.

    Args:
        file: name of the file, for findings.
        text: all of it.
        path: where the list of records is, as `data.products`; "": found.
        wanted: setting that asks for a field -> its name or path.
        setting: what gives `path`, for findings.

    Raises:
        UnusableFile: no JSON, no list of records, or a field that no record has. A record that is
            no object, or a line that is none, is among the table's broken rows.
    """
    names = list(wanted.values())
    records, numbers, unit, broken = records_of(file, text, path, setting, names)
    if records:
        try:
            require(file, _known(records, wanted.values()), wanted)
        except UnusableFile as error:
            raise UnusableFile([*told(broken), *error.findings]) from error
    columns = {
        name: cells_of(reached(record, name)[1] for record in records) for name in wanted.values()
    }
    return Table(file, unit, np.array(numbers, np.int64), columns, tuple(broken))


def records_of(
    file: str, text: str, path: str = "", setting: str = "records", names: Sequence[str] = ()
) -> tuple[list[Record], list[int], str, list[FileFinding]]:
    """The records of a text, their numbers, what the numbers count, and what is no record.

    An object that has one of the `names` is a record itself, whatever lists are in it; unless it
    has one list, the records of which have more of them.
    """
    first = text.lstrip()[:1]
    if not first:
        raise unusable(file, "an empty file", "a table with at least one row")
    try:
        whole = _parsed(text)
    except (ValueError, RecursionError) as error:
        if first == "[" or path:
            raise _unreadable(file, "complete JSON", error) from error
        return _by_line(file, text)
    alone = isinstance(whole, dict) and _is_record(whole, names)
    if isinstance(whole, dict) and not path and (alone or not _lists_in(whole)):
        if whole and all(isinstance(each, dict) for each in whole.values()):
            wanted = "a list of records (this is an object with a record under each key)"
            raise unusable(file, short(whole), wanted)
        return [whole], [1], "line", []
    found = _list_in(file, whole, path, setting)
    records = [(number, each) for number, each in enumerate(found, 1)]
    broken = [
        FileFinding(f"{file}, record {number}", short(each), _OBJECT)
        for number, each in records
        if not isinstance(each, dict)
    ]
    good = [(number, each) for number, each in records if isinstance(each, dict)]
    return [each for _, each in good], [number for number, _ in good], "record", broken


def _is_record(whole: Record, names: Sequence[str]) -> bool:
    """Whether an object is a record, and not what holds a list of records."""
    own = sum(reached(whole, name)[0] for name in names)
    listed = _lists_in(whole)
    if len(listed) != 1:
        return own > 0
    inner = [each for each in reached(whole, listed[0])[1][:_SAMPLED] if isinstance(each, dict)]
    known = sum(any(reached(each, name)[0] for each in inner) for name in names)
    return own > 0 and own >= known


def _by_line(file: str, text: str) -> tuple[list[Record], list[int], str, list[FileFinding]]:
    """A record of each line; lines end with a line feed alone, whatever else a text may hold."""
    records, numbers, broken = [], [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{file}, line {number}"
        try:
            record = _parsed(line)
        except (ValueError, RecursionError) as error:
            hint = " (this is a Python literal, not JSON)" if line.startswith("{'") else ""
            wanted = f"one complete JSON object{hint}"
            broken.append(FileFinding(place, f"unreadable ({_reason(error)})", wanted))
            continue
        if isinstance(record, dict):
            records.append(record)
            numbers.append(number)
        else:
            broken.append(FileFinding(place, short(record), _OBJECT))
    return records, numbers, "line", broken


def _parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _TwiceError(f"the key {short(twice)} stands twice in one object")
    return record


def _list_in(file: str, whole: Any, path: str, setting: str) -> Sequence[Any]:
    """The list of records in what a file holds."""
    if path:
        there, found = reached(whole, path)
        if not there or not isinstance(found, list):
            known = ", ".join(repr(name) for name in _lists_in(whole)) or "none"
            raise unusable(setting, repr(path), f"the path of a list in {file} (lists: {known})")
        return found
    if isinstance(whole, list):
        return whole
    listed = _lists_in(whole)
    if len(listed) > 1:
        raise unusable(
            setting, repr(path), f"the path of one list of records in {file}: {shown(listed)}"
        )
    if listed:
        return list(reached(whole, listed[0])[1])
    raise unusable(file, short(whole), "a list of JSON objects")


def _lists_in(whole: Any, prefix: str = "", depth: int = 2) -> list[str]:
    """Paths of the lists of objects inside an object."""
    found = []
    for name, value in whole.items() if isinstance(whole, Mapping) else ():
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            found.append(prefix + name)
        elif isinstance(value, Mapping) and depth:
            found += _lists_in(value, f"{prefix}{name}.", depth - 1)
    return found


def _known(records: Sequence[Record], wanted: Any) -> list[str]:
    """The fields of some records, and those of all that are asked for and are in any."""
    known = fields_of(records[:_SAMPLED])
    for name in wanted:
        if name not in known and any(reached(record, name)[0] for record in records):
            known.append(name)
    return known


def _unreadable(file: str, wanted: str, error: Exception) -> Exception:
    line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
    return unusable(f"{file}{line}", f"unreadable ({_reason(error)})", wanted)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "lists or objects are nested too deep"
    return " ".join(str(error).split())[:_REASON]
