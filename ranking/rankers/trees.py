"""Boosted trees as they serve: complete trees in arrays, and one compiled pass.

Every tree is filled up to one depth, so that a candidate goes down it without a branch: it moves
from node n to 2n + 1 or 2n + 2. Sums run over the trees in their order, candidate by candidate, so
they are the same bits in any batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_LANES = 64  # candidates that pass together


@njit(nogil=True, inline="always")
def _either(which: Any, left: Any, right: Any) -> Any:  # pragma: no cover
    return (which & right) | (~which & left)


@njit(nogil=True)
def _three_levels(
    in_FL: Any, offset_N: Any, threshold_N: Any, node_L: Any
) -> None:  # pragma: no cover
    """Down the first three levels: every lane is asked all seven questions, which needs no lookup.

    Half as long for trees of five levels as asking each lane the three that it comes by.
    """
    t0, t1, t2, t3 = threshold_N[0], threshold_N[1], threshold_N[2], threshold_N[3]
    t4, t5, t6 = threshold_N[4], threshold_N[5], threshold_N[6]
    x0, x1 = in_FL[offset_N[0] // _LANES], in_FL[offset_N[1] // _LANES]
    x2, x3 = in_FL[offset_N[2] // _LANES], in_FL[offset_N[3] // _LANES]
    x4, x5 = in_FL[offset_N[4] // _LANES], in_FL[offset_N[5] // _LANES]
    x6 = in_FL[offset_N[6] // _LANES]
    for lane in range(_LANES):
        first = x0[lane] > t0
        second = _either(first, x1[lane] > t1, x2[lane] > t2)
        left = _either(second, x3[lane] > t3, x4[lane] > t4)
        third = _either(first, left, _either(second, x5[lane] > t5, x6[lane] > t6))
        place = np.uint32(4) * first + np.uint32(2) * second + np.uint32(third)
        node_L[lane] = np.uint32(7) + place


@njit(cache=True, nogil=True)
def _sums(
    features_PF: Any, offset_TN: Any, threshold_TN: Any, leaf_TL: Any, depth: Any
) -> Any:  # pragma: no cover
    """Numbers of nodes are unsigned, so that no index is looked at for being negative."""
    n_pairs, n_features = features_PF.shape
    out_P = np.zeros(n_pairs, np.float64)
    in_FL = np.zeros((n_features, _LANES), np.float32)
    in_X = in_FL.reshape(-1)  # feature after feature, lane beside lane
    node_L, sum_L = np.zeros(_LANES, np.uint32), np.zeros(_LANES, np.float64)
    inner, one = np.uint32(offset_TN.shape[1]), np.uint32(1)
    for start in range(0, n_pairs, _LANES):
        lanes = min(_LANES, n_pairs - start)
        for lane in range(lanes):
            for f in range(n_features):
                in_FL[f, lane] = features_PF[start + lane, f]
        sum_L[:] = 0.0
        for t in range(offset_TN.shape[0]):
            offset_N, threshold_N, leaf_L = offset_TN[t], threshold_TN[t], leaf_TL[t]
            if depth >= 3:
                _three_levels(in_FL, offset_N, threshold_N, node_L)
            else:
                node_L[:] = 0
            for _ in range(depth - 3 if depth >= 3 else depth):
                for lane in range(_LANES):
                    n = node_L[lane]
                    above = in_X[offset_N[n] + np.uint32(lane)] > threshold_N[n]
                    node_L[lane] = n + n + one + np.uint32(above)
            for lane in range(_LANES):
                sum_L[lane] += leaf_L[node_L[lane] - inner]
        for lane in range(lanes):
            out_P[start + lane] = sum_L[lane]
    return out_P


@dataclass(frozen=True)
class Trees:
    """T trees of one depth D.

    Attributes:
        feature_TN, threshold_TN: (T, 2^D - 1) what each inner node asks: whether the feature is
            above the threshold.
        leaf_TL: (T, 2^D) what a candidate that ends there is given.
    """

    feature_TN: NDArray[np.int32]
    threshold_TN: Floats
    leaf_TL: NDArray[np.float64]

    @classmethod
    def of_dump(cls, dump: Mapping[str, Any]) -> "Trees":
        """The trees of `lightgbm.Booster.dump_model()`.

        A float32 is above a float64 threshold exactly where it is above the threshold rounded down
        to float32.
        """
        roots = [tree["tree_structure"] for tree in dump["tree_info"]]
        depth = max((_depth(root) for root in roots), default=0)
        inner = 2**depth - 1
        trees = cls(
            np.zeros((len(roots), inner), np.int32),
            np.full((len(roots), inner), np.inf, np.float32),
            np.zeros((len(roots), 2**depth), np.float64),
        )
        for row, root in enumerate(roots):
            trees._fill(row, root, 0)
        return trees

    def _fill(self, row: int, node: Mapping[str, Any], place: int) -> None:
        inner = self.feature_TN.shape[1]
        if place >= inner:
            self.leaf_TL[row, place - inner] = node["leaf_value"]
            return
        below: Sequence[Mapping[str, Any]] = (node, node)  # a leaf goes on as itself
        if "split_feature" in node:
            if node["decision_type"] != "<=" or node["missing_type"] != "None":
                raise ValueError(f"{node['decision_type']}, {node['missing_type']}")
            self.feature_TN[row, place] = node["split_feature"]
            self.threshold_TN[row, place] = _rounded_down(node["threshold"])
            below = (node["left_child"], node["right_child"])
        for side, child in enumerate(below):
            self._fill(row, child, 2 * place + 1 + side)

    def first(self, count: int) -> "Trees":
        """The first of them, as deep as these are; what `of_dump` would have made of them alone."""
        some = Trees(self.feature_TN[:count], self.threshold_TN[:count], self.leaf_TL[:count])
        while (inner := some.threshold_TN.shape[1]) and np.isinf(
            some.threshold_TN[:, inner // 2 :]
        ).all():  # nothing is asked on the lowest level
            upper = slice(inner // 2)
            some = Trees(
                some.feature_TN[:, upper], some.threshold_TN[:, upper], some.leaf_TL[:, ::2]
            )
        return Trees(*(np.ascontiguousarray(column) for column in vars(some).values()))

    def sums(self, features_PF: Floats) -> NDArray[np.float64]:
        """(P,) sum of the leaves that each pair ends in."""
        depth = self.leaf_TL.shape[1].bit_length() - 1
        offset_TN = (self.feature_TN * _LANES).astype(np.uint32)
        return np.asarray(_sums(features_PF, offset_TN, self.threshold_TN, self.leaf_TL, depth))


def _depth(node: Mapping[str, Any]) -> int:
    if "split_feature" not in node:
        return 0
    return 1 + max(_depth(node["left_child"]), _depth(node["right_child"]))


def _rounded_down(threshold: float) -> np.float32:
    near = np.float32(threshold)
    return near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf))
