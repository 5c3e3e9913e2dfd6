"""What to do about a treatment, and what to believe of it."""

from collections.abc import Iterator, Sequence

from experiments.analyze.facts import Facts
from experiments.analyze.settings import LogMetric
from experiments.inference.estimates import Level
from experiments.inference.reduction.adjustment import Means
from experiments.inference.reduction.cuped import Cuped
from experiments.inference.scorecard.decision import Judged, Rule, judge, shipping
from experiments.inference.scorecard.label import Bar, Evidence, verdict
from experiments.inference.scorecard.posterior import posterior
from experiments.inference.scorecard.prior import ASOS, FLAT, Prior
from experiments.inference.scorecard.roles import Aim, Role as Aimed
from experiments.records.experiment.scorecard import (
    CardBelief,
    CardRow,
    CardTail,
    CardVerdict,
    CardVote,
)
from experiments.records.metrics import Contrast

Pair = tuple[Level, Level] | None
"""Levels of control and of treatment, where there are any."""

_AIMS = {"primary": Aimed.SUCCESS, "success": Aimed.SUCCESS, "guardrail": Aimed.GUARDRAIL}
_AIMS |= {"quality": Aimed.QUALITY}


def verdicts(
    facts: Facts, rows: Sequence[CardRow], tails: Sequence[CardTail], failed: Sequence[str]
) -> Iterator[CardVerdict]:
    """What to do about each treatment."""
    aims = [_aim(facts, facts.metrics[n]) for n, role in facts.roles.items() if role in _AIMS]
    alpha = (1 - facts.spec.confidence) / 2
    rule = Rule(alpha=alpha, alarm=alpha, arms=len(facts.contrasts))
    for contrast in facts.contrasts:
        judged: tuple[Judged, ...] = judge(
            aims, {aim.metric: levels_of(facts, aim.metric, contrast, rows) for aim in aims}, rule
        )
        effective = [
            each.effective
            for each in tails
            if each.metric == facts.spec.primary and each.arm in contrast
        ]
        known = [each for each in effective if each is not None]
        evidence = Evidence(judged, tuple(failed), min(known) if known else None)
        found = verdict(evidence, Bar())
        votes = tuple(
            CardVote(vote.part.value, vote.label.value, vote.reason) for vote in found.votes
        )
        ships = shipping(judged, failed).ships
        yield CardVerdict(contrast, found.label.value, ships, votes)


def beliefs(facts: Facts, rows: Sequence[CardRow]) -> Iterator[CardBelief]:
    """The Bayesian line of the metrics that decide."""
    prior = _prior(facts)
    for contrast in facts.contrasts:
        for name, role in facts.roles.items():
            if role not in ("primary", "success"):
                continue
            pair = levels_of(facts, name, contrast, rows)
            if pair is None:
                continue
            better = 1 if facts.metrics[name].better == "more" else -1
            told = posterior(*pair, prior, better=better, confidence=facts.spec.confidence)
            numbers = told.data, told.chance, told.loss, told.regret
            yield CardBelief(name, contrast, prior.stated, told.lift, *numbers, note=told.reason)


def levels_of(facts: Facts, name: str, contrast: Contrast, rows: Sequence[CardRow]) -> Pair:
    """Levels of both arms, of the row that decides."""
    row = next(
        (r for r in rows if (r.metric, r.contrast, r.decides) == (name, contrast, True)), None
    )
    if row is not None and row.method == Cuped().name:
        control, treatment = (facts.sample.whole[arm] for arm in contrast)
        means = Cuped().adjust(facts.ratios[name], control, treatment)
        if isinstance(means, Means):
            one, two = (
                Level(mean, error, arm.whole.count())
                for mean, error, arm in zip(
                    means.levels, means.errors, (control, treatment), strict=True
                )
            )
            return one, two
    return facts.pair(name, contrast)


def _aim(facts: Facts, metric: LogMetric) -> Aim:
    better = 1 if metric.better == "more" else -1
    return Aim(metric.name, _AIMS[facts.roles[metric.name]], better, metric.margin)


def _prior(facts: Facts) -> Prior:
    spec = facts.spec.prior
    if spec.spread is None:
        return ASOS
    if spec.spread == 0:
        return FLAT
    return Prior(spec.mean, spec.spread, "as the settings say")
