"""Names that stand in the texts of items, word for word."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from recall.arrays import Ragged
from recall.texts.words import WordNumbers


class Names:
    """Some names, to be found in texts.

    Args:
        names: such as those of values; one without a letter or digit is never found.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._vocabulary, words_N = WordNumbers.learn(names)
        self._of_name = _bags(words_N, len(self._vocabulary))
        self.size_N = np.asarray(self._of_name.sum(axis=1)).ravel().astype(np.int64)
        """(N,) different words of each name."""

    def found(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of a text and a name whose words the text has all, sorted by text and name.

        Returns:
            (F,) texts and (F,) names.
        """
        of_text = _bags(self._vocabulary.encode(texts), len(self._vocabulary))
        both = (of_text @ self._of_name.T).tocoo()
        whole = both.data == self.size_N[both.col]
        text_F, name_F = both.row[whole].astype(np.int64), both.col[whole].astype(np.int64)
        order = np.lexsort((name_F, text_F))
        return text_F[order], name_F[order]


def _bags(lists: Ragged, words: int) -> csr_matrix:
    """(R, words) 1 where a list has a word."""
    row = np.repeat(np.arange(len(lists)), lists.lengths)
    key = np.unique(row * max(words, 1) + lists.values)
    row, column = np.divmod(key, max(words, 1))
    return csr_matrix((np.ones(len(key), np.int32), (row, column)), shape=(len(lists), words))
