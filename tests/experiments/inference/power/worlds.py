"""Shops whose days are alike and whose shoppers go on as they did, as tables of shopper-days."""

from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd

from experiments.inference.metrics import METRICS
from experiments.inference.power.accrual import accrue

REACHES = 28  # days that the history has


def world(seed, *, shoppers=4_000, days=28, alpha=0.5, beta=4.0, orders=0.15):
    """(S, D) visits, clicks and orders, and (S,) those of the days before."""
    rng = np.random.default_rng(seed)
    chance_S = rng.beta(alpha, beta, shoppers)
    taste_S = rng.gamma(1.0, 1.0, shoppers)

    def lived(days):
        active_SD = rng.random((shoppers, days)) < chance_S[:, None]
        shown_SD = np.where(active_SD, 5 + rng.poisson(5, (shoppers, days)), 0)
        clicks_SD = rng.binomial(shown_SD, np.minimum(0.1 * taste_S, 0.9)[:, None])
        orders_SD = np.where(active_SD, rng.poisson((orders * taste_S)[:, None] * active_SD), 0)
        return {
            "requests": active_SD.astype(int),
            "exposures": shown_SD,
            "clicks": clicks_SD,
            "orders": orders_SD,
        }

    now, before = lived(days), lived(REACHES)
    return now, {name: table.sum(axis=1) for name, table in before.items()}


def accrued(name, now, before=None, *, arms=("control",)):
    """The accrual of a world."""
    metric = METRICS[name]
    shopper, day = np.nonzero(now["requests"])
    rows = {column: table[shopper, day] for column, table in now.items()}
    arm = (shopper % len(arms)).astype(int)
    days = pd.DataFrame({"arm": arm, "shopper": shopper, "day": day, **rows})
    connection = duckdb.connect(config={"threads": 1})
    connection.register("days", days)
    connection.execute("CREATE TABLE shopper_days AS SELECT * FROM days")
    if before is not None:
        sums = {f"pre_{column}": total for column, total in before.items()}
        sums["pre_bought"] = (before["orders"] > 0).astype(int)
        totals = pd.DataFrame({"shopper": np.arange(len(before["orders"])), **sums})
        connection.register("totals", totals)
        connection.execute("CREATE TABLE history AS SELECT * FROM totals")
    units = SimpleNamespace(
        connection=connection,
        manifest=SimpleNamespace(arms=arms),
        has_history=before is not None,
    )
    try:
        return accrue(units, metric)
    finally:
        connection.close()
