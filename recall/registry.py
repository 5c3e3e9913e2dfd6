"""Channels by name, the built-in ones and the user's own."""

from importlib import import_module
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from recall.channel import Channel
from recall.dense import DenseChannel
from recall.itemcf import ItemCFChannel, ItemCFSpec
from recall.lexical import LexicalChannel, LexicalSpec
from recall.popular import PopularChannel, PopularSpec
from recall.settings import ChannelSettings
from recall.towers import DenseSpec
from simulator.errors import ContractError


class CustomSpec(ChannelSettings):
    """A channel of the user's own."""

    type: Literal["custom"] = "custom"
    object: str = Field(description='class or function that makes the channel, "module:Class"')
    options: dict[str, Any] = Field({}, description="keyword arguments given to it")


ChannelSpec = Annotated[
    LexicalSpec | DenseSpec | ItemCFSpec | PopularSpec | CustomSpec, Field(discriminator="type")
]


def build_channel(name: str, spec: ChannelSpec) -> Channel:
    """The channel that a spec describes, not yet fitted, under the name it has in the run.

    Raises:
        ContractError: a custom object cannot be found, refuses its options or has no `recall`.
    """
    match spec:
        case LexicalSpec():
            return LexicalChannel(spec, name)
        case DenseSpec():
            return DenseChannel(spec, name)
        case ItemCFSpec():
            return ItemCFChannel(spec, name)
        case PopularSpec():
            return PopularChannel(spec, name)
        case CustomSpec():
            return _custom(name, spec)


def _custom(name: str, spec: CustomSpec) -> Channel:
    factory = load_object(spec.object)
    try:
        channel = factory(**spec.options)
        channel.name = name
    except Exception as error:
        place = f"{spec.object}(**{spec.options})"
        raise ContractError(f"{place} raised {error!r}, must return a channel") from error
    if not isinstance(channel, Channel):
        found = type(channel).__name__
        raise ContractError(f"{spec.object}() == {found}, must have name, fit and recall")
    return channel


def load_object(path: str) -> Any:
    """The callable at "module:object", such as a user's channel or ranker class.

    Raises:
        ContractError: the path is malformed, or names no importable callable.
    """
    module_name, _, object_name = path.partition(":")
    if not module_name or not object_name:
        raise ContractError(f"object == {path!r}, must be MODULE:OBJECT")
    try:
        module = import_module(module_name)
    except Exception as error:
        raise ContractError(
            f"object == {path!r}, must name an importable module ({error!r})"
        ) from error
    if not hasattr(module, object_name):
        raise ContractError(f"object == {path!r}, must name an object in {module_name}")
    found = getattr(module, object_name)
    if not callable(found):
        raise ContractError(f"object == {path!r}, must be callable ({type(found).__name__} found)")
    return cast("Any", found)
