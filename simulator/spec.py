"""The base of every settings object.

A spec is a light, frozen description that builds one heavy object. It lives beside the code
it configures; `experiments.config.loading` only composes specs and reads them from TOML.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """Frozen settings; an unknown key is an error.

    Attributes:
        home: MODULE:OBJECT of what these settings describe, where it is loaded by this name, so
            that whoever reads settings pays for no model's libraries. "": its maker imports it.
    """

    home: ClassVar[str] = ""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def code(self) -> tuple[str, ...]:
        """Modules of the user's own that these settings name; their source decides a result."""
        return tuple(dict.fromkeys(module for _, value in self for module in _code(value)))

    def check(self) -> None:
        """Refuse, before a run spends time on its world, what can only fail later.

        Raises:
            ContractError: a plug-in that cannot be found or made.
            ConfigError, DataError: what else these settings name cannot be used.
        """


def _code(value: Any) -> Iterator[str]:
    """Modules that the value of a setting names."""
    if isinstance(value, Spec):
        yield from value.code()
    elif isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _code(part)
