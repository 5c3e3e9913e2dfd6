"""The columns of the log's tables. Analyses read these and nothing else of a world."""

from enum import IntEnum

import pyarrow as pa

from simulator.log.codes import EndReason

_REQUEST = [("request", pa.int64()), ("session", pa.int64()), ("shopper", pa.int64())]
_CANDIDATE = [("request", pa.int64()), ("item", pa.int32()), ("sources", pa.int32())]
_AFTER_MERGE = [("merged_rank", pa.int16()), ("ranker_score", pa.float32())]
_TABLES: dict[str, list[tuple[str, pa.DataType]]] = {
    "assignments": [("unit", pa.int64()), ("arm", pa.int8()), ("at", pa.float64())],
    "texts": [("text", pa.int32()), ("string", pa.string())],
    "requests": [
        *_REQUEST,
        ("arm", pa.int8()),
        ("at", pa.float64()),
        ("day", pa.int16()),
        ("text", pa.int32()),
        ("page", pa.int16()),
        ("device", pa.int8()),
        ("gender", pa.int8()),
        ("age", pa.int8()),
        ("latency", pa.float32()),
        ("dropped", pa.int32()),
        ("merged", pa.int32()),
        ("ranked", pa.int32()),
        ("shown", pa.int16()),
        ("next_action", pa.int8()),
    ],
    "sessions": [
        *_REQUEST[1:],
        ("arm", pa.int8()),
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("requests", pa.int16()),
        ("end_reason", pa.dictionary(pa.int8(), pa.string())),
    ],
    "exposures": [
        ("request", pa.int64()),
        ("shopper", pa.int64()),
        ("arm", pa.int8()),
        ("day", pa.int16()),
        ("item", pa.int32()),
        ("position", pa.int16()),
        ("sources", pa.int32()),
        ("best_ranked", pa.int32()),
        ("clicked", pa.bool_()),
        ("carted", pa.bool_()),
        ("propensity", pa.float32()),
    ],
    "orders": [
        *_REQUEST,
        ("arm", pa.int8()),
        ("item", pa.int32()),
        ("at", pa.float64()),
        ("day", pa.int16()),
        ("price", pa.float64()),
        ("quantity", pa.int16()),
        ("sources", pa.int32()),
        ("best_ranked", pa.int32()),
        ("position", pa.int16()),
    ],
    "latent": [
        ("request", pa.int64()),
        ("intent", pa.int32()),
        ("need", pa.int16()),
        ("wording", pa.int8()),
        ("left", pa.bool_()),
        ("examined", pa.int64()),  # bit k: slot k was examined
    ],
}


def table_schemas(channels: tuple[str, ...]) -> dict[str, pa.Schema]:
    """Schema of each table, by name; `candidates` has a rank and a score per channel."""
    ranks = [(f"rank_{name}", pa.int16()) for name in channels]
    scores = [(f"score_{name}", pa.float32()) for name in channels]
    candidates = [*_CANDIDATE, *ranks, *scores, *_AFTER_MERGE]
    return {
        name: pa.schema(columns) for name, columns in (_TABLES | {"candidates": candidates}).items()
    }


# Enum columns are codes in memory and names in the log.
DICTIONARIES: dict[str, type[IntEnum]] = {"end_reason": EndReason}
