"""What units did that no layout of requests tells of: shoppers, and units that are joined."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.inference.logs import EngineSpec, engine, read_manifest
from experiments.inference.metrics import Metric
from experiments.inference.randomised.cells import UNITS
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
