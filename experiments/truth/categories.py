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
    """(G,) shoppers, who belong to no category, by what is brought in each of them."""
    whole = float(whole_G.sum())
    return whole_G * (float(exposed_U.sum()) / whole if whole > 0 else 0.0)


def shared(metric: Metric, shoppers: Worlds, exposed_U: Floats, categories: Worlds) -> Shared:
    """The part of a metric's effect in which those who want one category may share luck.

    Args:
        metric: whose effect it is.
        shoppers: the pair by shopper, the columns of the metric.
        exposed_U: 1 where a shopper counts; what a metric without a denominator is divided by.
        categories: the pair by category.
    """
    top, bottom = metric.numerator, metric.denominator
    if bottom is not None:
        return Shared(
            (shoppers.stateful(top), shoppers.stateful(bottom)),
            (shoppers.control[top], shoppers.control[bottom]),
            (categories.stateful(top), categories.stateful(bottom)),
            (categories.control[top], categories.control[bottom]),
        )
    return per_shopper(
        *(shoppers.stateful(top), shoppers.control[top], exposed_U),
        *(categories.stateful(top), categories.control[top]),
    )


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
