"""Measures of a judge on graded pairs, with intervals from a bootstrap over texts."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from experiments.records.apart.judges import Judged
from experiments.records.interval import UNKNOWN, Interval
from simulator.annotations.pairs import grade_of

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

GOOD = 2
"""Grade from which an item is relevant."""
RESAMPLES = 400


def measures(
    judge: str,
    chances_JG: NDArray[np.floating],
    grade_J: NDArray[np.integer],
    text_J: NDArray[np.integer],
    confidence: float,
    rng: np.random.Generator,
) -> list[Judged]:
    """Every measure of a judge.

    The text is drawn again with all of its pairs, for pairs of a text share its words.

    Args:
        judge: its name.
        chances_JG: what it says of J pairs, by grade.
        grade_J: the true grades.
        text_J: their texts.
        confidence: level of the intervals.
        rng: luck of the bootstrap.
    """
    grades = chances_JG.shape[1]
    likeliest_J = chances_JG.argmax(axis=1)
    score_J = chances_JG @ np.arange(grades, dtype=np.float64)
    told: dict[str, Callable[[Floats], float]] = {
        "macro_f1": lambda weight_J: _macro(likeliest_J, grade_J, weight_J, grades),
        **{
            f"f1_{grade}": partial(_f1, likeliest_J == grade, grade_J == grade)
            for grade in range(grades)
        },
        "auc": _Area(score_J, np.asarray(grade_J >= GOOD)),
        "accuracy": lambda weight_J: _mean(likeliest_J == grade_J, weight_J),
    }
    return _measured(judge, told, text_J, confidence, rng)


def _measured(
    judge: str,
    told: Mapping[str, Callable[[Floats], float]],
    text_J: NDArray[np.integer],
    confidence: float,
    rng: np.random.Generator,
) -> list[Judged]:
    """Measures of weighted pairs, with intervals over texts."""
    _, text_J = np.unique(text_J, return_inverse=True)
    texts = int(text_J.max(initial=-1)) + 1
    drawn = [np.bincount(rng.integers(0, texts, texts), minlength=texts) for _ in range(RESAMPLES)]
    rows = []
    for measure, value in told.items():
        whole = value(np.ones(len(text_J)))
        if np.isnan(whole):
            rows.append(Judged(judge, measure, UNKNOWN))
            continue
        again = np.array([value(times_T[text_J].astype(np.float64)) for times_T in drawn])
        tail = (1 - confidence) / 2
        low, high = np.nanquantile(again, [tail, 1 - tail])
        rows.append(Judged(judge, measure, Interval(whole, float(low), float(high))))
    return rows


def verdict_measures(
    judge: str,
    said: Mapping[str, NDArray[np.integer]],
    true: Mapping[str, NDArray[np.integer]],
    grade_J: NDArray[np.integer],
    text_J: NDArray[np.integer],
    confidence: float,
    rng: np.random.Generator,
) -> list[Judged]:
    """How often verdicts are the true ones and contradict the grade, with intervals as above.

    Args:
        said, true: (J,) codes by verdict: `category`, `brand`, `values`.
        grade_J: the grades that the judge gives.
    """
    follows_J = grade_of(*(said[name].astype(np.int8) for name in ("category", "brand", "values")))
    return _measured(
        judge,
        {
            **{f"{name}_verdict": partial(_mean, said[name] == true[name]) for name in said},
            "contradiction": partial(_mean, np.asarray(follows_J != grade_J)),
        },
        *(text_J, confidence, rng),
    )


def _mean(hit_J: NDArray[np.bool_], weight_J: Floats) -> float:
    total = float(weight_J.sum())
    return float(weight_J @ hit_J) / total if total else np.nan


def _f1(said_J: NDArray[np.bool_], true_J: NDArray[np.bool_], weight_J: Floats) -> float:
    """F1 of one grade; NaN where no pair has it."""
    known = float(weight_J @ true_J)
    if not known:
        return np.nan
    return 2 * float(weight_J @ (said_J & true_J)) / (known + float(weight_J @ said_J))


def _macro(said_J: Indices, true_J: NDArray[np.integer], weight_J: Floats, grades: int) -> float:
    """Mean F1 of the grades that some pair has."""
    each = [_f1(said_J == grade, true_J == grade, weight_J) for grade in range(grades)]
    return float(np.nanmean(each)) if not np.isnan(each).all() else np.nan


class _Area:
    """Area under the ROC curve of weighted pairs; a tie is half won."""

    def __init__(self, score_J: Floats, good_J: NDArray[np.bool_]) -> None:
        self._order_J = np.argsort(score_J, kind="stable")
        ordered = score_J[self._order_J]
        self._group_J = np.concatenate([[0], np.cumsum(np.diff(ordered) > 0)]).astype(np.int64)
        self._good_J = good_J[self._order_J]

    def __call__(self, weight_J: Floats) -> float:
        weight = weight_J[self._order_J]
        groups = int(self._group_J[-1]) + 1 if len(weight) else 0
        good_K = np.bincount(self._group_J[: len(weight)], weight * self._good_J, groups)
        bad_K = np.bincount(self._group_J[: len(weight)], weight * ~self._good_J, groups)
        total = good_K.sum() * bad_K.sum()
        if not total:
            return np.nan
        below_K = np.cumsum(bad_K) - bad_K / 2
        return float(good_K @ below_K / total)
