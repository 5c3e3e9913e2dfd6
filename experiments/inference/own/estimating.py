"""Estimates of metrics of a user's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tea_tasting.aggr import Aggregates

from experiments.inference.estimates import blank, compared, estimate
from experiments.inference.logs import EngineSpec
from experiments.inference.own.bootstrap import Statistic, level
from experiments.inference.own.ownmetric import OwnMetric
from experiments.inference.own.rows import Rows, rows_of
from experiments.inference.own.tables import Tables, open_tables
from experiments.inference.reduction.cuped import PRE
from experiments.records.metrics import Estimate
from simulator.catalogue.catalog import Catalog
from simulator.errors import ContractError

Floats = NDArray[np.float64]
Found = tuple[Estimate, str]
"""An estimate, and the reason why something in it is None."""


@dataclass(frozen=True)
class Sums:
    """A ratio of two sums of shoppers under the metric's own name; see `Ratio`."""

    name: str
    ratio: bool

    @property
    def numerator(self) -> str:
        """The first sum."""
        return self.name

    @property
    def denominator(self) -> str | None:
        """The second one, where there is one."""
        return f"denominator_of_{self.name}" if self.ratio else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Both."""
        return (self.name,) if self.denominator is None else (self.name, self.denominator)


@dataclass(frozen=True)
class Exposed:
    """The exposed shoppers of a log: U pairs of arm and shopper, ascending by shopper.

    Attributes:
        arms: names.
        arm_U, shopper_U: who, and in which arm.
    """

    arms: tuple[str, ...]
    arm_U: NDArray[np.int64]
    shopper_U: NDArray[np.int64]

    @classmethod
    def of(cls, tables: Tables) -> "Exposed":
        """Those of a log."""
        named = tables.sql("SELECT name FROM arms ORDER BY arm")["name"]
        who = tables.sql("SELECT DISTINCT arm, shopper FROM requests ORDER BY shopper, arm")
        return cls(tuple(map(str, named)), *(who[n].astype(np.int64) for n in ("arm", "shopper")))

    def place(self, shopper_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of these shoppers, their first where several arms served them; -1 for others."""
        at_N = np.searchsorted(self.shopper_U, shopper_N)
        at_N[at_N == len(self.shopper_U)] = 0
        if not len(self.shopper_U):
            return np.full(len(shopper_N), -1)
        return np.where(self.shopper_U[at_N] == shopper_N, at_N, -1)

    def places(self, shopper_N: NDArray[np.int64], metric: str) -> NDArray[np.int64]:
        """The same of the rows of a metric, all of whose shoppers must be there.

        Raises:
            ContractError: one is not.
        """
        place_N = self.place(shopper_N)
        if (place_N < 0).any():
            stranger = f"shopper == {int(shopper_N[place_N < 0][0])}"
            raise ContractError(
                f"analysis.own.{metric}: {stranger}, must be one with a request in the log"
            )
        return place_N


def own_estimates(
    metrics: Sequence[OwnMetric],
    log: Path,
    history: Path | None,
    catalog: Catalog | None,
    contrasts: Sequence[tuple[str, str]],
    *,
    confidence: float,
    spec: EngineSpec | None = None,
) -> list[Found]:
    """Compare metrics of a user's own between arms.

    Args:
        log: the experiment's log folder.
        history: log folder of the period before, for CUPED; None: no adjusted estimates.
        catalog: the items.
        contrasts: (control, treatment) names of arms.
        confidence: level of the intervals.
        spec: threads and memory of the log's engine.

    Raises:
        ContractError: a metric raised, or its rows break their contract.
        DataError: a folder is not a log.
    """
    if not metrics:
        return []
    made = {metric.name: metric.made() for metric in metrics}
    before: dict[str, Rows] = {}
    if history is not None:
        with open_tables(history, catalog, spec=spec) as tables:
            for metric in metrics:
                if statistic_of(metric, made[metric.name]) is None:
                    before[metric.name] = rows_of(metric, made[metric.name], tables, valued=False)
    found: list[Found] = []
    with open_tables(log, catalog, spec=spec) as tables:
        exposed = Exposed.of(tables)
        for metric in metrics:
            found += _estimates(
                metric,
                made[metric.name],
                tables,
                exposed,
                before.get(metric.name),
                contrasts,
                confidence,
            )
    return found


def statistic_of(metric: OwnMetric, made: Any) -> Statistic | None:
    """The statistic of a metric; None where it is a mean or a ratio of means."""
    custom = getattr(made, "statistic", None)
    if metric.quantile is None and custom is None:
        return None
    return Statistic(metric.quantile, custom, f"analysis.own.{metric.name}")


def _estimates(
    metric: OwnMetric,
    made: Any,
    tables: Tables,
    exposed: Exposed,
    before: Rows | None,
    contrasts: Sequence[tuple[str, str]],
    confidence: float,
) -> Iterator[Found]:
    statistic = statistic_of(metric, made)
    rows = rows_of(metric, made, tables, valued=statistic is not None)
    place_N = exposed.places(rows.shopper_N, metric.name)
    if statistic is not None:
        yield from _resampled(metric, statistic, exposed, rows, place_N, contrasts, confidence)
        return
    sums = Sums(metric.name, rows.denominator_N is not None)
    columns = _columns(sums, "", rows, place_N, len(exposed.shopper_U))
    if before is not None and (before.denominator_N is None) == (not sums.ratio):
        known_N = exposed.place(before.shopper_N)
        kept = before.of(known_N >= 0)
        columns |= _columns(sums, PRE, kept, known_N[known_N >= 0], len(exposed.shopper_U))
    else:
        before = None
    arms = {
        name: _aggregates({c: v[exposed.arm_U == arm] for c, v in columns.items()})
        for arm, name in enumerate(exposed.arms)
    }
    for contrast in contrasts:
        for cuped in (False, True) if before is not None else (False,):
            yield estimate(sums, contrast, arms, confidence=confidence, cuped=cuped)


def _columns(
    sums: Sums, prefix: str, rows: Rows, place_N: NDArray[np.int64], units: int
) -> dict[str, Floats]:
    """(U,) totals of the exposed shoppers by column."""
    parts = zip(sums.columns, (rows.numerator_N, rows.denominator_N), strict=False)
    return {
        prefix + name: np.bincount(place_N, part, units).astype(np.float64) for name, part in parts
    }


def _aggregates(columns: dict[str, Floats]) -> Aggregates:
    """Statistics of the shoppers of an arm."""
    names, table = sorted(columns), np.array([columns[name] for name in sorted(columns)])
    n = table.shape[1]
    mean = table.mean(axis=1) if n else np.full(len(names), np.nan)
    spread = np.atleast_2d(np.cov(table)) if n > 1 else np.full((len(names),) * 2, np.nan)
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    return Aggregates(
        count_=n,
        mean_=dict(zip(names, mean.tolist(), strict=True)),
        var_={name: float(spread[i, i]) for i, name in enumerate(names)},
        cov_={(names[i], names[j]): float(spread[i, j]) for i, j in pairs},
    )


def _resampled(
    metric: OwnMetric,
    statistic: Statistic,
    exposed: Exposed,
    rows: Rows,
    place_N: NDArray[np.int64],
    contrasts: Sequence[tuple[str, str]],
    confidence: float,
) -> Iterator[Found]:
    """Estimates of a statistic, with the error of a bootstrap."""
    levels = {}
    for arm, name in enumerate(exposed.arms):
        mine = np.flatnonzero(exposed.arm_U == arm)
        unit_U = np.full(len(exposed.arm_U), -1)
        unit_U[mine] = np.arange(len(mine))
        here = unit_U[place_N] >= 0
        levels[name] = (
            len(mine),
            level(
                *(statistic, unit_U[place_N][here], rows.numerator_N[here], len(mine)),
                resamples=metric.resamples,
                rng=np.random.default_rng([metric.resamples, arm]),
            )
            if len(mine)
            else None,
        )
    for control, treatment in contrasts:
        (n_one, one), (n_two, two) = levels[control], levels[treatment]
        row = blank(metric.name, (control, treatment), (n_one, n_two))
        if one is None or two is None:
            yield row, f"an arm has too few shoppers with a value for {metric.name}"
        else:
            yield compared(row, one, two, confidence)
