"""Small logs written by hand, and credit computed plainly by pandas: what ours must equal."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.attribution.credit.credit import credit_rows
from experiments.attribution.credit.segments import Items
from experiments.config.attribution import PAGE_RULES, AttributionSpec
from experiments.inference.logs import EngineSpec, engine, read_manifest
from tests.experiments.inference.logs import DAY, write_table
from tests.experiments.inference.parity import read

_REQUEST = {
    **{"request": 0, "session": 0, "shopper": 0, "arm": 0, "at": 0.0, "day": 0, "text": 0},
    "page": 0,
}
_EXPOSURE = {
    **{"request": 0, "shopper": 0, "arm": 0, "day": 0, "item": 0, "position": 0, "sources": 1},
    **{"best_ranked": 1, "clicked": False, "carted": False},
}
_ORDER = {
    **{"request": 0, "session": 0, "shopper": 0, "arm": 0, "item": 0, "at": 0.0, "day": 0},
    **{"price": 1.0, "quantity": 1, "sources": 1, "best_ranked": 1},
}
DTYPES = {
    **{"shopper": np.int64, "request": np.int64, "session": np.int64, "arm": np.int8},
    **{"day": np.int16, "item": np.int32, "sources": np.int32, "best_ranked": np.int32},
    **{
        "clicked": np.bool_,
        "carted": np.bool_,
        "text": np.int32,
        "at": np.float64,
        "price": np.float64,
        "quantity": np.int16,
    },
}


def catalog(items=20_000, categories=30, history=None, seed=0):
    """A catalogue for synthetic logs: some items without a category, some of them new."""
    rng = np.random.default_rng(seed)
    return Items(
        rng.integers(-1, categories, items),
        tuple(f"department > category {c}" for c in range(categories)),
        rng.uniform(-30 * DAY, 3 * DAY, items),
        history,
    )


def hand_log(folder, requests, exposures, orders=(), *, channels=("a", "b", "c"), arms=("one",)):
    """A log of these rows; what a row leaves out is 0, False or channel a."""
    for name, given, usual in (
        ("requests", requests, _REQUEST),
        ("exposures", exposures, _EXPOSURE),
        ("orders", orders, _ORDER),
    ):
        columns = {
            column: np.array([row.get(column, value) for row in given], DTYPES.get(column))
            for column, value in usual.items()
        }
        write_table(folder / name, columns)
    (folder / "manifest.json").write_text(json.dumps({"channels": channels, "arms": arms}))
    return folder


def rewrite(log: Path, table: str, **columns) -> Path:
    """The log with columns of a table computed anew from its data frame."""
    found = read(log, table)
    found = found.assign(**{name: make(found) for name, make in columns.items()})
    for shard in (log / table).glob("*.parquet"):
        shard.unlink()
    write_table(log / table, {name: found[name].to_numpy() for name in found}, 2)
    return log


def credited(
    log,
    rules=PAGE_RULES,
    *,
    order=(),
    items=None,
    paths=None,
    engine_spec=None,
    confidence=0.95,
    **settings,
):
    """Credit rows by everything that names them; `paths` is a frame of per-event credits."""
    with engine(engine_spec or EngineSpec()) as connection:
        if paths is not None:
            connection.register("path_frame", paths)
            connection.execute("CREATE TEMP TABLE path_credits AS SELECT * FROM path_frame")
        found = credit_rows(
            *(connection, log, read_manifest(log), AttributionSpec(rules=rules, **settings)),
            order=order,
            catalog=items or catalog(),
            confidence=confidence,
        )
    return {(r.rule, r.event, r.arm, r.cut, r.part, r.channel): r for r in found}


def events(log, event):
    """The rows of a kind of event, with its weight; rows of its table that are none weigh 0."""
    table = read(log, "orders" if event in ("purchase", "gmv") else "exposures")
    weight = {
        "exposure": lambda: np.ones(len(table)),
        "click": lambda: table["clicked"].astype(float),
        "cart": lambda: table["carted"].astype(float),
        "purchase": lambda: np.ones(len(table)),
        "gmv": lambda: table["price"].astype(float) * table["quantity"],
    }[event]()
    return table.assign(weight=weight)


def bits(mask_N, channels):
    return (np.asarray(mask_N)[:, None] >> np.arange(channels) & 1).astype(float)


def plain_credits(rule, table, channels, order=None):
    """(N, C) credits of each row, the plain way."""
    found = bits(table["sources"], channels)
    count = found.sum(1, keepdims=True)
    if rule == "any_touch":
        return found
    if rule == "exclusive":
        return found * (count == 1)
    if rule == "fractional":
        return found / count
    if rule == "best_rank":
        best = bits(table["best_ranked"], channels)
        return best / best.sum(1, keepdims=True)
    result = np.zeros_like(found)
    for n, row in enumerate(found):
        result[n, next(c for c in order or range(channels) if row[c])] = 1
    return result


def path_frame(log, rules, channels, seed=0):
    """Random credits of each cart and purchase, summing to 1 over channels."""
    rng = np.random.default_rng(seed)
    parts = []
    for event, table in (("cart", "exposures"), ("purchase", "orders")):
        rows = read(log, table)
        rows = rows[rows["carted"]] if event == "cart" else rows
        part = pd.DataFrame({"event": event, "request": rows["request"], "item": rows["item"]})
        for rule in rules:
            drawn = rng.dirichlet(np.full(channels, 0.5), len(rows))
            part = part.assign(**{f"{rule}_{c}": drawn[:, c] for c in range(channels)})
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
