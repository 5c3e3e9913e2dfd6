"""Estimates of a synthetic log: one DuckDB pass against tea-tasting's row-level path (pandas)."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from experiments.inference.diagnostics.srm import sample_ratio
from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.units import open_units
from experiments.rewardlab.comparison.trust import DRAWS, Judged
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import row_level
from tests.experiments.rewardlab.comparison.test_trust import policies, rows_of

FOUR = tuple(METRICS[name] for name in ("gmv", "orders", "uctcvr", "ctr"))
CONTRAST = ("control", "treatment")

AIM = 10e6 / 3.4  # exposures a second: plain DuckDB SQL and a closed form, docs/performance.md
PEER = "tea-tasting on a pandas table of shoppers"

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    return [
        write_log(folder / name, shoppers=360_000, days=7, requests=1.13, luck=luck, arms=arms)
        for name, luck, arms in (("log", 1, CONTRAST), ("history", 2, ("bootstrap",)))
    ]


def ours(log, history):
    with open_units(log, FOUR, history=history) as units:
        arms = units.aggregates(FOUR, covariates=True)
    counts = {arm: found.count() for arm, found in arms.items()}
    sample_ratio("exposed", counts, dict.fromkeys(counts, 0.5))
    return {metric.name: estimate(metric, CONTRAST, arms, cuped=True)[0].p_value for metric in FOUR}


def shoppers(log, by, prefix=""):
    requests = pd.read_parquet(log / "requests", columns=[*by, "request"])
    exposures = pd.read_parquet(log / "exposures", columns=[*by, "clicked"])
    orders = pd.read_parquet(log / "orders", columns=[*by, "price", "quantity"])
    orders = orders.assign(gmv=orders["price"].astype(float) * orders["quantity"])
    table = pd.concat(
        [
            requests.groupby(by).size().rename("requests"),
            exposures.groupby(by)["clicked"]
            .agg(["size", "sum"])
            .set_axis(["exposures", "clicks"], axis=1),
            orders.groupby(by)["gmv"].agg(["size", "sum"]).set_axis(["orders", "gmv"], axis=1),
        ],
        axis=1,
    ).fillna(0.0)
    return table.assign(bought=(table["orders"] > 0).astype(float)).add_prefix(prefix)


def peers(log, history):
    table = shoppers(log, ["shopper", "arm"]).reset_index()
    before = shoppers(history, ["shopper"], "pre_")
    table = table.merge(before, "left", left_on="shopper", right_index=True).fillna(0.0)
    table["arm"] = table["arm"].map(dict(enumerate(CONTRAST)))
    return {metric.name: row_level(table, metric, *CONTRAST, cuped=True)[8] for metric in FOUR}


def test_estimates_of_four_metrics(race, logs):
    exposures = sum(pq.read_metadata(part).num_rows for part in logs[0].glob("exposures/*"))
    found = race(
        f"analysis of {exposures / 1e6:.1f}M exposures, 4 metrics, CUPED, SRM",
        "exposures/s",
        exposures,
        lambda: ours(*logs),
        {PEER: lambda: peers(*logs)},
        aim_rate=AIM,
        rounds=3,
    )
    assert found["ours"] == pytest.approx(found[PEER], rel=1e-9)


def test_trust_in_eight_measures_of_ten_policies(race):
    levels = np.arange(10) / 100
    judged = policies(levels, levels, noise=0.1, seeds=3)
    many = [
        Judged({f"m{k}": each.values["clk@1"] for k in range(8)}, each.totals) for each in judged
    ]
    found = race(
        "trust in measures of ten policies",
        "measures/s",
        8,
        lambda: rows_of(many, draws=DRAWS),
        aim_rate=0.8,
        rounds=3,
    )
    assert len({measure for measure, _ in found["ours"]}) == 8
