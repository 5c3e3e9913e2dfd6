"""What a user plugs in: found by name, and made with options.

A plug-in is named MODULE:OBJECT, or by an entry point where its kind has a group of them. Each
kind stands beside the protocol that it must keep; this is the one way in for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from inspect import isclass, signature
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from simulator.calling import TimeLimitError, blaming, call, guarded, told
from simulator.errors import ContractError, closest


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in.

    Attributes:
        noun: what one is, with its article.
        has: what it must have.
        called_with: names of the arguments that it is called with, where it is a function.
        made_with: names of the arguments that make it, before the options.
        itself: whether a function is such a plug-in, rather than a maker of one.
        group: entry points of this group are such plug-ins, by their names; "": there is none.
        built_in: names of those that come with funnelab, where a setting may name these, too.
    """

    noun: str
    has: tuple[str, ...] = ()
    called_with: tuple[str, ...] = ()
    made_with: tuple[str, ...] = ()
    itself: bool = False
    group: str = ""
    built_in: tuple[str, ...] = ()

    def module(self, name: str) -> str:
        """The module that a name leads to; "" where it leads nowhere."""
        return self._target(name).partition(":")[0]

    def make(
        self, name: str, *arguments: Any, options: Mapping[str, Any], setting: str = "object"
    ) -> Any:
        """The plug-in of a name; see `load` and `made`."""
        return self.made(self.load(name, setting), name, *arguments, options=options)

    def load(self, name: str, setting: str = "object") -> Any:
        """The class or function of a name.

        Args:
            setting: where the name was given, for errors.

        Raises:
            ContractError: no such name, module or callable object, or a module that raises.
        """
        place, target = f"{setting} == {name!r}", self._target(name)
        module_name, _, object_name = target.partition(":")
        if not module_name or not object_name:
            raise ContractError(f"{place}, must be {self._form(name)}")
        module = _imported(module_name, place)
        if not hasattr(module, object_name):
            near = closest(object_name, list(vars(module)))
            raise ContractError(f"{place}, must name an object in {module_name}{_near(near)}")
        found = getattr(module, object_name)
        if not callable(found):
            raise ContractError(f"{place}, must be callable ({type(found).__name__} found)")
        return found

    def made(self, found: Any, name: str, *arguments: Any, options: Mapping[str, Any]) -> Any:
        """What a class or function makes; a function that is a plug-in itself, with its options.

        Args:
            found: the class or function.
            name: how it is called, for errors.
            arguments: see `made_with`.
            options: keyword arguments.

        Raises:
            ContractError: it raised, or what it made is of another kind.
        """
        if self.itself and not isclass(found):
            self._check(found, name, options)
            return partial(found, **options) if options else found
        given = [*self.made_with, *([f"**{dict(options)}"] if options else [])]
        with blaming(f"{name}({', '.join(given)})", f"return {self.noun}"):
            made = call(name, found, *arguments, **options)
        self._check(made, f"{name}()", {})
        return made

    def _target(self, name: str) -> str:
        """MODULE:OBJECT of a name; "" where there is none."""
        return name if ":" in name else self._points().get(name, "")

    def _points(self) -> dict[str, str]:
        points = entry_points(group=self.group) if self.group else ()
        return {point.name: point.value for point in points}

    def _form(self, name: str) -> str:
        """What a name must be."""
        if not self.group:
            return "MODULE:OBJECT, as my_package:Mine"
        points = self._points()
        known = f" ({', '.join(sorted(points))})" if points else ", of which there are none"
        wanted = f"MODULE:OBJECT or an entry point of {self.group}{known}"
        if self.built_in:
            wanted = f"one of {', '.join(self.built_in)}, {wanted}"
        return wanted + _near(closest(name, [*self.built_in, *points]))

    def _check(self, made: Any, place: str, options: Mapping[str, Any]) -> None:
        missing = [name for name in self.has if not hasattr(made, name)]
        if missing:
            found = f"{type(made).__name__} without {_listed(missing)}"
            raise ContractError(f"{place} == {found}, must have {_listed(self.has)}")
        if self.called_with:
            self._check_call(made, place, options)

    def _check_call(self, made: Any, place: str, options: Mapping[str, Any]) -> None:
        more = ["**options"] if options else []
        wanted = f"must be callable with ({', '.join([*self.called_with, *more])})"
        if not callable(made):
            raise ContractError(f"{place} == {type(made).__name__}, {wanted}")
        try:
            signature(made).bind(*self.called_with, **options)
        except TypeError as error:
            given = f" with options {sorted(options)}" if options else ""
            raise ContractError(f"{place}{given} == {error}, {wanted}") from error
        except ValueError:
            return  # written in C: it will tell when it is called


@dataclass(frozen=True)
class Violation:
    """What a conformance suite finds: where, what was found, what is wanted."""

    place: str
    found: str
    wanted: str

    @classmethod
    def raised(cls, place: str, error: Exception, wanted: str) -> "Violation":
        """A call that raised instead."""
        if isinstance(error, TimeLimitError):
            return cls(place, str(error).partition(", must ")[0], f"{wanted} by then")
        wanted += ", and leave what it is given as it is" * ("read-only" in str(error))
        return cls(place, f"{told(error)} raised", wanted)

    @classmethod
    def broken(cls, place: str, error: Exception, mark: str = ": ") -> "Violation":
        """An answer refused as `WHERE == FOUND, must WANTED`; `mark` comes before WHERE."""
        at, _, wanted = str(error).partition(", must ")
        where, _, found = at.partition(" == ")
        return cls(f"{place}{mark}{where}", found, wanted)

    def __str__(self) -> str:
        return f"{self.place} == {self.found}, must {self.wanted}"


def _imported(name: str, place: str) -> ModuleType:
    try:
        wanted = "name an importable module"
        with blaming(f"{place}: import {name}", wanted), guarded(f"import {name}"):
            return import_module(name)
    except ContractError as error:
        missing = error.__cause__
        if not isinstance(missing, ModuleNotFoundError) or not _leads_to(missing.name, name):
            raise
        known = _beside(missing.name or "")
        near = closest(missing.name or "", known)
        raise ContractError(f"{place}, must name a module that is there{_near(near)}") from missing


def _leads_to(missing: str | None, name: str) -> bool:
    """Whether a module is the one of a name, or a package that it lies in."""
    return missing is not None and f"{name}.".startswith(f"{missing}.")


def _beside(name: str) -> list[str]:
    """The modules of the package that a module would be in."""
    package = name.rpartition(".")[0]
    path = getattr(import_module(package), "__path__", []) if package else None
    prefix = f"{package}." if package else ""
    return [prefix + module.name for module in iter_modules(path)]


def _near(near: str) -> str:
    return f": {near} (the closest known)" if near else ""


def _listed(names: list[str] | tuple[str, ...]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
