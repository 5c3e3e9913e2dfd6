"""Runs of the shipped Erlang market under other numbers, in sales of an item in a lead time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record, row_of
from experiments.records.truth import Truths
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress
from tests.experiments.small_runs import stage, table
from tests.knowntruths import ErlangMarket

PAIR = ("control", "treatment")

MARKETS = (
    ErlangMarket(units=3, demand=6.0, control=0.3, treatment=0.6),
    ErlangMarket(units=5, demand=10.0, control=0.4, treatment=0.5),
    ErlangMarket(units=2, demand=1.0, control=0.2, treatment=0.9),
    ErlangMarket(units=1, demand=4.0, control=0.1, treatment=0.2),
    ErlangMarket(units=8, demand=5.0, control=0.5, treatment=0.9),
)
DEEP = (
    ErlangMarket(units=6, demand=12.0, control=0.3, treatment=0.6),
    ErlangMarket(units=20, demand=40.0, control=0.3, treatment=0.6),
)
"""With shelves that can be halved."""


@dataclass(frozen=True)
class Measured:
    """What came out, in sales of an item in a lead time, with Monte Carlo errors.

    Attributes:
        effect, naive: of giving everybody the treatment, and as the test tells it.
        treated: share of the shoppers who were in the treatment of the test.
    """

    effect: tuple[float, float]
    naive: tuple[float, float]
    treated: float


def settings(market: ErlangMarket, days: int, *more: str) -> Config:
    """Those of the shipped market with these numbers; its lead time stays."""
    plain = load_config("erlang", more)
    items = plain.catalog.items  # type: ignore[union-attr]
    visits = market.demand * items / plain.traits.lead_time_days
    base = [0.05 * float(np.exp(-norm.ppf(p))) for p in (market.control, market.treatment)]
    return load_config(
        "erlang",
        [
            f"catalog.least_stock={market.units}",
            f"shoppers.visits_per_week={7 * visits / plain.shoppers.count!r}",
            f"channels.slow.latency.base_s={base[0]!r}",
            f"channels.quick.latency.base_s={base[1]!r}",
            f"world.days={days}",
            "execution.processes=1",
            *more,
        ],
    )


def sold(log: Path, items: int) -> np.ndarray:
    """(A, I) sales of each item to each arm."""
    rows = table(log, "orders")
    found = np.zeros((2, items))
    np.add.at(found, (rows["arm"], rows["item"]), 1.0)
    return found


def measured(config: Config, folder: Path) -> Measured:
    """Items are independent systems, so errors are those of means over items and worlds."""
    run_experiment(config, folder, progress=NoProgress(), command="a test")
    items = config.catalog.items  # type: ignore[union-attr]
    leads = config.world.days / config.traits.lead_time_days
    one_I, two_I = (
        np.concatenate(
            [
                sold(stage(folder, f"truth-{arm}-{seed}") / "log", items).sum(axis=0)
                for seed in range(config.truth.seeds)
            ]
        )
        for arm in PAIR
    )
    arm_S = table(folder / "log", "requests").groupby("shopper")["arm"].first().to_numpy()
    treated = float(arm_S.mean())
    split_AI = sold(folder / "log", items)
    naive_I = split_AI[1] / treated - split_AI[0] / (1 - treated)
    found = Measured(_mean((two_I - one_I) / leads), _mean(naive_I / leads), treated)
    # They are what the run says, told per item and lead time.
    per_item = len(arm_S) / items / leads
    row = read_record(Metrics, folder).estimate("orders", PAIR, cuped=False)
    assert row is not None
    assert row.effect.estimate == pytest.approx(found.naive[0] / per_item)
    truth = row_of(read_record(Truths, folder).truth, metric="orders", contrast=PAIR)
    assert truth is not None
    # Who never came is another one there, where few visits are expected of a shopper.
    assert truth.effect.estimate == pytest.approx(found.effect[0] / per_item, rel=0.02)
    return found


def _mean(values_N: np.ndarray) -> tuple[float, float]:
    return float(values_N.mean()), float(values_N.std(ddof=1) / np.sqrt(len(values_N)))
