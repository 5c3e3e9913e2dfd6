"""Logs of bandits: small ones, and those of the Open Bandit data."""

from contextlib import contextmanager

import numpy as np
import pandas as pd

from experiments.inference.offpolicy.openbandit.banditlog import open_bandit_log
from experiments.inference.offpolicy.openbandit.settings import BanditColumns, BanditLogSpec

COLUMNS = {"action": "item", "reward": "click", "propensity": "chance", "position": "place"}


def spec_of(path, only=None, **columns):
    """The settings of a log with these columns, besides the usual ones."""
    return BanditLogSpec(
        path=str(path), columns=BanditColumns(**(COLUMNS | columns)), only=only or {}
    )


def written(folder, table, kind="parquet"):
    """A table as a file."""
    path = folder / f"log.{kind}"
    if kind == "parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False)
    return path


@contextmanager
def opened(folder, table, kind="parquet", only=None, **columns):
    """A table as an open log."""
    path = written(folder, table, kind)
    with open_bandit_log(spec_of(path, only, **columns)) as log:
        yield log


@contextmanager
def open_bandit(data, campaign):
    """One campaign of the Open Bandit data, with its two policies."""
    columns = {
        "action": "item_id",
        "reward": "click",
        "propensity": "propensity_score",
        "position": "position",
        "policy": "policy",
    }
    path = data / "open_bandit_small" / "obd_men_women.parquet"
    with open_bandit_log(spec_of(path, {"campaign": campaign}, **columns)) as log:
        yield log


def random_table(rows=60, seed=0, *, actions=3, places=2, contexts=2, rounds=None):
    """Rounds of two policies of random propensities, each with a row of a random action.

    Args:
        rounds: rows of a round; none: no column of rounds.
    """
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "item": rng.integers(0, actions, rows),
            "place": rng.integers(1, places + 1, rows),
            "click": rng.integers(0, 2, rows),
            "chance": rng.uniform(0.1, 1.0, rows),
            "user": rng.integers(0, contexts, rows).astype(str),
            "policy": np.where(np.arange(rows) % 5 < 3, "new", "old"),
            "at": np.arange(rows),
        }
    )
    if rounds is not None:
        table["page"] = np.arange(rows) // rounds
        table["place"] = np.arange(rows) % rounds + 1
        table["policy"] = np.where(table["page"] % 2 == 0, "new", "old")
    return table
