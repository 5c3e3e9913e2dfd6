"""Attribute values that a shop publishes in columns of its file."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Structured, Texts, left_packed
from simulator.files.tables.findings import FileFinding, refuse, short

MOST_VALUES = 1_000
"""Different values of an attribute. What has more is a measure or free text, and no choice."""


def published_values(
    value_I: Mapping[str, Texts], columns: Mapping[str, str], place: str
) -> Structured | None:
    """What the mapped columns publish; None where none are mapped.

    Args:
        value_I: value of each item, by the name of the attribute; "" where it has none.
        columns: column of each attribute, in the order of the attributes.
        place: of the mapping in the settings, for findings.

    Raises:
        UnusableFile: attributes without a value, with one alone, or with more than `MOST_VALUES`;
            with all of them.
    """
    if not columns:
        return None
    findings: list[FileFinding] = []
    names: list[str] = []
    attribute_W: list[int] = []
    codes_AI: list[NDArray[np.int64]] = []
    for attribute, (name, column) in enumerate(columns.items()):
        own, code_I = np.unique(["", *value_I[name].tolist()], return_inverse=True)
        if wanted := _wanted(len(own) - 1):
            found = f"{column!r}, which holds {_counted(own[1:].tolist())}"
            findings.append(FileFinding(f"{place}.{name}", found, wanted))
        codes_AI.append(np.where(code_I[1:] > 0, code_I[1:] - 1 + len(names), -1))
        names += own[1:].tolist()
        attribute_W += [attribute] * (len(own) - 1)
    refuse(findings)
    values_IV = left_packed(np.stack(codes_AI, axis=1).astype(np.int32))
    width = int((values_IV >= 0).sum(axis=1).max(initial=0))
    return Structured(
        values_IV=values_IV[:, :width],
        value_names=tuple(names),
        attribute_W=np.array(attribute_W, np.int32),
        attributes=tuple(columns),
    )


def _wanted(values: int) -> str:
    """What an attribute must have instead; "" where it can be used."""
    if not values:
        return "a column in which some item has a value"
    if values == 1:
        return "one of 2 values or more: a single one tells no item apart"
    if values > MOST_VALUES:
        return f"one of {MOST_VALUES:,} different values at most: more are measures or free text"
    return ""


def _counted(values: list[str]) -> str:
    if len(values) == 1:
        return f"one value ({short(values[0])})"
    return f"{len(values):,} different values" if values else "no value"
