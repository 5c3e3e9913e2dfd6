"""Names that a package offers, whose modules are imported when they are first asked for.

`funnelab --help` passes through the packages' `__init__`; it must not pay for NumPy or torch.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exporter(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562) for names that live in its submodules.

    Args:
        package: name of the package.
        homes: names, separated by blanks, by the submodule that defines them.
    """
    home_of = {name: module for module, names in homes.items() for name in names.split()}

    def find(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home_of[name]}"), name)

    return find
