"""Settings as TOML text, the inverse of `tomllib` for tables of plain values.

The standard library reads TOML and does not write it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(settings: dict[str, Any]) -> str:
    """TOML that reads back as equal settings.

    Args:
        settings: strings, numbers, booleans, lists and dictionaries. None, which TOML cannot
            say, is left out: a missing key means its default.
    """
    return "\n".join(_table(settings, ())).strip("\n") + "\n"


def _table(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Lines of a table: its values, then its tables and its arrays of tables."""
    present = {key: value for key, value in table.items() if value is not None}
    inner = {key: value for key, value in present.items() if _is_nested(value)}
    for key, value in present.items():
        if key not in inner:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in inner.items():
        name = ".".join(_key(part) for part in (*path, key))
        if isinstance(value, dict):
            yield from ("", f"[{name}]", *_table(value, (*path, key)))
        else:
            for entry in value:
                yield from ("", f"[[{name}]]", *_table(entry, (*path, key)))


def _is_nested(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(entry, dict) for entry in value)
    return isinstance(value, dict)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(entry) for entry in value) + "]"
    if isinstance(value, dict):
        present = ((key, entry) for key, entry in value.items() if entry is not None)
        return "{" + ", ".join(f"{_key(key)} = {_value(entry)}" for key, entry in present) + "}"
    return repr(value)  # integers and floats; Python and TOML agree, also on inf and nan


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
