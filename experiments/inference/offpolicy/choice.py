"""The choice among generator sets: the doubly robust value minus what weak support costs.

See `generators` for what this is for and why it is pessimistic.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from experiments.inference.intervals.crossed import ratio
from experiments.inference.offpolicy.estimators import estimated
from experiments.inference.offpolicy.moments import Moments
from experiments.inference.offpolicy.policyvalue import PolicyValue, policy_values
from experiments.inference.offpolicy.slots import Floats
from experiments.inference.offpolicy.totals import Totals
from experiments.records.interval import UNKNOWN, Interval, Number
from simulator.errors import ConfigError, DataError


@dataclass(frozen=True)
class Candidate:
    """One of the generator sets among which is chosen.

    Attributes:
        name: of the set.
        value: the doubly robust one.
        burden: share of the judged slots whose support is weak or none.
        penalised: value minus price times the slots of a request with weak support; unknown where
            the value is refused.
    """

    name: str
    value: PolicyValue
    burden: Number
    penalised: Interval


@dataclass(frozen=True)
class Choice:
    """Which generator set is best once weak support is paid for.

    Attributes:
        chosen: its name; None where no value is told.
        lead: its penalised value minus the next one's, paired over shoppers; unknown without a next
            one. It is the greatest of several, so by chance rather too great.
        candidates: all, best first, those without a value last.
        reason: why none is chosen; "" where one is.
    """

    chosen: str | None
    lead: Interval
    candidates: tuple[Candidate, ...]
    reason: str


def choose(totals: Mapping[str, Totals], event: int, *, price: float, confidence: float) -> Choice:
    """Choose among generator sets that are judged by the same log.

    Args:
        totals: by name of the set; of the same shoppers and requests.
        event: which kind of outcome decides.
        price: what a judged slot with weak support costs, in units of the outcome; the most that a
            slot may bring makes penalised values lower bounds.
        confidence: level of the intervals.

    Raises:
        ConfigError: a price below 0.
        DataError: nothing to choose from, or sets that are judged by other requests.
    """
    if not price >= 0:
        raise ConfigError(f"price == {price}, must be >= 0")
    _check(totals)
    found = [_candidate(name, each, event, price, confidence) for name, each in totals.items()]
    told = [each for each in found if each.penalised.estimate is not None]
    told.sort(key=lambda each: -(each.penalised.estimate or 0.0))
    untold = [each for each in found if each.penalised.estimate is None]
    if not told:
        reason = "; ".join(f"{each.name}: {each.value.refusal}" for each in untold)
        return Choice(None, UNKNOWN, tuple(untold), f"no set has an estimate ({reason})")
    lead = UNKNOWN
    if len(told) > 1:
        first, second = (_penalised(totals[each.name], event, price) for each in told[:2])
        requests_1U = totals[told[0].name].requests_U[None]
        lead = ratio((first - second)[None], requests_1U, confidence=confidence).interval
    return Choice(told[0].name, lead, (*told, *untold), "")


def _candidate(name: str, totals: Totals, event: int, price: float, confidence: float) -> Candidate:
    moments, diagnosis = Moments.of(totals, event), totals.diagnosis
    value = policy_values(moments, diagnosis, confidence=confidence)["dr"]
    penalised = moments.linear({"doubly": 1.0, "weak": -price}, confidence=confidence)
    return Candidate(name, value, diagnosis.burden, UNKNOWN if value.refusal else penalised)


def _penalised(totals: Totals, event: int, price: float) -> Floats:
    """(U,) penalised totals of shoppers."""
    return np.asarray(estimated(totals, "dr")[event] - price * totals.weak_U)


def _check(totals: Mapping[str, Totals]) -> None:
    if not totals:
        raise DataError("generator sets == 0, must be > 0")
    first = next(iter(totals))
    for name, each in totals.items():
        if not np.array_equal(each.requests_U, totals[first].requests_U):
            raise DataError(f"requests of {name!r} == others than of {first!r}, must be the same")
