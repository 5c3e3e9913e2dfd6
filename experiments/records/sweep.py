"""The rows of sweep.json: the true lift of one comparison under many settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar, Literal

from experiments.records.interval import Interval, Number
from experiments.records.manifest import Failed
from experiments.records.metrics import Contrast
from experiments.records.reading import Record, row_of, rows_of
from experiments.records.truth import Method

Status = Literal["done", "parts_failed", "failed", "invalid", "waiting"]
FOUND: tuple[Status, ...] = ("done", "parts_failed")
"""Of cells that have results."""


@dataclass(frozen=True)
class CellRow:
    """One cell of a sweep: a run with its own values of the swept settings.

    Attributes:
        name: name of the cell, made of its values.
        values: values of the swept settings, in the order of `keys`.
        folder: folder of its run, relative to the folder of the sweep.
        status: `done`; `parts_failed`: there are results, made without a part that failed;
            `failed`: it failed at its work; `invalid`: such settings are impossible; `waiting`: it
            has not been run yet. The last three have no results.
        reason: why there are no results; else empty.
        failed: parts that failed, without which the results were made.
        stages: number of stages that it is made of.
        shared: number of these stages that an earlier cell is made of, too.
        seconds: time that its stages took when they were made, the shared ones included (s).
    """

    name: str
    values: tuple[Any, ...]
    folder: str
    status: Status
    reason: str
    failed: tuple[Failed, ...]
    stages: int
    shared: int
    seconds: float


@dataclass(frozen=True)
class CellLift:
    """The true effect of a treatment on a metric in one cell, as its `truth.json` has it.

    Attributes:
        cell: name of the cell.
        metric, contrast: as in `metrics.json`.
        control: the metric when everybody is in control.
        relative: the true effect over control's level.
        resolution: half the width of the interval of `relative`.
        p_value: two-sided, of no effect.
        p_holm: the same, corrected for the number of cells.
        seeds, n: number of pairs of worlds, and of shoppers.
        freedom, method, trainings: as in `truth.json`.
    """

    cell: str
    metric: str
    contrast: Contrast
    control: Number
    relative: Interval
    resolution: Number
    p_value: Number
    p_holm: Number
    seeds: int
    n: int
    freedom: Number = None
    method: Method = "expected"
    trainings: int = 1


@dataclass(frozen=True)
class CellRoom:
    """How much recall could matter for an arm in a cell; see `headroom` and `scarcity`.

    Attributes:
        cell, arm: names of the cell and of the arm.
        event: `purchase` or `gmv`: the total that the gains are of.
        recall: gain from perfect recall, in the order of the arm's own ranker.
        catalogue: gain from perfect recall, in a perfect order.
        pool: gain from a perfect order of what the arm's channels find.
        kept: gain from a perfect order of what reaches the ranker.
        pressure: relevant items over what one channel may return.
        found: share of the relevant items that the arm's channels find.
        unseen: share of first queries whose text was never asked in the history.
    """

    cell: str
    arm: str
    event: Literal["purchase", "gmv"]
    recall: Interval
    catalogue: Interval
    pool: Interval
    kept: Interval
    pressure: Interval
    found: Interval
    unseen: Interval

    @property
    def passed(self) -> tuple[Number, Number, Number]:
        """What channels, pre-ranker and ranker let pass, each of what reached it, by the estimates.

        Of what pages would bring if everything were found and in perfect order: the part that the
        channels find, of that the part that the pre-ranker keeps, of that the part that the page
        as it is served brings. Their product is the part that is served.
        """
        levels = [self.catalogue.estimate, self.pool.estimate, self.kept.estimate, 0.0]
        shares = [
            (1 + after) / (1 + before) if before is not None and after is not None else None
            for before, after in pairwise(levels)
        ]
        return shares[0], shares[1], shares[2]


@dataclass(frozen=True)
class CellService:
    """How late a treatment's pages are in a cell, and how often they come without a channel.

    Attributes:
        cell, contrast: name of the cell, and `[control, treatment]`.
        control, treatment: mean page latency with everybody in that arm (s).
        channel: the channel that the treatment's pages lack most often; empty if none.
        test, everybody: share of the treatment's pages without that channel (late, busy or
            failing), in the A/B test and with everybody in the treatment.
        naive: effect on the primary metric over control's level, as the A/B test estimates it
            without CUPED.
    """

    cell: str
    contrast: Contrast
    control: Number
    treatment: Number
    channel: str
    test: float
    everybody: float
    naive: Interval


@dataclass(frozen=True)
class CellDifference:
    """The lift in one cell beside that in the base cell.

    Attributes:
        cell, base: names of the cell and of the base.
        metric, contrast: metric and contrast of both lifts.
        relative: (1 + lift in the cell) / (1 + lift in the base) - 1, with an interval on the log
            scale.
        p_value: two-sided, of equal lifts.
        p_holm: the same, corrected for the number of cells.
        paired: whether the interval uses that both cells have the same shoppers with the same
            random draws; else it is that of two independent samples, which is wider if the cells
            are alike.
    """

    cell: str
    base: str
    metric: str
    contrast: Contrast
    relative: Interval
    p_value: Number
    p_holm: Number
    paired: bool


@dataclass(frozen=True)
class Assumption:
    """A setting that nobody knows, of which worlds were drawn.

    Attributes:
        key: path of the setting.
        low, high: ends of its range.
        log: whether worlds are uniform over its logarithm.
    """

    key: str
    low: float
    high: float
    log: bool


@dataclass(frozen=True)
class OverWorlds:
    """The true effect on a metric over all drawn worlds.

    Attributes:
        metric, contrast: as in `metrics.json`.
        worlds: number of worlds whose lift has an interval.
        mean: mean lift over worlds (the mean is of log(1 + lift)), and its interval across worlds.
        spread: standard deviation of log(1 + lift) between worlds, after subtracting the error of
            each world.
        another: the same mean, with the interval in which the lift of one more world is expected.
        explained: part of the variance between worlds, after subtracting the error of each, that
            straight lines over the ranges explain; null with too few worlds.
    """

    metric: str
    contrast: Contrast
    worlds: int
    mean: Interval
    spread: Number
    another: Interval
    explained: Number


@dataclass(frozen=True)
class Lean:
    """How much the true effect on a metric hangs on one assumption.

    Attributes:
        metric, contrast: as in `metrics.json`.
        key: path of the setting.
        at_low, at_high: lift at each end of its range, with all other settings in the middle of
            theirs.
        change: (1 + lift at the high end) / (1 + lift at the low end) - 1.
        p_value: two-sided, of no change.
        p_holm: the same, corrected for the number of assumptions.
        joint: whether all settings were fitted at once; else each alone, with the effects of the
            others as noise.
    """

    metric: str
    contrast: Contrast
    key: str
    at_low: Number
    at_high: Number
    change: Interval
    p_value: Number
    p_holm: Number
    joint: bool


@dataclass(frozen=True)
class Importance:
    """The part of what differs between drawn worlds that one submodel of the market explains.

    Attributes:
        metric, contrast: as in `metrics.json`.
        submodel: section of its settings, such as `queries` or `world.behavior`.
        keys: settings of the section that were drawn.
        share: first-order Sobol index: variance of the mean of log(1 + lift) given these settings,
            over the variance between worlds after subtracting the error of each.
        p_value: two-sided, of an index of 0.
        p_holm: the same, corrected for the number of submodels.
        curved: whether polynomials of degree 2 were fitted; else straight lines.
    """

    metric: str
    contrast: Contrast
    submodel: str
    keys: tuple[str, ...]
    share: Interval
    p_value: Number
    p_holm: Number
    curved: bool


@dataclass(frozen=True)
class SweepRecord(Record):
    """Everything that a sweep found.

    Attributes:
        name: name of the config that is swept.
        seed: seed of every cell, unless `seed` itself is swept.
        command: the command that gives the same sweep again.
        overrides: settings that all cells have in place of the config's.
        keys: the settings that are swept.
        primary: the metric that decides.
        metrics: metrics whose lifts are reported, the primary one first.
        confidence: level of all intervals.
        base: name of the cell that others are compared with: the first with results; empty without
            one.
        cells: every cell, in the order of the sweep.
        lifts: true effects, for cells with results.
        rooms: how much recall could matter, for cells where that was measured.
        differences: lift of each other cell, compared with the base's.
        warnings: what a reader must know, a sentence each.
        assumptions: the ranges that worlds were drawn from; empty for a grid or a list.
        over: the lift over all drawn worlds.
        leans: how the lift depends on each drawn setting.
        importance: how much of the variance each submodel explains; empty with too few worlds.
        services: how late pages are, for cells whose manifest lists all worlds.
    """

    FILE: ClassVar[str] = "sweep.json"
    COMMAND: ClassVar[str] = "funnelab sweep"

    name: str
    seed: int
    command: str
    overrides: tuple[str, ...]
    keys: tuple[str, ...]
    primary: str
    metrics: tuple[str, ...]
    confidence: float
    base: str
    cells: tuple[CellRow, ...]
    lifts: tuple[CellLift, ...]
    rooms: tuple[CellRoom, ...]
    differences: tuple[CellDifference, ...]
    warnings: tuple[str, ...]
    assumptions: tuple[Assumption, ...] = ()
    over: tuple[OverWorlds, ...] = ()
    leans: tuple[Lean, ...] = ()
    importance: tuple[Importance, ...] = ()
    services: tuple[CellService, ...] = ()

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Every comparison that a cell tells, in the order of the file."""
        return tuple(dict.fromkeys(row.contrast for row in self.lifts))

    @property
    def found(self) -> tuple[CellRow, ...]:
        """The cells that have results."""
        return tuple(cell for cell in self.cells if cell.status in FOUND)

    @property
    def waiting(self) -> tuple[CellRow, ...]:
        """The cells that have not been run yet: the sweep was stopped before, or still runs."""
        return tuple(cell for cell in self.cells if cell.status == "waiting")

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Cells that failed or cannot be, and the parts that others were made without."""
        rows = []
        for cell in self.cells:
            if cell.reason:
                rows.append(Failed("", f"cell {cell.name}", cell.status, 0, cell.reason))
            for part in cell.failed:
                named = f"{part.part} of cell {cell.name}"
                rows.append(Failed(part.stage, named, part.reason, part.requests, part.detail))
        return tuple(rows)

    def cell(self, name: str) -> CellRow:
        """The cell of a name.

        Raises:
            ValueError: there is none.
        """
        (found,) = rows_of(self.cells, name=name)
        return found

    def lift(self, cell: str, metric: str, contrast: Contrast) -> CellLift | None:
        """The lift of a metric in a cell, where there is one."""
        return row_of(self.lifts, cell=cell, metric=metric, contrast=contrast)

    def room(self, cell: str, arm: str) -> CellRoom | None:
        """How much recall could matter for an arm in a cell, where it was measured."""
        return row_of(self.rooms, cell=cell, arm=arm)

    def difference(self, cell: str, metric: str, contrast: Contrast) -> CellDifference | None:
        """A cell's lift beside the base's, where there is one."""
        return row_of(self.differences, cell=cell, metric=metric, contrast=contrast)


def short_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """Settings by the ends of their paths, as long as it takes to tell them apart."""
    steps = [key.split(".") for key in keys]

    def short(own: list[str]) -> str:
        for length in range(1, len(own)):
            same = [other for other in steps if other[-length:] == own[-length:]]
            if len(same) == 1:
                return ".".join(own[-length:])
        return ".".join(own)

    return tuple(map(short, steps))
