"""Groups of ids packed behind their prompts: what a request's ids share is computed once.

A row holds a prompt and, behind it, the tree of its group's ids without their last codes. The
prompt is there once, not once for each id; ids that begin with the same codes share these too. A
tree mask lets a code see the prompt and the codes before it in its own id, so that each id gets
what it would get alone.

Axis suffixes: B rows, T positions, W positions of prompts, G ids of a group, L levels, C places of
a row whose outputs are wanted, P those behind the prompts, N nodes of all rows, U those of one
level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.generator.prompts import Prompts
from cqsid.generator.vocabulary import Vocabulary
from simulator.catalogue.catalog import Ints
from simulator.errors import ContractError

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """The distinct beginnings of each row's ids, of 0 to L - 1 codes: its nodes.

    Nodes are numbered level by level, and row by row inside a level; the only one of level 0 in a
    row is the prompt. Each node also has a place in its row: those of a level are neighbours, and
    as many as the fullest row needs.

    Attributes:
        node_BGL: the node that predicts each code.
        row_N, id_N: its row, and an id of the group that begins with it.
        place_N: its place in the row.
        starts: (L + 1) the nodes of level l are starts[l] to starts[l + 1] - 1.
        level_C: the level of each place.
    """

    node_BGL: Rows
    row_N: Rows
    id_N: Rows
    place_N: Rows
    starts: Rows
    level_C: Rows

    @staticmethod
    def of(prompts: Prompts, codes_BGL: Ints, vocabulary: Vocabulary) -> "Tree":
        """Find the nodes of groups.

        Raises:
            ContractError: not one group for each prompt, no id, or a code outside its level.
        """
        _check(prompts, codes_BGL, vocabulary)
        (rows, group, levels), sizes = codes_BGL.shape, vocabulary.sizes
        nodes_BG, places = np.repeat(np.arange(rows)[:, None], group, axis=1), [1]
        node_BGL, zeros_B = np.empty(codes_BGL.shape, np.int64), np.zeros(rows, np.int64)
        columns, starts = [(np.arange(rows), zeros_B, zeros_B)], [0, rows]
        node_BGL[..., 0] = nodes_BG
        for level in range(1, levels):
            key_BG = node_BGL[..., level - 1] * sizes[level - 1] + codes_BGL[..., level - 1]
            key_U, at_U, node_BG = np.unique(key_BG, return_index=True, return_inverse=True)
            row_U, id_U = np.divmod(at_U, group)  # keys ascend with rows, and so do nodes
            count_B = np.bincount(row_U, minlength=rows)
            rank_U = np.arange(len(key_U)) - (np.cumsum(count_B) - count_B)[row_U]
            columns.append((row_U, id_U, sum(places) + rank_U))
            node_BGL[..., level] = starts[-1] + node_BG.reshape(rows, group)
            starts.append(starts[-1] + len(key_U))
            places.append(int(count_B.max()))
        row_N, id_N, place_N = (np.concatenate(each) for each in zip(*columns, strict=True))
        level_C = np.repeat(np.arange(levels), places)
        return Tree(node_BGL, row_N, id_N, place_N, np.array(starts), level_C)


@dataclass(frozen=True)
class Packed:
    """B prompts with the trees of their groups as rows for `cqsid.generator.transformer.forward`.

    Attributes:
        tokens_BT: prompts, padded to the longest, then the last code of the node of each place.
        position_BT: of each token in its own sequence.
        mask_BTT: which token sees which.
        wanted_BC: position of each place; that of the first is the end of the prompt.
    """

    tokens_BT: Ints
    position_BT: Rows
    mask_BTT: NDArray[np.bool_]
    wanted_BC: Rows

    @staticmethod
    def of(prompts: Prompts, codes_BGL: Ints, vocabulary: Vocabulary, tree: Tree) -> "Packed":
        """Pack groups with their tree, as narrow as the longest prompt allows."""
        width = int(prompts.length_B.max())
        rows, places, length_B1 = len(prompts), len(tree.level_C), prompts.length_B[:, None]
        tokens_BT = np.full((rows, width + places - 1), vocabulary.pad, np.int32)
        tokens_BT[:, :width] = prompts.tokens_BT[:, :width]
        some = slice(rows, None)  # the nodes behind the prompts
        level_N = tree.level_C[tree.place_N[some]]
        where_N = tree.row_N[some], width - 1 + tree.place_N[some]
        codes_NL = vocabulary.tokens(codes_BGL[tree.row_N[some], tree.id_N[some]])
        tokens_BT[where_N] = codes_NL[np.arange(len(level_N)), level_N - 1]
        position_BT = np.broadcast_to(np.arange(width), (rows, width))
        position_BC = length_B1 - 1 + tree.level_C
        wanted_BC = np.broadcast_to(width - 1 + np.arange(places), (rows, places)).copy()
        wanted_BC[:, 0] = prompts.length_B - 1
        return Packed(
            tokens_BT,
            np.concatenate([position_BT, position_BC[:, 1:]], axis=1),
            _mask(tree, prompts.length_B, width),
            wanted_BC,
        )


def _check(prompts: Prompts, codes_BGL: Ints, vocabulary: Vocabulary) -> None:
    shape, levels = codes_BGL.shape, len(vocabulary.sizes)
    if len(shape) != 3 or shape[0] != len(prompts) or 0 in shape or shape[2] != levels:
        wanted = f"must be ({len(prompts)}, ids, {levels}), with a prompt and an id at least"
        raise ContractError(f"codes_BGL.shape == {shape}, {wanted}")
    wrong_BGL = (codes_BGL < 0) | (codes_BGL >= np.array(vocabulary.sizes))
    if wrong_BGL.any():
        at = tuple(int(place[0]) for place in np.nonzero(wrong_BGL))
        most = vocabulary.sizes[at[2]] - 1
        raise ContractError(f"codes_BGL{list(at)} == {codes_BGL[at]}, must be 0 to {most}")


def _mask(tree: Tree, length_B: Rows, width: int) -> NDArray[np.bool_]:
    """Prompts are causal; a node sees its prompt, the nodes that it continues, and itself."""
    rows, places = len(length_B), len(tree.level_C)
    mask_BTT = np.zeros((rows, width + places - 1, width + places - 1), np.bool_)
    mask_BTT[:, :width, :width] = np.tri(width, dtype=np.bool_)
    mask_BTT[:, width:, :width] = (np.arange(width) < length_B[:, None])[:, None]
    behind_BPP = mask_BTT[:, width:, width:]
    path_NL = tree.node_BGL[tree.row_N, tree.id_N]
    for level in range(1, int(tree.level_C[-1]) + 1):
        some = slice(tree.starts[level], None)  # nodes that are, or continue, one of this level
        seen_N = tree.place_N[path_NL[some, level]]
        behind_BPP[tree.row_N[some], tree.place_N[some] - 1, seen_N - 1] = True
    return mask_BTT
