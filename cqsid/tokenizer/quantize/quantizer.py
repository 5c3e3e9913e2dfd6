"""The protocol of a quantizer: item vectors to codes."""

from typing import Protocol, runtime_checkable

import numpy as np

from cqsid.tokenizer.signals import Floats, Signals
from simulator.catalogue.catalog import Ints


@runtime_checkable
class Quantizer(Protocol):
    """Gives items L codes each; items that are alike share codes.

    Data after `fit`, see `recall.storage`.
    """

    sizes: tuple[int, ...]  # codes of each level, known after `fit`

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> None:
        """Learn from the known items."""

    def codes(self, signals: Signals, items_N: Ints) -> Ints:
        """(N, L) codes of some items, known or new: a function of each item alone."""

    def vectors(self, signals: Signals, items_N: Ints) -> Floats:
        """(N, D) the vectors that the codes stand for, before quantisation."""
