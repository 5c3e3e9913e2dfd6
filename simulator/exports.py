"""Names that a package offers, whose modules are imported when they are first asked for.

`funnelab --help` passes through the packages' `__init__`; it must not pay for NumPy or torch. So
an `__init__` imports what it offers for type checkers alone, and `exporter` reads these imports.
"""

import ast
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any


def exporter(package: str, file: str) -> tuple[list[str], Callable[[str], Any]]:
    """`__all__` and `__getattr__` (PEP 562) of a package, from its `__name__` and `__file__`."""
    homes = offered(ast.parse(Path(file).read_bytes()).body)

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return sorted(homes), find


def offered(statements: Iterable[ast.stmt]) -> dict[str, str]:
    """Names that an `__init__` offers through `exporter`, by the module that each lives in."""
    for statement in statements:
        match statement:
            case ast.If(
                test=ast.Name("TYPE_CHECKING"),
                body=imports,
                orelse=[ast.Assign(value=ast.Call(func=ast.Name("exporter")))],
            ):
                found = [each for each in imports if isinstance(each, ast.ImportFrom)]
                return {name.name: each.module or "" for each in found for name in each.names}
    return {}
