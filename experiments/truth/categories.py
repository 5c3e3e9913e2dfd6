"""What one pair of worlds brings by category: it tells the luck that shoppers share there.

See `experiments.inference.intervals.shared`. What can be luck of the state is the same pages in
another state, and what is lost there; other pages, and pages that are later, are no luck. So the
part that is looked at is what control's pages would bring in the treatment's world, less what the
treatment's shoppers lose, against control. Where those pages are not known it is the whole effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from experiments.inference.intervals.shared import Shared
from experiments.inference.metrics import Metric
from experiments.truth.files import BESIDE, OWN, by_category
from simulator.following.tally import LOST

Floats = NDArray[np.float64]
Columns = Mapping[str, Floats]
"""By column of the log's totals, net of `lost_NAME`, which are there, too."""
Pair = tuple[Floats, Floats, Floats, Floats]
"""Numerator and denominator of treatment, then of control; shoppers in columns."""


def lost(columns: Columns, name: str) -> Floats:
    """What is lost of a column; nothing of most."""
    return columns[f"lost_{name}"] if name in LOST else np.zeros_like(columns[name])


@dataclass(frozen=True)
class Worlds:
    """A pair of worlds, by shopper or by category.

    Attributes:
        control, treatment: what their own pages bring.
        beside: what control's pages would bring in the treatment's world; None: not known.
    """

    control: Columns
    treatment: Columns
    beside: Columns | None

    def state(self, name: str) -> Floats:
        """What control's pages would bring in the treatment's world, were nothing gone."""
        beside = self.treatment if self.beside is None else self.beside
        return np.asarray(beside[name] + lost(beside, name))

    def stateful(self, name: str) -> Floats:
        """The same, less what the treatment's shoppers lose; control to the bit in equal worlds."""
        control, gone = self.control[name], lost(self.control, name)
        moved = self.state(name) - (control + gone)
        return np.asarray(control + (moved - (lost(self.treatment, name) - gone)))


def read_categories(control_log: Path, treatment_log: Path) -> Worlds | None:
    """A pair of worlds by category; None where one of them was not followed so."""
    files = [
        log.parent / by_category(name)
        for log, name in ((control_log, OWN), (treatment_log, OWN), (treatment_log, BESIDE))
    ]
    if not all(path.is_file() for path in files[:2]):
        return None
    control, treatment, *beside = (_read(path) for path in files if path.is_file())
    return Worlds(control, treatment, beside[0] if beside else None)


def read_own(log: Path) -> Columns | None:
    """What a world's own pages bring by category; None where it was not followed so."""
    path = log.parent / by_category(OWN)
    return _read(path) if path.is_file() else None


def shares_of(whole_G: Floats, exposed_U: Floats) -> Floats:
    """(..., G) shoppers, who belong to no category, by what is brought in each of them."""
    whole = whole_G.sum(axis=-1, keepdims=True)
    exposed = exposed_U.sum(axis=-1, keepdims=True)
    nobody = np.zeros(np.broadcast_shapes(whole.shape, exposed.shape))
    return np.asarray(whole_G * np.divide(exposed, whole, out=nobody, where=whole > 0))


def shared(metric: Metric, shoppers: Worlds, exposed_U: Floats, categories: Worlds) -> Shared:
    """The part of a metric's effect in which those who want one category may share luck.

    Args:
        metric: whose effect it is.
        shoppers: the pair by shopper, the columns of the metric.
        exposed_U: 1 where a shopper counts; what a metric without a denominator is divided by.
        categories: the pair by category.
    """
    top, bottom = metric.numerator, metric.denominator
    by_U, base_by_U = exposed_U, exposed_U
    if bottom is not None:
        by_U, base_by_U = shoppers.stateful(bottom), shoppers.control[bottom]
    pair = shoppers.stateful(top), by_U, shoppers.control[top], base_by_U
    own_G = {name: categories.stateful(name) for name in metric.columns}
    return of_whole(metric, pair, own_G, categories.control)


def of_whole(metric: Metric, pair: Pair, own_G: Columns, base_G: Columns) -> Shared:
    """The same of the whole of an effect, where it is not known what of it is luck of the state.

    Args:
        metric: whose effect it is.
        pair: it by shopper, (U,), or (S, U) of several trainings.
        own_G: the treatment by category, (G,) or (S, G).
        base_G: control; one row where all trainings share it.
    """
    top, bottom = metric.numerator, metric.denominator
    if bottom is None:
        return per_shopper(pair[0], pair[2], pair[1], own_G[top], base_G[top])
    by_category = ((columns[top], columns[bottom]) for columns in (own_G, base_G))
    return Shared(pair[:2], pair[2:], *by_category)


def per_shopper(
    part_U: Floats, base_U: Floats, exposed_U: Floats, part_G: Floats, base_G: Floats
) -> Shared:
    """The same of totals that are divided by the shoppers who count."""
    exposed_G = shares_of(base_G, exposed_U)
    return Shared(
        (part_U, exposed_U), (base_U, exposed_U), (part_G, exposed_G), (base_G, exposed_G)
    )


def _read(path: Path) -> dict[str, Floats]:
    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}
