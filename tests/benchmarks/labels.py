"""What each part of the decision label is worth: it is left out, and wrong launches are counted.

    python -m tests.benchmarks.labels --folder runs/labels --tests 4000 --seed 1

Of three shops every treatment is lived beside control by everybody, with three lucks each: pairs of
worlds of equal luck, from which the true effect of this luck is known exactly. A test is one pair
whose shoppers are split anew (see `labeltests`): its law is that of the test, as far as shoppers do
not touch each other. Some tests have a fault that real ones have. Each is labelled with all parts,
with each left out, with the lower bound alone, and with it and one more.

A launch is wrong if the true effect on the success metric is not positive, or a guardrail is truly
worse by more than its margin. Intervals of shares are exact (Clopper and Pearson, Biometrika 26,
1934, 404-413): they hold for tests of these worlds. What a part adds is paired: McNemar's exact
test of those tests whose launch is wrong by one label alone, and a bootstrap of shops' treatments,
whole, so that its interval also holds the luck of which treatments there are.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.inference.scorecard.label import Bar, Label, Part, verdict
from tests.benchmarks.labeltests import FAULTS, Drawn, drawn
from tests.benchmarks.labelworlds import MARGINS, SUCCESS, Pair, pairs

SHOPS = {1: 500, 2: 1_000, 3: 1_500}
"""Shoppers of each shop, by its seed."""
LUCKS = (0, 1, 2)
REDRAWN = 2_000
"""Draws of the bootstrap."""

Flags = NDArray[np.bool_]
ALL, BOUND = "all parts", "bound alone"


@dataclass(frozen=True)
class Way:
    """A way to label: which parts vote, and whose worlds are the other ones."""

    name: str
    parts: frozenset[Part]
    elsewhere: bool = False


def ways() -> list[Way]:
    """All parts, each left out, those of a log without a simulation, the bound and one more."""
    every = frozenset(Part)
    log = every - {Part.LATER, Part.SENSITIVITY}
    return [
        Way(ALL, every),
        *(Way(f"without {part}", every - {part}) for part in Part),
        Way("sensitivity to other shops", every, elsewhere=True),
        Way("neither later nor sensitivity", log),
        Way(BOUND, frozenset({Part.BOUND})),
        *(Way(f"bound and {p}", frozenset({Part.BOUND, p})) for p in Part if p != Part.BOUND),
    ]


def launches(tests: Sequence[Drawn], way: Way) -> Flags:
    """(N,) whether each test is launched."""
    evidence = [
        replace(each.evidence, worlds=each.elsewhere) if way.elsewhere else each.evidence
        for each in tests
    ]
    return np.array([verdict(e, Bar(), way.parts).label is Label.LAUNCH for e in evidence], bool)


@dataclass(frozen=True)
class Counts:
    """What a way to label does with tests whose truth is known.

    Attributes:
        launches, wrong: how many are launched, and of these wrongly.
        useless: of the wrong ones, those whose true effect on the success metric is not positive;
            the others break a guardrail.
        good, missed: how many ought to be launched, and of these are not.
        gain: mean true effect of a launch on the success metric, relative; 0 without launches.
        loss: mean of what a launch truly loses of it, 0 for one that loses nothing.
    """

    launches: int
    wrong: int
    useless: int
    good: int
    missed: int
    gain: float
    loss: float


def counted(launched_N: Flags, good_N: Flags, gain_N: NDArray[np.float64]) -> Counts:
    """Count launches against the truth.

    Args:
        launched_N: whether each test is launched.
        good_N: whether it ought to be.
        gain_N: its true effect on the success metric, relative.
    """
    size = max(int(launched_N.sum()), 1)
    return Counts(
        launches=int(launched_N.sum()),
        wrong=int((launched_N & ~good_N).sum()),
        useless=int((launched_N & (gain_N <= 0)).sum()),
        good=int(good_N.sum()),
        missed=int((good_N & ~launched_N).sum()),
        gain=float(gain_N[launched_N].sum() / size),
        loss=float(np.maximum(-gain_N[launched_N], 0.0).sum() / size),
    )


@dataclass(frozen=True)
class Paired:
    """Wrong launches of one label beside another's, on the same tests.

    Attributes:
        more: how many more of all tests are wrongly launched, as a share.
        low, high: its 95 % interval.
        p_value: McNemar's, exact, two-sided.
    """

    more: float
    low: float
    high: float
    p_value: float


def paired(wrong_N: Flags, other_N: Flags, world_N: NDArray[np.int64], *, seed: int) -> Paired:
    """Compare wrong launches.

    Args:
        wrong_N: by the label in question.
        other_N: by the one that it is compared with.
        world_N: which tests lean on one treatment of one shop; these are redrawn whole.
        seed: of the bootstrap.
    """
    only, others = int((wrong_N & ~other_N).sum()), int((other_N & ~wrong_N).sum())
    p_value = stats.binomtest(only, only + others).pvalue if only + others else 1.0
    more_N = wrong_N.astype(np.float64) - other_N
    _, place_N = np.unique(world_N, return_inverse=True)
    more_W, size_W = np.bincount(place_N, more_N), np.bincount(place_N)
    worlds = len(size_W)
    rng = np.random.default_rng([seed, len(more_N)])
    times_RW = rng.multinomial(worlds, np.full(worlds, 1 / worlds), REDRAWN)
    low, high = np.quantile((times_RW @ more_W) / (times_RW @ size_W), (0.025, 0.975))
    return Paired(float(more_N.mean()), float(low), float(high), float(p_value))


def told(tests: Sequence[Drawn], *, seed: int) -> Iterator[str]:
    """The lines of the report, but for the worlds."""
    good_N = np.array([each.good for each in tests])
    gain_N = np.array([each.gain for each in tests])
    world_N = np.array([each.world for each in tests])
    fault_N = np.array([each.fault for each in tests])
    made = {way.name: launches(tests, way) for way in ways()}
    yield (
        f"| label | launches | wrong | useless | wrong of launches | missed of {good_N.sum()} good "
        "ones | mean gain of a launch | mean loss of a launch | wrong in 100 tests, more than all "
        "parts | p |"
    )
    yield "|---|" + "--:|" * 9
    for name, launched_N in made.items():
        found = counted(launched_N, good_N, gain_N)
        cells = [str(each) for each in (found.launches, found.wrong, found.useless)]
        cells += [share(found.wrong, found.launches)]
        cells += [share(found.missed, found.good), f"{found.gain:+.1%}", f"{found.loss:.2%}"]
        if name == ALL:
            cells += ["", ""]
        else:
            than = paired(launched_N & ~good_N, made[ALL] & ~good_N, world_N, seed=seed)
            ends = f"{100 * than.low:+.1f} to {100 * than.high:+.1f}"
            cells += [f"{100 * than.more:+.1f} ({ends})", f"{than.p_value:.2g}"]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield f"| wrong of launches, by fault | {' | '.join(FAULTS)} |"
    yield "|---|" + "--:|" * len(FAULTS)
    for name, launched_N in made.items():
        cells = [
            f"{(launched_N & ~good_N & own_N).sum()} of {(launched_N & own_N).sum()}"
            for own_N in (fault_N == fault for fault in FAULTS)
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def share(part: int, whole: int) -> str:
    """A share and its exact interval of 95 %."""
    if not whole:
        return "none"
    ends = stats.binomtest(part, whole).proportion_ci(0.95, method="exact")
    return f"{part / whole:.1%} ({ends.low:.1%} to {ends.high:.1%})"


def truths(steady: Sequence[Pair]) -> Iterator[str]:
    """The true effects of all treatments, and how far one luck is from the mean over lucks."""
    metrics = (SUCCESS, *MARGINS)
    yield f"| treatment, least to greatest over shops and lucks | {' | '.join(metrics)} |"
    yield "|---|" + "--:|" * len(metrics)
    for name in dict.fromkeys(each.treatment for each in steady):
        own = [each for each in steady if each.treatment == name]
        sizes = [[each.effect(metric) for each in own] for metric in metrics]
        cells = [f"{min(each):+.1%} to {max(each):+.1%}" for each in sizes]
        yield f"| {name} | {' | '.join(cells)} |"
    keys = list(dict.fromkeys((each.shop, each.treatment) for each in steady))
    gains_WL = np.array(
        [[e.effect(SUCCESS) for e in steady if (e.shop, e.treatment) == key] for key in keys]
    )
    off_WL = gains_WL - gains_WL.mean(axis=1, keepdims=True)
    lucks = gains_WL.shape[1]
    spread = float(np.sqrt((off_WL**2).sum() / (len(keys) * max(lucks - 1, 1))))
    other = int((np.sign(gains_WL) != np.sign(gains_WL.mean(axis=1, keepdims=True))).sum())
    yield ""
    yield (
        f"The effect on {SUCCESS} in one luck differs from what is expected of the shop with a "
        f"standard deviation of {spread:.1%}; in {other} of {gains_WL.size} pairs it has another "
        f"sign than the mean over {lucks} lucks."
    )


def main() -> None:
    """Live the worlds, draw the tests, and print what the labels do."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--tests", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    steady = [
        pair
        for shop, shoppers in SHOPS.items()
        for pair in pairs(shop, shoppers, asked.folder / f"shop-{shop}", LUCKS)
    ]
    tests = drawn(steady, asked.tests, seed=asked.seed)
    faults = ", ".join(f"{share:.0%} {fault}" for fault, share in FAULTS.items())
    print(f"{len(tests)} tests ({faults}), {len(steady)} pairs of worlds", flush=True)
    print(*truths(steady), "", *told(tests, seed=asked.seed), sep="\n")


if __name__ == "__main__":
    main()
