"""How far a log can tell of another policy: what its weights are worth, and when they are refused.

All limits are conventions of ours.
"""

from dataclasses import dataclass

from experiments.records.interval import Number

LEAST_EFFECTIVE = 10.0
"""Effective slots below which nothing is estimated."""

MOSTLY_GUESSED = 0.5
"""Supported share below which SNIPS and DR, which fill in the rest, estimate nothing."""

FEW_EFFECTIVE = 100.0
FEW_EFFECTIVE_SHARE = 0.01
LEAST_SUPPORTED = 0.95
GREAT_WEIGHT = 1_000.0

FEW_EVENTS = 100.0
"""Effective outcomes below which intervals by the delta method are too narrow.

In simulated bandits with 10 to 60 of them intervals of 95 % held the truth in 50 to 94 %, with more
than 100 in 93 to 96 % (docs/off-policy.md).
"""

WEAK_WEIGHT = 100.0
"""Weight above which the support is weak: the log shows once what is judged a hundred times."""

ROUNDED = 1 + 1e-6
"""Logs have propensities of 32 bits: so much more than a limit is still the limit."""


@dataclass(frozen=True)
class Diagnosis:
    """How far a log can tell of another policy.

    Attributes:
        supported: share of the judged slots whose item the log could have shown there.
        effective: effective sample size sum(w)^2 / sum(w^2) (Kish 1965), in slots.
        largest: largest weight.
        slots: of the log.
        explores: whether any of them might have held another item.
        burden: share of the judged slots whose item has weak support (a weight above `WEAK_WEIGHT`)
            or none.
    """

    supported: Number
    effective: float
    largest: float
    slots: int
    explores: bool
    burden: Number


@dataclass(frozen=True)
class Wording:
    """How a kind of log is spoken of.

    Attributes:
        slots: what has a weight.
        support: what is true of judged slots that have support, of several.
    """

    slots: str
    support: str


SLOTS = Wording("slots", "hold an item that the log could have shown there")
ROUNDS = Wording("rounds", "take an action that the log has taken at that position")
CLICKS = Wording("clicks", "are on an item that the log has on the same page")


def effective_size(weights: float, squares: float) -> float:
    """Kish's effective sample size (Survey Sampling, 1965, section 11.7); 0 without weights.

    Args:
        weights, squares: sums of the weights and of their squares.
    """
    return weights**2 / squares if squares else 0.0


def reasons(diagnosis: Diagnosis, wording: Wording = SLOTS) -> list[str]:
    """Why estimates are not to be believed, a sentence each; [] where nothing is against them."""
    effective, slots, supported = diagnosis.effective, diagnosis.slots, diagnosis.supported
    said = []
    left = f"the weights leave {effective:,.3g} effective {wording.slots} of {slots:,}"
    if effective < LEAST_EFFECTIVE:
        said.append(f"{left}, fewer than {LEAST_EFFECTIVE:.0f}: no estimate is given")
    elif effective < FEW_EFFECTIVE or effective < FEW_EFFECTIVE_SHARE * slots:
        limit = f"{FEW_EFFECTIVE:.0f} or {FEW_EFFECTIVE_SHARE:.0%} of them"
        said.append(f"{left}, fewer than {limit}: do not trust the intervals")
    if supported is not None and supported < LEAST_SUPPORTED:
        then = ", SNIPS the average and DR what its model says"
        if supported < MOSTLY_GUESSED:
            then = ", and SNIPS and DR, which would guess most, are not given"
        said.append(
            f"{supported:.1%} of the judged {wording.slots} {wording.support}, less than "
            f"{LEAST_SUPPORTED:.0%}: of the others IPS counts nothing{then}"
        )
    if diagnosis.largest > GREAT_WEIGHT:
        one = wording.slots.removesuffix("s")
        said.append(
            f"the largest weight is {diagnosis.largest:,.0f}, more than {GREAT_WEIGHT:,.0f}: one "
            f"{one} may decide"
        )
    return said


def few_events(events: float) -> list[str]:
    """Why an interval is too narrow, where the outcomes are; [] where they are enough."""
    if events >= FEW_EVENTS:
        return []
    return [
        f"the weighted outcomes are worth {events:,.3g} equal ones, fewer than {FEW_EVENTS:.0f}: "
        "the interval is too narrow"
    ]


def refusal(diagnosis: Diagnosis, *, fills_in: bool, wording: Wording = SLOTS) -> str:
    """Why an estimator says nothing, "" where it speaks.

    Args:
        diagnosis: of the log.
        fills_in: whether the estimator guesses what the log does not support, as SNIPS and DR do.
        wording: how the log is spoken of.
    """
    if diagnosis.effective < LEAST_EFFECTIVE:
        return (
            f"the weights leave {diagnosis.effective:,.3g} effective {wording.slots} of "
            f"{diagnosis.slots:,}, fewer than {LEAST_EFFECTIVE:.0f}; the largest weight is "
            f"{diagnosis.largest:,.4g}"
        )
    if diagnosis.supported is None:
        return f"no {wording.slots} are judged"
    if fills_in and diagnosis.supported < MOSTLY_GUESSED:
        return (
            f"{diagnosis.supported:.1%} of the judged {wording.slots} {wording.support}, less than "
            f"{MOSTLY_GUESSED:.0%}: most would be guessed"
        )
    return ""
