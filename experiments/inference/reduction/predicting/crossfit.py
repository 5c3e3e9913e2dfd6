"""CUPAC: what a metric is expected to be, foretold of each shopper by models that never met them.

Any regressor predicts the metric from what the treatment cannot have moved, and the prediction is
a covariate like another (CUPAC: "Improving Experimental Power through Control Using Predictions as
Covariate", DoorDash, 2020; of any regressor, cross-fitted: MLRATE, Guo, Coey and others, "Machine
Learning for Variance Reduction in Online Experiments", NeurIPS 2021).
Shoppers lie in folds by a hash of who they are; those of a fold are foretold by a model of all
others, of both arms, which is not told the arms. So a model that learns its rows by heart gains
nothing, and hides no effect.

Predictions count from their mean in the fold: models of different folds may differ in level, and
as they have learnt from all but the fold, that level would tell of the fold's own outcomes.

Memory: DuckDB holds the rows, sorted, and spills; outside of it are the rows that a model learns
from, `most` at most, times features, and a chunk of those who are foretold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import duckdb
import numpy as np
import pyarrow
from numpy.typing import NDArray

from experiments.inference.intervals.student import ROUNDING
from experiments.inference.reduction.covariate import Covariate
from experiments.inference.reduction.predicting.regressor import Predictor, Regressor
from experiments.inference.reduction.unittable import UnitTable, bounded, quoted, refuse_odd
from simulator.errors import ConfigError, ContractError, DataError

Floats = NDArray[np.float64]

EXPECTED = "expected_"
"""Prefix of a prediction: of the column that it foretells."""
MOST_LEARNT = 200_000
"""Shoppers that a model learns from; more make hardly a better covariate."""
CHUNK = 100_000
"""Shoppers foretold at a time."""


def cross_fitted(
    table: UnitTable,
    target: str,
    features: Sequence[Covariate],
    regressor: Regressor,
    *,
    key: str,
    folds: int = 5,
    most: int = MOST_LEARNT,
) -> tuple[UnitTable, Covariate]:
    """A table with out-of-fold predictions of one of its columns, and what they are as a covariate.

    For a ratio metric foretell its numerator, then its denominator, with the same key.

    Args:
        table: shoppers.
        target: the column to foretell.
        features: columns to foretell it from; see `known_before` and `treatment_cannot_move`. They
            may be missing (NULL).
        regressor: learns and predicts.
        key: of the hash by which shoppers come into folds; another one makes other folds.
        folds: how many, 2 at least.
        most: shoppers that a model learns from; of more, those with the least hashes.

    Returns:
        The table with a column `expected_<target>`, and this as a covariate, which rests on the
        claims of all features.

    Raises:
        ConfigError: columns that are not there, no numbers, or no features.
        ContractError: the regressor predicts something else than a finite number for each shopper.
        DataError: a target that is not a finite number, or too few shoppers to learn from.
    """
    names = [each.column for each in features]
    if folds < 2:
        raise ConfigError(f"folds == {folds}, must be >= 2")
    if not names:
        raise ConfigError("features == none, must be one at least")
    for name in (target, table.arm, table.unit):
        if name in names:
            raise ConfigError(f"features: {name} == what is foretold, the arm or the shopper")
    table.need([*names, target], numbers=True)
    column = EXPECTED + target
    asked = repr((table.sql, target, names, regressor, key, folds, most))
    made = f"foretold_{blake2b(asked.encode(), digest_size=8).hexdigest()}"
    rows = _Rows(table.connection, f"{made}_rows")
    rows.make(table, target, names, table.hashed(key), folds)
    rows.foretell(regressor, f"{made}_raw", most)
    off = "expected - middle"
    table.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {made} AS SELECT {quoted(table.unit)}, "
        f"CASE WHEN abs({off}) > {ROUNDING} * abs(expected) THEN {off} ELSE 0 END "
        f"AS {quoted(column)} FROM {rows.name} JOIN {made}_raw USING (place, fold) "
        f"JOIN (SELECT fold, avg(expected) AS middle FROM {made}_raw GROUP BY fold) USING (fold)"
    )
    for spent in (rows.name, f"{made}_raw"):
        table.connection.execute(f"DROP TABLE {spent}")
    claims = tuple(dict.fromkeys(claim for each in features for claim in each.claims))
    return table.joined([column], f"FROM {made}"), Covariate(column, claims)


@dataclass(frozen=True)
class _Rows:
    """A temporary table of shoppers, sorted: place, fold, luck, unit, target y, features x0, x1, ..

    Shoppers of a fold have consecutive places.
    """

    connection: duckdb.DuckDBPyConnection
    name: str

    def make(
        self, table: UnitTable, target: str, features: Sequence[str], luck: str, folds: int
    ) -> None:
        """Fill it."""
        unit = quoted(table.unit)
        values = ", ".join(f"{bounded(each)} AS x{at}" for at, each in enumerate(features))
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {self.name} AS SELECT *, "
            f"row_number() OVER (ORDER BY fold, luck, {unit}) AS place FROM "
            f"(SELECT *, (luck % {folds})::INTEGER AS fold FROM "
            f"(SELECT {unit}, {luck} AS luck, {bounded(target)} AS y, {values} "
            f"FROM ({table.sql})))"
        )
        odd = self.connection.execute(f"SELECT count(*) - count(y) FROM {self.name}").fetchall()
        refuse_odd(target, odd[0][0])

    def foretell(self, regressor: Regressor, into: str, most: int) -> None:
        """Predict each fold by a model of the others, into a table of fold, place and expected."""
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {into} (fold INTEGER, place BIGINT, expected DOUBLE)"
        )
        bounds = f"SELECT fold, min(place), max(place) FROM {self.name} GROUP BY fold ORDER BY fold"
        for fold, first, last in self.connection.execute(bounds).fetchall():
            others = f"WHERE fold <> {fold} ORDER BY luck, place LIMIT {most}"
            learnt_NC = self._read("y, COLUMNS('x[0-9]+')", others)
            if len(learnt_NC) < 2:
                raise DataError(
                    f"shoppers to learn from == {len(learnt_NC)} beside a fold, must be >= 2"
                )
            model = regressor.fit(learnt_NC[:, 1:], learnt_NC[:, 0])
            for start in range(first, last + 1, CHUNK):
                end = min(start + CHUNK - 1, last)
                within = f"WHERE place BETWEEN {start} AND {end} ORDER BY place"
                expected_N = _predicted(model, self._read("COLUMNS('x[0-9]+')", within))
                chunk = {"place": np.arange(start, end + 1), "expected": expected_N}
                self.connection.register(f"{into}_chunk", pyarrow.table(chunk))
                self.connection.execute(f"INSERT INTO {into} SELECT {fold}, * FROM {into}_chunk")
                self.connection.unregister(f"{into}_chunk")

    def _read(self, columns: str, where: str) -> Floats:
        """(N, C) columns of some rows; NaN where there is none."""
        found = self.connection.execute(f"SELECT {columns} FROM {self.name} {where}").fetchnumpy()
        parts = [np.ma.filled(np.ma.asarray(part, np.float64), np.nan) for part in found.values()]
        return np.column_stack(parts)


def _predicted(model: Predictor, feature_NF: Floats) -> Floats:
    """What a model expects, checked."""
    expected_N = np.asarray(model.predict(feature_NF), np.float64)
    if expected_N.shape != (len(feature_NF),):
        raise ContractError(
            f"regressor.predict() == shape {expected_N.shape}, must be ({len(feature_NF)},)"
        )
    if not np.isfinite(expected_N).all():
        raise ContractError("regressor.predict() == not finite, must be numbers")
    return expected_N
