"""What rewards log beside their values, kept for whoever trains with them."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from simulator.errors import ContractError


@dataclass
class Remarks:
    """What was logged while rewards were asked, by component and name.

    Attributes:
        metrics: numbers of the batch, in the order in which they were logged.
        columns: one value for each id of the batch; of another kind where it is no number.
    """

    metrics: dict[str, list[float]] = field(default_factory=dict)
    columns: dict[str, list[Any]] = field(default_factory=dict)

    def means(self) -> dict[str, float]:
        """The mean of each metric, and of each column of numbers that no metric is called like."""
        numbers = {name: _numbers(column) for name, column in self.columns.items()}
        told = {name: fmean(column) for name, column in numbers.items() if column}
        return told | {name: fmean(values) for name, values in self.metrics.items()}


_kept: ContextVar[Remarks | None] = ContextVar("remarks", default=None)
_component: ContextVar[str] = ContextVar("component", default="")


@contextmanager
def keeping() -> Iterator[Remarks]:
    """Keep what rewards log in this block."""
    token = _kept.set(Remarks())
    try:
        kept = _kept.get()
        assert kept is not None
        yield kept
    finally:
        _kept.reset(token)


@contextmanager
def component(name: str) -> Iterator[None]:
    """What is logged in this block is of this component of a reward."""
    token = _component.set(name)
    try:
        yield
    finally:
        _component.reset(token)


@dataclass(frozen=True)
class Remarker:
    """The two functions that TRL hands to a reward function.

    Attributes:
        place: whose they are, for errors.
        number: ids that the function is asked about.
    """

    place: str
    number: int

    def log_metric(self, name: str, value: float) -> None:
        """Log a number of the whole batch.

        Raises:
            ContractError: no finite number, or no name.
        """
        number = _number(value)
        if number is None or not isinstance(name, str):
            raise ContractError(
                f"{self.place}: log_metric({name!r}, {value!r}), must be a name and a finite number"
            )
        kept = _kept.get()
        if kept is not None:
            kept.metrics.setdefault(_under(name), []).append(number)

    def log_extra(self, column: str, values: Sequence[Any]) -> None:
        """Log a value for each id.

        Raises:
            ContractError: another number of values, no name, or a number that is not finite.
        """
        listed = None if isinstance(values, str) else _listed(values)
        if listed is None or len(listed) != self.number or not isinstance(column, str):
            found = type(values).__name__ if listed is None else f"{len(listed)} values"
            raise ContractError(
                f"{self.place}: log_extra({column!r}, {found}), must be a name and "
                f"{self.number} values, one for each id"
            )
        for value in listed:
            if isinstance(value, float) and not math.isfinite(value):
                raise ContractError(
                    f"{self.place}: log_extra({column!r}) has {value}, must be finite numbers"
                )
        kept = _kept.get()
        if kept is not None:
            kept.columns.setdefault(_under(column), []).extend(listed)


def _under(name: str) -> str:
    return f"{_component.get()}/{name}".lstrip("/")


def _listed(values: Any) -> list[Any] | None:
    """The values as a list; None where there is no such."""
    try:
        return [*values]
    except TypeError:
        return None


def _number(value: Any) -> float | None:
    """A finite number, be it Python's, NumPy's or in a tensor; else None."""
    if isinstance(value, str | bytes):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _numbers(column: Sequence[Any]) -> list[float] | None:
    """The numbers of a column; None where one is of another kind."""
    numbers = [_number(value) for value in column]
    return None if None in numbers else [each for each in numbers if each is not None]
