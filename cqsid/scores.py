"""Logits of a level's codes, and what turns them into log-probabilities.

Among a level's codes that is cheap. Among all tokens it costs more than all else, so it comes with
a bound: by Jensen's inequality a sum of exponentials of logits is at least their number times the
exponential of their mean, and the mean of the logits is one product with the mean of the rows.

Axis suffixes: A beams, D model width, K codes of a level, V tokens.
"""

from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor

from cqsid.matmul import Product
from cqsid.partition import Floats, Partition
from cqsid.transformer import Weights
from cqsid.vocabulary import Vocabulary

Softmax = Literal["level", "full"]
_ROWS: Final = 192  # beams, and
_TOKENS: Final = 2048  # tokens, at once: their logits stay near the processor
_SLACK: Final = np.float32(1e-3)  # of a bound: more than float32 can be wrong


class Scores:
    """The output side of a model."""

    def __init__(self, weights: Weights, vocabulary: Vocabulary, softmax: Softmax) -> None:
        """Lay out the output rows as they are now."""
        head_VD = weights.head_VD.detach().float()
        ranges = zip(vocabulary.offset_L.tolist(), vocabulary.sizes, strict=True)
        parts = [head_VD[at : at + size] for at, size in ranges]
        self._levels = [Product(part_KD) for part_KD in parts]
        self._rest: list[list[Product]] = [[] for _ in parts]  # the other tokens of each level
        if softmax == "level":
            return
        texts_VD = head_VD[: int(vocabulary.offset_L[0])]
        whole = len(texts_VD) // _TOKENS * _TOKENS
        shared = [Product(texts_VD[at : at + _TOKENS]) for at in range(0, whole, _TOKENS)]
        ends = (texts_VD[whole:], head_VD[len(vocabulary) :])
        for level in range(len(parts)):
            own_VD = torch.cat([*ends, *parts[:level], *parts[level + 1 :]])
            self._rest[level] = shared + ([Product(own_VD)] if len(own_VD) else [])
        sum_D = head_VD.double().sum(0)
        rests = [len(head_VD) - len(part_KD) for part_KD in parts]
        sums = [sum_D - part_KD.double().sum(0) for part_KD in parts]
        self._means = [(rest_D / n).float() for rest_D, n in zip(sums, rests, strict=True)]
        self._log_counts = [np.float32(np.log(n)) for n in rests]

    @property
    def bounded(self) -> bool:
        """Whether `least` is much cheaper than `norm`."""
        return bool(self._rest[0])

    def of(self, hidden_AD: Tensor, level: int) -> tuple[Floats, Partition]:
        """(A, K) logits of the codes of a level, and the sum of their exponentials."""
        logits_AK: Floats = self._levels[level](hidden_AD).cpu().numpy()
        return logits_AK, Partition(logits_AK)

    def least(self, hidden_AD: Tensor, codes: Partition, level: int) -> Floats:
        """(A,) what `norm` is at least, for the sum of `of`."""
        mean_A = (hidden_AD @ self._means[level]).cpu().numpy()
        least_A = np.logaddexp(codes.log(), mean_A + self._log_counts[level])
        slack_A: Floats = _SLACK * (1 + np.abs(least_A))
        return least_A - slack_A

    def norm(self, hidden_AD: Tensor, codes: Partition, level: int) -> Floats:
        """(A,) what to take from logits for log-probabilities; takes up into the sum of `of`."""
        for first in range(0, len(hidden_AD) if self.bounded else 0, _ROWS):
            some_AD = hidden_AD[first : first + _ROWS]
            for head in self._rest[level]:
                codes.take(head(some_AD).cpu().numpy(), first)
        return codes.log()
