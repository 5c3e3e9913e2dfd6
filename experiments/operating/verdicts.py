"""From answers to verdicts: the one rule by which every promise of a test is judged.

With R repetitions a rate is known to a few points at best. So three things can be said. It *does
not hold* where the promised value is beyond chance, corrected for the number of tests that were
asked the same (Holm). It *holds* where the promised value lies in the interval and one that errs
twice as often does not; or where the whole interval is next to the promised value, for with enough
repetitions any approximation is found out. Else it *cannot be told*.
"""

from collections.abc import Sequence
from dataclasses import replace

from experiments.inference.finding import corrected
from experiments.operating.rates import MONTE_CARLO
from experiments.records.experiment.operating import Characteristic, Question, Verdict

NEAR: dict[Question, float] = {
    "false_positive_rate": 0.01,
    "uniformity": 0.02,
    "coverage_global": 0.02,
    "coverage_naive": 0.02,
}
"""How far from the wanted value is as good as it."""

FAR_FROM_UNIFORM = 0.1
"""A distance of distributions that is too great to be overlooked."""


def judged(rows: Sequence[Characteristic]) -> tuple[Characteristic, ...]:
    """Rows with their corrected p-values and verdicts; those that promise nothing as they are."""

    def family(row: Characteristic) -> tuple[str, object] | None:
        if row.wanted is None:
            return None
        return row.question, (row.metric, row.by) if row.known_fault else None

    return tuple(
        row if row.wanted is None else replace(row, verdict=_verdict(row, row.wanted))
        for row in corrected(rows, family)
    )


def _verdict(row: Characteristic, wanted: float) -> Verdict:
    if row.value.ends is None:
        return Verdict.UNTOLD
    low, high = row.value.ends
    near = NEAR[row.question]
    if wanted - near <= low and high <= wanted + near:
        return Verdict.HOLDS
    if row.p_holm is not None and row.p_holm < 1 - MONTE_CARLO:
        return Verdict.FAILS
    within = low <= wanted <= high
    if row.question == "uniformity":  # a distance found is never 0
        within = row.p_value is not None and row.p_value >= 1 - MONTE_CARLO
    return Verdict.HOLDS if within and not _gross(row, wanted, low, high) else Verdict.UNTOLD


def _gross(row: Characteristic, wanted: float, low: float, high: float) -> bool:
    """Whether twice the promised errors, or more, are still possible."""
    if row.question == "uniformity":
        return high >= FAR_FROM_UNIFORM
    if row.question == "false_positive_rate":
        return high >= 2 * wanted
    return low <= 1 - 2 * (1 - wanted)
