"""What lifts are like before the data are seen: a normal law of true relative lifts.

Taken from a corpus of past experiments: their estimates spread by what is true and by noise, and
the noise is known, so it can be taken away (empirical Bayes; as for a corpus of arms in Tripuraneni
et al., arXiv 2309.07893, 2023).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from simulator.errors import ConfigError, DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """A normal law of true relative lifts. A lift of 0.01 is 1 %.

    Attributes:
        mean: of the lifts; more is more of the metric, whether that is better or not.
        spread: their standard deviation; infinite: nothing is known, and nothing is shrunk.
        source: where both come from; shown wherever a number rests on them.
    """

    mean: float
    spread: float
    source: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise ConfigError(f"prior.mean == {self.mean}, must be finite")
        if not self.spread > 0:
            raise ConfigError(f"prior.spread == {self.spread}, must be > 0")
        if not self.source:
            raise ConfigError("prior.source == '', must say where the prior comes from")

    @property
    def stated(self) -> str:
        """The prior in words."""
        if math.isinf(self.spread):
            return f"no prior: any lift is as likely as any other ({self.source})"
        return (
            f"true lifts are taken to be normal, {self.mean:+.2%} on average with a standard "
            f"deviation of {self.spread:.2%} ({self.source})"
        )


FLAT = Prior(0.0, math.inf, "not asked for")
"""Nothing is known of lifts."""

ASOS_SPREAD = 0.0072
"""Standard deviation of true relative lifts in 78 experiments of a fashion shop, by `spread_of`.

Of the final snapshots of the ASOS Digital Experiments Dataset (Liu, Cardoso, Couturier and McCoy,
Datasets for online controlled experiments, NeurIPS 2021, OSF 64JSB): 381 pairs of arm and metric.
Their estimates spread by 0.66 to 0.89 %, their true lifts by 0.60, 0.78, 0.77 and 0.75 % in the
four metrics; a bootstrap over experiments puts the whole between 0.50 and 0.94 %. Their tails are
longer than a normal law's (standardised kurtosis about 8), so a true lift of several percent is
shrunk too much.
"""

ASOS = Prior(0.0, ASOS_SPREAD, "78 experiments of ASOS, 2021")
"""What lifts of a large shop are like. Their mean, +0.08 %, is within its error of 0."""


def spread_of(lifts_N: Floats, errors_N: Floats) -> tuple[float, float]:
    """Mean and standard deviation of the true lifts behind N estimates.

    The deviation t solves sum w (lift - mean)^2 = N - 1, w = 1 / (t^2 + error^2), mean being the
    mean by these weights (Paule and Mandel, Journal of Research of the National Bureau of Standards
    87, 1982, 377-385); 0 where noise alone spreads the estimates so far.

    Args:
        lifts_N: (N,) estimates, of experiments that are taken to be independent.
        errors_N: (N,) their standard errors, > 0.

    Raises:
        DataError: fewer than 2 of them, one is not finite, or an error is not positive.
    """
    lifts_N, errors_N = np.asarray(lifts_N, np.float64), np.asarray(errors_N, np.float64)
    if lifts_N.shape != errors_N.shape or lifts_N.ndim != 1 or len(lifts_N) < 2:
        found = f"{lifts_N.shape} and {errors_N.shape}"
        raise DataError(f"lifts_N, errors_N == {found}, must be (N,) both, N >= 2")
    if not (np.isfinite(lifts_N).all() and np.isfinite(errors_N).all() and (errors_N > 0).all()):
        raise DataError("lifts_N, errors_N == odd values, must be finite, and errors > 0")

    def mean_of(variance: float) -> float:
        return float(np.average(lifts_N, weights=1 / (variance + errors_N**2)))

    def too_wide(variance: float) -> float:
        off_N = (lifts_N - mean_of(variance)) ** 2 / (variance + errors_N**2)
        return float(off_N.sum()) - (len(lifts_N) - 1)

    if too_wide(0.0) <= 0:
        return mean_of(0.0), 0.0
    most = float(np.var(lifts_N)) * len(lifts_N) + float((errors_N**2).max())
    variance = brentq(too_wide, 0.0, most, xtol=1e-18, rtol=1e-12, maxiter=1000)
    return mean_of(float(variance)), math.sqrt(variance)
