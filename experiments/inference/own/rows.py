"""The rows that a metric of a user's own is made of, and their contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.own.tables import Tables
from simulator.calling import blaming, call
from simulator.errors import ContractError

Floats = NDArray[np.float64]

MOST = 1e15
"""The largest size of a value: sums of squares of any number of shoppers stay finite."""


@dataclass(frozen=True)
class Rows:
    """N rows of shoppers, in the order of their values.

    So a sum of theirs is the same to the bit, in whatever order threads have met them.

    Attributes:
        shopper_N: whose.
        numerator_N: what is summed, or the values that a statistic is taken of.
        denominator_N: what the sum is divided by; None: 1 for each exposed shopper.
    """

    shopper_N: NDArray[np.int64]
    numerator_N: Floats
    denominator_N: Floats | None

    def of(self, kept_N: NDArray[np.bool_] | NDArray[np.integer]) -> "Rows":
        """Some of the rows, told by a mask or by their numbers."""
        under_N = None if self.denominator_N is None else self.denominator_N[kept_N]
        return Rows(self.shopper_N[kept_N], self.numerator_N[kept_N], under_N)

    def summed(self) -> "Rows":
        """One row for each shopper who has any."""
        shopper_U, place_N = np.unique(self.shopper_N, return_inverse=True)

        def sums(part_N: Floats) -> Floats:
            return np.bincount(place_N, part_N, len(shopper_U)).astype(np.float64)

        under_N = self.denominator_N
        return Rows(shopper_U, sums(self.numerator_N), None if under_N is None else sums(under_N))


def rows_of(metric: OwnMetric, made: Any, tables: Tables, *, valued: bool) -> Rows:
    """What a metric takes from the tables, checked.

    Args:
        made: the user's object, None for SQL.
        valued: whether a statistic is taken of `value`s.

    Raises:
        ContractError: it raised, or its rows break the contract.
    """
    place = f"analysis.own.{metric.name}"
    source = f"{metric.object}()" if metric.object else "sql"
    with blaming(f"{place}: {source}", "give rows of shoppers"):
        found = tables.sql(metric.sql) if made is None else call(place, made, tables)
    if not isinstance(found, Mapping):
        kind = type(found).__name__
        raise ContractError(f"{place}: {source} == {kind}, must be arrays by column")
    wanted = ("shopper", "value") if valued else ("shopper", "numerator", "denominator")
    needed = wanted[:2]
    missing = [name for name in needed if name not in found]
    more = [str(name) for name in found if name not in wanted]
    if missing or more:
        columns = ", ".join(map(str, found)) or "none"
        must = " and ".join(needed) + (", and denominator for a ratio" if not valued else "")
        raise ContractError(f"{place}: {source} == columns {columns}, must be {must}")
    arrays = {name: np.asarray(found[name]) for name in wanted if name in found}
    lengths = {name: array.shape for name, array in arrays.items()}
    if any(array.ndim != 1 for array in arrays.values()) or len(set(lengths.values())) > 1:
        raise ContractError(
            f"{place}: {source} == shapes {lengths}, must be one axis of equal length"
        )
    shopper_N = arrays.pop("shopper")
    if shopper_N.dtype.kind not in "iu" and len(shopper_N):
        raise ContractError(
            f"{place}: {source}.shopper == {shopper_N.dtype}, must be whole numbers (shoppers)"
        )
    numbers = [_numbers(f"{place}: {source}.{name}", array) for name, array in arrays.items()]
    rows = Rows(shopper_N.astype(np.int64), numbers[0], numbers[1] if len(numbers) > 1 else None)
    return rows.of(np.lexsort((*numbers[::-1], rows.shopper_N)))


def _numbers(place: str, array: NDArray[Any]) -> Floats:
    if array.dtype.kind not in "iufb":
        try:
            array = array.astype(np.float64) if len(array) else np.zeros(0)
        except (TypeError, ValueError):
            raise ContractError(f"{place} == {array.dtype}, must be numbers") from None
    numbers = array.astype(np.float64)
    usable = np.abs(numbers) <= MOST
    if not usable.all():
        row = int(np.flatnonzero(~usable)[0])
        raise ContractError(f"{place}[{row}] == {numbers[row]}, must be finite, within +-{MOST:g}")
    return numbers
