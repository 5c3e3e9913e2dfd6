"""Synthetic logs in the layout of simulator/log/eventlog.py, with no simulator behind them."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAY = 86_400.0
CHANNELS = ("lexical", "popular", "itemcf", "dense")
ARMS = ("control", "treatment")


def write_table(folder: Path, columns: dict[str, object], shards: int = 1) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    bounds = np.linspace(0, table.num_rows, shards + 1).astype(int)
    for shard, (low, high) in enumerate(pairwise(bounds)):
        pq.write_table(table.slice(low, high - low), folder / f"part-{shard:05d}.parquet")
    return table.num_rows


def write_log(
    log: Path,
    *,
    shoppers: int = 2_000,
    days: int = 3,
    arms: tuple[str, ...] = ARMS,
    shares: tuple[float, ...] = (),
    channels: tuple[str, ...] = CHANNELS,
    slots: int = 10,
    requests: float = 1.5,
    clicks: float = 0.05,
    orders: float = 0.2,
    lift: float = 0.0,
    seed: int = 0,
    luck: int = 0,
    faults: tuple[dict[str, object], ...] = (),
    shards: int = 2,
    empty: float = 0.03,
) -> Path:
    """Write a log with heterogeneous shoppers and log-normal prices.

    Shoppers and their traits depend on `seed` alone; what befalls them also on `luck`, so a log
    and its history, or two paired worlds, share their shoppers. `clicks` is the click rate of an
    exposure, `orders` the purchases per click, `lift` the relative rise of the latter from one
    arm to the next, `empty` the share of requests without results.
    """
    trait, rng = np.random.default_rng(seed), np.random.default_rng((seed, luck))
    taste_S = trait.lognormal(0.0, 0.8, shoppers) / np.exp(0.32)
    shares = shares or tuple(1 / len(arms) for _ in arms)
    arm_S = rng.choice(len(arms), shoppers, p=shares).astype(np.int8)

    sessions_S = 1 + rng.poisson(np.minimum((requests - 1) * taste_S / 2, 50))
    shopper_N = np.repeat(np.arange(shoppers), sessions_S)
    ordinal_N = np.arange(len(shopper_N)) - np.repeat(
        np.cumsum(sessions_S) - sessions_S, sessions_S
    )
    session_N = (shopper_N << 20) | ordinal_N
    start_N = rng.uniform(0, days * DAY, len(shopper_N))
    order_N = np.argsort(start_N)  # a log is written in the order of time
    shopper_N, session_N, start_N = shopper_N[order_N], session_N[order_N], start_N[order_N]
    length_N = 1 + rng.poisson((requests - 1) / 2, len(shopper_N))

    row_R = np.repeat(np.arange(len(shopper_N)), length_N)
    page_R = np.arange(len(row_R)) - np.repeat(np.cumsum(length_N) - length_N, length_N)
    request_R = (session_N[row_R] << 8) | page_R
    shopper_R = shopper_N[row_R]
    arm_R = arm_S[shopper_R]
    day_R = (start_N[row_R] // DAY).astype(np.int16)
    slow_R = 0.02 + 0.005 * arm_R
    latency_R = (0.02 + slow_R * rng.exponential(1.0, len(row_R))).astype(np.float32)
    shown_R = np.where(rng.random(len(row_R)) < empty, 0, slots).astype(np.int16)

    row_X = np.repeat(np.arange(len(row_R)), shown_R)
    first_X = np.repeat(np.cumsum(shown_R) - shown_R, shown_R)
    position_X = (np.arange(len(row_X)) - first_X).astype(np.int16)
    sources_X = rng.integers(1, 1 << len(channels), len(row_X)).astype(np.int32)
    best_X = sources_X & -sources_X  # the first channel of the set ranked the item best
    rate_X = clicks * np.minimum(taste_S[shopper_R[row_X]], 10) / np.sqrt(1 + position_X / 2)
    clicked_X = rng.random(len(row_X)) < rate_X
    item_X = rng.integers(0, 20_000, len(row_X)).astype(np.int32)
    rate_X = orders * (1 + lift) ** arm_R[row_X]
    bought_O = np.flatnonzero(clicked_X & (rng.random(len(row_X)) < rate_X))
    row_O = row_X[bought_O]

    written = {
        "assignments": {
            "kind": ["shopper"] * shoppers,
            "unit": np.arange(shoppers),
            "arm": arm_S,
            "at": np.zeros(shoppers),
        },
        "texts": {
            "text": np.arange(3, dtype=np.int32),
            "string": ["red shoes", "shoes", "gift"],
            "cluster": np.arange(3),
        },
        "requests": {
            "request": request_R,
            "session": session_N[row_R],
            "shopper": shopper_R,
            "arm": arm_R,
            "at": start_N[row_R],
            "day": day_R,
            "text": (request_R % 3).astype(np.int32),
            "page": page_R.astype(np.int16),
            "device": (shopper_R % 2).astype(np.int8),
            "gender": (shopper_R % 3).astype(np.int8),
            "age": (shopper_R % 6).astype(np.int8),
            "latency": latency_R,
            "dropped": np.zeros(len(row_R), np.int32),
            "merged": np.where(shown_R > 0, 300, 0).astype(np.int32),
            "ranked": np.where(shown_R > 0, 100, 0).astype(np.int32),
            "shown": shown_R,
            "next_action": np.zeros(len(row_R), np.int8),
        },
        "sessions": {
            "session": session_N,
            "shopper": shopper_N,
            "arm": arm_S[shopper_N],
            "start": start_N,
            "end": start_N + 60,
            "requests": length_N.astype(np.int16),
            "end_reason": pa.array(
                np.array(["satisfied", "bought", "nothing_found"])[session_N % 3]
            ).dictionary_encode(),
        },
        "exposures": {
            "request": request_R[row_X],
            "shopper": shopper_R[row_X],
            "arm": arm_R[row_X],
            "day": day_R[row_X],
            "item": item_X,
            "position": position_X,
            "sources": sources_X,
            "best_ranked": best_X,
            "clicked": clicked_X,
            "carted": clicked_X & (rng.random(len(row_X)) < 0.3),
            "propensity": np.ones(len(row_X), np.float32),
        },
        "orders": {
            "request": request_R[row_O],
            "session": session_N[row_R[row_O]],
            "shopper": shopper_R[row_O],
            "arm": arm_R[row_O],
            "item": item_X[bought_O],
            "at": start_N[row_R[row_O]] + 30,
            "day": day_R[row_O],
            "price": rng.lognormal(3.5, 1.2, len(row_O)).astype(np.float32),
            "quantity": rng.integers(1, 4, len(row_O)).astype(np.int16),
            "sources": sources_X[bought_O],
            "best_ranked": best_X[bought_O],
            "position": position_X[bought_O],
        },
    }
    traced_X = np.flatnonzero(shopper_R[row_X] % 8 == 0)
    written["candidates"] = {
        "request": request_R[row_X][traced_X],
        "item": item_X[traced_X],
        "sources": sources_X[traced_X],
        "merged_rank": position_X[traced_X],
        "ranker_score": np.zeros(len(traced_X), np.float32),
    }
    counts = {name: write_table(log / name, columns, shards) for name, columns in written.items()}
    manifest = {"channels": channels, "arms": arms, "days": days, "start_day": 0, "rows": counts}
    (log / "manifest.json").write_text(json.dumps(manifest | {"digest": "", "faults": faults}))
    return log
