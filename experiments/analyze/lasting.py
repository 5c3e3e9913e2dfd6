"""What lasts of an effect: shoppers held out of a launched change, beside the experiment before."""

from collections.abc import Iterator
from pathlib import Path

from experiments.analyze.facts import Facts
from experiments.inference.estimates import Level
from experiments.inference.intervals.student import reach
from experiments.inference.scorecard.holdout import holdout
from experiments.records.experiment.scorecard import CardLasting, CardRow, Scorecard
from experiments.records.metrics import Contrast
from experiments.records.reading import read_record
from simulator.errors import DataError


def lasting(facts: Facts) -> Iterator[CardLasting]:
    """The effects of this log beside those of the experiment that it comes after.

    Raises:
        DataError: the scorecard of that experiment cannot be read, or does not tell which of its
            treatments was launched.
    """
    if not facts.spec.after:
        return
    path = Path(facts.spec.after)
    if path.name != Scorecard.FILE:
        raise DataError(f"after == {path}, must be a {Scorecard.FILE}")
    earlier = read_record(Scorecard, path.parent)
    known = {metric.name for metric in earlier.metrics}
    for contrast in facts.contrasts:
        tested = _launched(facts, earlier, contrast)
        for name in facts.decisive:
            if name in known:
                yield _row(facts, name, contrast, earlier, tested)


def _launched(facts: Facts, earlier: Scorecard, contrast: Contrast) -> Contrast:
    """The contrast of the experiment whose treatment was launched."""
    if len(earlier.contrasts) == 1:
        return earlier.contrasts[0]
    named = [each for each in earlier.contrasts if each[1] == contrast[1]]
    if not named:
        found = ", ".join(treatment for _, treatment in earlier.contrasts)
        raise DataError(
            f"after == {facts.spec.after} with the treatments {found}, must be of one treatment, "
            f"or of one that is called {contrast[1]!r} as here"
        )
    return named[0]


def _row(
    facts: Facts, name: str, contrast: Contrast, earlier: Scorecard, tested: Contrast
) -> CardLasting:
    row, pair = earlier.deciding(name, tested), facts.pair(name, contrast)
    if pair is None:
        return CardLasting.nothing(name, contrast, row.effect, "this log does not tell it")
    level = _effect(row, earlier.confidence)
    found = holdout(name, *pair, tested=level, confidence=facts.spec.confidence)
    reason = found.reason
    if level is None:
        reason = reason or "the experiment has no interval of it"
    effect = found.lasting.effect
    return CardLasting(name, contrast, row.effect, effect, found.change, found.p_value, reason)


def _effect(row: CardRow, confidence: float) -> Level | None:
    """An effect with its standard error, read off its interval."""
    fewest = min(row.n_control, row.n_treatment)
    if row.effect.estimate is None or row.effect.ends is None or fewest < 2:
        return None
    low, high = row.effect.ends
    wide = float(reach(1.0, row.n_control + row.n_treatment - 2, confidence=confidence))
    return Level(row.effect.estimate, (high - low) / 2 / wide, fewest)
