"""A logistic classifier of each attribute: softmax over its values and `unknown`.

All attributes are learned in one pass, each with weights of its own for the features that stand
beside it. That an item's texts name a value has a weight that all values of an attribute share, and
one that all attributes share: most values are published too seldom to learn their words one by
one. Steps are those of AdaGrad (Duchi, Hazan and Singer, JMLR 12, 2011).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recall.arrays import Ragged
from recall.understanding.cells import Longs
from recall.understanding.fillers.hashed import BUCKETS

_EPOCHS, _RATE, _START = 10, 0.1, 1.0
_LEAST = 1e-12
_FEWEST = 2  # rows of an attribute that a feature stands beside, to have a weight

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """What is known of N cells.

    Attributes:
        attribute_N: whose value is asked for.
        features: buckets that each has; those of no weight are passed over.
        named: values of the attribute that texts name, as numbers within it.
    """

    attribute_N: Longs
    features: Ragged
    named: Ragged

    def take(self, rows: Longs) -> "Rows":
        """Some of them."""
        return Rows(self.attribute_N[rows], self.features.take(rows), self.named.take(rows))


@dataclass(frozen=True)
class Read:
    """What a classifier says of N rows, in log chances.

    Attributes:
        best_N: the likeliest value, as its number within the attribute.
        best_logp_N: of it.
        unknown_logp_N: that the value is unknown.
        target_logp_N: of the value that was asked for.
    """

    best_N: Longs
    best_logp_N: Doubles
    unknown_logp_N: Doubles
    target_logp_N: Doubles


@dataclass(frozen=True)
class Softmax:
    """A fitted classifier.

    Attributes:
        size_A: classes of each attribute, `unknown` the last.
        bias_A: where the weights of each attribute alone begin.
        named_A: where the weight of a named value of each attribute is; the last is of all.
        key_P: attribute and feature that have weights together, ascending.
        start_P: where these begin.
        weights: of all.
    """

    size_A: Longs
    bias_A: Longs
    named_A: Longs
    key_P: Longs
    start_P: Longs
    weights: NDArray[np.float32]

    def read(self, rows: Rows, target_N: Longs) -> Read:
        """Chances of cells.

        Args:
            rows: what is known of them.
            target_N: a class of the attribute of each.
        """
        count = len(rows.attribute_N)
        best_N, made_N3 = np.zeros(count, np.int64), np.zeros((count, 3))
        _read(self._given(rows), target_N, self._classes, self.weights, best_N, made_N3)
        return Read(best_N, *made_N3.T)

    @property
    def _classes(self) -> tuple[Longs, Longs, Longs]:
        return self.size_A, self.bias_A, self.named_A

    def _given(self, rows: Rows) -> tuple[Longs, ...]:
        """Rows, with their features as places of weights, -1 where there are none."""
        features, named = rows.features, rows.named
        key_E = _keys(rows)
        start_E = np.full(len(key_E), -1, np.int64)
        if len(self.key_P):
            at_E = np.minimum(np.searchsorted(self.key_P, key_E), len(self.key_P) - 1)
            start_E = np.where(self.key_P[at_E] == key_E, self.start_P[at_E], -1)
        values = named.values.astype(np.int64)
        return rows.attribute_N, start_E, features.pointer, values, named.pointer


def _keys(rows: Rows) -> Longs:
    attribute_E = np.repeat(rows.attribute_N, rows.features.lengths)
    return np.asarray(attribute_E * BUCKETS + rows.features.values, np.int64)


def fit_softmax(
    rows: Rows, target_N: Longs, size_A: Longs, *, ridge: float, rng: np.random.Generator
) -> Softmax:
    """Learn from cells.

    Args:
        rows: what is known of them.
        target_N: the class of each.
        size_A: classes of each attribute.
        ridge: precision of the normal prior of a feature's weight.
        rng: order of the cells.
    """
    key_P, count_P = np.unique(_keys(rows), return_counts=True)
    key_P, count_P = key_P[count_P >= _FEWEST], count_P[count_P >= _FEWEST]
    bias_A = np.cumsum(size_A) - size_A
    named_A = size_A.sum() + np.arange(len(size_A) + 1)
    size_P = size_A[key_P // BUCKETS]
    start_P = named_A[-1] + 1 + np.cumsum(size_P) - size_P
    weights = np.zeros(int(named_A[-1] + 1 + size_P.sum()), np.float32)
    model = Softmax(size_A, bias_A, named_A, key_P, start_P, weights)
    given, seen = model._given(rows), np.full(len(weights), _START, np.float32)
    # The prior of each weight, spread over the visits of its feature.
    decay = np.zeros(len(weights), np.float32)
    decay[named_A[-1] + 1 :] = np.repeat(ridge / count_P, size_P)
    for _ in range(_EPOCHS):
        order_N = rng.permutation(len(target_N))
        _learn(given, target_N, model._classes, weights, seen, decay, order_N)
    return model


@njit(cache=True, nogil=True)
def _chances(n: Any, given: Any, classes: Any, weights: Any, out_K: Any) -> Any:  # pragma: no cover
    """Chances of one row's classes; returns how many there are."""
    attribute_N, start_E, pointer_N, named_E, named_N = given
    size_A, bias_A, named_A = classes
    attribute = attribute_N[n]
    size = size_A[attribute]
    for k in range(size):
        out_K[k] = weights[bias_A[attribute] + k]
    for e in range(pointer_N[n], pointer_N[n + 1]):
        if start_E[e] >= 0:
            for k in range(size):
                out_K[k] += weights[start_E[e] + k]
    for e in range(named_N[n], named_N[n + 1]):
        out_K[named_E[e]] += weights[named_A[attribute]] + weights[named_A[-1]]
    most = out_K[0]
    for k in range(1, size):
        most = max(most, out_K[k])
    total = np.float32(0)
    for k in range(size):
        out_K[k] = np.exp(out_K[k] - most)
        total += out_K[k]
    for k in range(size):
        out_K[k] /= total
    return size


@njit(cache=True, nogil=True)
def _step(weights: Any, seen: Any, ridge: Any, at: Any, slope: Any) -> None:  # pragma: no cover
    slope += ridge[at] * weights[at]
    seen[at] += slope * slope
    weights[at] -= np.float32(_RATE) * slope / np.sqrt(seen[at])


@njit(cache=True, nogil=True)
def _learn(
    given: Any, target_N: Any, classes: Any, weights: Any, seen: Any, ridge: Any, order_N: Any
) -> None:  # pragma: no cover
    attribute_N, start_E, pointer_N, named_E, named_N = given
    size_A, bias_A, named_A = classes
    chance_K = np.empty(size_A.max(), np.float32)
    for at in range(len(order_N)):
        n = order_N[at]
        size = _chances(n, given, classes, weights, chance_K)
        chance_K[target_N[n]] -= np.float32(1)
        for k in range(size):
            _step(weights, seen, ridge, bias_A[attribute_N[n]] + k, chance_K[k])
        for e in range(pointer_N[n], pointer_N[n + 1]):
            if start_E[e] >= 0:
                for k in range(size):
                    _step(weights, seen, ridge, start_E[e] + k, chance_K[k])
        for e in range(named_N[n], named_N[n + 1]):
            _step(weights, seen, ridge, named_A[attribute_N[n]], chance_K[named_E[e]])
            _step(weights, seen, ridge, named_A[-1], chance_K[named_E[e]])


@njit(cache=True, nogil=True)
def _read(
    given: Any, target_N: Any, classes: Any, weights: Any, best_N: Any, made_N3: Any
) -> None:  # pragma: no cover
    chance_K = np.empty(max(classes[0].max(), 1), np.float32)
    for n in range(len(target_N)):
        size = _chances(n, given, classes, weights, chance_K)
        best = 0
        for k in range(1, size - 1):
            if chance_K[k] > chance_K[best]:
                best = k
        best_N[n] = best
        made_N3[n, 0] = np.log(max(chance_K[best], _LEAST))
        made_N3[n, 1] = np.log(max(chance_K[size - 1], _LEAST))
        made_N3[n, 2] = np.log(max(chance_K[target_N[n]], _LEAST))
