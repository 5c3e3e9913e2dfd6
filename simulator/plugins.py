"""Loading a user's own objects by name."""

from importlib import import_module
from typing import Any

from simulator.errors import ContractError


def load_object(name: str, place: str = "object") -> Any:
    """The callable called MODULE:OBJECT, such as a user's channel class.

    Args:
        place: where the name was given, for the error.

    Raises:
        ContractError: the name has no such form, or names no importable callable.
    """
    module_name, _, object_name = name.partition(":")
    if not module_name or not object_name:
        raise ContractError(f"{place} == {name!r}, must be MODULE:OBJECT, as my_package:Mine")
    try:
        module = import_module(module_name)
    except Exception as error:  # a user's module may fail in any way
        raise ContractError(
            f"{place} == {name!r}, must name an importable module ({error!r})"
        ) from error
    if not hasattr(module, object_name):
        raise ContractError(f"{place} == {name!r}, must name an object in {module_name}")
    found: Any = getattr(module, object_name)
    if not callable(found):
        raise ContractError(f"{place} == {name!r}, must be callable ({type(found).__name__} found)")
    return found
