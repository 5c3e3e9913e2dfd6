"""What units did that no layout of requests tells of: shoppers, items, and joined units."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.designs.layout import ListingLayout
from experiments.inference.logs import EngineSpec, engine, read_manifest, scan
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import UNITS, summed_by_table
from experiments.inference.randomised.redrawn import Outcomes
from experiments.inference.units import exposed_shoppers
from simulator.errors import DataError


def of_shoppers(
    log: Path, metrics: Sequence[Metric], *, spec: EngineSpec | None = None
) -> Outcomes:
    """What the shoppers of a log did, whichever arms they were in.

    They are the rows of the unit table, so that every metric can be told and a test of them is
    that of `estimates`. Memory grows with the shoppers.

    Raises:
        DataError: the folder is no log.
    """
    read_manifest(log)
    columns = sorted({column for metric in metrics for column in metric.columns})
    with engine(spec or EngineSpec()) as connection:
        found = connection.execute(
            f"SELECT * FROM ({exposed_shoppers(log, columns)}) ORDER BY shopper"
        ).fetchnumpy()
    unit_U = np.asarray(found["shopper"], np.int64)
    one_U = np.ones(len(unit_U))
    return Outcomes(
        unit_U=unit_U,
        at_U=np.zeros(len(unit_U)),
        group_U=unit_U,
        stratum_U=np.zeros(len(unit_U), np.int64),
        columns=(UNITS, *columns),
        sums_CU=np.array([one_U, *(np.asarray(found[name], np.float64) for name in columns)]),
        shoppers=len(unit_U),
    )


def of_items(
    log: Path,
    item_U: NDArray[np.int64],
    metrics: Sequence[Metric],
    *,
    spec: EngineSpec | None = None,
) -> Outcomes:
    """What was done with items, whichever arms they were in; see `itemcells`.

    Args:
        log: of a world.
        item_U: the items on sale, in rising order.
        metrics: those that are sums over slots are told.
        spec: threads and memory.

    Raises:
        DataError: the folder is no log.
    """
    read_manifest(log)
    wanted = {column for metric in metrics for column in metric.columns}
    columns = tuple(sorted(wanted & ListingLayout.columns))
    sums_CU = np.zeros((1 + len(columns), len(item_U)))
    sums_CU[0] = 1.0
    with engine(spec or EngineSpec()) as connection:
        for table, sums in summed_by_table(columns):
            found = connection.execute(
                f"SELECT item, {sums} FROM {scan(log, table)} GROUP BY item"
            ).fetchnumpy()
            place_X = np.searchsorted(item_U, found.pop("item"))
            for name, value_X in found.items():
                sums_CU[1 + columns.index(name), place_X] = value_X
        row = connection.execute(
            f"SELECT count(DISTINCT shopper) FROM {scan(log, 'requests')}"
        ).fetchone()
    return Outcomes(
        unit_U=item_U,
        at_U=np.zeros(len(item_U)),
        group_U=item_U,
        stratum_U=np.zeros(len(item_U), np.int64),
        columns=(UNITS, *columns),
        sums_CU=sums_CU,
        shoppers=int((row or (0,))[0]),
    )


def joined(made: Outcomes, greater_U: NDArray[np.int64]) -> Outcomes:
    """The same of greater units, each a group of its own, such as clusters of queries of texts.

    Args:
        made: of units in one stratum.
        greater_U: number of the greater unit that each is part of.

    Raises:
        DataError: units in several strata.
    """
    if made.stratum_U.size and np.ptp(made.stratum_U):
        raise DataError(
            f"strata == {len(np.unique(made.stratum_U))}, must be 1 where units are joined"
        )
    unit_G, place_U = np.unique(greater_U, return_inverse=True)
    at_G = np.full(len(unit_G), np.inf)
    np.minimum.at(at_G, place_U, made.at_U)
    sums = [np.bincount(place_U, row_U, len(unit_G)) for row_U in made.sums_CU]
    return replace(
        made,
        unit_U=unit_G,
        at_U=at_G,
        group_U=unit_G,
        stratum_U=np.zeros(len(unit_G), np.int64),
        sums_CU=np.array(sums, np.float64),
    )
