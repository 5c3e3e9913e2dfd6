"""What the numbers allow to be said about the primary metric, in plain words."""

from dataclasses import dataclass

from experiments.inference.diagnostics.srm import SRM_ALARM
from experiments.inference.finding import Finding, decide
from experiments.records.metrics import (
    PREFERENCE,
    Contrast,
    Estimate,
    FunnelCount,
    Metrics,
    SampleRatio,
)
from experiments.records.truth import Truth, Truths
from experiments.report.kit.digits import (
    ABSENT,
    MINUS,
    change_words,
    fixed,
    interval_decimals,
    number,
    p_relation,
    percent,
    range_of,
    sureness,
)
from experiments.report.kit.sentences import (
    change,
    change_range,
    counted,
    level,
    meaning,
    quoted,
)
from experiments.report.run.answer import (
    answer,
    basis_sentence,
    chance_sentence,
    finding_of,
    order_sentence,
    others_sentence,
    parts_sentence,
    refit_sentence,
    room_sentence,
)

SIGNS = "+" + MINUS
VERBS = {Finding.MORE: "raised", Finding.LESS: "lowered"}


@dataclass(frozen=True)
class Verdict:
    """One contrast in a sentence.

    Attributes:
        finding: what can be said.
        good: True if the change is wanted, False if it is not, None if there is nothing to judge.
        sentence: the finding, its uncertainty and the truth.
        further: what else a careful reader wants to know, one sentence each.
        beside: what stands beside it wherever it is told: the A/B test, headroom, training luck.
        leading: of these, what is read first: what the test says, and what room there was.
    """

    finding: Finding
    good: bool | None
    sentence: str
    further: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()

    @property
    def rest(self) -> tuple[str, ...]:
        """What else there is beside it and further, below what leads."""
        return tuple(each for each in (*self.beside, *self.further) if each not in self.leading)


def failed_srm(metrics: Metrics) -> SampleRatio | None:
    """The sample-ratio test that fails the clearest, where one does."""
    failed = [row for row in metrics.srm if row.p_value is not None and row.p_value < SRM_ALARM]
    return min(failed, key=lambda row: row.p_value or 0.0, default=None)


def empty_arm(metrics: Metrics) -> FunnelCount | None:
    """The requests of an arm that showed nothing on any page, where there is one."""
    empty = [row.arm for row in metrics.funnel if row.stage == "shown" and row.count == 0]
    asked = [row for row in metrics.funnel if row.stage == "requests" and row.arm in empty]
    return next((row for row in asked if row.count), None)


def unreadable(metrics: Metrics) -> str | None:
    """The warning above every picture of an effect, where there is nothing to be read."""
    empty = empty_arm(metrics)
    if empty is not None:
        return f"Do not read these effects: {empty_sentence(empty)}"
    if failed_srm(metrics) is None:
        return None
    return "Do not read these effects: the arms' sizes differ from the plan. See Health."


def direction(row: Estimate) -> Finding:
    """What the interval of the difference allows to be said; the relative one says the same."""
    return decide(row.effect)


def effect_words(row: Estimate) -> tuple[str, str]:
    """Size (without its sign, where it is relative) and interval of an effect."""
    if row.relative.estimate is None or row.relative.ends is None:
        return change(row.metric, row.effect.estimate), change_range(row.metric, row.effect)
    decimals = interval_decimals(row.relative)
    size = percent(abs(row.relative.estimate), decimals)
    return size, range_of(row.relative, decimals)


def signed_effect(row: Estimate) -> str:
    """The size with its sign, on the scale of its interval in `effect_words`."""
    if row.relative.estimate is None or row.relative.ends is None:
        return change(row.metric, row.effect.estimate)
    return change_words(row.relative)[0]


def inside(row: Estimate, truth: Truth) -> bool | None:
    """Whether the interval of the effect holds the truth, on the absolute scale.

    None where the effect is of a preference, which is no estimate of that truth.
    """
    if row.design == PREFERENCE:
        return None
    if truth.covered is not None:
        return truth.covered
    return row.effect.holds(truth.effect.estimate)


def covered_words(row: Estimate, truth: Truth | None) -> str:
    """The same in a table."""
    covered = inside(row, truth) if truth else None
    return ABSENT if covered is None else "yes" if covered else "no"


def truth_words(row: Estimate, truth: Truth | None) -> str:
    """The clause that sets a truth without an interval of its own beside an estimate."""
    if truth is None or truth.effect.estimate is None:
        return "no simulated truth was computed"
    size = change(row.metric, truth.effect.estimate)
    if truth.growth.estimate is not None and row.relative.estimate is not None:
        size = percent(truth.growth.estimate, interval_decimals(row.relative))
    covered = inside(row, truth)
    place = "" if covered is None else ", inside the interval" if covered else ", outside of it"
    return f"the simulated truth is {size}{place}"


def judge(metrics: Metrics, truths: Truths | None, contrast: Contrast) -> Verdict:
    """The verdict on the primary metric of one contrast: the truth, where there is one, first."""
    row = metrics.estimate(metrics.primary, contrast, cuped=False)
    broken, empty = failed_srm(metrics), empty_arm(metrics)
    if empty is not None and empty.arm in contrast:
        return Verdict(
            Finding.UNREADABLE, False, f"Do not read the effect: {empty_sentence(empty)}"
        )
    if broken is not None:
        return Verdict(Finding.UNREADABLE, False, srm_sentence(broken))
    truth = truths.of(metrics.primary, contrast) if truths else None
    if row is not None and direction(row) is Finding.MISSING:
        row = None
    if truths is not None and truth is not None and truth.effect.ends is not None:
        finding = finding_of(truth)
        said = _tested(row, truth, metrics) if row is not None else None
        room = room_sentence(truths, truth)
        beside = (
            *(said, chance_sentence(truth)),
            others_sentence(truths, truth),
            *(room, order_sentence(truths, truth), refit_sentence(truths, truth)),
        )
        rest = (
            parts_sentence(truth.parts),
            *(further(metrics, row) if row is not None else ()),
            basis_sentence(truth),
        )
        return Verdict(
            finding,
            _good(finding, metrics),
            answer(truth, metrics.confidence),
            tuple(each for each in rest if each),
            tuple(each for each in beside if each),
            tuple(each for each in (said, room) if each),
        )
    if row is None:
        noun = meaning(metrics.primary).noun
        said = f"The effect of {contrast[1]} on {noun} could not be estimated"
        return Verdict(Finding.MISSING, None, said + ".")
    finding = direction(row)
    sentence = f"{_estimated(row, metrics)}; {truth_words(row, truth)}."
    return Verdict(finding, _good(finding, metrics), sentence, further(metrics, row))


def _good(finding: Finding, metrics: Metrics) -> bool | None:
    if not finding.real:
        return None
    return (finding is Finding.MORE) == (meaning(metrics.primary).better > 0)


def _tested(row: Estimate, truth: Truth, metrics: Metrics) -> str:
    """What the A/B test says, beside the truth."""
    covered = inside(row, truth)
    place = "" if covered is None else ", which holds the truth" * covered
    place += ", which does not hold the truth" if covered is False else ""
    test = "Interleaving" if row.design == PREFERENCE else "The A/B test"
    return f"{test}: {_estimated(row, metrics)}{place}."


def _estimated(row: Estimate, metrics: Metrics) -> str:
    """The finding of the A/B test and its interval."""
    noun, contrast = meaning(metrics.primary).noun, row.contrast
    size, interval = effect_words(row)
    sure = f"{sureness(metrics.confidence)} interval"
    finding = direction(row)
    if row.design == PREFERENCE:
        return _preferred(row, noun, f"{sure} {interval}")
    if finding is Finding.UNTOLD:
        return (
            f"No difference in {noun} can be told between {contrast[1]} and {contrast[0]}: "
            f"the {sure} of the change is {interval}"
        )
    of_change = " of the change:" if finding is Finding.LESS else ""
    return (
        f"{quoted(contrast[1])} {VERBS[finding]} {noun} by {size.lstrip(SIGNS)} "
        f"against {contrast[0]} ({sure}{of_change} {interval})"
    )


def _preferred(row: Estimate, noun: str, interval: str) -> str:
    """What shoppers prefer on pages that both arms fill."""
    control, treatment = row.contrast
    finding, size = direction(row), effect_words(row)[0].lstrip(SIGNS)
    if finding is Finding.UNTOLD:
        return (
            f"On pages that both arms fill, no preference between the items of {treatment} and of "
            f"{control} can be told by {noun} ({interval})"
        )
    way = "more" if finding is Finding.MORE else "less"
    return (
        f"On pages that both arms fill, the items of {treatment} bring {size} {way} {noun} than "
        f"those of {control} ({interval}): a preference, and not the lift of a launch"
    )


def empty_sentence(empty: FunnelCount) -> str:
    """What it means that an arm showed nothing."""
    return (
        f"arm {empty.arm} showed nothing on any page of its {counted(empty.count, 'request')}. "
        "Its channels found no item that is on sale: see Health, and whether items have arrived."
    )


def srm_sentence(broken: SampleRatio) -> str:
    """Why no effect may be read."""
    pairs = zip(broken.arms, broken.counts, broken.expected, strict=False)
    sizes = ", ".join(
        f"{arm} has {number(count)} where {fixed(wanted, 0)} were planned"
        for arm, count, wanted in pairs
    )
    return (
        f"Do not read the effect: the arms' sizes differ from the plan by more than chance "
        f"({broken.population} {broken.unit}: {sizes}; p{p_relation(broken.p_value)})."
    )


def further(metrics: Metrics, row: Estimate) -> tuple[str, ...]:
    """Levels and the CUPED estimate."""
    name = row.metric
    sentences = [
        f"{meaning(name).label}: {level(name, row.control)} in {row.contrast[0]}, "
        f"{level(name, row.treatment)} in {row.contrast[1]} (p{p_relation(row.p_value)})."
    ]
    adjusted = metrics.estimate(name, row.contrast, cuped=True)
    if adjusted is not None and direction(adjusted) is not Finding.MISSING:
        sentences.append(cuped_sentence(adjusted, direction(adjusted) is direction(row)))
    return tuple(sentences)


def cuped_sentence(row: Estimate, agrees: bool) -> str:
    """The estimate adjusted by the history period, and whether it says the same."""
    verdicts = {
        Finding.MORE: "an increase",
        Finding.LESS: "a decrease",
        Finding.UNTOLD: "no difference that can be told",
    }
    tail = "the same finding" if agrees else f"a different finding: {verdicts[direction(row)]}"
    told = f"{signed_effect(row)} ({effect_words(row)[1]})"
    return f"Adjusted for shoppers' history (CUPED): {told}, {tail}."


def verdicts(metrics: Metrics, truths: Truths | None) -> tuple[Verdict, ...]:
    """One verdict for each contrast; what makes several unreadable is said once."""
    found = tuple(judge(metrics, truths, contrast) for contrast in metrics.contrasts)
    if found:
        return tuple(dict.fromkeys(found))
    said = f"This run holds no estimate of {meaning(metrics.primary).noun}."
    return (Verdict(Finding.MISSING, None, said),)
