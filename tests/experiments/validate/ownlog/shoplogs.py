"""Logs of a shop as its own files tell them: orders and results, sound or with one thing wrong."""

from pathlib import Path

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-03-02")
DAYS = 14

ORDERS = """
[orders]
path = "orders.csv"

[orders.columns]
shopper = "customer"
order = "invoice"
item = "sku"
at = "time"
price = "price"
quantity = "units"
"""
RESULTS = """
[results]
path = "results.csv"

[results.columns]
page = "page"
shopper = "customer"
item = "sku"
at = "time"
position = "place"
clicked = "clicked"
query = "query"
"""


def orders(shoppers=200, days=DAYS, seed=0):
    """A row for each item bought; a shopper's orders are dear or cheap together."""
    rng = np.random.default_rng(seed)
    rows, invoice = [], 0
    for shopper in range(shoppers):
        level = rng.normal(0, 0.7)
        for _ in range(1 + rng.poisson(0.6)):
            invoice += 1
            at = START + pd.Timedelta(seconds=int(rng.uniform(0, days * 86_400)))
            for sku in rng.choice(300, 1 + rng.poisson(0.3), replace=False) ** 2 // 300:
                price = round(float(np.exp(3 + level + rng.normal(0, 0.4))), 2)
                rows.append((f"c{shopper}", f"i{invoice}", f"s{sku}", at, price, 1))
    names = ["customer", "invoice", "sku", "time", "price", "units"]
    return pd.DataFrame(rows, columns=names)


def results(pages=400, shoppers=200, seed=1, slots=8):
    """A row for each result, clicked as a position-based model has it."""
    rng = np.random.default_rng(seed)
    rows = []
    for page in range(pages):
        at = START + pd.Timedelta(seconds=int(rng.uniform(0, DAYS * 86_400)))
        shopper, query = rng.integers(shoppers), rng.integers(20)
        for place in range(slots):
            sku = int(rng.integers(30))
            clicked = rng.random() < 0.6 / (place + 1) * (0.3 + 0.7 * (sku % 7) / 6)
            rows.append((page, f"c{shopper}", f"r{sku}", at, place + 1, int(clicked), f"q{query}"))
    names = ["page", "customer", "sku", "time", "place", "clicked", "query"]
    return pd.DataFrame(rows, columns=names)


def described(folder: Path, sold=None, shown=None, more="", orders_more="") -> Path:
    """The files of a log, and the TOML file that describes them."""
    folder.mkdir(parents=True, exist_ok=True)
    (orders() if sold is None else sold).to_csv(folder / "orders.csv", index=False)
    text = more + ORDERS + orders_more
    if shown is not None:
        shown.to_csv(folder / "results.csv", index=False)
        text += RESULTS
    (folder / "shop.toml").write_text(text)
    return folder / "shop.toml"
