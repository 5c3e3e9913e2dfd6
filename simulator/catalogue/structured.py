"""Structured attribute values that a shop publishes of its items, with gaps and errors.

Real catalogues tell some of what is true of an item in fields of their own, and some of that is
wrong. Both are drawn per cell, an item and an attribute, from streams of their own: what is omitted
does not depend on what is wrong, and no other draw of a catalogue depends on either.
"""

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Ints, Structured
from simulator.catalogue.settings import StructuredSpec
from simulator.randomness import Draws


def publish(
    values_IS: Ints,
    value_names: tuple[str, ...],
    attribute_of: tuple[str, ...],
    spec: StructuredSpec,
    draws: Draws,
) -> Structured:
    """Publish the true values of items, but for those omitted, and some of them wrong.

    Args:
        values_IS: code of the true value of each item in each slot, -1 where it has none.
        value_names: name of each value.
        attribute_of: name of the attribute of each value.
        spec: how much is omitted and wrong.
        draws: of the run; keyed by item and slot.
    """
    names, attribute_W = np.unique(np.array(attribute_of, object), return_inverse=True)
    items, slots = values_IS.shape
    cell_IS = np.arange(items)[:, None] * slots + np.arange(slots)
    omitted_IS = draws.uniform("item.structured.omitted", slot=cell_IS) < spec.omitted
    wrong_IS = draws.uniform("item.structured.wrong", slot=cell_IS) < spec.wrong
    other_IS = _others(values_IS, attribute_W, draws.uniform("item.structured.other", slot=cell_IS))
    told_IS = np.where(wrong_IS, other_IS, values_IS)
    told_IS = np.where(omitted_IS | (values_IS < 0), -1, told_IS)
    order_IS = np.argsort(told_IS < 0, axis=1, kind="stable")
    width = int((told_IS >= 0).sum(axis=1).max(initial=0))
    return Structured(
        values_IV=np.take_along_axis(told_IS, order_IS, axis=1)[:, :width].astype(np.int32),
        value_names=value_names,
        attribute_W=attribute_W.astype(np.int32),
        attributes=tuple(names.tolist()),
    )


def _others(
    values_IS: Ints, attribute_W: NDArray[np.int64], uniform_IS: NDArray[np.float64]
) -> Ints:
    """(I, S) another value of the same attribute; the same one where there is no other."""
    order_W = np.argsort(attribute_W, kind="stable")  # values by attribute
    size_A = np.bincount(attribute_W)
    first_A = np.cumsum(size_A) - size_A
    place_W = np.empty(len(order_W), np.int64)
    place_W[order_W] = np.arange(len(order_W)) - np.repeat(first_A, size_A)
    known_IS = np.where(values_IS >= 0, values_IS, 0)
    attribute_IS = attribute_W[known_IS]
    others_IS = size_A[attribute_IS] - 1
    step_IS = 1 + np.floor(uniform_IS * others_IS).astype(np.int64)
    place_IS = (place_W[known_IS] + step_IS) % np.maximum(size_A[attribute_IS], 1)
    place_IS = np.where(others_IS > 0, place_IS, place_W[known_IS])
    return np.asarray(order_W[first_A[attribute_IS] + place_IS], np.int32)
