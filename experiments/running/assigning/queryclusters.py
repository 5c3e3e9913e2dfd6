"""Clusters of query texts that are about the same category, by what a shop has seen of clicks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Catalog
from simulator.log.history import History

_SMOOTH = 0.1
"""Clicks that every word is given in every category, so that an unseen pair is not impossible."""


def query_clusters(texts: Sequence[str], history: History, catalog: Catalog) -> NDArray[np.int64]:
    """(T,) the cluster of each text: the number of the category that it is most likely about.

    A text that was clicked for is about the category of most of its clicks. Another one is about
    the category that its words speak for: naive Bayes with the clicks for texts with each word.
    A text of which no word was ever clicked for is a cluster of its own, numbered after the
    categories. It is what a shop can know: nothing of what shoppers really want is read.

    Args:
        texts: T texts of the world, among them all of the history.
        history: the log before the experiment.
        catalog: the items, whose categories are clicked.
    """
    categories = max(len(catalog.categories), 1)
    clicked = history.clicked_X & (catalog.category_I[history.item_X] >= 0)
    category_X = catalog.category_I[history.item_X[clicked]]
    text_X = history.text_R[history.row_X[clicked]]
    clicks_TC = _counts(text_X, category_X, len(texts), categories)
    words, word_W, text_W = _words(texts)
    by_word_VC = _counts_of_words(clicks_TC, word_W, text_W, len(words))
    known_V = by_word_VC.sum(axis=1) > 0
    smooth_VC = by_word_VC + _SMOOTH
    of_category_1C = smooth_VC.sum(axis=0, keepdims=True)
    said_VC = np.where(known_V[:, None], np.log(smooth_VC / of_category_1C), 0.0)
    prior_C = np.log(clicks_TC.sum(axis=0) + 1.0)
    score_TC = np.zeros((len(texts), categories))
    np.add.at(score_TC, text_W, said_VC[word_W])
    cluster_T = np.where(
        clicks_TC.sum(axis=1) > 0,
        clicks_TC.argmax(axis=1),
        (score_TC + prior_C).argmax(axis=1),
    )
    told_T = np.zeros(len(texts), bool)
    told_T[text_W[known_V[word_W]]] = True
    told_T |= clicks_TC.sum(axis=1) > 0
    alone_T = categories + np.arange(len(texts))
    return np.where(told_T, cluster_T, alone_T).astype(np.int64)


def _counts(
    row_X: NDArray[np.integer], column_X: NDArray[np.integer], rows: int, columns: int
) -> NDArray[np.float64]:
    flat_X = row_X.astype(np.int64) * columns + column_X
    return np.bincount(flat_X, minlength=rows * columns).reshape(rows, columns).astype(np.float64)


def _words(
    texts: Sequence[str],
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct words, and a row for each word of each text: its number and the text's."""
    number: dict[str, int] = {}
    pairs = [
        (number.setdefault(word, len(number)), text)
        for text, string in enumerate(texts)
        for word in set(string.lower().split())
    ]
    word_W, text_W = np.array(pairs, np.int64).reshape(-1, 2).T
    return list(number), word_W, text_W


def _counts_of_words(
    clicks_TC: NDArray[np.float64],
    word_W: NDArray[np.int64],
    text_W: NDArray[np.int64],
    words: int,
) -> NDArray[np.float64]:
    """(V, C) clicks by category for texts with each word."""
    by_word_VC = np.zeros((words, clicks_TC.shape[1]))
    np.add.at(by_word_VC, word_W, clicks_TC[text_W])
    return by_word_VC
