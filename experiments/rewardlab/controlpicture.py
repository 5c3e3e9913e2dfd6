"""The part of the page that holds policies against their controls."""

from experiments.report.markup import Html, tag
from experiments.report.tables import folded, table
from experiments.report.words import ABSENT, fixed, meaning, p_value, percent
from experiments.rewardlab.controls import comparisons
from experiments.rewardlab.overview import WORDS
from experiments.rewardlab.pictures import policy_name
from experiments.rewardlab.record import Contrast, RewardsRecord
from experiments.rewardlab.verdict import finding
from experiments.rewardlab.words import measure_name, size_words

MOST_LINES = 12
BESIDE = "supervised learning from the same experts, and plain GRPO"
NOTE = (
    "Injected experts push a group whose rewards tie just as supervised learning of a certain "
    "weight does, \u221a(GK) / (G + K), which is 0.40 for G = 8 and K = 2. So only a gain over "
    "such a control can be put down to learning from rewards. Both policies are compared directly, "
    "paired by seed and by request, or by shopper in worlds of equal luck. Higher and lower are "
    "what holds after Holm's correction, offline for all policies, controls and measures at once, "
    "online for all policies, controls and metrics at once."
)


def controls(record: RewardsRecord) -> list[Html]:
    """A sentence for each policy and control, and all of their numbers; nothing without any."""
    lines = [tag("li", each.sentence) for each in comparisons(record)]
    if not lines:
        return []
    shown = tag("ul", *lines, cls="warnings")
    return [
        tag("h3", "Beside the controls", tag("small", BESIDE)),
        shown if len(lines) <= MOST_LINES else folded(shown, "Show each of them"),
        folded(tag("div", numbers(record), cls="wide")),
        tag("p", NOTE, cls="note"),
    ]


def numbers(record: RewardsRecord) -> Html:
    """Every contrast with all that is known of it."""
    rows = [_cells(record, row) for row in record.contrasts]
    head = ["Policy", "Beside", "Figure", "Difference", "Relative", "Interval"]
    head += ["p", "p, corrected", "Real"]
    confidence = percent(record.confidence, 0)
    return table(f"Policies beside their controls, {confidence} intervals", head, rows, names=3)


def _cells(record: RewardsRecord, row: Contrast) -> list[object]:
    size, interval = size_words(row)
    return [
        policy_name(record, row.policy),
        policy_name(record, row.against),
        measure_name(row.name) if row.kind == "offline" else meaning(row.name).label,
        ABSENT if row.difference is None else fixed(row.difference, 4, sign=True),
        ABSENT if row.relative is None else size,
        interval,
        p_value(row.p_value),
        p_value(row.p_holm),
        WORDS[finding(row, record.confidence)],
    ]
