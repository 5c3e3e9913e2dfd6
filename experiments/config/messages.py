"""Errors of a configuration in words: place, value found, value wanted; all of them at once."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from experiments.config.overrides import Node, name_of, suggestion

Steps = list[tuple[str, Node | None]]  # steps of a path, each with the place it leads to

_LONGEST_VALUE = 60  # characters of a value that an error repeats

# What a value must be, by pydantic's error type. Braces are filled from the error's context.
_WANTED = {
    "greater_than": "> {gt}",
    "greater_than_equal": ">= {ge}",
    "less_than": "< {lt}",
    "less_than_equal": "<= {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "finite_number": "a finite number",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "too_short": "at least {min_length}",
    "too_long": "at most {max_length}",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a text like {pattern}",
    "union_tag_invalid": "of type {expected_tags}",
    "union_tag_not_found": "a table with a key `type`",
}
_WANTED_BY_KIND = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "dict": "a table",
    "model": "a table",
    "path": "a path",
}


def explain(
    error: ValidationError,
    model: type[BaseModel],
    settings: dict[str, Any],
    *,
    origin: Callable[[str], str],
) -> str:
    """Every problem on its own line, as `origin: section.key == value, must be ...`.

    Args:
        error: what pydantic found.
        model: the settings class that was to be built.
        settings: the raw settings it was to be built from.
        origin: names the file or option that a path comes from.
    """
    lines: list[str] = []
    top = Node((model,), settings)
    problems = [
        (dict(problem), [("", top), *_walk(top, problem["loc"])])
        for problem in error.errors(include_url=False)
    ]
    meant = {_place(steps) for problem, steps in problems if not _of_another_type(problem)}
    for problem, steps in problems:
        place = _place(steps)
        nearer = any(other == place or other.startswith(f"{place}.") for other in meant)
        if _of_another_type(problem) and nearer:
            continue  # of a union's types the one that the value is of tells what is wrong
        if _only_for_its_entries(problem):
            continue
        sentences = _sentence(problem, place, steps).split("\n")
        lines += [f"{origin(each.partition(' ')[0])}: {each}" for each in sentences]
    return "\n".join(dict.fromkeys(lines))


def _of_another_type(problem: dict[str, Any]) -> bool:
    return str(problem["type"]).endswith("_type")


def _place(steps: Steps) -> str:
    return ".".join(
        step if len(step) <= _LONGEST_VALUE else f"{step[: _LONGEST_VALUE - 3]}..."
        for step, _ in steps[1:]
    )


def _walk(node: Node | None, path: tuple[str | int, ...]) -> Iterator[tuple[str, Node | None]]:
    """Steps of an error's path with the place each leads to; a union's chosen type is no step."""
    skip = False
    for step in path:
        if skip:
            skip = False
            continue
        if node is None:
            yield str(step), None
            continue
        value = node.value
        node = node.child(step)
        there = isinstance(step, int) and isinstance(value, list) and step < len(value)
        named = name_of(value[step], step) if there else str(step)  # type: ignore[arg-type]
        yield named, node
        skip = node is not None and node.tagged


def _only_for_its_entries(problem: dict[str, Any]) -> bool:
    """Whether a list is found too short because entries of it are wrong, which is told."""
    if problem["type"] != "too_short":
        return False
    return bool(len(problem["input"]) >= problem["ctx"]["min_length"])


def _sentence(problem: dict[str, Any], place: str, steps: Steps) -> str:
    kind, found = problem["type"], _shown(problem["input"])
    if kind in ("too_short", "too_long"):
        found = f"{len(problem['input'])} entries"
    word, node = steps[-1]
    meaning = f" ({node.description})" if node and node.description else ""
    if kind == "missing":
        return f"{place} is missing, must be given{meaning}"
    if kind == "extra_forbidden":
        parent = steps[-2][1]
        known = suggestion(word, parent.keys() if parent else [], _place(steps[:-1]))
        return f"{place} == {found} is not a setting, must be {known}"
    if kind in ("value_error", "assertion_error"):
        text = str(problem["ctx"]["error"])
        return text if " == " in text else f"{place} == {found}, {text}"
    return f"{place} == {found}, must be {_wanted(problem)}{meaning}"


def _wanted(problem: dict[str, Any]) -> str:
    kind: str = problem["type"]
    if kind in _WANTED:
        return _WANTED[kind].format(**problem.get("ctx", {}))
    for family, wanted in _WANTED_BY_KIND.items():
        if kind.startswith(family + "_"):
            return wanted
    return f"otherwise: {problem['msg']}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
