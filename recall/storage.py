"""Fitted models and other objects as files of data: nothing in such a file can execute.

A file is in the format of `safetensors`: arrays as they are, and one JSON tree that says how they
make up the object. A class is named in the tree and looked up when it is read, but only in the
packages of funnelab and in the modules that the reader names (a user's plug-ins). An object is
made without calling its class; then its attributes are set. A class whose attributes are not all
data says what is to be kept by `__getstate__`, and makes the rest again in `__setstate__`.

Data are: None, numbers, texts, bytes, paths; lists, tuples, sets and dictionaries of data; arrays
of numbers or texts, tensors, sparse matrices, random generators; dataclasses, named tuples, enums,
settings (pydantic models) and other objects whose attributes are data. What an object holds twice
is kept once, and is one again when it is read.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy import sparse

from simulator.errors import ContractError, DataError
from simulator.spec import Spec

PACKAGES: Final = frozenset({"simulator", "recall", "ranking", "cqsid", "experiments"})
_TREE = "tree"
_MANY = 16  # texts from which on a list of them is kept as bytes
_PLAIN = (type(None), bool, int, float, str)
_GROUPS: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_SPARSE: dict[str, Any] = {
    f"{form}_{kind}": getattr(sparse, f"{form}_{kind}")
    for form in ("csr", "csc")
    for kind in ("matrix", "array")
}
_GENERATORS = ("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937")
_KINDS = "biuf"  # of NumPy's dtypes, those that the format holds

Array = NDArray[Any]
Thing = TypeVar("Thing")


def save(path: Path, thing: Any, place: str = "object", trusted: Iterable[str] = ()) -> None:
    """Write an object.

    Args:
        path: the file.
        thing: what is kept.
        place: what errors call it.
        trusted: as of `load`.

    Raises:
        ContractError: something in it is no data; the message says where.
    """
    writer = _Writer(PACKAGES | set(trusted))
    tree = writer.encode(thing, place)
    save_file(writer.arrays, path, metadata={_TREE: json.dumps(tree)})


def load(path: Path, trusted: Iterable[str] = ()) -> Any:
    """Read what `save` wrote.

    Args:
        path: the file.
        trusted: top-level modules, beside funnelab's own, whose classes may be in it.

    Raises:
        DataError: no such file, one that is not whole, or one that names another class.
    """
    try:
        with safe_open(path, framework="np") as stored:
            tree = json.loads((stored.metadata() or {})[_TREE])

            def array_of(name: str) -> Array:  # of its own memory, which may be written
                return np.array(stored.get_tensor(name))

            return _Reader(array_of, PACKAGES | set(trusted)).decode(tree)
    except _Unknown as error:
        raise DataError(f"{path}: {error}") from error
    except (SafetensorError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{path} == unreadable ({error!r}), must be whole") from error


def saved_copy(thing: Thing, trusted: Iterable[str] = ()) -> Thing:
    """An object as it is after a run has kept it; classes of its own package may be in it.

    Raises:
        ContractError, DataError: it cannot be kept.
    """
    with TemporaryDirectory(prefix="funnelab-") as folder:
        path = Path(folder) / "object.safetensors"
        roots = [type(thing).__module__.partition(".")[0], *trusted]
        save(path, thing, type(thing).__name__, roots)
        found: Thing = load(path, roots)
    return found


def plug_in_roots(settings: Spec) -> frozenset[str]:
    """Top-level modules of the user's that settings name, or that are installed.

    Installed are those that packages offer as entry points of funnelab.
    """
    return frozenset(module.partition(".")[0] for module in {*settings.code(), *_offered()})


@cache
def _offered() -> frozenset[str]:
    """Modules that installed packages offer; to look takes as long as to load a model."""
    installed = entry_points()
    own = [group for group in installed.groups if group.startswith("funnelab.")]
    return frozenset(point.module for group in own for point in installed.select(group=group))


class _Unknown(Exception):
    """A class that must not, or cannot, be in a file."""


class _Writer:
    """An object as a tree of plain values, and its arrays by name."""

    def __init__(self, roots: Iterable[str]) -> None:
        self._roots = frozenset(roots)
        self.arrays: dict[str, Array] = {}
        self._seen: dict[int, tuple[int, Any]] = {}  # holds what it saw, so that ids stay apart

    def encode(self, thing: Any, place: str) -> Any:
        """A node of the tree."""
        kind = type(thing)
        if kind in _PLAIN:
            return thing
        if isinstance(thing, np.generic):
            return {"scalar": str(thing.dtype), "value": self.encode(thing.item(), place)}
        if kind in (list, tuple):
            return self._sequence(thing, kind.__name__, place)
        if kind in (set, frozenset):
            items = [self.encode(each, f"{place}{{}}") for each in sorted(thing, key=repr)]
            return {kind.__name__: items}
        if isinstance(thing, Enum):
            return {"enum": _name(kind), "value": self.encode(thing.value, place)}
        if isinstance(thing, Path):
            return {"path": str(thing)}
        if kind is bytes:
            return {"bytes": b64encode(thing).decode()}
        if isinstance(thing, np.dtype):
            return {"dtype": thing.str}
        return self._once(thing, place)

    def _once(self, thing: Any, place: str) -> Any:
        """What may be held several times is written at the first."""
        if id(thing) in self._seen:
            return {"ref": self._seen[id(thing)][0]}
        number = len(self._seen)
        self._seen[id(thing)] = (number, thing)
        return {"id": number} | self._large(thing, place)

    def _large(self, thing: Any, place: str) -> dict[str, Any]:
        if isinstance(thing, dict) and type(thing) is dict:
            pairs = [
                [self.encode(key, f"{place} key"), self.encode(value, f"{place}[{key!r}]")]
                for key, value in thing.items()
            ]
            return {"dict": pairs}
        if type(thing) is np.ndarray:
            return self._array(thing, place)
        if isinstance(thing, torch.Tensor):
            return {"tensor": self._tensor(thing, place)}
        if isinstance(thing, np.random.Generator):
            return {"generator": self.encode(thing.bit_generator.state, place)}
        if sparse.issparse(thing):
            return self._compressed(thing, place)
        if isinstance(thing, BaseModel):
            return {"settings": _name(type(thing)), "value": thing.model_dump(mode="json")}
        return self._object(thing, place)

    def _compressed(self, thing: Any, place: str) -> dict[str, Any]:
        kind = f"{thing.format}_{'matrix' if isinstance(thing, sparse.spmatrix) else 'array'}"
        if kind not in _SPARSE:
            raise ContractError(f"{place} == {kind}, must be one of {', '.join(_SPARSE)}")
        parts = (thing.data, thing.indices, thing.indptr, thing.shape)
        return {"sparse": kind, "value": self.encode(parts, place)}

    def _sequence(self, thing: Any, kind: str, place: str) -> dict[str, Any]:
        if len(thing) >= _MANY and all(type(each) is str for each in thing):
            return {"texts": kind, "value": self._texts(thing)}
        return {kind: [self.encode(each, f"{place}[{n}]") for n, each in enumerate(thing)]}

    def _array(self, thing: Array, place: str) -> dict[str, Any]:
        if thing.dtype.kind in _KINDS:
            turned = thing.flags.f_contiguous and not thing.flags.c_contiguous
            return {"array": self._add(thing.T if turned else thing), "turned": turned}
        if thing.dtype == object and all(type(each) is str for each in thing.flat):
            return {"words": self._texts(thing.ravel().tolist()), "shape": list(thing.shape)}
        if thing.dtype.kind in "UMm":
            plain = thing.view(np.int64) if thing.dtype.kind in "Mm" else thing.view(np.uint32)
            return {"array": self._add(plain), "dtype": thing.dtype.str, "shape": list(thing.shape)}
        raise ContractError(f"{place} == array of {thing.dtype}, must be of numbers or texts")

    def _tensor(self, thing: torch.Tensor, place: str) -> Any:
        plain = thing.detach().cpu()
        if plain.dtype == torch.bfloat16:
            raise ContractError(
                f"{place} == tensor of bfloat16, must be of float32 or whole numbers"
            )
        return self.encode(plain.numpy(), place)

    def _object(self, thing: Any, place: str) -> dict[str, Any]:
        kind = type(thing)
        if isinstance(thing, type):
            raise ContractError(f"{place} == {thing!r}, must be data")
        if isinstance(thing, tuple) and hasattr(kind, "_fields"):
            return {"named": _name(kind), "value": self._sequence(tuple(thing), "tuple", place)}
        if "<locals>" in kind.__qualname__ or kind.__module__ == "builtins":
            raise ContractError(f"{place} == {thing!r:.80}, must be data")
        if kind.__module__.partition(".")[0] not in self._roots or not _importable(kind):
            raise ContractError(
                f"{place} == {kind.__module__}.{kind.__qualname__}, must be data: "
                "the class that holds it says what to keep by __getstate__ and __setstate__"
            )
        own = "__getstate__" in {name for each in kind.__mro__[:-1] for name in vars(each)}
        state = thing.__getstate__()
        if not own:  # attributes and slots, or None where there are none
            parts = state if isinstance(state, tuple) else (state,)
            state = {name: each for part in parts if part for name, each in part.items()}
        if isinstance(state, dict):
            kept = [[name, self.encode(each, f"{place}.{name}")] for name, each in state.items()]
            return {"object": _name(kind), "attributes": kept}
        return {"object": _name(kind), "state": self.encode(state, place)}

    def _texts(self, texts: Iterable[str]) -> list[str]:
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(each) for each in encoded], dtype=np.int64)
        letters = np.frombuffer(b"".join(encoded), np.uint8)
        return [self._add(letters), self._add(ends)]

    def _add(self, array: Array) -> str:
        name = str(len(self.arrays))
        self.arrays[name] = np.ascontiguousarray(array).reshape(array.shape)
        return name


class _Reader:
    """The object that a tree describes."""

    def __init__(self, array_of: Callable[[str], Array], roots: Iterable[str]) -> None:
        self._array_of, self._roots = array_of, frozenset(roots)
        self._made: dict[int, Any] = {}

    def decode(self, node: Any) -> Any:
        """What `_Writer.encode` was given."""
        if not isinstance(node, dict):
            return node
        if "ref" in node:
            return self._made[node["ref"]]
        thing = self._decoded(node)
        if "id" in node:
            self._made[node["id"]] = thing
        return thing

    def _decoded(self, node: dict[str, Any]) -> Any:
        for name, group in _GROUPS.items():
            if name in node:
                return group(map(self.decode, node[name]))
        match node:
            case {"scalar": kind, "value": value}:
                return np.dtype(kind).type(value)
            case {"dict": pairs}:
                return {self.decode(key): self.decode(value) for key, value in pairs}
            case {"enum": name, "value": value}:
                return self._class(name, Enum)(self.decode(value))
            case {"path": path}:
                return Path(path)
            case {"bytes": letters}:
                return b64decode(letters)
            case {"texts": kind, "value": names}:
                return _GROUPS[kind](self._texts(names))
            case {"words": names, "shape": shape}:
                return np.fromiter(self._texts(names), object).reshape(shape)
            case {"array": name, "dtype": kind, "shape": shape}:
                return self._array_of(name).view(np.dtype(kind)).reshape(shape)
            case {"array": name, "turned": turned}:
                return self._array_of(name).T if turned else self._array_of(name)
            case {"dtype": kind}:
                return np.dtype(kind)
            case {"tensor": value}:
                return torch.from_numpy(self.decode(value))
            case {"generator": state}:
                return self._generator(self.decode(state))
            case {"sparse": kind, "value": value}:
                *parts, shape = self.decode(value)
                return _SPARSE[kind](tuple(parts), shape=shape)
            case {"settings": name, "value": value}:
                return self._class(name, BaseModel).model_validate(value)
            case {"named": name, "value": value}:
                return tuple.__new__(self._class(name, tuple), self.decode(value))
            case {"object": _}:
                return self._object(node)
        raise ValueError(f"node == {sorted(node)}, must be of a known kind")

    def _generator(self, state: Any) -> np.random.Generator:
        if state["bit_generator"] not in _GENERATORS:
            raise _Unknown(f"bit_generator == {state['bit_generator']!r}, must be one of NumPy's")
        bits = getattr(np.random, state["bit_generator"])()
        bits.state = state
        return np.random.Generator(bits)

    def _object(self, node: dict[str, Any]) -> Any:
        kind = self._class(node["object"], object)
        made = object.__new__(kind)
        if "id" in node:
            self._made[node["id"]] = made  # before its attributes, which may hold it
        if "attributes" in node:
            state = {name: self.decode(each) for name, each in node["attributes"]}
        else:
            state = self.decode(node["state"])
        if hasattr(kind, "__setstate__"):
            made.__setstate__(state)
        else:
            for name, each in state.items():
                object.__setattr__(made, name, each)
        return made

    def _texts(self, names: list[str]) -> list[str]:
        letters, ends = (self._array_of(name) for name in names)
        whole, starts = letters.tobytes(), np.concatenate([[0], ends])[:-1]
        return [
            whole[start:end].decode("utf-8", "surrogatepass")
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]

    def _class(self, name: str, base: type) -> Any:
        module, _, path = name.partition(":")
        if module.partition(".")[0] not in self._roots:
            raise _Unknown(f"class == {name!r}, must be of funnelab or of a plug-in of this run")
        try:
            found: Any = import_module(module)
            for part in path.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise _Unknown(f"class == {name!r}, must be there ({error})") from error
        if not (isinstance(found, type) and issubclass(found, base)):
            raise _Unknown(f"class == {name!r}, must be a class of {base.__name__}")
        return found


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _importable(kind: type) -> bool:
    found: Any = import_module(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is kind
