"""Clicks against exposures: which policies no other one beats in both."""

from collections.abc import Sequence

from cqsid.alignment.measures import CLK_10, EXP_10, PVR_10
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.charts import mark_name
from experiments.report.kit.figures import panels
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.tables import absent, figure, section, table
from experiments.report.rewards.pictures import names, policy_legend, policy_name
from experiments.report.rewards.planes import Spot, plane
from experiments.report.rewards.words import between, level, listed

TITLE = "Clicks against exposures"
ACROSS = CLK_10
UPWARD = (EXP_10, PVR_10)


def pareto(record: RewardsRecord) -> Html:
    """The section with the plane of clicks and exposures, and that of clicks and coverage."""
    found = {measure: spots(record, ACROSS, measure) for measure in UPWARD}
    if not any(found.values()):
        return section("pareto", TITLE, None, absent("The record holds no offline measures."))
    lead = (
        "A policy may find more of what was clicked and less of what was shown. The line joins the "
        "policies that no other one beats in both; crosses are the intervals of each mean, which "
        "are wider than those of the differences."
    )
    legend = policy_legend(record, mark_name("stroke front", "not beaten in both"))
    drawn = [
        (f"{ACROSS} and {measure}", picture(record, own, measure))
        for measure, own in found.items()
        if own
    ]
    told = [front_sentence(own, measure) for measure, own in found.items() if own]
    described = "Scatter plots: click hit rate at 10 against exposure hit rate and coverage"
    return section(
        "pareto",
        TITLE,
        lead,
        figure("", join([legend, panels(*drawn)]), numbers(record, found), described),
        tag("p", " ".join(told), cls="note"),
    )


def spots(record: RewardsRecord, across: str, upward: str) -> list[Spot]:
    """The policies of which both measures are known."""
    found = []
    for name in names(record):
        x, y = record.offline_of(name, across), record.offline_of(name, upward)
        if x is None or y is None or x.value.estimate is None or y.value.estimate is None:
            continue
        told = f"{name}: {level(across, x.value.estimate)}, {level(upward, y.value.estimate)}"
        ends = (x.value.low, x.value.high, y.value.low, y.value.high)
        found.append(Spot(name, x.value.estimate, y.value.estimate, told, *ends))
    return found


def front(found: Sequence[Spot]) -> list[Spot]:
    """Those that no other one beats in one measure and equals in the other, from left to right."""
    kept = [
        spot
        for spot in found
        if not any(
            other.x >= spot.x and other.y >= spot.y and (other.x > spot.x or other.y > spot.y)
            for other in found
        )
    ]
    return sorted(kept, key=lambda spot: (spot.x, -spot.y))


def corners(found: Sequence[Spot]) -> list[tuple[float, float]]:
    """The front as a staircase: what lies below and left of it is beaten."""
    steps: list[tuple[float, float]] = []
    for spot in front(found):
        if steps:
            steps.append((steps[-1][0], spot.y))
        steps.append((spot.x, spot.y))
    return steps


def picture(record: RewardsRecord, found: Sequence[Spot], upward: str) -> Html:
    """One plane."""
    return plane(record, found, xname=ACROSS, yname=upward, front=corners(found), large=True)


def front_sentence(found: Sequence[Spot], upward: str) -> str:
    """Who stands on the front."""
    kept = [spot.policy for spot in front(found)]
    return f"By their means, not beaten in both {ACROSS} and {upward}: {listed(kept)}."


def numbers(record: RewardsRecord, found: dict[str, list[Spot]]) -> Html:
    """The planes as a table."""
    rows = [
        [
            policy_name(record, spot.policy),
            measure,
            level(ACROSS, spot.x),
            between(spot.x_low, spot.x_high),
            level(measure, spot.y),
            between(spot.y_low, spot.y_high),
            "yes" if spot in front(own) else "no",
        ]
        for measure, own in found.items()
        for spot in own
    ]
    head = ["Policy", "Against", ACROSS, "Interval", "Value", "Interval", "Not beaten"]
    return table("Clicks against exposures and coverage", head, rows, names=2)
