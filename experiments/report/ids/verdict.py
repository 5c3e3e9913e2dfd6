"""Which differences between schemes are real, in plain words."""

from collections.abc import Sequence
from itertools import product

from experiments.inference.finding import Finding, decide
from experiments.records.ids import (
    EQUAL_BEAM,
    EQUAL_COMPUTE,
    EQUAL_ITEMS,
    HIT_RATE,
    Gain,
    IdsRecord,
)
from experiments.records.reading import grouped, rows_of
from experiments.report.kit.digits import fixed, interval_decimals, percent, range_of, sureness
from experiments.report.kit.sentences import listed

BASES = ((EQUAL_ITEMS, "equal items"), (EQUAL_BEAM, "equal beam"), (EQUAL_COMPUTE, "equal compute"))
"""The three comparisons of item recall, and what they are called."""


def finding(gain: Gain | None, confidence: float) -> Finding:
    """What a gain allows to be said."""
    if gain is None:
        return Finding.MISSING
    return decide(gain.effect, tested=(gain.p_value, gain.p_holm), confidence=confidence)


def others(record: IdsRecord) -> list[str]:
    """All schemes but the baseline."""
    return [scheme for scheme in record.schemes if scheme != record.baseline]


def size_words(gain: Gain) -> tuple[str, str]:
    """A gain and its interval: relative where the baseline allows it, else in points."""
    if gain.relative.estimate is None:
        return percent(gain.effect.estimate, 2, sign=True) + " points", range_of(gain.effect, 2)
    decimals = interval_decimals(gain.relative)
    return percent(gain.relative.estimate, decimals, sign=True), range_of(gain.relative, decimals)


def headline(record: IdsRecord) -> tuple[str, bool]:
    """The finding at the primary beam without personalisation; whether a scheme is really better.

    Better is a scheme that covers more than the baseline.
    """
    mode, beam, base = record.modes[0], record.primary_beam, record.baseline
    gains = rows_of(record.gains, mode=mode, measure=HIT_RATE, at=beam)
    said = {gain.scheme: finding(gain, record.confidence) for gain in gains}
    where = f"at beam {beam}, {mode}"
    if all(each is Finding.MISSING for each in said.values()):
        return _without_interval(record, gains, where), False
    better = [gain for gain in gains if said[gain.scheme] is Finding.MORE]
    if better:
        best = max(better, key=lambda gain: gain.effect.estimate or 0.0)
        size, interval = size_words(best)
        told = (
            f"{best.scheme} covers {size.lstrip('+')} more clicked items than {base} {where} "
            f"({sureness(record.confidence)} interval {interval})"
        )
        rest = [gain.scheme for gain in better if gain is not best]
        return told + (
            f"; so {'do' if len(rest) > 1 else 'does'} {listed(rest)}." if rest else "."
        ), True
    worse = [scheme for scheme, each in said.items() if each is Finding.LESS]
    told = f"No scheme can be told to cover more clicked items than {base} {where}"
    return told + (f"; fewer: {listed(worse)}." if worse else "."), False


def _without_interval(record: IdsRecord, gains: Sequence[Gain], where: str) -> str:
    """That estimates stand alone, and the largest of them."""
    why = "With one training seed no" if len(record.seeds) == 1 else "No"
    told = f"{why} difference from {record.baseline} has an interval {where}"
    known = [gain for gain in gains if gain.effect.estimate is not None]
    if not known:
        return f"{told}."
    most = max(known, key=lambda gain: gain.effect.estimate or 0.0)
    return (
        f"{told}, so it may all be luck. The largest estimate is that of {most.scheme}, "
        f"{size_words(most)[0]}."
    )


def choice(record: IdsRecord) -> str:
    """Which scheme to take, or that it cannot be told.

    A scheme is compared with the baseline alone, so of several that are really better none is told
    to be the best.
    """
    mode, beam, base = record.modes[0], record.primary_beam, record.baseline
    gains = rows_of(record.gains, mode=mode, measure=HIT_RATE, at=beam)
    said = {gain.scheme: finding(gain, record.confidence) for gain in gains}
    better = [gain for gain in gains if said[gain.scheme] is Finding.MORE]
    if not better:
        told = f"Keep {base}: no scheme can be told to cover more."
        unsure = [scheme for scheme, each in said.items() if each is not Finding.LESS]
        more = f" {listed(unsure)} may be better or worse: more training seeds tell."
        return told + more if unsure else told
    best = max(better, key=lambda gain: gain.effect.estimate or 0.0)
    size, interval = size_words(best)
    told = f"Take {best.scheme}: it covers {size.lstrip('+')} more than {base} ({interval})."
    rest = [gain.scheme for gain in better if gain is not best]
    if rest:
        told += f" {listed(rest)} may be as good: schemes are compared with {base} alone."
    return told


_WORDS = {
    Finding.MORE: "more",
    Finding.LESS: "less",
    Finding.ALONE: "a difference that is not beyond chance among so many",
    Finding.UNTOLD: "nothing that can be told apart",
    Finding.MISSING: "no interval",
}


def scheme_sentences(record: IdsRecord) -> list[str]:
    """What is known of each scheme's hit rates, by mode."""
    told = []
    for scheme in others(record):
        parts = []
        for mode in record.modes:
            gains = {beam: record.gain(scheme, mode, HIT_RATE, beam) for beam in record.beams}
            said = {str(beam): finding(gain, record.confidence) for beam, gain in gains.items()}
            groups = [
                f"{_WORDS[each]} at {'beams' if len(beams) > 1 else 'beam'} {listed(beams)}"
                for each, beams in grouped(said, said.__getitem__).items()
            ]
            parts.append(f"{mode.capitalize()}: {', '.join(groups)}")
        told.append(f"{scheme} against {record.baseline}: {'. '.join(parts)}.")
    return told


def paper_sentences(record: IdsRecord) -> list[str]:
    """Whether the paper's relative gains lie in our intervals, of each scheme that it reports."""
    told = []
    for scheme in others(record):
        found: dict[bool | None, list[str]] = {}
        for mode, beam in product(record.modes, record.beams):
            gain = record.gain(scheme, mode, HIT_RATE, beam)
            paper = record.paper(scheme, mode, HIT_RATE, beam)
            if gain and paper:
                shown = f"{percent(paper.relative, 1, sign=True)} (beam {beam}, {mode})"
                found.setdefault(gain.relative.holds(paper.relative), []).append(shown)
        places = {True: "inside our intervals", False: "outside"}
        said = [f"{place}: {', '.join(found[at])}" for at, place in places.items() if at in found]
        told += [f"The paper's gains of {scheme}, {'; '.join(said)}."] if said else []
    return told


def middle(sizes: Sequence[int]) -> int:
    """The middle one of rising sizes."""
    return sizes[len(sizes) // 2]


def comparisons(record: IdsRecord) -> list[str]:
    """Which scheme leads in each of the three comparisons of item recall, by mode."""
    at, told = middle(record.recall_sizes), []
    for mode in record.modes:
        first = {}
        for measure, label in BASES:
            rows = rows_of(record.measured, mode=mode, measure=measure, at=at)
            first[label] = max(rows, key=lambda row: row.value.estimate or 0.0).scheme
        shown = ", ".join(f"{scheme} at {label}" for label, scheme in first.items())
        said = f"the three comparisons disagree on the highest, {shown}."
        if len(set(first.values())) == 1:
            said = f"{next(iter(first.values()))} has the highest in all three comparisons."
        told.append(f"Item recall at {fixed(at, 0)}, {mode}: {said}")
    return told
