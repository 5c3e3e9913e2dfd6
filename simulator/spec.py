"""The base of every settings object.

A spec is a light, frozen description that builds one heavy object. It lives beside the code
it configures; `experiments.config.loading` only composes specs and reads them from TOML.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema

MOST = 10**9
"""The largest whole number that a setting may be, and 1,000 times less than the largest other one:
beyond it nothing that is counted or measured here has a meaning, and sums overflow."""

_BOUNDS = {"int": (-MOST, MOST), "float": (-1e3 * MOST, 1e3 * MOST)}


def _bound(schema: Any) -> None:
    """Bound every number of a schema on the sides on which it has no bound."""
    if isinstance(schema, list | tuple):
        for part in schema:
            _bound(part)
    elif isinstance(schema, dict):
        kind = schema.get("type")
        if isinstance(kind, str) and kind in _BOUNDS:
            low, high = _BOUNDS[kind]
            if schema.keys().isdisjoint({"gt", "ge"}):
                schema["ge"] = low
            if schema.keys().isdisjoint({"lt", "le"}):
                schema["le"] = high
        for key, part in schema.items():
            if key != "metadata":
                _bound(part)


class Spec(BaseModel):
    """Frozen settings; an unknown key is an error, and so is a number that is not finite.

    A number without a bound of its own is at most `MOST` (whole) or 1,000 times that, in size.

    Attributes:
        home: MODULE:OBJECT of what these settings describe, where it is loaded by this name, so
            that whoever reads settings pays for no model's libraries. "": its maker imports it.
    """

    home: ClassVar[str] = ""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _bound(schema)
        return schema

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
