"""Clicks against exposures: which policies no other one beats in both."""

from collections.abc import Mapping, Sequence

from cqsid.alignment.measures import CLK_10, EXP_10, PVR_10
from experiments.records.interval import Interval
from experiments.records.reading import rows_of
from experiments.records.rewards import RewardsRecord
from experiments.report.kit.curves import Spot, plane
from experiments.report.kit.digits import between
from experiments.report.kit.markup import Html, join
from experiments.report.kit.page import Content, absent, figure, note, panels
from experiments.report.kit.sentences import listed
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import axes, policy_legend, policy_name, spots
from experiments.report.rewards.words import level

ACROSS = CLK_10
UPWARD = (EXP_10, PVR_10)


def pareto(record: RewardsRecord) -> Content:
    """The plane of clicks and exposures, and that of clicks and coverage."""
    found = {measure: own for measure in UPWARD if (own := _spots(record, measure))}
    if not found:
        return (absent("The record holds no offline measures."),)
    lead = (
        "A policy may find more of what was clicked and less of what was shown. The line joins the "
        "policies that no other one beats in both; crosses are the intervals of each mean, which "
        "are wider than those of the differences."
    )
    keys = policy_legend(record, ("stroke front", "not beaten in both"))
    drawn = ((f"{ACROSS} and {measure}", _picture(own, measure)) for measure, own in found.items())
    told = (
        f"By their means, not beaten in both {ACROSS} and {measure}: "
        f"{listed([spot.name for spot in front(own)])}."
        for measure, own in found.items()
    )
    described = "Scatter plots: click hit rate at 10 against exposure hit rate and coverage"
    picture = join([keys, panels(*drawn)])
    return lead, figure(picture, _numbers(record, found), described), note(" ".join(told))


def _spots(record: RewardsRecord, upward: str) -> list[Spot]:
    def told(x: float, y: float) -> str:
        return f"{level(ACROSS, x)}, {level(upward, y)}"

    return spots(record, offline_values(record, ACROSS), offline_values(record, upward), told)


def offline_values(record: RewardsRecord, measure: str) -> dict[str, Interval]:
    """An offline measure by policy."""
    return {row.policy: row.value for row in rows_of(record.offline, measure=measure)}


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


def _picture(found: Sequence[Spot], upward: str) -> Html:
    return plane(found, *axes(found, ACROSS, upward, most=1.0), corners(found), "plot plane large")


def _numbers(record: RewardsRecord, found: Mapping[str, Sequence[Spot]]) -> Table:
    return Table.of(
        "Clicks against exposures and coverage",
        [(measure, spot) for measure, own in found.items() for spot in own],
        ("Policy", lambda row: policy_name(record, row[1].name)),
        ("Against", lambda row: row[0]),
        (ACROSS, lambda row: level(ACROSS, row[1].x.estimate)),
        ("Interval", lambda row: between(row[1].x)),
        ("Value", lambda row: level(row[0], row[1].y.estimate)),
        ("Interval", lambda row: between(row[1].y)),
        ("Not beaten", lambda row: "yes" if row[1] in front(found[row[0]]) else "no"),
        names=2,
    )
