"""A test that is known to be wrong: exposures as units, where shoppers were split.

Clicks over exposures look like a share of as many independent events as there were exposures. They
are not: what one shopper is shown and clicks hangs together. The variance of a binomial share, p
(1 - p) / n, is then too small, and the test calls differences where there are none. It is made here
to show by how much.
"""

from collections.abc import Iterable

import numpy as np

from experiments.inference.intervals.student import student
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.redrawn import (
    NOTHING,
    Assigns,
    Floats,
    Outcomes,
    Redrawn,
    Test,
    told,
)

CTR = METRICS["ctr"]


def exposure_test(clicks_A: Floats, exposures_A: Floats, *, confidence: float) -> Test:
    """Two shares of exposures compared as if exposures were independent (unpooled z-test).

    Args:
        clicks_A, exposures_A: sums of control and of treatment.
        confidence: level of the interval.
    """
    if exposures_A.min() <= 0:
        return NOTHING
    share_A = clicks_A / exposures_A
    error = float(np.sqrt((share_A * (1 - share_A) / exposures_A).sum()))
    if error == 0:
        return NOTHING
    effect = float(share_A[1] - share_A[0])
    interval, p_value = student(effect, error, np.inf, confidence=confidence)
    low, high = interval.ends or (np.nan, np.nan)
    return float(share_A[0]), effect, low, high, p_value


def redrawn_by_exposure(
    control: Outcomes, splits: Iterable[Assigns], *, confidence: float
) -> Redrawn:
    """The same, again and again, each time split anew.

    Args:
        control: of shoppers, with clicks and exposures.
        splits: into arms 0 and 1.
        confidence: level of the intervals.
    """
    clicks_U, exposures_U = (control.of(column) for column in CTR.columns)
    tests = []
    for split in splits:
        arm_U = split.assign(control.unit_U, control.at_U)
        clicks_A, exposures_A = (
            np.asarray(np.bincount(arm_U, each_U, 2)[:2], np.float64)
            for each_U in (clicks_U, exposures_U)
        )
        tests.append([exposure_test(clicks_A, exposures_A, confidence=confidence)])
    return told([CTR], tests)
