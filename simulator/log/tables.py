"""The columns of the log's tables. Analyses read these and nothing else of a world."""

from collections.abc import Collection
from enum import IntEnum

import pyarrow as pa

from simulator.log.codes import EndReason, UnitKind

_TYPES = {
    # bit k of examined: slot k was examined
    pa.int64(): "request session shopper unit cluster examined",
    pa.int32(): "text item sources best_ranked dropped merged ranked intent",
    pa.int16(): "day page shown position quantity requests merged_rank need",
    pa.int8(): "arm device gender age next_action wording",
    pa.bool_(): "clicked carted left differs on_page",
    pa.float64(): "at start end price",
    pa.float32(): "latency propensity ranker_score",
    pa.string(): "string",
    pa.dictionary(pa.int8(), pa.string()): "end_reason kind",
}
TYPES = {name: kind for kind, names in _TYPES.items() for name in names.split()}
"""The type of every column, the same in all tables."""

_TABLES = {
    "assignments": "kind unit arm at",
    "texts": "text string cluster",
    "requests": "request session shopper arm at day text page device gender age latency dropped "
    "merged ranked shown next_action",
    "sessions": "session shopper arm start end requests end_reason",
    "exposures": "request shopper arm day item position sources best_ranked clicked carted "
    "propensity",
    "orders": "request session shopper arm item at day price quantity sources best_ranked position",
    "returns": "request session shopper arm item at day price quantity",
    "latent": "request intent need wording left examined",
}


TRIGGERS, CONTESTED = "triggers", "contested"
_OPTIONAL = {TRIGGERS: "request differs", CONTESTED: "request item arm on_page"}
OPTIONAL = tuple(_OPTIONAL)
"""Tables of experiments whose design asks for them; other logs do not have them."""


def table_schemas(
    channels: tuple[str, ...], optional: Collection[str] = ()
) -> dict[str, pa.Schema]:
    """Schema of each table, by name; `candidates` has a rank and a score per channel.

    Args:
        channels: of the log.
        optional: which of the `OPTIONAL` tables it has.
    """
    ranks = {f"rank_{name}": pa.int16() for name in channels}
    scores = {f"score_{name}": pa.float32() for name in channels}
    types = TYPES | ranks | scores
    further = {table: names for table, names in _OPTIONAL.items() if table in optional}
    tables = {table: names.split() for table, names in (_TABLES | further).items()}
    found = ["request", "item", "sources", *ranks, *scores, "merged_rank", "ranker_score"]
    return {
        table: pa.schema([(name, types[name]) for name in names])
        for table, names in (tables | {"candidates": found}).items()
    }


# Enum columns are codes in memory and names in the log.
DICTIONARIES: dict[str, type[IntEnum]] = {"end_reason": EndReason, "kind": UnitKind}
