"""Clicks against exposures: which policies no other one beats in both."""

from collections.abc import Sequence

from cqsid.alignment.measures import CLK_10, EXP_10, PVR_10
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.digits import between
from experiments.report.kit.markup import Html, join
from experiments.report.kit.page import absent, figure, note, panels, section
from experiments.report.kit.plane import Spot, plane
from experiments.report.kit.scales import Axis, around
from experiments.report.kit.sentences import listed
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import names, policy_legend, policy_name, spot_of
from experiments.report.rewards.words import level

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
    keys = policy_legend(record, ("stroke front", "not beaten in both"))
    drawn = [
        (f"{ACROSS} and {measure}", picture(own, measure)) for measure, own in found.items() if own
    ]
    told = [front_sentence(own, measure) for measure, own in found.items() if own]
    described = "Scatter plots: click hit rate at 10 against exposure hit rate and coverage"
    return section(
        "pareto",
        TITLE,
        lead,
        figure(join([keys, panels(*drawn)]), numbers(record, found), described),
        note(" ".join(told)),
    )


def spots(record: RewardsRecord, across: str, upward: str) -> list[Spot]:
    """The policies of which both measures are known."""
    found = []
    for name in names(record):
        x, y = record.offline_of(name, across), record.offline_of(name, upward)
        if x is None or y is None or x.value.estimate is None or y.value.estimate is None:
            continue
        told = f"{name}: {level(across, x.value.estimate)}, {level(upward, y.value.estimate)}"
        found.append(spot_of(record, name, x.value, y.value, told))
    return found


def front(found: Sequence[Spot]) -> list[Spot]:
    """Those that no other one beats in one measure and equals in the other, from left to right."""
    kept = [spot for spot in found if not any(_beats(other.at, spot.at) for other in found)]
    return sorted(kept, key=lambda spot: (spot.at[0], -spot.at[1]))


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]


def corners(found: Sequence[Spot]) -> list[tuple[float, float]]:
    """The front as a staircase: what lies below and left of it is beaten."""
    steps: list[tuple[float, float]] = []
    for x, y in (spot.at for spot in front(found)):
        if steps:
            steps.append((steps[-1][0], y))
        steps.append((x, y))
    return steps


def picture(found: Sequence[Spot], upward: str) -> Html:
    """One plane."""
    across = around([end for spot in found for end in spot.x.numbers])
    up = around([end for spot in found for end in spot.y.numbers])
    axes = Axis(across, most=4, name=ACROSS), Axis(up, most=4, name=upward)
    return plane(found, *axes, corners(found), "plot plane large")


def front_sentence(found: Sequence[Spot], upward: str) -> str:
    """Who stands on the front."""
    kept = [spot.name for spot in front(found)]
    return f"By their means, not beaten in both {ACROSS} and {upward}: {listed(kept)}."


def numbers(record: RewardsRecord, found: dict[str, list[Spot]]) -> Table:
    """The planes as a table."""
    rows = [
        [
            policy_name(record, spot.name),
            measure,
            level(ACROSS, spot.x.estimate),
            between(spot.x),
            level(measure, spot.y.estimate),
            between(spot.y),
            "yes" if spot in front(own) else "no",
        ]
        for measure, own in found.items()
        for spot in own
    ]
    head = ["Policy", "Against", ACROSS, "Interval", "Value", "Interval", "Not beaten"]
    return Table("Clicks against exposures and coverage", head, rows, names=2)
