"""The true effect: paired worlds, in which the same shoppers live once under each arm.

Everybody is in control in one world and in treatment in the other, on the same draws, so each
shopper is their own control. Interference between arms, which biases an A/B test, has no place
in them: their difference is the global treatment effect (GTE).

Two methods. *Expected*: of each shopper, what the sessions of each world bring on average over the
luck of clicking and buying (`simulator.following.walk`), less what fails at the stock then.
*Realised*: what was really clicked and bought. Both estimate the same effect; the first has far
less variance. Realised minus expected is 0 on average and is told as a test.

Intervals go across shoppers and lucks at once (`experiments.inference.intervals`). With one luck
they are over shoppers, and over the luck of the state that those who want one category share
(`experiments.inference.intervals.shared`). Where one training serves in all pairs, they leave out
other trainings of the arms' models; `truth.trainings = "each"` puts these in the place of lucks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import ndtr, ndtri

from experiments.inference.intervals.crossed import contrast, growth, linear, ratio
from experiments.inference.intervals.shared import Shared
from experiments.inference.intervals.student import ROUNDING
from experiments.inference.logs import EngineSpec
from experiments.inference.metrics import Metric
from experiments.inference.worldtotals import Floats
from experiments.records.interval import UNKNOWN, Interval, Number
from experiments.records.truth import Method, Parts, Realised, Remainder, Truth
from experiments.truth.categories import Pair, lost
from experiments.truth.expected import PREFIX, STATE_PREFIX
from experiments.truth.pairs import Pairs, read_pairs
from simulator.errors import DataError
from simulator.following.walk import PACED


@dataclass(frozen=True)
class PairedTruth:
    """The global effects of one contrast, and what was amiss with its worlds.

    Attributes:
        effects: rows of truth.json that have no naive estimate beside them yet.
        warnings: in plain sentences.
    """

    effects: tuple[Truth, ...]
    warnings: tuple[str, ...]


def paired_truth(
    control_logs: Sequence[Path],
    treatment_logs: Sequence[Path],
    metrics: Sequence[Metric],
    *,
    method: Method = "expected",
    trainings: int = 1,
    confidence: float = 0.95,
    spec: EngineSpec | None = None,
) -> PairedTruth:
    """The global treatment effect on each metric.

    A mean metric's difference is per shopper; a ratio metric's is linearised on the paired
    totals (delta method). Equal worlds give 0 with the interval [0, 0], exactly. A shopper that
    only one of two paired worlds has counts as zeros in the other and is warned of.

    Args:
        control_logs: the world with everybody in control, one log for each seed.
        treatment_logs: its twin with everybody in treatment, in the same order.
        metrics: what is compared.
        method: "expected" needs worlds that were followed.
        trainings: with more than one, each pair of worlds has a training of its own.
        confidence: level of the intervals.
        spec: threads and memory.

    Raises:
        DataError: there are no worlds, or not as many of one kind as of the other, or what is
            expected of them is not there.
    """
    columns = {column for metric in metrics for column in metric.columns}
    with read_pairs(control_logs, treatment_logs, columns, method, spec) as pairs:
        effects = tuple(_effect(each, pairs, confidence, trainings) for each in metrics)
        lonely = pairs.totals.lonely
    missing = [
        f"{m.name} has no global effect: a world has no {m.denominator or 'exposed shoppers'}"
        for m, found in zip(metrics, effects, strict=True)
        if found.control is None
    ]
    if lonely:
        missing.append(
            f"{lonely} shoppers appear in one of two paired worlds only and count as zeros "
            "in the other; arrivals should not depend on the arm"
        )
    return PairedTruth(effects, tuple(missing))


def _spread(pair: Pair) -> Number:
    """Standard deviation of the relative effect from pair to pair of worlds."""
    top_S, bottom_S, base_S, base_bottom_S = (each.sum(axis=1) for each in pair)
    if not (bottom_S.all() and base_S.all() and base_bottom_S.all()):
        return None
    return float(np.std(top_S / bottom_S / (base_S / base_bottom_S), ddof=1))


def _effect(metric: Metric, pairs: Pairs, confidence: float, trainings: int) -> Truth:
    """The effect on one metric."""
    real = pairs.realised(metric)
    if pairs.method == "realised":
        return realised_effect(metric.name, real, confidence=confidence, trainings=trainings)
    pair = pairs.terms(metric)
    luck = pairs.shared(metric) if _levels(pair) is not None else None
    row = blank_truth(metric.name, pairs.method, *real[0].shape)
    row = _told(row, pair, confidence, trainings, luck)
    if row.control is None:
        return row
    if metric.denominator is None and pairs.with_parts:
        row = replace(row, parts=_parts(metric, pairs, confidence))
    if _levels(real) is not None:
        row = replace(row, realised=_realised(real, confidence))
    return replace(row, remainder=_remainder(real, pair, confidence))


def realised_effect(metric: str, pair: Pair, *, confidence: float, trainings: int) -> Truth:
    """The effect on a metric as totals of shoppers in paired worlds tell it; see `paired_truth`.

    Args:
        metric: its name.
        pair: the totals.
    """
    row = blank_truth(metric, "realised", *pair[0].shape)
    row = _told(row, pair, confidence, trainings, None)
    return row if row.control is None else replace(row, realised=_realised(pair, confidence))


def _told(row: Truth, pair: Pair, confidence: float, trainings: int, luck: Shared | None) -> Truth:
    """A row with the effect that totals tell; as it is where a world has no denominator."""
    levels = _levels(pair)
    if levels is None:
        return row
    found = contrast(*pair, confidence=confidence, shared=luck)
    grown = growth(*pair, confidence=confidence, shared=luck)
    return replace(
        row,
        control=levels[1],
        treatment=levels[0],
        effect=found.interval,
        relative=grown.interval,
        p_value=found.p_value,
        resolution=half_width(grown.interval),
        freedom=grown.freedom,
        trainings=trainings,
        training_sd=_spread(pair) if trainings > 1 else None,
    )


def blank_truth(metric: str, method: Method, seeds: int, n: int) -> Truth:
    """A row without a number, from so many pairs of worlds and shoppers."""
    return Truth(
        metric=metric,
        contrast=("control", "treatment"),
        method=method,
        control=None,
        treatment=None,
        effect=UNKNOWN,
        relative=UNKNOWN,
        p_value=None,
        resolution=None,
        parts=None,
        realised=Realised(UNKNOWN, UNKNOWN, None),
        remainder=None,
        naive=UNKNOWN,
        bias=None,
        covered=None,
        power=None,
        seeds=seeds,
        trainings=1,
        training_sd=None,
        n=n,
    )


def half_width(relative: Interval) -> Number:
    """Half the width of an interval."""
    return None if relative.ends is None else (relative.ends[1] - relative.ends[0]) / 2


def _levels(pair: Pair) -> tuple[float, float] | None:
    """The metric in treatment and in control; None where one of them has no denominator."""
    top_SU, bottom_SU, base_top_SU, base_bottom_SU = pair
    if not (bottom_SU.sum() > 0 and base_bottom_SU.sum() > 0):
        return None
    return (
        float(top_SU.mean()) / float(bottom_SU.mean()),
        float(base_top_SU.mean()) / float(base_bottom_SU.mean()),
    )


def _linears(pair: Pair) -> tuple[Floats, Floats]:
    treated_SU, base_SU = linear(*pair[:2]), linear(*pair[2:])
    if treated_SU is None or base_SU is None:
        raise DataError("pair == without a denominator, must have one in both worlds")
    return treated_SU, base_SU


def _realised(pair: Pair, confidence: float) -> Realised:
    """The effect from logs, and what pairing has gained."""
    factor = None
    if pair[0].shape[1] >= 2:
        treated_U, base_U = (each.sum(axis=0) for each in _linears(pair))
        paired = float(np.var(treated_U - base_U, ddof=1))
        unpaired = float(np.var(treated_U, ddof=1) + np.var(base_U, ddof=1))
        factor = unpaired / paired if paired > ROUNDING * unpaired else None
    return Realised(
        contrast(*pair, confidence=confidence).interval,
        growth(*pair, confidence=confidence).interval,
        factor,
    )


def _remainder(real: Pair, expected: Pair, confidence: float) -> Remainder | None:
    """Realised minus expected effect, on the linearised totals of shoppers."""
    of_real, of_expected = _levels(real), _levels(expected)
    if of_real is None or of_expected is None or of_expected[1] <= 0:
        return None
    treated_SU, base_SU = _linears(real)
    expected_SU, expected_base_SU = _linears(expected)
    size = (of_real[0] - of_real[1]) - (of_expected[0] - of_expected[1])
    table_SU = size + (treated_SU - base_SU) - (expected_SU - expected_base_SU)
    base_SU = np.full(table_SU.shape, of_expected[1])
    found = ratio(table_SU, base_SU, confidence=confidence, tested=True)
    return Remainder(found.interval, found.p_value)


def _parts(metric: Metric, pairs: Pairs, confidence: float) -> Parts:
    """Pages, latency, state and lost sales, each over what control brings."""
    totals, categories, name = pairs.totals, pairs.categories, metric.numerator
    base_SU, treated_SU = totals.of(PREFIX + name)
    lost_SU, treated_lost_SU = totals.of(f"lost_{name}")
    (state_SU,) = totals.of(STATE_PREFIX + name, ["treatment"])
    (paced_SU,) = totals.of(PACED + name, ["treatment"])
    state_G = lost_G = None
    if categories is not None:
        base_G, gone_G = categories.control[name], lost(categories.control, name)
        state_G = categories.state(name) - (base_G + gone_G), base_G
        lost_G = gone_G - lost(categories.treatment, name), base_G
    parts = (
        (treated_SU + treated_lost_SU - paced_SU, None),
        (paced_SU - state_SU, None),
        (state_SU - (base_SU + lost_SU), state_G),
        (lost_SU - treated_lost_SU, lost_G),
    )
    return Parts(
        *(
            ratio(part_SU, base_SU, confidence=confidence, tested=True, groups=groups).interval
            for part_SU, groups in parts
        )
    )


def beside(
    effect: Truth, arms: tuple[str, str], naive: Interval, *, confidence: float = 0.95
) -> Truth:
    """A global effect beside the naive A/B estimate of it, as truth.json has them.

    Args:
        effect: from `paired_truth`.
        arms: names of control and treatment.
        naive: the unadjusted effect of metrics.json; unknown where the test did not estimate it.
        confidence: level of that interval.
    """
    gte = effect.effect.estimate
    return replace(
        effect,
        contrast=arms,
        naive=naive,
        bias=None if gte is None or naive.estimate is None else naive.estimate - gte,
        covered=naive.holds(gte),
        power=_power(gte, naive, confidence),
    )


def _power(effect: Number, naive: Interval, confidence: float) -> Number:
    """Chance that a test with the error of `naive` finds the effect, and its sign (normal)."""
    if effect is None or naive.low is None or naive.high is None or naive.high <= naive.low:
        return None
    reach = float(ndtri((1 + confidence) / 2))
    error = (naive.high - naive.low) / (2 * reach)
    return float(ndtr(abs(effect) / error - reach))
