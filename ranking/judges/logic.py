"""Soft logic: from what single entities say to how relevant an item is (EBRM, arXiv 2307.00370).

The paper's exact form is not public; these are ours. For each type of entity, an item satisfies a
text where any of its entities does, and contradicts it where some do and none satisfies:

    sat = any(s),  con = not sat and any(c)
    relevance = all types (not con) and any type (sat)

with and, or and not of a fuzzy logic: product, Goedel (min, max), or Lukasiewicz.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

Logic = Literal["product", "goedel", "lukasiewicz"]


def _all_product(truth_PM: Tensor) -> Tensor:
    return truth_PM.prod(dim=-1)


def _all_goedel(truth_PM: Tensor) -> Tensor:
    return truth_PM.amin(dim=-1)


def _all_lukasiewicz(truth_PM: Tensor) -> Tensor:
    return (truth_PM.sum(dim=-1) - (truth_PM.shape[-1] - 1)).clamp(min=0.0)


_ALL: dict[str, Callable[[Tensor], Tensor]] = {
    "product": _all_product,
    "goedel": _all_goedel,
    "lukasiewicz": _all_lukasiewicz,
}


def relevance(
    satisfied_PM: Tensor, contradicted_PM: Tensor, types: Sequence[int], logic: Logic = "product"
) -> Tensor:
    """(P,) how relevant items are, 0 to 1; rises with every s, falls with every c.

    Args:
        satisfied_PM, contradicted_PM: (P, M) truth, 0 to 1, that an entity satisfies or contradicts
            a text; 0 and 0 for an entity that is not there.
        types: type of each of M entities.
        logic: which and, or and not.
    """
    every = _ALL[logic]

    def some(truth_PM: Tensor) -> Tensor:
        return 1 - every(1 - truth_PM)

    met, against = [], []
    for kind in dict.fromkeys(types):
        columns = [at for at, each in enumerate(types) if each == kind]
        sat_P = some(satisfied_PM[..., columns])
        con_P = every(torch.stack([1 - sat_P, some(contradicted_PM[..., columns])], dim=-1))
        met.append(sat_P)
        against.append(1 - con_P)
    both = torch.stack([*against, some(torch.stack(met, dim=-1))], dim=-1)
    return every(both)
