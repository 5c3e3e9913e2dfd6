"""Which source files make what a task makes: the module that defines it, and all it imports.

Found by reading the files, without importing anything. A module counts with the `__init__` of
every package on its path; imports inside functions count as those at the top do. A name that a
package offers through `simulator.exports.exporter` leads to the module it lives in, and no other.

What does not count: imports for type checkers alone, for they decide nothing; the standard library
and installed libraries, whose versions the manifest tells; and modules that are loaded by a
computed name, which no reader of files can follow. This project loads that way only what settings
name, and they tell it to a stage's key (`simulator.spec.Spec.code`).
"""

import ast
import re
import site
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path

from simulator.calling import PACKAGES, is_installed
from simulator.exports import offered

# The settings of a whole run import those of every lab. What of them decides a stage is in its key,
# by value and by the module of its class: so this module counts, but not what it imports.
_BY_VALUE = "experiments.config.schema"

_LIBRARIES = [
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    site.getusersitepackages(),
]
_LAST_IMPORT = re.compile(rb"(?s).*\b(?:import|exporter)\b")
_NEXT_STATEMENT = re.compile(rb"\n(?=\w)")
_EVERYTHING = "*"

Asked = tuple[str, str]
"""A module, and the name that is asked of it: `*` for any, nothing for the module alone."""


@dataclass(frozen=True)
class _Parsed:
    """What a file imports.

    Attributes:
        asked: what is asked of which module; a relative one has its leading dots.
        homes: of names that a package offers lazily, the modules that they live in.
    """

    asked: tuple[Asked, ...] = ()
    homes: Mapping[str, str] = field(default_factory=dict)


class Sources:
    """The source files of this process, each read once.

    Args:
        read: gives the bytes of a file.
    """

    def __init__(self, read: Callable[[Path], bytes] = Path.read_bytes) -> None:
        self._read = read
        self._bytes: dict[Path, bytes] = {}
        self._places: dict[str, ModuleSpec | None] = {}
        self._closures: dict[frozenset[str], Mapping[str, Path]] = {}

    def closure(self, modules: Iterable[str]) -> Mapping[str, Path]:
        """The files of these modules and of all that they import, by the modules' names.

        Raises:
            ModuleNotFoundError: one of these has no file.
        """
        wanted = frozenset(modules)
        for module in wanted:
            if not self.has(module):
                raise ModuleNotFoundError(f"no source for module {module!r}", name=module)
        if wanted not in self._closures:
            self._closures[wanted] = self._followed(wanted)
        return self._closures[wanted]

    def digest(self, files: Mapping[str, Path]) -> str:
        """SHA-256 of a closure, by the names of its modules and the bytes of its files."""
        digest = sha256()
        for module, file in sorted(files.items()):
            digest.update(f"{module}\0".encode())
            digest.update(sha256(self._source(file)).digest())
        return digest.hexdigest()

    def has(self, module: str) -> bool:
        """Whether a module lies in a file."""
        return self._file(module) is not None

    def _followed(self, modules: frozenset[str]) -> Mapping[str, Path]:
        asked: list[Asked] = [(module, _EVERYTHING) for module in modules]
        named = {_top(module) for module in modules}  # a plug-in may be an installed package
        found: dict[str, Path] = {}
        seen: set[Asked] = set()
        while asked:
            module, name = each = asked.pop()
            if each in seen or not (_top(module) in named or self._is_own(_top(module))):
                continue
            seen.add(each)
            file = self._file(module)
            if file is not None and module not in found:
                found[module] = file
                asked += self._imports(module) if module != _BY_VALUE else ()
            asked += self._beside(module, name)
        return found

    def _beside(self, module: str, name: str) -> Iterator[Asked]:
        """What else is loaded when a name is asked of a module."""
        package, _, _ = module.rpartition(".")
        if package:
            yield package, ""
        if name:
            yield f"{module}.{name}", ""
            homes = self._parsed(module).homes
            for each in homes if name == _EVERYTHING else homes.keys() & {name}:
                yield homes[each], ""

    def _imports(self, module: str) -> Iterator[Asked]:
        place = self._place(module)
        package = place.parent if place is not None else None
        for target, name in self._parsed(module).asked:
            yield _absolute(target, package), name

    def _is_own(self, top: str) -> bool:
        """Whether a top-level module is this project's or one of the user's own files."""
        place = self._place(top)
        if top in PACKAGES or place is None:
            return top in PACKAGES
        found = [place.origin] if place.has_location else place.submodule_search_locations or ()
        paths = [Path(str(each)) for each in found]
        return bool(paths) and not any(
            is_installed(path) or any(path.is_relative_to(library) for library in _LIBRARIES)
            for path in paths
        )

    def _place(self, module: str) -> ModuleSpec | None:
        if module not in self._places:
            package, _, _ = module.rpartition(".")
            self._places[module] = (
                _inside(self._place(package), module) if package else _top_level(module)
            )
        return self._places[module]

    def _file(self, module: str) -> Path | None:
        place = self._place(module)
        return Path(str(place.origin)) if place is not None and place.has_location else None

    def _parsed(self, module: str) -> _Parsed:
        file = self._file(module)
        is_python = file is not None and file.suffix == ".py"
        return _parse(self._source(file)) if file is not None and is_python else _Parsed()

    def _source(self, file: Path) -> bytes:
        if file not in self._bytes:
            self._bytes[file] = self._read(file)
        return self._bytes[file]


SOURCES = Sources()


def _top(module: str) -> str:
    return module.partition(".")[0]


def _absolute(module: str, package: str | None) -> str:
    if not module.startswith("."):
        return module
    try:
        return resolve_name(module, package)
    except ImportError:  # above the top: no import will find it
        return ""


def _top_level(module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except (ImportError, ValueError):  # a module that was made, not found, has no file
        return None


def _inside(package: ModuleSpec | None, module: str) -> ModuleSpec | None:
    """Where a module of a package lies; asking `find_spec` would import the package."""
    if package is None or package.submodule_search_locations is None:
        return None
    # By its last name: asked for the whole one, a folder without `__init__` imports its parent.
    last = module.rpartition(".")[2]
    found = PathFinder.find_spec(last, package.submodule_search_locations)
    if found is not None:
        found.name = module
        if found.submodule_search_locations is not None:
            found.submodule_search_locations = [*found.submodule_search_locations]
    return found


@cache
def _parse(source: bytes) -> _Parsed:
    """What a file imports; nothing where it is no Python that can be imported."""
    try:
        try:
            tree = ast.parse(_beginning(source))
        except SyntaxError:
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return _Parsed()
    return _Parsed(tuple(_imports(tree.body)), offered(tree.body))


def _beginning(source: bytes) -> bytes:
    """The statements up to the last that may import: a tenth of the time to parse.

    It ends before a line that begins a statement, unless that line lies in brackets or a string;
    then what is left is no Python.
    """
    last = _LAST_IMPORT.match(source)
    end = _NEXT_STATEMENT.search(source, last.end()) if last else None
    return source[: end.end()] if end else source


def _imports(body: Iterable[ast.stmt]) -> Iterator[Asked]:
    """The imports among statements and in their blocks, but for those of type checkers."""
    for statement in body:
        match statement:
            case ast.Import(names=names):
                for each in names:  # what is bound may be asked for any of its names
                    yield each.name, ""
                    yield each.name if each.asname else _top(each.name), _EVERYTHING
            case ast.ImportFrom(module=module, names=names, level=level):
                for each in names:
                    yield "." * level + (module or ""), each.name
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from _imports(statement.orelse)
            case _:
                for block in _blocks(statement):
                    yield from _imports(block)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(statement, name, [])
    for name in ("handlers", "cases"):
        for part in getattr(statement, name, []):
            yield part.body
