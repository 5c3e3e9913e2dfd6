"""Tests drawn from pairs of worlds, with the faults of real ones, and what is known of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from tea_tasting.aggr import Aggregates

from experiments.inference.diagnostics.srm import SRM_ALARM, sample_ratio
from experiments.inference.estimates import Level, combined, levels
from experiments.inference.intervals.student import student
from experiments.inference.metrics import METRICS, meaning_of
from experiments.inference.reduction.adjustment import Means
from experiments.inference.reduction.arm import Arm
from experiments.inference.reduction.cuped import PRE, Cuped
from experiments.inference.scorecard.balance import balance, warnings
from experiments.inference.scorecard.decision import Rule, judge
from experiments.inference.scorecard.label import Evidence
from experiments.inference.scorecard.roles import Aim, Role
from experiments.records.interval import UNKNOWN, Interval
from tests.benchmarks.labelworlds import COLUMNS, MARGINS, SUCCESS, Floats, Pair

FAULTS = {"none": 0.55, "lost": 0.15, "few": 0.15, "fades": 0.15}
"""Share of the tests with each fault; a test has one at most."""
LOST = 0.4
"""Where some are lost: of one arm's shoppers with less than its median orders, which share."""
FEW = 100
"""Shoppers of a test that has few."""
NOVEL = ("itemcf", "not_random")
"""Treatments that are better, and of which some tests see what is novel alone."""
HARM = "more_random"
"""What a treatment that fades may turn into; or into control."""

CONTRAST = ("control", "treatment")
AIMS = (
    Aim(SUCCESS, Role.SUCCESS),
    *(Aim(n, Role.GUARDRAIL, meaning_of(n).better, margin) for n, margin in MARGINS.items()),
)
CHOSEN = tuple(METRICS[aim.metric] for aim in AIMS)
NAMES = (*COLUMNS, *(PRE + column for column in COLUMNS))


@dataclass(frozen=True)
class Drawn:
    """A test, and what is true of its treatment.

    Attributes:
        fault: what is wrong with it.
        world: number of its shop and treatment, on which draws of one kind lean together.
        evidence: what is known of it.
        elsewhere: share of the worlds of other shops in which the gain has the same sign.
        gain: the true effect on the success metric, relative.
        broken: whether a guardrail is truly worse by more than its margin.
    """

    fault: str
    world: int
    evidence: Evidence
    elsewhere: float
    gain: float
    broken: bool

    @property
    def good(self) -> bool:
        """Whether it ought to be launched."""
        return self.gain > 0 and not self.broken


def fading(steady: Sequence[Pair]) -> list[Pair]:
    """Treatments that are better until the middle of the days, then nothing or a harm."""
    found = []
    harms = {(each.shop, each.luck): each for each in steady if each.treatment == HARM}
    for each in steady:
        if each.treatment in NOVEL:
            harm = harms[each.shop, each.luck]
            found.append(each.faded(each.control, f"{each.treatment}, then nothing"))
            found.append(each.faded(harm.treated, f"{each.treatment}, then {HARM}"))
    return found


def broken(pair: Pair) -> bool:
    """Whether a guardrail is truly worse by more than its margin."""
    return any(-meaning_of(n).better * pair.effect(n) > margin for n, margin in MARGINS.items())


def drawn(steady: Sequence[Pair], count: int, *, seed: int) -> list[Drawn]:
    """Tests of pairs that are picked at random, each of its own luck.

    Args:
        steady: pairs of worlds of some shops, each with some lucks.
        count: how many tests.
        seed: of all draws; test k is the same whatever the count.
    """
    faded, found = fading(steady), []
    numbers: dict[tuple[int, str], int] = {}
    effects = {(e.shop, e.treatment, e.luck): e.effect(SUCCESS) for e in steady}
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        fault = str(rng.choice(list(FAULTS), p=list(FAULTS.values())))
        among = faded if fault == "fades" else steady
        pair = among[int(rng.integers(len(among)))]
        treated_U, kept_U = split(pair, fault, rng)
        evidence = known(pair, treated_U, kept_U)
        sign = np.sign(evidence.judged[0].gain.estimate or 0.0)
        here, elsewhere = signs(effects, pair, float(sign))
        world = numbers.setdefault((pair.shop, pair.treatment), len(numbers))
        evidence = Evidence(
            *(evidence.judged, evidence.failed, evidence.effective), None, evidence.later, here
        )
        found.append(Drawn(fault, world, evidence, elsewhere, pair.effect(SUCCESS), broken(pair)))
    return found


def signs(
    effects: Mapping[tuple[int, str, int], float], pair: Pair, sign: float
) -> tuple[float, float]:
    """Share of the other worlds of this shop, and of other shops, whose effect has this sign.

    They know the treatment as it is at first: no simulation knows that its effect will fade.
    """
    own = pair.treatment.partition(",")[0]
    alike = {at: size for at, size in effects.items() if at[1] == own}
    here = [v for (shop, _, luck), v in alike.items() if shop == pair.shop and luck != pair.luck]
    other = [v for (shop, _, _), v in alike.items() if shop != pair.shop]
    one, two = (float(np.mean(np.sign(each) == sign)) for each in (here, other))
    return one, two


def split(
    pair: Pair, fault: str, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which shoppers are treated, and which of all are in the test's log."""
    kept_S = pair.there_S.copy()
    treated_S = rng.random(len(kept_S)) < 0.5
    if fault == "few":
        some = rng.choice(np.flatnonzero(kept_S), min(FEW, int(kept_S.sum())), replace=False)
        kept_S = np.isin(np.arange(len(kept_S)), some)
    if fault == "lost":
        arm = bool(rng.random() < 0.5)
        orders_S = (pair.treated if arm else pair.control).whole_CS[COLUMNS.index(SUCCESS)]
        own_S = kept_S & (treated_S == arm)
        unlucky_S = own_S & (orders_S <= np.median(orders_S[own_S]))
        kept_S &= ~(unlucky_S & (rng.random(len(kept_S)) < LOST))
    return treated_S, kept_S


def known(pair: Pair, treated_S: NDArray[np.bool_], kept_S: NDArray[np.bool_]) -> Evidence:
    """What the log of a test tells, as the scorecard reads it."""
    sides = (kept_S & ~treated_S, kept_S & treated_S)
    lives = (pair.control, pair.treated)
    arms = {
        name: statistics(np.concatenate([life.whole_CS, pair.before_CS])[:, side_S])
        for name, life, side_S in zip(CONTRAST, lives, sides, strict=True)
    }
    counts = {name: arm.count() for name, arm in arms.items()}
    srm = sample_ratio("assigned", counts, dict.fromkeys(CONTRAST, 0.5))
    failed = ["sample ratio"] if srm.p_value is not None and srm.p_value < SRM_ALARM else []
    failed += warnings(balance(CHOSEN, [CONTRAST], arms), ())
    at = COLUMNS.index(SUCCESS)
    effective = min(
        kish(life.whole_CS[at, side_S]) for life, side_S in zip(lives, sides, strict=True)
    )
    late = [
        statistics(np.concatenate([life.sums_HCS[1], pair.before_CS])[:, side_S])
        for life, side_S in zip(lives, sides, strict=True)
    ]
    found = {metric.name: decided(metric.name, arms) for metric in CHOSEN}
    return Evidence(judge(AIMS, found, Rule()), tuple(failed), effective, None, gain(late))


def decided(metric: str, arms: Mapping[str, Aggregates]) -> tuple[Level, Level] | None:
    """Levels of both arms, adjusted by the time before where that can be done, else plain."""
    ratio, how = METRICS[metric], Cuped()
    one, two = (arms[name] for name in CONTRAST)
    if not how.nothing_to_adjust_by(ratio, Arm(one), Arm(two)):
        means = how.adjust(ratio, Arm(one), Arm(two))
        if isinstance(means, Means) and not means.doubt:
            own = zip(means.levels, means.errors, (one, two), strict=True)
            first, second = (Level(mean, error, arm.count()) for mean, error, arm in own)
            return first, second
    return levels(ratio, (one, two))[0]


def gain(arms: Sequence[Aggregates]) -> Interval:
    """The success metric's difference between two arms."""
    pair, _ = levels(METRICS[SUCCESS], (arms[0], arms[1]))
    if pair is None:
        return UNKNOWN
    size, error, freedom = combined((-1.0, pair[0]), (1.0, pair[1]))
    return student(size, error, freedom, confidence=0.95)[0]


def statistics(values_CU: Floats) -> Aggregates:
    """Of the columns `NAMES` of an arm's shoppers."""
    cov_CC = np.atleast_2d(np.cov(values_CU))
    mean_C = values_CU.mean(axis=1)
    places = range(len(NAMES))
    return Aggregates(
        count_=values_CU.shape[1],
        mean_={NAMES[c]: float(mean_C[c]) for c in places},
        var_={NAMES[c]: float(cov_CC[c, c]) for c in places},
        cov_={
            (min(NAMES[c], NAMES[d]), max(NAMES[c], NAMES[d])): float(cov_CC[c, d])
            for c, d in combinations(places, 2)
        },
    )


def kish(value_U: Floats) -> float:
    """Effective number of shoppers that a sum rests on; see `scorecard.tails`."""
    return float(value_U.sum() ** 2 / max((value_U**2).sum(), 1e-300))
