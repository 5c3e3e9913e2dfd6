"""The sums of an experiment's log by item, where items were split over arms."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from experiments.designs.layout import ListingLayout
from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import UNITS, Cells, added, summed_by_table


class ItemCells(Cells):
    """Items are the groups, and each item on sale is a unit: what its slots brought is its own.

    Items are on sale that the log's assignments have. An item stands in one arm and one stratum.
    """

    layout: ListingLayout

    def _tables(self, log: Path) -> tuple[str, str]:
        keys = "item AS grp, 0 AS stratum, arm, day"
        parts = [f"SELECT {keys}, 1 AS {UNITS} FROM ({on_sale(log)})"]
        parts += [
            f"SELECT {keys}, {sums} FROM {scan(log, table)} GROUP BY ALL"
            for table, sums in summed_by_table(self.columns)
        ]
        asked = f"SELECT DISTINCT shopper, day FROM {scan(log, 'requests')}"
        return asked, added(parts, self.columns)

    @property
    def _counted(self) -> str:
        return f"sum({UNITS}) FROM cells"


def on_sale(log: Path) -> str:
    """SQL of a row for each item on sale in the period: its arm, and since which day it is."""
    return (
        'SELECT unit AS item, arm, floor("at" / 86400)::INTEGER AS day '
        f"FROM {scan(log, 'assignments')} WHERE kind = 'item'"
    )


@contextmanager
def open_item_cells(
    log: Path, layout: ListingLayout, metrics: Sequence[Metric], *, spec: EngineSpec | None = None
) -> Iterator[ItemCells]:
    """Read a log into sums by item; arguments and errors as of `open_cells`."""
    read_manifest(log)
    with engine(spec or EngineSpec()) as connection:
        yield ItemCells(connection, log, layout, metrics)
