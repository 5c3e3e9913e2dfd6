"""Whether the tests of all metrics together say that a change should be shipped.

The rule of Schultzberg, Ankargren and Frånberg ("Risk-aware product decisions in A/B tests with
multiple metrics", arXiv 2402.11609, 2024): ship if, and only if, at least one success metric is
better, every guardrail is not worse by more than its margin, no metric is worse, and no check of
the experiment itself failed. All tests are one-sided Welch tests.

- At least one of S success metrics: each has S chances to be wrongly called better, so each is
  tested at alpha / S, over several treatment arms at alpha / (arms S) (union-intersection).
- Every guardrail: a change that breaks one must pass that one's own test, so each is tested at
  alpha, however many there are (intersection-union; Berger, Technometrics 24, 1982, 295-300).
- No metric worse: a false alarm stops a good change, so the alarms share their rate over all
  metrics.

So a change that improves no success metric, or breaks a guardrail, is shipped with a chance of at
most alpha. A good change must pass every one of these tests: see `power_of_each`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import special

from experiments.inference.estimates import Level, combined
from experiments.inference.intervals.student import student
from experiments.inference.scorecard.roles import Aim, Role
from experiments.records.interval import UNKNOWN, Interval, Number
from simulator.errors import ConfigError

Levels = Mapping[str, tuple[Level, Level] | None]
"""By metric, the levels of control and of treatment; None where there are none."""


@dataclass(frozen=True)
class Rule:
    """How often the rule may err.

    Attributes:
        alpha: most chance to ship a change that betters no success metric, or that breaks a
            guardrail; 0.025 is one side of a 95 % interval.
        alarm: most chance that a change that worsens nothing is stopped as if it did.
        arms: treatment arms of the experiment, each of which may be shipped.
    """

    alpha: float = 0.025
    alarm: float = 0.025
    arms: int = 1

    def __post_init__(self) -> None:
        for name, level in (("alpha", self.alpha), ("alarm", self.alarm)):
            if not 0 < level < 0.5:
                raise ConfigError(f"rule.{name} == {level}, must be > 0 and < 0.5")
        if self.arms < 1:
            raise ConfigError(f"rule.arms == {self.arms}, must be >= 1")


@dataclass(frozen=True)
class Judged:
    """What the tests say about one metric.

    Attributes:
        aim: what the metric is for.
        gain: treatment minus control, turned so that more is better. Its ends are the bounds that
            its role's test is read off, each at that test's level.
        p_better: of no improvement; for a success metric.
        p_safe: of a loss by the margin or more; for a guardrail.
        p_worse: of no deterioration.
        better, safe, worse: what these say at the rule's levels; None where they say nothing.
        broken: whether a guardrail is surely worse by more than its margin.
        reason: why something is not known; "" where all is.
    """

    aim: Aim
    gain: Interval = UNKNOWN
    p_better: Number = None
    p_safe: Number = None
    p_worse: Number = None
    better: bool | None = None
    safe: bool | None = None
    worse: bool | None = None
    broken: bool | None = None
    reason: str = ""


@dataclass(frozen=True)
class Shipping:
    """What follows from all of them.

    Attributes:
        ships: whether the rule says so.
        reasons: plain sentences: what stops it, or what is better where nothing does.
    """

    ships: bool
    reasons: tuple[str, ...]


def judge(aims: Sequence[Aim], levels: Levels, rule: Rule) -> tuple[Judged, ...]:
    """Test every metric for what it must show.

    Args:
        aims: the metrics that count, each once.
        levels: of these metrics, as `estimates.levels` gives them.
        rule: how often the whole may err.

    Returns:
        one of each aim, in their order.

    Raises:
        ConfigError: a metric has two aims, or none is to be better or guarded.
    """
    names = [aim.metric for aim in aims]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"aims == {twice!r} twice, must be one for each metric")
    if all(aim.role is Role.QUALITY for aim in aims):
        raise ConfigError("aims == no success metric and no guardrail, must have one of them")
    success = sum(aim.role is Role.SUCCESS for aim in aims)
    at = {
        Role.SUCCESS: rule.alpha / (rule.arms * max(success, 1)),
        Role.GUARDRAIL: rule.alpha,
        Role.QUALITY: rule.alarm / len(aims),
    }
    return tuple(
        _judged(aim, levels.get(aim.metric), at[aim.role], rule.alarm / len(aims)) for aim in aims
    )


def _judged(aim: Aim, levels: tuple[Level, Level] | None, at: float, alarm: float) -> Judged:
    """One metric, its own test at one level and that of a deterioration at another."""
    if levels is None:
        return Judged(aim, reason="it has no estimate")
    one, two = levels
    gap, error, freedom = combined((-aim.better, one), (aim.better, two))
    if freedom == 0:
        return Judged(aim, Interval(gap, None, None), reason="no variation between shoppers")
    gain, _ = student(gap, error, freedom, confidence=1 - 2 * at)
    p_worse = float(special.stdtr(freedom, gap / error))
    worse = p_worse < alarm
    if aim.role is Role.SUCCESS:
        p_better = float(special.stdtr(freedom, -gap / error))
        return Judged(
            aim, gain, p_better=p_better, p_worse=p_worse, better=p_better < at, worse=worse
        )
    if aim.role is Role.QUALITY:
        return Judged(aim, gain, p_worse=p_worse, worse=worse)
    if aim.relative and one.mean <= 0:
        reason = "control is not above zero, so a relative margin says nothing"
        return Judged(aim, gain, p_worse=p_worse, worse=worse, reason=reason)
    above, error, freedom = combined((-aim.better, aim.worst(one)), (aim.better, two))
    p_safe, p_broken = (float(special.stdtr(freedom, side * above / error)) for side in (-1, 1))
    return Judged(
        aim,
        gain,
        p_safe=p_safe,
        p_worse=p_worse,
        safe=p_safe < at,
        worse=worse,
        broken=p_broken < alarm,
    )


def shipping(judged: Sequence[Judged], failed: Sequence[str] = ()) -> Shipping:
    """Apply the rule.

    Without a success metric it asks for no improvement: what does no harm is shipped.

    Args:
        judged: every metric that counts.
        failed: checks of the experiment itself that failed, such as of the sample ratio.
    """
    success = [each for each in judged if each.aim.role is Role.SUCCESS]
    better = [each.aim.metric for each in success if each.better]
    against = [f"a check failed: {check}" for check in failed]
    if success and not better:
        names = ", ".join(each.aim.metric for each in success)
        against.append(f"no success metric is shown to be better: {names}")
    for each in judged:
        name = each.aim.metric
        if each.reason:
            against.append(f"{name} is not known: {each.reason}")
        elif each.broken:
            against.append(f"{name} is worse by more than its margin")
        elif each.safe is False:
            against.append(f"{name} is not shown to be within its margin")
        if each.worse and not each.broken:
            against.append(f"{name} is worse")
    found = [f"{name} is better" for name in better] or ["no guardrail and no metric is worse"]
    return Shipping(not against, tuple(against or found))


def power_of_each(power: float, *, success: int, guardrails: int, alarms: float = 0.0) -> float:
    """The power that each test must have, for the rule to ship a good change with a given power.

    It is shipped if one success metric and every guardrail pass, and no alarm is raised. By the
    union bound the chances to fail add up, so each of the 1 + G tests may fail with
    (beta - alarms) / (1 + G), beta = 1 - power (Schultzberg et al. 2024, section 3.4, without
    alarms; that deterioration and quality tests cost power, too, is their section 4).

    Args:
        power: chance to ship a change that betters a success metric and harms no guardrail.
        success, guardrails: how many there are of both.
        alarms: chance that deterioration tests and checks stop it, together.

    Raises:
        ConfigError: no test is asked for, or a power cannot be had.
    """
    tests = min(success, 1) + guardrails
    if tests < 1 or min(success, guardrails) < 0:
        raise ConfigError(f"success + guardrails == {success} + {guardrails}, must be >= 1")
    if not 0 < power < 1 - alarms:
        raise ConfigError(f"power == {power}, must be > 0 and < 1 - alarms == {1 - alarms:g}")
    return 1 - (1 - power - alarms) / tests
