"""Whether a channel's any-touch share rises along the funnel: exposure, click, purchase.

The difference of two shares of the same shoppers; its variance is the diagonal of the covariance
that `experiments.attribution.crediting.joint` computes from the shares' linearisation over all
shoppers, so the interval is paired. Student's t with n - 1 degrees of freedom.
"""

import math

from scipy import stats

from experiments.attribution.crediting.joint import EVENTS, Crossed
from experiments.attribution.record import StepRow

STEPS = ((0, 1), (1, 2))


def step_rows(
    crossed: dict[tuple[str, str], Crossed], channels: tuple[str, ...], *, confidence: float
) -> list[StepRow]:
    """The rise of each channel's any-touch share from each kind of event to the next.

    Args:
        crossed: of `experiments.attribution.crediting.joint.crossed_sums`.
        channels: names, in the order of the provenance bits.
        confidence: level of the intervals.

    Returns:
        Rows by arm, step and channel; None for what is not determined.
    """
    return [
        row
        for (arm, rule), one in crossed.items()
        if rule == "any_touch"
        for event, then in STEPS
        for row in _step(arm, one, channels, event, then, confidence)
    ]


def _step(
    arm: str, one: Crossed, channels: tuple[str, ...], event: int, then: int, confidence: float
) -> list[StepRow]:
    share_C, then_C = one.shares(event), one.shares(then)
    known = one.n >= 2 and one.total(event) > 0 and one.total(then) > 0
    covariance_CC = one.covariance(event, then) if known else None
    result = []
    for c, channel in enumerate(channels):
        names = (arm, channel, EVENTS[event], EVENTS[then])
        share, then_share = _number(share_C[c]), _number(then_C[c])
        rise = None if covariance_CC is None else float(then_C[c] - share_C[c])
        if rise is None or covariance_CC is None or covariance_CC[c, c] <= 0:
            result.append(StepRow(*names, share, then_share, rise, None, None, None))
            continue
        error = math.sqrt(covariance_CC[c, c])
        half = float(stats.t.ppf((1 + confidence) / 2, one.n - 1)) * error
        p_value = float(2 * stats.t.sf(abs(rise) / error, one.n - 1))
        result.append(StepRow(*names, share, then_share, rise, rise - half, rise + half, p_value))
    return result


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
