"""Which side of a market to split, over how scarce demand or supply is: `market-balance`, measured.

    python -m tests.benchmarks.balance --folder runs/balance --seeds 1 2 3 4
    python -m tests.benchmarks.balance --folder runs/balance --seeds 1 2 3 4 --page PAGE.md

Runs the shipped market at each demand over supply, once for each seed, with tests that split
shoppers, listings, both half and half, and both by the balance of the market (Johari, Li, Liskovich
and Weintraub, Management Science 2022, eq. 26), and prints a table; with a page, writes it there
and the picture beside it. The same command goes on where it was stopped. All is told in percent of
what everybody in control brings. With several seeds an interval is Student's over them; each has
its own shoppers, luck and splits.
"""

import argparse
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import get_args

import numpy as np

from experiments.designs.layout import Estimator, TwoSidedLayout
from experiments.designs.sides.settings import TwoSidedDesign
from experiments.inference.intervals.student import reach
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.pairs import open_pairs
from experiments.inference.randomised.twosided import two_sided_estimates
from experiments.records.interval import Interval
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record, row_of
from experiments.records.truth import Truths
from experiments.report.kit.scales import LogScale, Scale
from experiments.stages.progress import default_progress
from experiments.sweep.cells import Cell, Sweep, make_sweep
from experiments.sweep.folder import CELLS
from experiments.sweep.grid import Axis
from experiments.sweep.hiring import Workers
from experiments.sweep.run import run_sweep
from tests.knowntruths import ChoiceMarket, Told

NAME, METRIC, PAIR = "market-balance", "orders", ("control", "treatment")
LEADS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
PER_DAY = 10.0
"""Visits to a listing in a day, by the shipped settings."""

MOST = 0.95
"""Share of a side that is treated, at most."""

TRUE, SHOPPERS, LISTINGS = "true effect", "shoppers", "listings"
HALVES, BY_BALANCE = "both, half and half", "both, by balance"
BEGIN, END = f"<!-- figure of {NAME} -->", "<!-- end of the figure -->"


def shares(demand: float) -> tuple[float, float]:
    """Shares of the shoppers and of the listings that are treated, by eq. 26 from halves.

    At most `MOST` of either: some must be left to compare with.
    """
    scarce = math.exp(-demand)
    return min(1 - scarce / 2, MOST), min(1 - (1 - scarce) / 2, MOST)


def swept(seeds: Sequence[int]) -> Sweep:
    """All runs, as the cells of a sweep."""
    keys = ("catalog.lead_time_days", "design", "arms.control.share", "arms.treatment.share")
    rows = []
    for lead in LEADS:
        demand = PER_DAY * lead
        both = f"type='two_sided',balance={demand!r}"
        a, b = shares(demand)
        rows += [
            (repr(lead), "{type='shopper'}", "0.5", "0.5"),
            (repr(lead), "{type='listing'}", "0.5", "0.5"),
            (repr(lead), f"{{{both}}}", "0.5", "0.5"),
            (repr(lead), f"{{{both},listing_share={b!r}}}", repr(1 - a), repr(a)),
        ]
    luck = Axis(("seed",), tuple((str(seed),) for seed in seeds))
    return make_sweep(NAME, [luck, Axis(keys, tuple(rows))])


@dataclass(frozen=True)
class Reading:
    """What one run says, in percent of what everybody in control brings.

    Attributes:
        demand: over supply.
        seed: of the run.
        test: what it split, and by which estimator it is read; `TRUE` of the truth beside it.
        effect: with the interval of that run alone.
    """

    demand: float
    seed: int
    test: str
    effect: Interval


def readings(cell: Cell, folder: Path) -> Iterator[Reading]:
    """The truth of a run, and what its test says by every estimator."""
    assert cell.config is not None
    config, run = cell.config, folder / CELLS / cell.name
    where = PER_DAY * config.traits.lead_time_days, config.seed
    truth = row_of(read_record(Truths, run).truth, metric=METRIC, contrast=PAIR)
    level = (truth.control or math.nan) / 100 if truth is not None else math.nan
    design = config.design
    if not isinstance(design, TwoSidedDesign):
        found = read_record(Metrics, run).estimate(METRIC, PAIR, cuped=False)
        assert found is not None
        name = SHOPPERS if design.type == "shopper" else LISTINGS
        yield Reading(*where, name, found.effect.over(level))
        if design.type == "shopper" and truth is not None:
            yield Reading(*where, TRUE, truth.effect.over(level))
        return
    name = HALVES if design.listing_share is None else BY_BALANCE
    layout = design.layout(0)
    with open_pairs(run / "log", layout, [METRICS[METRIC]]) as pairs:
        for estimator in get_args(Estimator):
            pairs.layout = TwoSidedLayout(estimator, layout.weight, layout.listing_share)
            ((row, _),) = two_sided_estimates(pairs, [METRICS[METRIC]], [PAIR], confidence=0.95)
            yield Reading(*where, f"{name}: {estimator}", row.effect.over(level))


@dataclass(frozen=True)
class Point:
    """What a test says at one demand, over seeds.

    Attributes:
        effect, bias: means with their intervals; the bias is taken seed by seed.
        spread: standard deviation of the effect between seeds.
        said: the standard error that runs say they have, on average.
    """

    effect: Interval
    bias: Interval
    spread: float
    said: float


def joined(found: Sequence[Reading]) -> dict[tuple[str, float], Point]:
    """By test and demand."""
    by = {(each.test, each.demand, each.seed): each.effect for each in found}
    points = {}
    for test, demand in dict.fromkeys((each.test, each.demand) for each in found):
        seeds = sorted({each.seed for each in found if each.demand == demand})
        own = [by[test, demand, seed] for seed in seeds if (test, demand, seed) in by]
        true = [by[TRUE, demand, seed] for seed in seeds]
        effect_N = np.array([each.estimate for each in own])
        bias_N = effect_N - np.array([each.estimate for each in true])
        halves = [(each.high - each.low) / 2 for each in own if each.low and each.high]
        alone = own[0] if len(own) == 1 else None
        points[test, demand] = Point(
            effect=alone or _mean(effect_N),
            bias=_mean(bias_N),
            spread=float(np.std(effect_N, ddof=1)) if len(own) > 1 else math.nan,
            said=float(np.mean(halves)) / 1.96 if halves else math.nan,
        )
    return points


def _mean(values_N: np.ndarray) -> Interval:
    """With Student's interval over seeds; of one without ends."""
    middle, count = float(values_N.mean()), len(values_N)
    if count == 1:
        return Interval(middle, None, None)
    error = float(np.std(values_N, ddof=1)) / math.sqrt(count)
    half = float(reach(error, count - 1, confidence=0.95))
    return Interval(middle, middle - half, middle + half)


@cache
def expected(demand: float) -> dict[str, float]:
    """What the mean field says of each test, in percent of everybody in control."""
    half = ChoiceMarket(demand).told()
    a, b = shares(demand)
    by_balance = ChoiceMarket(demand, shoppers=a, items=b).told()
    found = {TRUE: half.effect, SHOPPERS: half.shoppers, LISTINGS: half.listings}
    found |= {f"{HALVES}: {name}": each for name, each in _both(half)}
    found |= {f"{BY_BALANCE}: {name}": each for name, each in _both(by_balance)}
    return {test: 100 * value / half.control for test, value in found.items()}


def _both(told: Told) -> list[tuple[str, float]]:
    return [(name, getattr(told, name)) for name in get_args(Estimator)]


SHOWN = {
    TRUE: "true effect",
    SHOPPERS: "split of shoppers",
    LISTINGS: "split of listings",
    f"{HALVES}: naive": "of both, half and half",
    f"{BY_BALANCE}: naive": "of both, by balance",
    f"{BY_BALANCE}: tsri_1": "of both, by balance, TSRI-1",
    f"{BY_BALANCE}: tsri_2": "of both, by balance, TSRI-2",
}


def table(points: dict[tuple[str, float], Point]) -> Iterator[str]:
    """The effect by every test, and below it what the mean field says."""
    yield "| demand / supply | " + " | ".join(SHOWN.values()) + " |"
    yield "|--:|" + "--:|" * len(SHOWN)
    for demand in sorted({at for _, at in points}):
        told = [_told(points[test, demand].effect) for test in SHOWN]
        yield f"| {demand:g} | " + " | ".join(told) + " |"
        mean_field = [f"*{expected(demand)[test]:.1f}*" for test in SHOWN]
        yield "| | " + " | ".join(mean_field) + " |"


def _told(size: Interval) -> str:
    if size.ends is None:
        return f"{size.estimate:.1f}"
    return f"{size.estimate:.1f} ± {(size.ends[1] - size.ends[0]) / 2:.1f}"


COLOURS = ("#222222", "#1f77b4", "#d62728", "#9467bd", "#2ca02c")
DRAWN = (TRUE, SHOPPERS, LISTINGS, f"{HALVES}: naive", f"{BY_BALANCE}: tsri_2")
WIDTH, HEIGHT, LEFT, BELOW, ABOVE, RIGHT = 760, 430, 62, 52, 14, 220


def picture(points: dict[tuple[str, float], Point]) -> str:
    """The effects over demand as SVG: points with intervals, and the mean field as lines."""
    demands = sorted({at for _, at in points})
    across, up = LogScale(demands[0] / 1.3, demands[-1] * 1.3), Scale(0.0, 100.0)

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * across.at(at) / 100

    def y(size: float) -> float:
        return ABOVE + (HEIGHT - ABOVE - BELOW) * (1 - up.at(size) / 100)

    shapes = [_line((x(0), y(size)), (x(1e9), y(size)), "#dddddd") for size in up.ticks(5)]
    shapes += [_words(LEFT - 8, y(size) + 4, f"{size:g} %", "end") for size in up.ticks(5)]
    shapes += [_words(x(at), HEIGHT - BELOW + 18, f"{at:g}", "middle") for at in demands]
    name = "shoppers who come to a listing while a sold one is replaced"
    shapes.append(_words((x(0) + x(1e9)) / 2, HEIGHT - 10, name, "middle"))
    fine = np.geomspace(demands[0], demands[-1], 40).tolist()
    values = [expected(at) for at in fine]
    for number, (test, colour) in enumerate(zip(DRAWN, COLOURS, strict=True)):
        corners = zip(fine, values, strict=True)
        path = " ".join(f"{x(at):.1f},{y(each[test]):.1f}" for at, each in corners)
        shapes.append(f'<polyline points="{path}" fill="none" stroke="{colour}" opacity="0.55"/>')
        for at in demands:
            size, place = points[test, at].effect, x(at) + 4 * (number - 2)
            low, high = size.ends or (size.estimate, size.estimate)
            shapes.append(_line((place, y(low or 0)), (place, y(high or 0)), colour, 2))
            shapes.append(_dot(place, y(size.estimate or 0), colour))
        top = ABOVE + 20 + 22 * number
        shapes.append(_dot(WIDTH - RIGHT + 18, top, colour))
        shapes.append(_words(WIDTH - RIGHT + 30, top + 4, SHOWN[test], "start"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
    head += 'font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *shapes, "</svg>\n"])


def _line(one: tuple[float, float], two: tuple[float, float], colour: str, width: float = 1) -> str:
    ends = f'x1="{one[0]:.1f}" y1="{one[1]:.1f}" x2="{two[0]:.1f}" y2="{two[1]:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'


def _words(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def main() -> None:
    """Run what is not there yet, and tell all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    sweep = swept(asked.seeds)
    run_sweep(
        sweep,
        asked.folder,
        progress=default_progress(),
        command=f"python -m tests.benchmarks.balance --folder {asked.folder}",
        overwrite=True,
        workers=Workers(asked.jobs),
    )
    points = joined([each for cell in sweep.cells for each in readings(cell, asked.folder)])
    lines = list(table(points))
    print(*lines, sep="\n")
    for (test, demand), point in points.items():
        bias = f"bias {_told(point.bias)}" if test != TRUE else ""
        print(
            f"{test}, {demand:g}: {_told(point.effect)} {bias} between seeds {point.spread:.2f}, "
            f"said {point.said:.2f}"
        )
    if asked.page is not None:
        name = f"{NAME}.svg"
        asked.page.with_name(name).write_text(picture(points))
        marks = re.compile(f"({re.escape(BEGIN)}\n).*?({re.escape(END)})", re.DOTALL)
        text = asked.page.read_text()
        assert marks.search(text), f"{asked.page} == without {BEGIN}, must have the marks"
        seen = "\n".join([f"![Effects over demand]({name})", "", *lines])
        asked.page.write_text(marks.sub(lambda found: f"{found[1]}{seen}\n{found[2]}", text))


if __name__ == "__main__":
    main()
