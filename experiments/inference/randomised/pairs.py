"""What shoppers did with items, where both were split: sums by shopper and item, kept by DuckDB."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.designs.layout import TwoSidedLayout
from experiments.inference.logs import EngineSpec, Manifest, engine, read_manifest, rows, scan
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import summed_by_table
from experiments.inference.randomised.itemcells import on_sale

Floats = NDArray[np.float64]

_VECTOR = ("y0", "y1", "x0", "x1")  # sums over one arm of the other side and over the other arm


@dataclass(frozen=True)
class PairMoments:
    """What is known of a ratio of sums over pairs of a shopper and an item, and of how they vary.

    Axes: i arm of the shopper, j arm of the item, 0 control and 1 treatment; V the numerator with
    items (or of an item, with shoppers) of control and of treatment, then the denominator likewise.

    Attributes:
        top_ij, under_ij: sums of the numerator y and the denominator x.
        shoppers_i, items_j: how many there are.
        of_shoppers_iVV: sums over shoppers of the products of their own sums.
        of_items_jVV: the same over items.
        of_pairs_ij3: sums of y y, x y and x x over pairs.
    """

    top_ij: Floats
    under_ij: Floats
    shoppers_i: Floats
    items_j: Floats
    of_shoppers_iVV: Floats
    of_items_jVV: Floats
    of_pairs_ij3: Floats


class Pairs:
    """A row for each shopper, item and day with sums of the columns that metrics need.

    Attributes:
        manifest: the log's manifest.
        connection: where the table lives; open until `open_pairs` ends.
        layout: of the design.
        columns: of the unit table, that were summed.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        log: Path,
        layout: TwoSidedLayout,
        metrics: Sequence[Metric],
    ) -> None:
        self.manifest: Manifest = read_manifest(log)
        self.connection = connection
        self.layout = layout
        wanted = {column for metric in metrics for column in metric.columns}
        self.columns = tuple(sorted(wanted & layout.columns))
        connection.execute(
            "CREATE TEMP TABLE sides_shopper AS SELECT shopper AS unit, any_value(arm) AS arm, "
            f"min(day) AS day FROM {scan(log, 'requests')} GROUP BY shopper"
        )
        connection.execute(
            f"CREATE TEMP TABLE sides_item AS SELECT item AS unit, arm, day FROM ({on_sale(log)})"
        )
        parts = [
            f"SELECT shopper, item, day, {sums} FROM {scan(log, table)} GROUP BY ALL"
            for table, sums in summed_by_table(self.columns)
        ] or ["SELECT 0 AS shopper, 0 AS item, 0 AS day WHERE false"]
        total = "".join(f", coalesce(sum({n}), 0)::DOUBLE AS {n}" for n in self.columns)
        connection.execute(
            "CREATE TEMP TABLE pairs AS "
            f"SELECT shopper, item, p.day, s.arm AS i, l.arm AS j{total} "
            f"FROM ({' UNION ALL BY NAME '.join(parts)}) AS p "
            "JOIN sides_shopper AS s ON shopper = s.unit JOIN sides_item AS l ON item = l.unit "
            "GROUP BY ALL"
        )

    def possible(self, metric: Metric) -> bool:
        """Whether a pair can be told to have what the metric counts."""
        return set(metric.columns) <= set(self.columns)

    def days(self) -> list[int]:
        """The days on which somebody searched first, or did something with an item."""
        asked = "SELECT day FROM sides_shopper UNION SELECT day FROM pairs ORDER BY day"
        return [row["day"] for row in rows(self.connection, asked)]

    def counts(self, side: str, arms: tuple[int, int], last_day: int | None = None) -> Floats:
        """(2,) how many shoppers or items both arms have.

        Args:
            side: `shopper` or `item`.
            arms: control and treatment.
            last_day: of those that came up to and including this day; none: of all.
        """
        found = self.connection.execute(
            f"SELECT arm, count(*) FROM sides_{side} WHERE {_until('day', last_day)} GROUP BY arm"
        ).fetchall()
        counts = dict(found)
        return np.array([counts.get(arm, 0) for arm in arms], np.float64)

    def moments(
        self, metric: Metric, arms: tuple[int, int], last_day: int | None = None
    ) -> PairMoments:
        """Of a metric: without a denominator it is divided by all pairs of a shopper and an item.

        With I items, the denominator of a pair is 1 / I then, so a ratio is told per shopper, as if
        all items were in the arm.

        Args:
            metric: one that is possible.
            arms: control and treatment.
            last_day: count what happened up to and including this day; none: all.
        """
        shoppers_i, items_j = (self.counts(side, arms, last_day) for side in ("shopper", "item"))
        each = 1 / max(items_j.sum(), 1.0)
        over = metric.denominator
        of_pairs_ij3 = self._of_pairs(metric, arms, last_day)
        if over is None:
            of_pairs_ij3[..., 1] *= each
            of_pairs_ij3[..., 2] = np.outer(shoppers_i, items_j) * each**2
        top_ij, under_ij = self._sums(metric, arms, last_day)
        if over is None:
            under_ij = np.outer(shoppers_i, items_j) * each
        sides = {}
        for side, others in (("shopper", items_j), ("item", shoppers_i)):
            given = None if over is not None else (others * each).tolist()
            sides[side] = self._of_side(side, metric, arms, last_day, given)
        return PairMoments(
            *(top_ij, under_ij, shoppers_i, items_j, sides["shopper"], sides["item"], of_pairs_ij3)
        )

    def _sums(
        self, metric: Metric, arms: tuple[int, int], last_day: int | None
    ) -> tuple[Floats, Floats]:
        sums_ij2 = np.zeros((2, 2, 2))
        for row in rows(
            self.connection,
            f"SELECT i, j, sum(y) AS y, sum(x) AS x FROM {_used(metric, last_day)} GROUP BY i, j",
        ):
            if row["i"] in arms and row["j"] in arms:
                sums_ij2[arms.index(row["i"]), arms.index(row["j"])] = row["y"], row["x"]
        return sums_ij2[..., 0], sums_ij2[..., 1]

    def _of_pairs(self, metric: Metric, arms: tuple[int, int], last_day: int | None) -> Floats:
        """(2, 2, 3) without a denominator the second is the sum of y, to be multiplied."""
        found_ij3 = np.zeros((2, 2, 3))
        under = "sum(x)" if metric.denominator is not None else "1"
        for row in rows(
            self.connection,
            "SELECT i, j, sum(y * y) AS yy, sum(x * y) AS xy, sum(x * x) AS xx FROM ("
            f"SELECT i, j, sum(y) AS y, {under} AS x FROM {_used(metric, last_day)} "
            "GROUP BY shopper, item, i, j) GROUP BY i, j",
        ):
            if row["i"] in arms and row["j"] in arms:
                at = arms.index(row["i"]), arms.index(row["j"])
                found_ij3[at] = row["yy"], row["xy"], row["xx"]
        return found_ij3

    def _of_side(
        self,
        side: str,
        metric: Metric,
        arms: tuple[int, int],
        last_day: int | None,
        given: list[float] | None,
    ) -> Floats:
        """(2, 4, 4) second moments of the sums of every shopper, or of every item.

        Args:
            given: the denominators over both arms of the other side, where all have the same.
        """
        other = "j" if side == "shopper" else "i"
        sums = []
        for at, arm in enumerate(arms):
            of_arm = f"FILTER (p.{other} = {arm})"
            sums.append(f"coalesce(sum(p.y) {of_arm}, 0) AS y{at}")
            under = f"coalesce(sum(p.x) {of_arm}, 0)"
            sums.append(f"{under if given is None else repr(given[at])} AS x{at}")
        products = list(combinations_with_replacement(range(4), 2))
        wanted = ", ".join(f"sum({_VECTOR[a]} * {_VECTOR[b]}) AS m{a}{b}" for a, b in products)
        moments = np.zeros((2, 4, 4))
        for row in rows(
            self.connection,
            f"SELECT arm, {wanted} FROM (SELECT u.unit, u.arm, {', '.join(sums)} "
            f"FROM sides_{side} AS u LEFT JOIN {_used(metric, last_day)} AS p ON p.{side} = u.unit "
            f"WHERE {_until('u.day', last_day)} GROUP BY u.unit, u.arm) GROUP BY arm",
        ):
            if row["arm"] in arms:
                for a, b in products:
                    moments[arms.index(row["arm"]), [a, b], [b, a]] = row[f"m{a}{b}"]
        return moments


def _used(metric: Metric, last_day: int | None) -> str:
    """SQL of the rows in which a metric has anything, its numerator as y, its denominator as x."""
    over = metric.denominator or "0"
    some = f"({metric.numerator} <> 0 OR {over} <> 0) AND {_until('day', last_day)}"
    sums = f"{metric.numerator} AS y, {over} AS x"
    return f"(SELECT shopper, item, i, j, {sums} FROM pairs WHERE {some})"


def _until(day: str, last_day: int | None) -> str:
    return "true" if last_day is None else f"{day} <= {last_day}"


@contextmanager
def open_pairs(
    log: Path, layout: TwoSidedLayout, metrics: Sequence[Metric], *, spec: EngineSpec | None = None
) -> Iterator[Pairs]:
    """Read a log into sums by shopper and item; arguments and errors as of `open_cells`."""
    read_manifest(log)
    with engine(spec or EngineSpec()) as connection:
        yield Pairs(connection, log, layout, metrics)
