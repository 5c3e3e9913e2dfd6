"""What sales before day 0 tell of the demand for an item."""

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.settings import TraitsSpec
from simulator.randomness import Draws, Floats

_AT_ONCE = 20_000  # items; a matter of memory alone
_STEPS = 50  # of Newton's method at most
_LEAST_SIGMA = 1e-9  # of a normal law that is no point
_REACH, _POINTS = 8.0, 129  # standard deviations around the mode that are tabled, and points there


def demand_given(
    sold_I: Floats, quality_I: NDArray[np.float32], spec: TraitsSpec, draws: Draws
) -> Floats:
    """(I,) demand weights as they may be, given what was sold; NaN where that is unknown.

    Sales are taken as Poisson around demand, which is log-normal before they are seen: around what
    quality tells, with the spread `demand_sigma`. Each demand is drawn from its law given the
    sales, so few sales tell little of it and many nearly all.
    """
    mean = 0.5 * (spec.demand_sigma**2 + spec.demand_quality**2)
    centre_I = spec.demand_quality * quality_I.astype(np.float64) - mean
    known = np.flatnonzero(np.isfinite(sold_I))
    expected_I = np.exp(centre_I + 0.5 * spec.demand_sigma**2)
    each = float(sold_I[known].sum() / expected_I[known].sum()) if len(known) else 0.0
    uniform_I = draws.uniform("item.demand", slot=np.arange(len(sold_I)))
    log_I = np.full(len(sold_I), np.nan)
    for rows in np.array_split(known, 1 + len(known) // _AT_ONCE):
        told = sold_I[rows], each, centre_I[rows], spec.demand_sigma
        log_I[rows] = poisson_log_normal(*told, uniform_I[rows])
    return np.asarray(np.exp(log_I))


def poisson_log_normal(
    count_I: Floats, rate: float, centre_I: Floats, sigma: float, uniform_I: Floats
) -> Floats:
    """(I,) logs x of intensities, drawn by inversion from their law given counts.

    count ~ Poisson(rate exp(x)), x ~ N(centre, sigma^2) before the count is seen (Aitchison and Ho,
    Biometrika 76, 1989). The density is log-concave: its mode is found by Newton's method, and it
    is tabled around that, at points even in the standard deviation that its curvature tells.

    Args:
        count_I: what was counted, >= 0.
        rate: expected count of an intensity of 1; > 0 unless nothing was counted.
        centre_I, sigma: of the normal law; sigma >= 0.
        uniform_I: luck, in (0, 1).
    """
    if sigma < _LEAST_SIGMA:
        return centre_I.copy()
    precision = 1 / sigma**2
    # From above the mode Newton's steps of this concave slope never overshoot.
    mode_I = np.maximum(centre_I, np.log(np.maximum(count_I, 1e-12) / max(rate, 1e-12)))
    mode_I = np.minimum(mode_I, centre_I + count_I / precision)
    for _ in range(_STEPS):
        intensity_I = rate * np.exp(mode_I)
        slope_I = count_I - intensity_I - precision * (mode_I - centre_I)
        step_I = slope_I / (intensity_I + precision)
        mode_I = mode_I + step_I
        if np.abs(step_I).max(initial=0.0) < 1e-12:
            break
    spread_I = 1 / np.sqrt(rate * np.exp(mode_I) + precision)
    x_IP = mode_I[:, None] + spread_I[:, None] * np.linspace(-_REACH, _REACH, _POINTS)
    from_centre_IP = x_IP - centre_I[:, None]
    log_IP = count_I[:, None] * x_IP - rate * np.exp(x_IP) - 0.5 * precision * from_centre_IP**2
    weight_IP = np.exp(log_IP - log_IP.max(axis=1, keepdims=True))
    mass_IP = np.cumsum(0.5 * (weight_IP[:, 1:] + weight_IP[:, :-1]), axis=1)
    wanted_I = uniform_I * mass_IP[:, -1]
    at_I = (mass_IP < wanted_I[:, None]).sum(axis=1)
    rows = np.arange(len(count_I))
    below_I = np.where(at_I > 0, mass_IP[rows, np.maximum(at_I - 1, 0)], 0.0)
    part_I = (wanted_I - below_I) / (mass_IP[rows, at_I] - below_I)
    log_I: Floats = x_IP[rows, at_I] + part_I * (x_IP[rows, at_I + 1] - x_IP[rows, at_I])
    return log_I
