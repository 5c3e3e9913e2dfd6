"""Channels in the order of what they find, and how sure that order is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experiments.inference.intervals.crossed import contrast
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.validity import ChannelRecall, Truth
from experiments.validate.verdicts import ratio_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """How good one channel's answers are.

    Attributes:
        channel: its name.
        value_B: of each request.
        random_B: what as many items drawn at random would have.
        within_B: the same of items drawn in the categories of those that were found, if told.
    """

    channel: str
    value_B: Floats
    random_B: Floats
    within_B: Floats | None = None

    def rows(self, rows: NDArray[np.bool_]) -> "Answer":
        """The answers to some of the requests."""
        within_B = None if self.within_B is None else self.within_B[rows]
        return Answer(self.channel, self.value_B[rows], self.random_B[rows], within_B)


def placed(
    truth: Truth,
    measure: Literal["recall", "ndcg_at_10"] | str,
    answers: Sequence[Answer],
    *,
    unit_B: NDArray[np.integer],
    confidence: float,
    judged: Mapping[str, float] | None = None,
) -> list[ChannelRecall]:
    """The channels, best first; of equals the one that comes first.

    Args:
        truth, measure: what the values are of.
        answers: of each channel, to the same requests.
        unit_B: who asked: requests of one hang together.
        confidence: level of the intervals.
        judged: share of each channel's first ten that was judged, if told.
    """
    _, at_B = np.unique(unit_B, return_inverse=True)
    count_U = np.bincount(at_B).astype(np.float64)
    best = sorted(answers, key=lambda answer: -float(answer.value_B.mean()))
    rows = []
    for place, (answer, after) in enumerate(zip(best, [*best[1:], None], strict=True), 1):
        sum_U = _sums(at_B, answer.value_B)
        over_next = UNKNOWN if after is None else _over(sum_U, after, at_B, count_U, confidence)
        within_B = answer.within_B
        rows.append(
            ChannelRecall(
                truth=truth,
                measure="recall" if measure == "recall" else "ndcg_at_10",
                channel=answer.channel,
                place=place,
                found=ratio_of(sum_U, count_U, confidence),
                random=float(answer.random_B.mean()),
                random_in_category=None if within_B is None else float(within_B.mean()),
                over_next=over_next,
                judged_at_10=None if judged is None else judged[answer.channel],
                n=len(answer.value_B),
            )
        )
    return rows


def by_place(rows: Sequence[ChannelRecall]) -> list[ChannelRecall]:
    """Rows with their place by what was found."""
    best = sorted(rows, key=lambda row: -(row.found.estimate or 0.0))
    return [replace(row, place=place) for place, row in enumerate(best, 1)]


def _sums(at_B: NDArray[np.intp], value_B: Floats) -> Floats:
    """(U,) sums of the values of each unit."""
    return np.asarray(np.bincount(at_B, value_B), np.float64)


def _over(
    sum_U: Floats, other: Answer, at_B: NDArray[np.intp], count_U: Floats, confidence: float
) -> Interval:
    """How much more a mean over requests is than another channel's."""
    row_U, base_U = sum_U[None], _sums(at_B, other.value_B)[None]
    size_U = count_U[None]
    return contrast(row_U, size_U, base_U, size_U, confidence=confidence).interval
