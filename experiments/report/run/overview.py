"""The top of the page: the verdict, and the figures that most people came for."""

from experiments.inference.finding import Finding
from experiments.records.metrics import Contrast
from experiments.records.run import Run
from experiments.report.kit.colours import arm_name
from experiments.report.kit.digits import ABSENT, interval_decimals, number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, alarm, folded, section, verdict
from experiments.report.kit.sentences import change, level, meaning
from experiments.report.kit.tables import Table
from experiments.report.run.verdict import (
    Verdict,
    effect_words,
    inside,
    unreadable,
    verdicts,
)

BADGES = {
    Finding.MORE: "\u2191 Raised",
    Finding.LESS: "\u2193 Lowered",
    Finding.UNTOLD: "No clear difference",
    Finding.UNREADABLE: "Do not read",
    Finding.MISSING: "No estimate",
}


def headline(run: Run) -> Html:
    """The verdict on every contrast."""
    said: set[str] = set()
    parts = []
    for found in verdicts(run.metrics, run.truths):
        parts.append(one_verdict(found, said))
        said.update(found.further)
    return tag("div", *parts)


def one_verdict(found: Verdict, said: set[str]) -> Html:
    """A verdict with its badge, and what was not yet said of another contrast."""
    tone = "plain" if found.good is None else "good" if found.good else "bad"
    if found.finding is Finding.UNREADABLE:
        tone = "alarm"
    further = [sentence for sentence in found.further if sentence not in said]
    sentence = tag("p", found.sentence, cls="sentence")
    return verdict(BADGES[found.finding], sentence, further, tone)


def key_figures(run: Run) -> Html:
    """The section with the primary metric's figures and the levels of all metrics."""
    if not run.metrics.estimates:
        said = absent("The run holds no estimates, so there are no figures to show.")
        return section("figures", "Key figures", None, said)
    cards = [*traffic_cards(run), level_card(run)]
    cards += [card for contrast in run.metrics.contrasts for card in contrast_cards(run, contrast)]
    warning = unreadable(run.metrics)
    return section(
        "figures",
        "Key figures",
        None,
        alarm(warning) if warning else None,
        tag("dl", *cards, cls="cards"),
        folded(levels_table(run), "Show every metric by arm as a table"),
    )


def card(label: object, value: object, *below: object) -> Html:
    """One figure with its name and what belongs to it."""
    notes = [tag("dd", line, cls="below") for line in below]
    return tag("div", tag("dt", label), tag("dd", value, cls="big"), *notes, cls="card")


def traffic_cards(run: Run) -> list[Html]:
    """How much the run rests on."""
    rows = run.metrics.health.requests
    if not rows:
        return []
    return [
        card(
            name,
            number(sum(getattr(row, key) for row in rows)),
            *(join([arm_name(run.arms, row.arm), " ", number(getattr(row, key))]) for row in rows),
        )
        for name, key in (("Shoppers who searched", "shoppers"), ("Searches", "requests"))
    ]


def arm_levels(run: Run, metric: str) -> dict[str, float | None]:
    """The level of a metric in every arm, from the unadjusted estimates."""
    levels: dict[str, float | None] = {}
    for row in run.metrics.estimates:
        if row.metric == metric and not row.cuped:
            levels.setdefault(row.contrast[0], row.control)
            levels.setdefault(row.contrast[1], row.treatment)
    return levels


def level_card(run: Run) -> Html:
    """The primary metric by arm."""
    primary = run.metrics.primary
    levels = arm_levels(run, primary)
    values = [level(primary, value) for value in levels.values()]
    lines = [
        join([arm_name(run.arms, arm), " ", level(primary, value)]) for arm, value in levels.items()
    ]
    shown = " \u2192 ".join(values) if len(values) == 2 else values[0] if values else ABSENT
    return card(meaning(primary).label, shown, *lines)


def contrast_cards(run: Run, contrast: Contrast) -> list[Html]:
    """Effect and truth of the primary metric in one contrast."""
    primary = run.metrics.primary
    row = run.metrics.estimate(primary, contrast, cuped=False)
    if row is None:
        return []
    several = f", {contrast[1]}" if len(run.metrics.contrasts) > 1 else ""
    _, interval = effect_words(row)
    decimals = interval_decimals(row.relative)
    size = percent(row.relative.estimate, decimals, sign=True)
    if row.relative.estimate is None:
        size = change(primary, row.effect.estimate)
    confidence = percent(run.metrics.confidence, 0)
    cards = [card(f"Estimated effect{several}", size, f"{confidence} interval {interval}")]
    truth = run.truths.of(primary, contrast) if run.truths else None
    if truth is None or truth.effect.estimate is None:
        return cards
    middle = truth.growth.estimate
    shown = percent(middle, max(1, decimals), sign=True)
    notes = [f"bias of the estimate {change(primary, truth.bias)}"]
    covered = inside(row, truth)
    if covered is not None:
        notes.insert(0, "inside the interval" if covered else "outside the interval")
    if truth.pairing_factor is not None:
        factor = number(truth.pairing_factor, 2)
        notes.append(f"pairing worlds divides its variance by {factor}")
    return [*cards, card(f"Simulated truth{several}", shown, *notes)]


def levels_table(run: Run) -> Table:
    """Every metric by arm."""
    rows = [
        [meaning(name).label, *(level(name, levels.get(arm)) for arm in run.arms)]
        for name in run.metrics.metric_names
        for levels in [arm_levels(run, name)]
    ]
    return Table("Metrics by arm", ["Metric", *run.arms], rows)
