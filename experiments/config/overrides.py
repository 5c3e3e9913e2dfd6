"""Walking through settings by path: what a key may be, where `--set` puts a value."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Field

from simulator.errors import ConfigError, closest

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
"""A name of the user's: a step of a path, part of a folder's name and of a column's."""

DEEPEST = 64
"""Tables and lists of settings that may stand within each other."""

_TOO_DEEP = f"within each other too often, must be at most {DEEPEST} deep"
_TOO_LONG = "must be one of at most 1,000 digits"
_LONGEST_BITS = 3_320


@dataclass(frozen=True)
class Node:
    """A place in the tree of settings.

    Attributes:
        kinds: types that the value may have; several for a union.
        value: what the settings hold there, None where nothing is set.
        description: of the field, "" where it has none.
        tagged: whether pydantic names the chosen type in the path below this place.
    """

    kinds: tuple[Any, ...]
    value: Any = None
    description: str = ""
    tagged: bool = False

    @property
    def model(self) -> type[BaseModel] | None:
        """The settings class at this place; among several the one that the value is most like."""
        models = [kind for kind in self.kinds if isinstance(kind, type) and _is_model(kind)]
        if len(models) > 1 and isinstance(self.value, dict):
            return max(models, key=self._likeness)
        return models[0] if models else None

    def _likeness(self, model: type[BaseModel]) -> tuple[bool, int]:
        return self.value.get("type") in _tags(model), len(self.value.keys() & model.model_fields)

    def child(self, key: str | int) -> "Node | None":
        """The place one step further; None where there can be none."""
        value = _entry(self.value, key)
        if self.model is not None:
            info = self.model.model_fields.get(str(key))
            return _node(info.annotation, value, info.description or "") if info else None
        for kind in self.kinds:
            origin, parts = get_origin(kind), get_args(kind)
            if origin is dict:
                return _node(parts[1], value)
            if origin in (list, tuple) and isinstance(key, int):
                entries = [part for part in parts if part is not ...]
                return _node(entries[min(key, len(entries) - 1)], value)
        return None

    def keys(self) -> list[str]:
        """The keys that are known at this place."""
        if self.model is not None:
            return list(self.model.model_fields)
        if isinstance(self.value, dict):
            return list(self.value)
        if isinstance(self.value, list):
            return [name_of(entry, number) for number, entry in enumerate(self.value)]
        return []


def _is_model(kind: type) -> bool:
    return get_origin(kind) is None and issubclass(kind, BaseModel)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    info = model.model_fields.get("type")
    return get_args(info.annotation) if info else (None,)


def _entry(value: Any, key: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    return None


def _node(annotation: Any, value: Any, description: str = "") -> Node:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, UnionType):
        return Node((annotation,), value, description)
    members = [_node(part, value) for part in get_args(annotation) if part is not NoneType]
    kinds = tuple(kind for member in members for kind in member.kinds)
    return Node(kinds, value, description, tagged=len(kinds) > 1)


def name_of(entry: Any, number: int) -> str:
    """How an entry of a list is called in a path: by its name where it has one."""
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) and name else str(number)


def suggestion(word: str, known: Sequence[str], place: str = "") -> str:
    """What a word must be: the closest known one first, else all that are known."""
    near = closest(word, known)
    prefix = f"{place}." if place else ""
    if near:
        return f"{prefix}{near} (the closest known)"
    return f"one of {', '.join(sorted(known))}" if known else "left out"


def unknown(place: str, names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Those of some names that are not known, as place, value found and value wanted."""
    return [
        f"{place} == {name!r}, must be {suggestion(name, known)}"
        for name in names
        if name not in known
    ]


def alike(place: str, names: Iterable[str]) -> list[str]:
    """Names that differ in small and capital letters alone: columns and folders may not know them
    apart."""
    first: dict[str, str] = {}
    return [
        f"{place} == {name!r} and {other!r}, must differ in more than small and capital letters"
        for name in names
        if (other := first.setdefault(name.lower(), name)) != name
    ]


def check_once(place: str, names: Iterable[str]) -> None:
    """Refuse a name that is given twice.

    Raises:
        ValueError: with the first such name.
    """
    for name, count in Counter(names).items():
        if count > 1:
            raise ValueError(f"{place} == {name!r} twice, must be named once")


def set_value(
    model: type[BaseModel], settings: dict[str, Any], assignment: str, option: str = "--set"
) -> str:
    """Carry out one `path.to.key=value` on raw settings.

    An entry of a list is named by its number or its `name`; the value is read as TOML, or else
    taken as a string.

    Args:
        option: by which it was given, for errors.

    Returns:
        The path as errors show it.

    Raises:
        ConfigError: there is no such path, or the assignment has no `=`.
    """
    path, equals, text = assignment.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"{option} {assignment}, must be path.to.key=value")
    node, holder = Node((model,), settings), settings
    for depth, key in enumerate(keys):
        step = _number(node.value, key)
        child = node.child(step)
        if child is None or not _may_add(node, step):
            place = ".".join(keys[:depth])
            raise ConfigError(
                f"{option} {assignment}: {'.'.join(keys[: depth + 1])} is not a setting, "
                f"must be {suggestion(key, node.keys(), place)}"
            )
        if depth == len(keys) - 1:
            with _of_option(f"{option} {assignment}"):
                holder[step] = parse_value(text.strip(), child)  # type: ignore[index]
        else:
            if child.value is None:
                holder[step] = {}  # type: ignore[index]
            holder = holder[step]  # type: ignore[index]
            if not isinstance(holder, dict | list) and child.child(keys[depth + 1]) is not None:
                place = ".".join(keys[: depth + 1])
                raise ConfigError(
                    f"{option} {assignment}: {place} == {holder!r}, must be a table to set "
                    f"{keys[depth + 1]} in it"
                )
            node = Node(child.kinds, holder, child.description)
    return ".".join(keys)


@contextmanager
def _of_option(given: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{given.partition('=')[0]}: {error}") from error


def _number(value: Any, key: str) -> str | int:
    """A list's entry by name or number; -1 where there is none."""
    if not isinstance(value, list):
        return key
    names = [name_of(entry, number) for number, entry in enumerate(value)]
    if key in names:
        return names.index(key)
    return int(key) if key.isdecimal() and int(key) < len(value) else -1


def _may_add(node: Node, step: str | int) -> bool:
    """Whether a step leads to a field, an existing entry, or a new plain entry of a table."""
    if isinstance(step, int):
        return step >= 0
    if node.model is not None or (isinstance(node.value, dict) and step in node.value):
        return True
    child = node.child(step)
    return child is not None and child.model is None


def parse_toml(text: str, place: str) -> dict[str, Any]:
    """A TOML text as a table.

    Args:
        place: where it comes from, for errors.

    Raises:
        ConfigError: it is TOML that cannot be settings: too deep, a number of too many digits.
        TOMLDecodeError: it is not TOML.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise ConfigError(f"{place} == tables or lists {_TOO_DEEP}") from error
    except ValueError as error:  # Python reads no number of more digits
        raise ConfigError(f"{place} == a number of thousands of digits, {_TOO_LONG}") from error
    level: list[Any] = [table]
    for _ in range(DEEPEST):
        level = [part for each in level for part in _parts(each)]
        if any(isinstance(part, int) and part.bit_length() > _LONGEST_BITS for part in level):
            raise ConfigError(f"{place} == a number of thousands of digits, {_TOO_LONG}")
    if level:
        raise ConfigError(f"{place} == tables or lists {_TOO_DEEP}")
    return table


def _parts(value: Any) -> Iterable[Any]:
    """What a table or a list holds."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def parse_value(text: str, node: Node) -> Any:
    """A value as TOML reads it; as a string where it is none, or where a string is wanted.

    Raises:
        ConfigError: as of `parse_toml`.
    """
    shown = text if len(text) <= 40 else f"{text[:37]}..."
    try:
        table = parse_toml(f"value = {text}", shown)
    except tomllib.TOMLDecodeError:
        return text
    value = table["value"] if list(table) == ["value"] else text
    return text if node.kinds == (str,) and not isinstance(value, str) else value
