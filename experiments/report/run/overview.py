"""The top of the page: the verdict, and the figures that most people came for."""

from collections.abc import Mapping

from experiments.inference.finding import Finding
from experiments.records.metrics import PREFERENCE, Contrast
from experiments.records.run import Run
from experiments.report.kit.colours import arm_name
from experiments.report.kit.digits import ABSENT, interval_decimals, number, percent, sureness
from experiments.report.kit.failed import told_failed
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, alarm, folded, verdict
from experiments.report.kit.sentences import level, meaning
from experiments.report.kit.tables import Table
from experiments.report.run.compared import compared_line
from experiments.report.run.verdict import effect_words, inside, signed_effect, unreadable, verdicts

BADGES = {
    Finding.MORE: "\u2191 Raised",
    Finding.LESS: "\u2193 Lowered",
    Finding.UNTOLD: "No clear difference",
    Finding.UNREADABLE: "Do not read",
    Finding.MISSING: "No estimate",
}
TONES = {True: "good", False: "bad", None: "plain"}


def headline(run: Run) -> Html:
    """What failed, then the verdict on every contrast, without what was said of another one."""
    said: set[str] = set()
    parts = []
    for found in verdicts(run.metrics, run.truths):
        tone = "alarm" if found.finding is Finding.UNREADABLE else TONES[found.good]
        first, more = (
            [sentence for sentence in each if sentence not in said]
            for each in (found.leading, found.rest)
        )
        below = [tag("p", each, cls="further") for each in more]
        rest = tag("div", *below) if below else None
        shown = [*first, folded(rest, "What else is known of it")] if rest else first
        sentence = tag("p", found.sentence, cls="sentence")
        parts.append(verdict(BADGES[found.finding], sentence, shown, tone))
        said.update((*first, *more))
    remarks = run.manifest.data if run.manifest else ()
    failed = told_failed(run.failed)
    before, behind = (
        [tag("p", sentence, cls="alarm-note") for sentence in each] for each in (failed, remarks)
    )
    line = compared_line(run)
    told = tag("p", line, cls="compared-line") if line else None
    return tag("div", *before, told, *parts, *behind)


def key_figures(run: Run) -> Content:
    """The primary metric's figures, and the levels of all metrics."""
    if not run.metrics.estimates:
        return (absent("The run holds no estimates, so there are no figures to show."),)
    cards = [*_traffic_cards(run), _level_card(run)]
    cards += [card for contrast in run.metrics.contrasts for card in _effect_cards(run, contrast)]
    names = {name: meaning(name).label for name in run.metrics.metric_names}
    levels = {name: _arm_levels(run, name) for name in names}
    numbers = Table.grid(
        "Metrics by arm",
        "Metric",
        names,
        dict(zip(run.arms, run.arms, strict=True)),
        lambda name, arm: level(name, levels[name].get(arm)),
    )
    warning = unreadable(run.metrics)
    return (
        alarm(warning) if warning else None,
        tag("dl", *cards, cls="cards"),
        folded(numbers, "Show every metric by arm as a table"),
    )


def _card(label: object, value: object, *below: object) -> Html:
    notes = (tag("dd", line, cls="below") for line in below)
    return tag("div", tag("dt", label), tag("dd", value, cls="big"), *notes, cls="card")


def _by_arm(run: Run, told: Mapping[str, str]) -> list[Html]:
    return [join([arm_name(run.arms, arm), " ", value]) for arm, value in told.items()]


def _traffic_cards(run: Run) -> list[Html]:
    cards = []
    for name, key in (("Shoppers who searched", "shoppers"), ("Searches", "requests")):
        counts = {row.arm: getattr(row, key) for row in run.metrics.health.requests}
        lines = _by_arm(run, {arm: number(count) for arm, count in counts.items()})
        if run.metrics.design == PREFERENCE:  # all are in both arms
            cards.append(_card(name, number(max(counts.values())), "in both arms"))
        else:
            cards.append(_card(name, number(sum(counts.values())), *lines))
    return cards if run.metrics.health.requests else []


def _arm_levels(run: Run, metric: str) -> dict[str, float | None]:
    """The level of a metric in every arm, from the unadjusted estimates."""
    levels: dict[str, float | None] = {}
    for row in run.metrics.estimates:
        if row.metric == metric and not row.cuped:
            levels.setdefault(row.contrast[0], row.control)
            levels.setdefault(row.contrast[1], row.treatment)
    return levels


def _level_card(run: Run) -> Html:
    primary = run.metrics.primary
    levels = {arm: level(primary, value) for arm, value in _arm_levels(run, primary).items()}
    values = list(levels.values())
    shown = " \u2192 ".join(values) if len(values) == 2 else values[0] if values else ABSENT
    return _card(meaning(primary).label, shown, *_by_arm(run, levels))


def _effect_cards(run: Run, contrast: Contrast) -> list[Html]:
    primary = run.metrics.primary
    row = run.metrics.estimate(primary, contrast, cuped=False)
    if row is None:
        return []
    several = f", {contrast[1]}" if len(run.metrics.contrasts) > 1 else ""
    within = f"{sureness(run.metrics.confidence)} interval {effect_words(row)[1]}"
    what = "preference" if row.design == PREFERENCE else "effect"
    cards = [_card(f"Estimated {what}{several}", signed_effect(row), within)]
    truth = run.truths.of(primary, contrast) if run.truths else None
    if truth is None or truth.effect.estimate is None:
        return cards
    known = truth.growth if truth.growth.ends else row.relative
    shown = percent(truth.growth.estimate, max(1, interval_decimals(known)), sign=True)
    notes = []
    covered = inside(row, truth)
    if covered is not None:
        notes.append(f"{'inside' if covered else 'outside'} the interval of the estimate")
    if truth.resolution is not None:
        notes.append(f"known to \u00b1{percent(truth.resolution, 2)}")
    cards.append(_card(f"Simulated truth{several}", shown, *notes))
    if truth.power is not None:
        told = "of A/B tests of this size, by its sign"
        cards.append(_card(f"True effect found in{several}", percent(truth.power, 0), told))
    return cards
