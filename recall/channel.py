"""The protocol of a recall channel, and what a channel may offer besides."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recall.candidates import Candidates
from simulator.catalogue.catalog import Catalog, Ints
from simulator.log.history import History
from simulator.protocols import Index, Requests


@runtime_checkable
class Channel(Protocol):
    """Turns requests into candidates. All state comes from `fit` and, optionally, `refresh`.

    `recall` must be a pure function of the requests between two refreshes: the answer to one
    request may not depend on the others in its batch.
    """

    name: str

    def fit(self, catalog: Catalog, history: History, *, rng: np.random.Generator) -> None:
        """Learn from the public catalogue and a past log."""

    def recall(self, requests: Requests, limit: int) -> Candidates:
        """At most `limit` candidates for each request."""


@runtime_checkable
class PairScorer(Protocol):
    """Scores given items for given queries: BM25, a dense model, or a judge."""

    def pair_scores(self, requests: Requests, items_BN: Ints) -> NDArray[np.float32]:
        """(B, N) score of each pair; padding (item -1) is ignored."""


@runtime_checkable
class Composed(Protocol):
    """A channel made of fitted parts, so that there is nothing left for it to learn."""

    def try_on(self, history: History) -> None:
        """Look at what it does to requests of a log, for its report."""


@runtime_checkable
class Augmentable(Protocol):
    """A channel that may learn from made pairs of a text and an item beside those of the log."""

    def learn_with(self, made: Sequence[Any]) -> None:
        """Learn from these pairs (`recall.augmenting`), too, in the next `fit`, and forget them."""


@runtime_checkable
class Yielding(Protocol):
    """A channel that can do less for a request while its servers are busy.

    Its settings tell the `steps`. `recall` is the first of them.
    """

    def recall_at(
        self, requests: Requests, limit: int, step_B: NDArray[np.integer[Any]]
    ) -> Candidates:
        """As `recall`, each request at its step."""


@runtime_checkable
class Refreshable(Protocol):
    """A channel or ranker that also reads the shop's periodic snapshot."""

    def refresh(self, index: Index, arm: int) -> None:
        """Read a new snapshot; `arm` tells whose statistics are this model's."""


@runtime_checkable
class Resumable(Protocol):
    """A channel whose training is long enough to be interrupted and continued."""

    def resume_in(self, folder: Path) -> None:
        """Keep what is learned so far in this folder; a later `fit` there continues from it."""


@runtime_checkable
class Watchable(Protocol):
    """A channel or ranker whose training is long enough to be watched."""

    def watch(self, tell: Callable[[float], None]) -> None:
        """Call `tell` now and then during the next `fit`, with the share of it that is done.

        The share grows from 0 to 1. What is learned must not depend on being watched, and `tell`
        is not kept beyond that `fit`.
        """


@runtime_checkable
class Reporting(Protocol):
    """A channel that can tell how its training went."""

    def report(self) -> Mapping[str, Any]:
        """Figures of the training by name, of types that JSON knows; the channel is fitted.

        Numbers, texts and lists of numbers are shown as they are. `training` may hold a list of
        stages with the keys that the documentation of metrics.json names, to be drawn as curves.
        """


@runtime_checkable
class Adjustable(Protocol):
    """A channel some of whose settings act on serving alone, so that changing them is cheap."""

    def adjust(self, spec: Any) -> None:
        """Serve with these settings; what was learned stays."""
