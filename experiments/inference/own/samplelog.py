"""A log of a handful of shoppers in two arms, to try metrics on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recall.sampleshop import sample_history
from simulator.catalogue.catalog import Catalog
from simulator.log.codes import EndReason, UnitKind
from simulator.log.history import History
from simulator.log.tables import table_schemas

ARMS = ("control", "treatment")


def write_sample_log(folder: Path, catalog: Catalog, n_requests: int = 400) -> Path:
    """Write the log of the sample shop's requests; with none it has empty tables.

    Args:
        folder: a new one.
        catalog: the items.
        n_requests: of the log.
    """
    history = sample_history(catalog, n_requests)
    for name, schema in table_schemas(history.channels).items():
        columns = _columns(name, history)
        arrays = [
            pa.array(columns[field.name], field.type) if columns else pa.array([], field.type)
            for field in schema
        ]
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.table(arrays, schema=schema), folder / name / "part-00000.parquet")
    manifest = {"channels": history.channels, "arms": ARMS, "faults": []}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _columns(table: str, history: History) -> dict[str, Any]:
    """The columns of a table; {} for one that stays empty."""
    request_R, shopper_R = history.request_R, history.shopper_R
    n = len(request_R)
    day_R = (history.at_R // 86_400).astype(np.int16)
    zeros_R = np.zeros(n, np.int32)
    shown_R = np.bincount(history.row_X, minlength=n)
    row_X, row_O = history.row_X, history.order_row_O
    position_O = np.zeros(len(row_O), np.int16)
    shoppers = np.unique(shopper_R)
    match table:
        case "assignments":
            kind = [UnitKind.SHOPPER.name.lower()] * len(shoppers)
            at = np.zeros(len(shoppers))
            return {"kind": kind, "unit": shoppers, "arm": shoppers % 2, "at": at}
        case "texts":
            text = np.arange(len(history.texts))
            return {"text": text, "string": list(history.texts), "cluster": text}
        case "requests":
            return {
                "request": request_R, "session": request_R, "shopper": shopper_R,
                "arm": shopper_R % 2, "at": history.at_R, "day": day_R, "text": history.text_R,
                "page": history.page_R, "device": history.device_R, "gender": history.gender_R,
                "age": history.age_R, "latency": np.full(n, 0.04), "dropped": zeros_R,
                "merged": shown_R, "ranked": shown_R, "shown": shown_R, "next_action": zeros_R,
            }  # fmt: skip
        case "sessions":
            reason = [EndReason(0).name.lower()] * n
            return {
                "session": request_R, "shopper": shopper_R, "arm": shopper_R % 2,
                "start": history.at_R, "end": history.at_R + 60.0, "requests": zeros_R + 1,
                "end_reason": reason,
            }  # fmt: skip
        case "exposures":
            return {
                "request": request_R[row_X], "shopper": shopper_R[row_X],
                "arm": shopper_R[row_X] % 2, "day": day_R[row_X], "item": history.item_X,
                "position": history.position_X, "sources": history.sources_X,
                "best_ranked": history.sources_X, "clicked": history.clicked_X,
                "carted": history.carted_X, "propensity": history.propensity_X,
            }  # fmt: skip
        case "orders":
            return {
                "request": request_R[row_O], "session": request_R[row_O],
                "shopper": shopper_R[row_O], "arm": shopper_R[row_O] % 2,
                "item": history.order_item_O, "at": history.order_at_O, "day": day_R[row_O],
                "price": history.order_price_O, "quantity": history.order_quantity_O,
                "sources": position_O + 1, "best_ranked": position_O + 1, "position": position_O,
            }  # fmt: skip
        case "returns":  # every fourth order comes back, a week later
            back_O = np.arange(len(row_O)) % 4 == 0
            return {
                "request": request_R[row_O][back_O], "session": request_R[row_O][back_O],
                "shopper": shopper_R[row_O][back_O], "arm": shopper_R[row_O][back_O] % 2,
                "item": history.order_item_O[back_O],
                "at": history.order_at_O[back_O] + 7 * 86_400.0, "day": day_R[row_O][back_O] + 7,
                "price": history.order_price_O[back_O],
                "quantity": history.order_quantity_O[back_O],
            }  # fmt: skip
    return {}
