"""Credit by rules over a shopper's touches before each cart and purchase; see `paths`.

Built-in rules (the field's standard ones; half-life form of time decay):

- last_click: all credit to the last touch of the session in which the item was found, at or before
  the outcome.
- linear: equal credit to each touch.
- time_decay: weights 2^(-age / half-life), normalised over an outcome's touches.

A touch's credit is shared equally by the channels that found its item: 1 / their number each. This
last step is a convention of ours; the field's rules know one channel for each touch.

Sums are of whole numbers (2^60ths), so credits do not depend on the order in which threads meet
the touches.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.attribution.credit.customrules import CreditRule, Paths, credits_of, load_rule
from experiments.attribution.credit.paths import DAY, make_touches, open_paths
from experiments.config.attribution import BUILT_IN_RULES, PATH_RULES, AttributionSpec
from experiments.inference.logs import Manifest
from simulator.errors import ContractError

BATCH = 1 << 17
"""Touches that a custom rule is asked about at once, and those of one more outcome at most."""

_UNIT = float(1 << 60)


def credited_rules(rules: Iterable[str]) -> tuple[str, ...]:
    """Those of these rules that have columns in `path_credits`: all but page rules and markov."""
    of_outcomes = tuple(rule for rule in PATH_RULES if rule != "markov")
    return tuple(rule for rule in rules if rule in of_outcomes or rule not in BUILT_IN_RULES)


def make_path_credits(
    connection: duckdb.DuckDBPyConnection, log: Path, manifest: Manifest, spec: AttributionSpec
) -> dict[str, str]:
    """Make the temporary table `path_credits`: the credit of each channel for each outcome.

    Columns: event ("cart" or "purchase"), request, item, which identify an outcome; and for each of
    `credited_rules(spec.rules)` and each channel c "{rule}_{c}", which sum to 1 over c. Those of a
    custom rule that fails are null.

    Returns:
        The custom rules that failed, and in which way.

    Raises:
        DataError: a click, a cart or an order whose item no channel of the manifest found.
        ContractError: a custom rule that is not found.
    """
    wanted = credited_rules(spec.rules)
    custom = {rule: load_rule(rule) for rule in wanted if rule not in BUILT_IN_RULES}
    built_in = [rule for rule in wanted if rule in BUILT_IN_RULES]
    with open_paths(connection, log, manifest):
        make_touches(connection, spec.window_days)
        channels = len(manifest.channels)
        try:
            failed = _make_custom(connection, custom, manifest.channels)
            connection.execute(
                "CREATE OR REPLACE TEMP TABLE path_credits AS "
                + _credits_sql(built_in, channels, DAY * spec.half_life_days)
            )
            return failed
        finally:
            connection.execute("DROP TABLE IF EXISTS path_custom")


def _credits_sql(rules: Sequence[str], channels: int, half_life: float) -> str:
    """SQL of `path_credits`: sums over touches, and each channel's part of the rule's whole."""
    weights = {
        "linear": repr(_UNIT),
        "time_decay": f"{_UNIT!r} * pow(2.0, (youngest - age) / {half_life!r}::DOUBLE)",
    }
    sums, parts = [], []
    for rule in rules:
        shares = []
        for c in range(channels):
            if rule == "last_click":
                shares.append(f"({_bit('last', c)})::DOUBLE / bit_count(last)")
                continue
            part = f"{weights[rule]} / bit_count(sources)"
            sums.append(
                f"sum(CASE WHEN {_bit('sources', c)} <> 0 THEN CAST({part} AS BIGINT) ELSE 0 END) "
                f"AS {rule}_{c}"
            )
            whole = " + ".join(f"{rule}_{other}" for other in range(channels))
            shares.append(f"{rule}_{c}::DOUBLE / ({whole})::DOUBLE")
        parts += [f"{share} AS {rule}_{c}" for c, share in enumerate(shares)]
    return f"""
        WITH ends AS (
            SELECT outcome, min(age) AS youngest,
                   arg_max(sources, (moment, request, position)) FILTER (same_session) AS last
            FROM path_touches GROUP BY outcome
        ), sums AS (
            SELECT {", ".join(["outcome", "any_value(last) AS last", *sums])}
            FROM path_touches JOIN ends USING (outcome) GROUP BY outcome
        )
        SELECT {", ".join(["event", "request", "item", *parts])}, path_custom.* EXCLUDE (outcome)
        FROM path_outcomes JOIN sums USING (outcome)
        LEFT JOIN path_custom ON path_custom.outcome = path_outcomes.outcome"""


def _bit(mask: str, channel: int) -> str:
    return f"({mask} >> {channel}) & 1"


def _make_custom(
    connection: duckdb.DuckDBPyConnection,
    custom: dict[str, CreditRule],
    channels: tuple[str, ...],
) -> dict[str, str]:
    """Temporary table `path_custom`: outcome, and the columns of all custom rules.

    Returns:
        The rules that failed, which are asked no more, and in which way.
    """
    failed: dict[str, str] = {}
    names = [f"{rule}_{c}" for rule in custom for c in range(len(channels))]
    columns = "".join(f', "{name.replace(chr(34), chr(34) * 2)}" DOUBLE' for name in names)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE path_custom (outcome BIGINT{columns})")
    for first, last in _batches(connection) if custom else ():
        number_E, paths = _paths(connection, first, last, channels)
        found: dict[str, NDArray[Any]] = {"outcome": number_E}
        for rule, asked in custom.items():
            if rule in failed:
                continue
            try:
                credits_EC = credits_of(asked, paths, rule)
            except ContractError as error:
                failed[rule] = str(error)
                continue
            found |= {f"{rule}_{c}": credits_EC[:, c] for c in range(len(channels))}
        connection.register("path_batch", pa.table(found))
        connection.execute("INSERT INTO path_custom BY NAME SELECT * FROM path_batch")
        connection.unregister("path_batch")
    return failed


def _batches(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """First and last outcome of each batch, which holds all touches of its outcomes."""
    return connection.execute(
        f"""
        SELECT min(outcome), max(outcome) FROM (
            SELECT outcome, (sum(n) OVER (ORDER BY outcome) - n) // {BATCH} AS batch
            FROM (SELECT outcome, count(*) AS n FROM path_touches GROUP BY outcome)
        ) GROUP BY batch ORDER BY batch
        """
    ).fetchall()


def _paths(
    connection: duckdb.DuckDBPyConnection, first: int, last: int, channels: tuple[str, ...]
) -> tuple[NDArray[np.int64], Paths]:
    """The numbers of a batch's outcomes, and their paths."""
    found: dict[str, Any] = connection.execute(
        f"""
        SELECT outcome, event = 'purchase' AS bought, age, t.sources::INTEGER AS sources,
               t.best_ranked::INTEGER AS best_ranked, t.position, same_session, own
        FROM path_touches AS t JOIN path_outcomes USING (outcome)
        WHERE outcome BETWEEN {first} AND {last}
        ORDER BY outcome, t.moment, t.request, t.position, own, t.sources
        """
    ).fetchnumpy()
    number_E, first_E, row_T, n_E = np.unique(
        found["outcome"], return_index=True, return_inverse=True, return_counts=True
    )
    return number_E, Paths(
        channels=channels,
        age_T=found["age"],
        sources_T=found["sources"],
        best_ranked_T=found["best_ranked"],
        position_T=found["position"],
        same_session_T=found["same_session"],
        own_T=found["own"],
        outcome_T=row_T.astype(np.int64),
        event_E=np.where(found["bought"][first_E], "purchase", "cart"),
        n_E=n_E.astype(np.int64),
    )
