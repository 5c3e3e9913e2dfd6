"""The house keeps its rooms: who may read whom, how full they are, and what is where."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module

import pytest

from tests.house import SOURCES, text_of, tree_of

MOST_FILES = 14  # of a room, `__init__` apart
MOST_LINES = 400
MOST_OF_A_FUNCTION = 70

# Of each room, the rooms of its package that it may read. "." is the package's own files.
ROOMS = {
    "experiments": {
        "records": set(),
        "inference": {"records", "designs"},
        "truth": {"records", "inference"},
        "clickfits": set(),
        "designs": set(),
        "stress": {"records", "inference"},
        "config": {"designs", "inference", "stress"},
        "config.userdata": {"config"},
        "stages": {"config", "records"},
        "report": {"records", "inference"},
        "analyze": {"records", "stages", "inference", "config", "report"},
        "attribution.credit": {"records", "inference", "config", "stages"},
        "running": {
            *("records", "stages", "designs", "inference", "truth", "config", "report"),
            *("attribution.credit", "stress"),
        },
        "attribution": {
            *("records", "stages", "inference", "truth", "config", "report", "running"),
            "attribution.credit",
        },
        "idsbench": {"records", "stages", "inference", "config", "report", "running"},
        "rewardlab": {"records", "stages", "inference", "truth", "config", "report", "running"},
        "sweep": {
            *("records", "stages", "designs", "inference", "truth", "config", "report", "running"),
        },
        "validate": {
            *("records", "stages", "designs", "inference", "truth", "config", "report", "running"),
            "clickfits",
        },
        "calibrate": {
            *("records", "stages", "designs", "config", "running", "validate", "clickfits"),
        },
        "power": {"records", "stages", "inference", "report"},
        "operating": {
            *("records", "stages", "designs", "inference", "truth", "config", "report", "running"),
        },
        "notebook": {
            *("records", "stages", "inference", "config", "report", "running", "sweep"),
            *("attribution", "power", "rewardlab"),
        },
        "exporting": {"records", "inference", "report", "running", "notebook"},
        "environments": {"records", "config", "stages", "running", "attribution"},
        "commands": {
            "config.userdata",
            *("records", "stages", "inference", "config", "report", "running", "validate"),
            *("calibrate", "analyze", "power", "operating", "exporting", "notebook"),
            *("attribution", "attribution.credit", "idsbench", "rewardlab", "sweep"),
        },
        ".": {
            *("records", "inference", "config", "report", "stages", "running", "commands"),
            *("attribution", "idsbench", "rewardlab"),
        },
    },
    "cqsid": {
        "kernels": set(),
        "loggers": set(),
        "tokenizer": {"kernels"},
        "generator": {"tokenizer", "kernels"},
        "decoding": {"generator", "tokenizer", "kernels"},
        "training": {"decoding", "generator", "tokenizer", "kernels"},
        ".": {
            "decoding",
            "generator",
            "tokenizer",
            "training",
            "systems.chain",
            "systems.attributes",
        },
        "rewards": {"decoding", "generator", "tokenizer", "training"},
        "alignment": {
            *("rewards", "training", "decoding", "generator", "tokenizer", "kernels"),
            "loggers",
            ".",  # what is aligned is the trained system
        },
        "systems": set(),
        "systems.attributes": {"systems.writer", "training", "generator"},
        "systems.writer": {
            *("alignment", "training", "decoding", "generator", "tokenizer", "kernels"),
        },
        "systems.chain": {
            *("alignment", "rewards", "training", "decoding", "generator", "tokenizer"),
            "kernels",
        },
    },
    "simulator": {
        ".": {"catalogue"},  # the catalogue is part of the protocols
        "catalogue": {"."},
        "shoppers": {".", "catalogue"},
        "files.tables": {"."},
        "files": {".", "catalogue", "shoppers", "files.tables"},
        "files.mapping": {".", "files", "files.tables"},
        "annotations": {".", "catalogue", "shoppers"},
        "behaviour": {".", "catalogue", "shoppers"},
        "log": {".", "catalogue", "shoppers", "behaviour"},
        "living": {".", "catalogue", "shoppers", "behaviour", "log"},
        "following": {".", "catalogue", "shoppers", "behaviour", "log", "living"},
    },
}
MODULES = {".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in SOURCES}


def _imported(tree: ast.Module) -> Iterator[str]:
    """Modules of this house that a module imports, also inside functions and for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def _graph() -> dict[str, set[str]]:
    """Of each module, those of this house that it reads."""
    return {
        name: {other for other in _imported(tree_of(path)) if other in MODULES and other != name}
        for name, path in MODULES.items()
    }


def _room(module: str, rooms: dict[str, set[str]]) -> str:
    """The room of a module: the longest that its name begins with."""
    inside = module.partition(".")[2]
    homes = [room for room in rooms if inside == room or inside.startswith(f"{room}.")]
    return max(homes, key=len, default=".")


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_read_only_the_rooms_they_stand_on(package: str) -> None:
    rooms = ROOMS[package]
    wrong = [
        f"{name} reads {other}"
        for name, read in _graph().items()
        if name.startswith(f"{package}.") and MODULES[name].name != "__init__.py"
        for other in sorted(read)
        if other.startswith(f"{package}.")
        and _room(other, rooms) not in rooms[_room(name, rooms)] | {_room(name, rooms)}
    ]
    assert wrong == []


def _circle(graph: dict[str, set[str]]) -> list[str]:
    """Some modules that read each other in a circle; none where there is no circle."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        for other in sorted(graph[name]):
            found = visit(other, [*path, name])
            if found:
                return found
        done.add(name)
        return []

    return next((found for name in graph if (found := visit(name, []))), [])


def test_no_modules_read_each_other_in_a_circle() -> None:
    files = {name for name, path in MODULES.items() if path.name != "__init__.py"}
    assert _circle({name: _graph()[name] & files for name in files}) == []


def test_a_circle_would_be_seen() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}
    assert _circle(graph) == ["b", "c"]
    assert _circle(graph | {"c": set()}) == []


def test_a_room_has_about_a_dozen_files_and_says_what_it_is() -> None:
    rooms = {path.parent for path in MODULES.values()}
    files = Counter(p.parent for p in MODULES.values() if p.name != "__init__.py")
    assert {str(room): n for room, n in files.items() if n > MOST_FILES} == {}
    silent = [room for room in rooms if not ast.get_docstring(tree_of(room / "__init__.py"))]
    assert silent == []


def test_files_and_functions_are_short_enough_to_read_at_once() -> None:
    long = []
    for name, path in MODULES.items():
        text = text_of(path)
        if text.count("\n") > MOST_LINES:
            long.append(f"{name}: {text.count(chr(10))} lines")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MOST_OF_A_FUNCTION:
                    long.append(f"{name}.{node.name}: {lines} lines")
    assert long == []


# Files named by their subject, where that is the word a reader looks for.
BY_SUBJECT = {
    "Analysis": "shown",
    "Config": "schema",
    "Draws": "randomness",
    "Expected": "expectation",
    "Picture": "shown",
    "Alignment": "trainer",
    "RewardMix": "registry",
}


def _exported() -> Iterator[tuple[str, str, type]]:
    for name, path in MODULES.items():
        if path.name == "__init__.py" and "exporter(" in text_of(path):
            package = import_module(name)
            for export in package.__all__:
                thing = getattr(package, export)
                if isinstance(thing, type):
                    yield name, export, thing


def test_an_exported_class_lives_in_the_file_of_its_name() -> None:
    """Or beside one that does: `Pool` with `Candidates`, `WorldSpec` with `World`."""
    exports = list(_exported())
    assert len(exports) > 20
    named = {thing.__module__ for _, name, thing in exports if _is_home(thing.__module__, name)}
    assert [name for _, name, thing in exports if thing.__module__ not in named] == []


def _is_home(module: str, name: str) -> bool:
    file = module.rpartition(".")[2].replace("_", "").removesuffix("s")
    if name in BY_SUBJECT:
        return module.endswith(f".{BY_SUBJECT[name]}")
    settings = file == "setting" and name.endswith("Spec")
    return settings or file in name.lower() or file in ("protocol", "error")
