"""What a cell holds: a text, a list, an object."""

import ast
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np


def text_in(value: object, joined: bool) -> str | None:
    """A cell as a text; None where it is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # an id or a name that a file keeps as 17.0
    if isinstance(value, list | tuple):
        texts = [text_in(each, joined=False) for each in value]
        if None in texts or (len(texts) > 1 and not joined):
            return None
        return " ".join(filter(None, map(str, texts)))
    if isinstance(value, bool | np.bool_ | Mapping | bytes):
        return None
    try:
        return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
    except ValueError:  # a whole number beyond what Python prints
        return None


def kind_of(value: object) -> str:
    """What a cell holds, in a word."""
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, list | tuple):
        return "list"
    return "JSON object" if isinstance(value, Mapping) else type(value).__name__


def is_unicode(text: str) -> bool:
    """Whether a text has no half of a character, which no file can hold."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def list_in(value: object) -> list[Any] | None:
    """A list, also one that a text holds as JSON or as Python prints it; None for anything else."""
    if isinstance(value, str) and value.strip()[:1] == "[" and value.strip()[-1:] == "]":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            try:
                value = ast.literal_eval(str(value).strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                return None
    if not isinstance(value, list | tuple):
        return None
    values = list(value)
    if values and all(isinstance(path, list | tuple) for path in values):
        values = list(values[0])  # alternatives, each a path of its own
    return [v for v in values if v not in (None, "")]


def object_in(value: object) -> dict[str, Any] | None:
    """A JSON object given as text or already parsed; None for anything else."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None
