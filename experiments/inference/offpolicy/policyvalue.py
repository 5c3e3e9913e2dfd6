"""What an estimator says of a policy, and what that rests on."""

from dataclasses import dataclass

from experiments.inference.offpolicy.estimators import ESTIMATORS, FILLS_IN, Estimator
from experiments.inference.offpolicy.moments import Moments
from experiments.inference.offpolicy.support import (
    SLOTS,
    Diagnosis,
    Wording,
    few_events,
    reasons,
    refusal,
)
from experiments.records.interval import UNKNOWN, Interval, Number


@dataclass(frozen=True)
class PolicyValue:
    """A policy's value by one estimator.

    Attributes:
        estimator: which.
        value: per request, or round; unknown where it is refused.
        effective: effective sample size of the weights (Kish), in slots.
        largest: largest weight.
        events: effective number of units with an outcome; it decides how far intervals hold.
        supported: share of the judged slots that the log could have shown.
        refusal: why there is no value; "" where there is one.
        doubts: what else speaks against it, a sentence each.
    """

    estimator: str
    value: Interval
    effective: float
    largest: float
    events: float
    supported: Number
    refusal: str
    doubts: tuple[str, ...]


def policy_values(
    moments: Moments, diagnosis: Diagnosis, *, confidence: float, wording: Wording = SLOTS
) -> dict[Estimator, PolicyValue]:
    """What IPS, SNIPS and DR say, each with its interval over units.

    Args:
        moments: of one kind of outcome.
        diagnosis: of the same log.
        confidence: level of the intervals.
        wording: how the log is spoken of.
    """
    said = {
        "ips": moments.linear({"weighted": 1.0}, confidence=confidence),
        "snips": moments.normalised(confidence=confidence),
        "dr": moments.linear({"doubly": 1.0}, confidence=confidence),
    }
    events = moments.events
    return {
        name: policy_value(
            name, said[name], diagnosis, events, fills_in=name in FILLS_IN, wording=wording
        )
        for name in ESTIMATORS
    }


def policy_value(
    estimator: str,
    value: Interval,
    diagnosis: Diagnosis,
    events: float,
    *,
    fills_in: bool,
    wording: Wording = SLOTS,
) -> PolicyValue:
    """A value with what it rests on, or the reason why it is not told.

    Args:
        estimator: its name.
        value: what it says.
        diagnosis: of the log.
        events: effective number of units with an outcome.
        fills_in: whether it guesses what the log does not support.
        wording: how the log is spoken of.
    """
    refused = refusal(diagnosis, fills_in=fills_in, wording=wording)
    return PolicyValue(
        estimator=estimator,
        value=UNKNOWN if refused else value,
        effective=diagnosis.effective,
        largest=diagnosis.largest,
        events=events,
        supported=diagnosis.supported,
        refusal=refused,
        doubts=() if refused else (*reasons(diagnosis, wording), *few_events(events)),
    )
