"""Loading a user's own objects by name."""

from importlib import import_module
from typing import Any

from simulator.errors import ContractError


def load_object(name: str, place: str) -> Any:
    """The object called MODULE:OBJECT.

    Args:
        place: where the name was given, for the error.

    Raises:
        ContractError: the name has no such form, or it cannot be imported.
    """
    module_name, colon, path = name.partition(":")
    if not (colon and module_name and path):
        raise ContractError(f"{place} == {name!r}, must be MODULE:OBJECT, as my_package:Mine")
    try:
        found: Any = import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ContractError(f"{place} == {name!r}, must be importable: {error}") from error
    return found
