"""A log of visits in which effects are planted that fade, and that hang on another experiment."""

from typing import Any

import numpy as np
import pandas as pd

DAYS, DAY = 12, 86_400.0
ORDERS: dict[str, Any] = {"name": "orders", "where": "bought", "role": "primary"}
VIEWS: dict[str, Any] = {"name": "views", "role": "guardrail", "margin": 0.02}
RATE: dict[str, Any] = {"name": "rate", "where": "bought", "over": "views", "role": "success"}


def visits(
    customers: int = 3_000, *, lift: float = 0.5, fades: float = 0.0, both: float = 0.0
) -> pd.DataFrame:
    """A visit a day from the day of coming on; the lift shrinks by `fades` of it each day since.

    `both` is added to the lift of those in the other experiment, too.
    """
    rng = np.random.default_rng(7)
    came = rng.integers(DAYS // 2, size=customers)
    new, other = rng.random(customers) < 0.5, rng.random(customers) < 0.5
    who, day = np.nonzero(np.arange(DAYS) >= came[:, None])
    since = day - came[who]
    lifted = lift * np.maximum(1 - fades * since, 0) + both * other[who]
    chance = 0.2 * (1 + new[who] * lifted)
    return pd.DataFrame(
        {
            "customer": who,
            "variant": np.where(new[who], "new", "old"),
            "banner": np.where(other[who], "on", "off"),
            "at": 1_000 + day * DAY + rng.random(len(who)) * 0.9 * DAY + 3_600,
            "bought": rng.random(len(who)) < chance,
            "seconds": rng.lognormal(np.where(new[who], 0.3, 0.0), 0.5),
        }
    )
