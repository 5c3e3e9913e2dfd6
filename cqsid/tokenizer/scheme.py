"""The protocols of an identifier scheme, and of a quantizer: item vectors to codes."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cqsid.tokenizer.ids import SemanticIds
from cqsid.tokenizer.signals import Floats, Signals
from simulator.calling import blaming, call
from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError


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


@runtime_checkable
class Scheme(Protocol):
    """Gives items their semantic ids. Data after `fit`, see `recall.storage`."""

    def fit(self, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
        """Learn, and give an id to every known item (`signals.known_I`); others have none yet."""

    def assign(self, signals: Signals, items_N: Ints, ids: SemanticIds) -> SemanticIds:
        """The table with ids for some more items, without learning again.

        Items that have an id keep it, and the sizes of the levels stay. The result depends on
        nothing but the arguments and what `fit` learned; `items_N` are in order of arrival.
        """


def first_ids(scheme: Scheme, signals: Signals, *, rng: np.random.Generator) -> SemanticIds:
    """Fit a scheme.

    Raises:
        ContractError: what it returns is not a table of ids for all known items.
    """
    name = f"{type(scheme).__name__}.fit()"
    with blaming(name, "return ids"):
        ids = call(name, scheme.fit, signals, rng=rng)
    if not isinstance(ids, SemanticIds):
        raise ContractError(f"{name} == {type(ids).__name__}, must be SemanticIds")
    if len(ids) != len(signals):
        raise ContractError(f"{name} has {len(ids)} items, must have {len(signals)}")
    without_I = signals.known_I & (ids.sid_I < 0)
    if without_I.any():
        item = int(np.flatnonzero(without_I)[0])
        raise ContractError(f"{name} gives item {item} no id, must give one to every known item")
    return ids


def with_newcomers(
    scheme: Scheme, signals: Signals, ids: SemanticIds, entered_I: NDArray[np.bool_]
) -> SemanticIds:
    """The table with ids for all items that have entered the shop, in order of arrival.

    Args:
        scheme: a fitted scheme.
        ids: the table that `fit` gave.
        entered_I: items that are or were in the shop; one that has left keeps its place, or the
            ids of those who came after it would change.

    Raises:
        ContractError: the scheme changed the ids that were there, or the sizes of the levels.
    """
    new = np.flatnonzero(entered_I & (ids.sid_I < 0))
    if not len(new):
        return ids
    arrival = np.argsort(signals.created_at_I[new], kind="stable")
    name = f"{type(scheme).__name__}.assign()"
    with blaming(name, "return ids"):
        more = call(name, scheme.assign, signals, new[arrival].astype(np.int32), ids)
    if not isinstance(more, SemanticIds):
        raise ContractError(f"{name} == {type(more).__name__}, must be SemanticIds")
    had_I = ids.sid_I >= 0
    if more.sizes != ids.sizes or len(more) != len(ids):
        found, wanted = (f"{len(each)} items of codes {each.sizes}" for each in (more, ids))
        raise ContractError(f"{name} == {found}, must be {wanted}")
    if not np.array_equal(more.codes_IL[had_I], ids.codes_IL[had_I]):
        raise ContractError(f"{name} changed ids, must keep those that were there")
    return more
