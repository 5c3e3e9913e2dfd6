"""What stands beside the estimates: sizes of arms, tails, the time before, and segments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tea_tasting.aggr import Aggregates

from experiments.analyze.facts import Facts
from experiments.analyze.judging import Pair
from experiments.analyze.reading.logunits import SEGMENT, TABLE
from experiments.analyze.reading.source import quoted
from experiments.inference.diagnostics.srm import SRM_ALARM, sample_ratio
from experiments.inference.estimates import levels
from experiments.inference.reduction.arm import Arms
from experiments.inference.reduction.covariate import treatment_cannot_move
from experiments.inference.scorecard.balance import balance, warnings as of_balance, without_history
from experiments.inference.scorecard.interaction import Interaction, interaction
from experiments.inference.scorecard.segments import segments
from experiments.inference.scorecard.tails import concentration
from experiments.records.experiment.scorecard import (
    CardBalance,
    CardDifference,
    CardInteraction,
    CardSegment,
    CardTail,
)
from experiments.records.metrics import Contrast, SampleRatio


def arm_sizes(facts: Facts) -> SampleRatio:
    """Whether arms are as large as planned."""
    counts = dict(
        facts.connection.execute(f"SELECT arm, count(*) FROM {TABLE} GROUP BY arm").fetchall()
    )
    found = sample_ratio("assigned", counts, facts.units.expected)
    return replace(found, unit="units")


def tails(facts: Facts) -> Iterator[CardTail]:
    """On how few units each sum rests."""
    for name, ratio in facts.ratios.items():
        if ratio.denominator is not None or facts.metrics[name].share:
            continue
        sql = f"SELECT arm, {quoted(name)} AS value FROM {TABLE}"
        found = concentration(facts.connection, sql)
        for arm in facts.units.arms:
            told = found[arm]
            yield CardTail(name, arm, told.units, told.buyers, told.effective, told.top)


def balanced(facts: Facts) -> tuple[tuple[CardBalance, ...], tuple[str, ...]]:
    """Whether the arms were alike before, and sentences where they were not."""
    known = [facts.ratios[name] for name in facts.ratios if facts.has_before(name)]
    if not known:
        return (), ()
    arms = {name: arm.whole for name, arm in facts.sample.whole.items()}
    silent = without_history(known, arms)
    found = balance(known, facts.contrasts, arms)
    rows = tuple(
        CardBalance(
            each.metric,
            each.history.contrast,
            each.history.relative,
            each.history.p_value,
            each.alarm,
            each.reason,
        )
        for each in found
    )
    return rows, of_balance(found, silent)


def doubts(srm: SampleRatio, said: Sequence[str]) -> tuple[str, ...]:
    """What makes the experiment itself doubtful, in sentences."""
    told = []
    if srm.p_value is not None and srm.p_value < SRM_ALARM:
        sizes = ", ".join(f"{arm} {n:,}" for arm, n in zip(srm.arms, srm.counts, strict=True))
        told.append(
            f"the arms do not hold the shares that were planned ({sizes}; p = "
            f"{srm.p_value:.2g}), so their difference may not be the treatment's"
        )
    return (*told, *said)


def segmented(facts: Facts) -> tuple[tuple[CardSegment, ...], tuple[CardDifference, ...]]:
    """Effects of the metrics that decide, apart by the values of each segment."""
    rows: list[CardSegment] = []
    differences: list[CardDifference] = []
    chosen = facts.successes
    for by in facts.spec.segments:
        strata = treatment_cannot_move(SEGMENT + by)
        columns = [column for name in chosen for column in facts.ratios[name].columns]
        arms: Arms = facts.table.sample(columns, strata=strata).whole
        for contrast in facts.contrasts:
            for name in chosen:
                made, apart = _segment(facts, by, name, contrast, arms)
                rows += made
                differences.append(apart)
    return tuple(rows), tuple(differences)


def interactions(facts: Facts) -> Iterator[CardInteraction]:
    """Whether other experiments on the same units change the effects of the metrics that decide.

    Of another experiment with several arms each is set against the first in order.
    """
    chosen = facts.decisive
    columns = [column for name in chosen for column in facts.ratios[name].columns]
    for other in facts.spec.beside if chosen else ():
        strata = treatment_cannot_move(SEGMENT + other)
        arms: Arms = facts.table.sample(columns, strata=strata).whole
        for contrast in facts.contrasts:
            one, two = (arms[arm].strata for arm in contrast)
            first, *others = sorted({*one, *two})
            for on in others:
                for name in chosen:
                    yield _interaction(facts, name, contrast, (other, first, on), (one, two))


def _interaction(
    facts: Facts,
    name: str,
    contrast: Contrast,
    beside: tuple[str, str, str],
    arms: tuple[Mapping[str, Aggregates], Mapping[str, Aggregates]],
) -> CardInteraction:
    """One metric's, beside (column, arm that counts as off, arm that counts as on)."""
    other, off, on = beside
    ratio, pairs, reason = facts.ratios[name], [], ""
    for value in (off, on):
        found = None
        if value in arms[0] and value in arms[1]:
            found, reason = levels(ratio, (arms[0][value], arms[1][value]))
        if found is None:
            told = Interaction(reason=reason or f"an arm has no unit with {other} = {value}")
            break
        pairs.append(found)
    else:
        (neither, first), (second, both) = pairs
        told = interaction(neither, first, second, both, confidence=facts.spec.confidence)
    return CardInteraction(
        beside=other,
        off=off,
        on=on,
        metric=name,
        contrast=contrast,
        alone=told.alone,
        together=told.beside,
        interaction=told.interaction,
        p_value=told.p_value,
        note=told.reason,
    )


def _segment(
    facts: Facts, by: str, name: str, contrast: Contrast, arms: Arms
) -> tuple[list[CardSegment], CardDifference]:
    ratio = facts.ratios[name]
    one, two = (arms[arm].strata for arm in contrast)
    pairs: Mapping[str, Pair] = {
        value: levels(ratio, (one[value], two[value]))[0] if {value} <= {*one} & {*two} else None
        for value in sorted({*one, *two})
    }
    found = segments(name, contrast, pairs, confidence=facts.spec.confidence)
    rows = [
        CardSegment(
            *(by, each.segment, name, contrast),
            n_control=one[each.segment].count() if each.segment in one else 0,
            n_treatment=two[each.segment].count() if each.segment in two else 0,
            effect=each.estimate.effect,
            relative=each.estimate.relative,
            p_value=each.estimate.p_value,
            p_holm=each.p_holm,
            shrunk=each.shrunk,
            note=each.reason,
        )
        for each in found.rows
    ]
    return rows, CardDifference(by, name, contrast, found.p_value, found.i2)
