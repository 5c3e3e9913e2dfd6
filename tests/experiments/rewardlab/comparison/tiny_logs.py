"""Logs of a few events that are written down one by one."""

import json

import numpy as np

from tests.experiments.inference.logs import write_table


def tiny_log(folder, *, shoppers, exposures=(), orders=(), channels=("lexical", "cqsid")):
    """A log in which each of `shoppers` made one request.

    `exposures` are (shopper, sources, clicked); `orders` are (shopper, sources, price, quantity).
    """
    shopper_X = np.array([row[0] for row in exposures], np.int64)
    shopper_O = np.array([row[0] for row in orders], np.int64)
    write_table(folder / "requests", _common(np.array(shoppers, np.int64)))
    sources, clicked = (np.array([row[at] for row in exposures], int) for at in (1, 2))
    write_table(
        folder / "exposures",
        _common(shopper_X) | {"sources": sources.astype(np.int32), "clicked": clicked.astype(bool)},
    )
    sources, price, quantity = (np.array([row[at] for row in orders]) for at in (1, 2, 3))
    write_table(
        folder / "orders",
        _common(shopper_O)
        | {
            "request": np.arange(len(shopper_O)),
            "sources": sources.astype(np.int32),
            "price": price.astype(np.float32),
            "quantity": quantity.astype(np.int16),
        },
    )
    manifest = {"channels": channels, "arms": ("control", "with")}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _common(shopper):
    number = len(shopper)
    return {
        "shopper": shopper,
        "arm": np.ones(number, np.int8),
        "day": np.zeros(number, np.int16),
    }
