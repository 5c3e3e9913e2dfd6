"""What a training tells of itself, step by step, to whoever listens.

Whoever trains a model opens a `Curve` and tells it figures; whoever starts the training says with
`heard_by` who listens. Nobody does unless asked, and then nothing is computed. What is learned must
not depend on being heard.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, Self, SupportsFloat


class Listener(Protocol):
    """Hears one training."""

    def log(self, scalars: Mapping[str, float], step: int) -> None:
        """Hear some figures by their tags; `step` never falls."""

    def close(self) -> None:
        """Nothing more is told."""


Begin = Callable[[str, int], Listener]
"""Takes the name of a training and the steps that an earlier attempt has taken."""

_begin: ContextVar[Begin | None] = ContextVar("begin", default=None)


@contextmanager
def heard_by(begin: Begin) -> Iterator[None]:
    """Let every training inside the block be heard; each has a listener of its own."""
    token = _begin.set(begin)
    try:
        yield
    finally:
        _begin.reset(token)


class Curve:
    """The figures of one training. It begins with the first that is told, and ends with its block.

    Args:
        name: of what is trained, such as "towers".
    """

    def __init__(self, name: str) -> None:
        self._name, self._begin = name, _begin.get()
        self._listener: Listener | None = None

    def tell(self, step: int, figures: Mapping[str, SupportsFloat]) -> None:
        """Tell some figures; no number is read where nobody listens.

        Args:
            step: steps taken, from 1; or passes, where these are told.
            figures: by tag, such as "train/loss"; "eval/" for what is held out.
        """
        if self._begin is None:
            return
        if self._listener is None:
            self._listener = self._begin(self._name, step - 1)
        self._listener.log({tag: float(figure) for tag, figure in figures.items()}, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.close()
