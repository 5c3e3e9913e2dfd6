"""Walks everything that an object holds, to tell whether the latent truth is among it."""

import gc
from collections.abc import Iterator
from dataclasses import fields
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from simulator.catalogue.catalog import ItemTruth, Supply
from simulator.living.world import Population
from simulator.shoppers.intents import Intents, Judgments
from simulator.shoppers.shoppers import Shoppers

LATENT_TYPES = (ItemTruth, Supply, Intents, Judgments, Shoppers, Population)
PUBLIC_OF_SHOPPERS = ("device_S", "gender_S", "age_S", "slots_S")
_OPAQUE = (str, bytes, int, float, bool, type(None), np.dtype, np.generic, ModuleType, type)


def walk(root: object) -> Iterator[object]:
    """Every object that can be reached from `root`: attributes, entries, elements, closures.

    Types, modules and the globals of functions lead everywhere and are left out: what a program
    may import is not what an object was given.
    """
    seen: set[int] = set()
    waiting = [root]
    kept = []  # ids stay unique only while their objects live
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, _OPAQUE) or id(thing) in seen:
            continue
        seen.add(id(thing))
        kept.append(thing)
        yield thing
        waiting += _held(thing)


def _held(thing: object) -> list[Any]:
    if isinstance(thing, FunctionType):
        cells = [cell.cell_contents for cell in thing.__closure__ or () if _filled(cell)]
        return [*cells, thing.__defaults__, thing.__kwdefaults__, vars(thing)]
    if isinstance(thing, MethodType):
        return [thing.__self__, thing.__func__]
    if isinstance(thing, BuiltinFunctionType):
        return [thing.__self__]
    if isinstance(thing, np.ndarray):
        elements = thing.ravel().tolist() if thing.dtype == object else []
        return [thing.base, *elements]
    if isinstance(thing, torch.Tensor):
        plain = thing.to_dense() if thing.is_mkldnn else thing
        return [plain.detach().cpu().numpy().copy(), vars(thing)]  # whose base is no new tensor
    return gc.get_referents(thing)


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def latent_columns(population: Population) -> dict[str, np.ndarray]:
    """The latent arrays by name: those of the truth whose values no public column holds."""
    supply = population.supply
    parts = {"truth": supply.truth, "intents": population.intents, "shoppers": population.shoppers}
    parts |= {"judgments": population.intents.judgments, "supply": supply}
    columns = {
        f"{name}.{field.name}": getattr(part, field.name)
        for name, part in parts.items()
        for field in fields(part)
        if not (name == "shoppers" and field.name in PUBLIC_OF_SHOPPERS)
    }
    public = [column for column in vars(supply.catalog).values() if _is_column(column)]
    return {
        name: column
        for name, column in columns.items()
        if _is_column(column)
        and len(np.unique(column)) > 2  # a constant or a flag says nothing by being equal
        and not any(_equal(column, other) for other in public)
    }


def leaks(root: object, population: Population) -> list[str]:
    """What of the latent truth can be reached: objects by type, and columns, copied or not."""
    latent = latent_columns(population)
    found = []
    for thing in walk(root):
        if isinstance(thing, LATENT_TYPES):
            found.append(type(thing).__name__)
        elif isinstance(thing, np.ndarray):
            found += [name for name, column in latent.items() if _equal(thing, column)]
    return sorted(set(found))


def types_in(root: object) -> set[type]:
    """The types that were walked over; a walk that saw nothing proves nothing."""
    return {type(thing) for thing in walk(root)}


def _is_column(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype != object and value.size > 1


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and np.array_equal(one, other)
