"""Credit by removal from a first-order Markov chain of touches, with intervals over shoppers.

Conventions, ours beyond the chain itself (see `removal`), on the touches of `paths`:

- Each arm has its own chain, of the touches and outcomes of the pages that it served, and each
  kind of outcome its own paths.
- The state of a touch is its exact set of channels. Removal of channel c leads the state {c} to
  null; a set with other channels stays as it is, the channel taken out of it: the others still
  find the item. So a channel that another one always accompanies loses nothing.
- A conversion closes a path: the touches since the shopper's previous conversion of that kind,
  inside the window before it, its own touch last. Its own touch also stands in the path that was
  open when it happened, if that is another. The touches after the last conversion, all of them
  without any, are a path to null. A shopper without touches has no path.
- A path's steps from a state to itself are dropped, as the library marketing-attribution-models
  does by default; this changes nothing (see `removal`).
- Credits are the removal effects over their sum, times all events. For GMV a step into conversion
  carries the mean money of the conversions that leave its state, and what is lost is expected
  money. Where no channel's removal loses anything there are no shares: share None, credit 0.

Intervals are the delta method's over shoppers with a path: a share's gradient by every count of
transitions, times the shopper's own transitions, is the shopper's part in its error.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from experiments.attribution.credit.paths import DAY, open_paths
from experiments.attribution.credit.removal import Floats, Removal, removal_effects
from experiments.config.attribution import AttributionSpec
from experiments.inference.intervals.student import wilson
from experiments.inference.logs import Manifest, exact_sum, rows
from experiments.records.attribution import OUTCOMES, CreditRow, Event
from experiments.records.interval import UNKNOWN, Interval

_START, _NULL, _CONVERSION = 0, 2**62, 2**62 + 1  # around the bitmasks of touches


def markov_rows(
    connection: duckdb.DuckDBPyConnection,
    log: Path,
    manifest: Manifest,
    spec: AttributionSpec,
    *,
    confidence: float,
) -> list[CreditRow]:
    """Rows of rule "markov" for carts, purchases and GMV of every arm and channel; cut "all".

    Raises:
        DataError: a click, a cart or an order whose item no channel of the manifest found.
    """
    found: dict[tuple[int, Event], list[CreditRow]] = {}
    with open_paths(connection, log, manifest):
        try:
            for kind in ("cart", "purchase"):
                connection.execute(_steps_sql(kind, spec.window_days))
                for event in OUTCOMES:
                    if (event == "cart") == (kind == "cart"):
                        for arm in range(len(manifest.arms)):
                            found[arm, event] = _rows(connection, manifest, arm, event, confidence)
        finally:
            connection.execute("DROP TABLE IF EXISTS path_steps")
    return [
        row for event in OUTCOMES for arm in range(len(manifest.arms)) for row in found[arm, event]
    ]


def _steps_sql(kind: str, window_days: float) -> str:
    """SQL of `path_steps`: how often each shopper's paths step from one state to another.

    Columns: arm, shopper, source, target (sets of channels, or the start and the ends), n, money
    (of steps into conversion).
    """
    key = "arm, shopper, moment, last_request, last_position, closes, request, position, item"
    return f"""
        CREATE OR REPLACE TEMP TABLE path_steps AS
        WITH closing AS (SELECT * FROM path_outcomes WHERE event = '{kind}'),
        lived AS (
            SELECT *, sum(closes) OVER (
                PARTITION BY arm, shopper ORDER BY {key}, outcome ROWS UNBOUNDED PRECEDING
            ) - closes AS path
            FROM (
                SELECT arm, shopper, moment, request AS last_request, position AS last_position,
                       0 AS closes, request, position, item, sources, -1 AS outcome
                FROM path_clicks
                UNION ALL
                SELECT arm, shopper, moment, last_request, last_position, 1, request,
                       position, item, sources, outcome
                FROM closing
            )
        ), walked AS (
            SELECT t.arm, t.shopper, t.path, t.moment, t.request, t.position, t.item, t.sources,
                   false AS own, c.outcome
            FROM lived AS t LEFT JOIN (SELECT * FROM lived WHERE closes = 1) AS c
                USING (arm, shopper, path)
            WHERE t.closes = 0 AND (c.outcome IS NULL OR (
                c.moment - t.moment <= {window_days * DAY!r}::DOUBLE
                AND NOT (t.request = c.request AND t.item = c.item)))
            UNION ALL
            SELECT arm, shopper, path, moment, request, position, item, sources, true, outcome
            FROM lived WHERE closes = 1
        ), stepped AS (
            SELECT arm, shopper, coalesce(lag(sources) OVER walk, {_START}) AS source,
                   sources AS target, 0.0::DOUBLE AS money
            FROM walked
            WINDOW walk AS (
                PARTITION BY arm, shopper, path
                ORDER BY own, moment, request, position, item, sources)
            UNION ALL
            SELECT arm, shopper, sources, {_CONVERSION}, money FROM closing
            UNION ALL
            SELECT arm, shopper, arg_max(sources, (moment, request, position, item, sources)),
                   {_NULL}, 0
            FROM walked WHERE outcome IS NULL GROUP BY arm, shopper
        )
        SELECT arm, shopper, source, target, count(*) AS n, {exact_sum("money")} AS money
        FROM stepped WHERE source <> target GROUP BY ALL"""


def _rows(
    connection: duckdb.DuckDBPyConnection,
    manifest: Manifest,
    arm: int,
    event: Event,
    confidence: float,
) -> list[CreditRow]:
    """The rows of one arm and event, from `path_steps` of the event's kind."""
    weight = "money" if event == "gmv" else "n"
    summed = exact_sum("money") if event == "gmv" else "sum(n)::DOUBLE"
    found: dict[str, Any] = connection.execute(
        f"""
        SELECT source, target, sum(n)::DOUBLE AS n,
               CASE WHEN target = {_CONVERSION} THEN {summed} ELSE 0 END::DOUBLE AS weight
        FROM path_steps WHERE arm = {arm} GROUP BY source, target ORDER BY source, target
        """
    ).fetchnumpy()
    (converted,) = rows(
        connection,
        f"SELECT count(DISTINCT shopper) AS n FROM path_steps "
        f"WHERE arm = {arm} AND target = {_CONVERSION}",
    )
    steps = _Steps(found["source"], found["target"], found["n"], found["weight"])
    total, shares = math.fsum(steps.weight_E), [UNKNOWN for _ in manifest.channels]
    removal = steps.removal(len(shares)) if total > 0 else None
    if removal is not None and removal.share_C is not None:
        errors = _errors(connection, arm, weight, steps, removal)
        told = zip(removal.share_C.tolist(), errors, strict=True)
        shares = [_interval(share, error, confidence) for share, error in told]
    names = event, manifest.arms[arm], "all", ""
    return [
        CreditRow(
            "markov",
            channel,
            *names,
            (share.estimate or 0.0) * total,
            total,
            share,
            int(converted["n"]),
        )
        for channel, share in zip(manifest.channels, shares, strict=True)
    ]


@dataclass(frozen=True)
class _Steps:
    """E different steps of an arm's paths: from, to, how often, and what those that convert weigh.

    States are bitmasks of channels; numbered as start, touches in their order, null, conversion.
    """

    source_E: NDArray[np.int64]
    target_E: NDArray[np.int64]
    count_E: Floats
    weight_E: Floats

    @cached_property
    def states(self) -> NDArray[np.int64]:
        """The states by their numbers: start, touches, null, conversion."""
        met = np.concatenate([[_START, _NULL, _CONVERSION], self.source_E, self.target_E])
        return np.unique(met)

    def numbers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(E,) sources and targets as numbers of states."""
        states = self.states
        return np.searchsorted(states, self.source_E), np.searchsorted(states, self.target_E)

    def removal(self, channels: int) -> Removal:
        """What is lost without each channel."""
        size, (source_E, target_E) = len(self.states), self.numbers()
        counts_NN = sparse.coo_array((self.count_E, (source_E, target_E)), shape=(size, size))
        alone_C = np.int64(1) << np.arange(channels)
        at_C = np.searchsorted(self.states, alone_C)
        state_C = np.where(self.states[at_C] == alone_C, at_C, -1)
        return removal_effects(
            counts_NN, state_C, np.bincount(source_E, self.weight_E, size).astype(np.float64)
        )

    def gradients(self, removal: Removal) -> tuple[Floats, Floats]:
        """(C, E) derivatives of the shares by each step's count, and by its weight."""
        source_E, target_E = self.numbers()
        by_weight_CE = removal.money_gradient(source_E) * (self.target_E == _CONVERSION)
        return (
            removal.of_shares(removal.loss_gradient(source_E, target_E)),
            removal.of_shares(by_weight_CE),
        )


def _errors(
    connection: duckdb.DuckDBPyConnection, arm: int, weight: str, steps: _Steps, removal: Removal
) -> list[tuple[float, int] | None]:
    """Standard error of each channel's share, and how many shoppers it rests on.

    A shopper's parts sum to 0 over the shoppers: the shares do not change if all counts double.
    """
    by_count_CE, by_weight_CE = steps.gradients(removal)
    columns = {"source": steps.source_E, "target": steps.target_E}
    columns |= {f"count_{c}": each_E for c, each_E in enumerate(by_count_CE)}
    columns |= {f"weight_{c}": each_E for c, each_E in enumerate(by_weight_CE)}
    connection.register("path_gradients", pa.table(columns))
    channels = range(len(by_count_CE))
    parts = ", ".join(
        f"sum(n * count_{c} + {weight} * weight_{c} ORDER BY source, target) AS part_{c}"
        for c in channels
    )
    squares = ", ".join(f"sum(part_{c} * part_{c} ORDER BY shopper) AS s{c}" for c in channels)
    found = rows(
        connection,
        f"SELECT count(*) AS n, {squares} FROM (SELECT shopper, {parts} FROM path_steps "
        f"JOIN path_gradients USING (source, target) WHERE arm = {arm} GROUP BY shopper)",
    )[0]
    connection.unregister("path_gradients")
    n = int(found["n"])
    if n < 2:
        return [None for _ in channels]
    return [(math.sqrt(found[f"s{c}"] * n / (n - 1)), n) for c in channels]


def _interval(share: float, error: tuple[float, int] | None, confidence: float) -> Interval:
    """That of a share; without ends where all shoppers agree."""
    if error is None or share in (0.0, 1.0) or error[0] <= 0:
        return Interval(share, None, None)
    low, high = wilson(share, error[0], error[1] - 1, confidence=confidence)
    return Interval(share, float(low), float(high))
