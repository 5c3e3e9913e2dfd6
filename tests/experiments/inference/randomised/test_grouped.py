"""Estimates by groups equal brute force and statsmodels, and reasons stand where they cannot."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from experiments.designs.layout import FIRST_OF_SESSION, Layout
from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.cells import open_cells
from experiments.inference.randomised.grouped import grouped_estimates
from experiments.inference.units import open_units
from tests.experiments.inference.logs import ARMS, write_log
from tests.experiments.inference.rearmed import rearmed, table, written

ORDERS, GMV, CTR = (METRICS[name] for name in ("orders", "gmv", "ctr"))
PAIR = (ARMS[0], ARMS[1])
SESSIONS = Layout("session", "sessions", "sessions", FIRST_OF_SESSION, "session", "shopper")


@pytest.fixture(scope="module")
def by_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in which each session has an arm of its own."""
    log = write_log(tmp_path_factory.mktemp("log") / "log", shoppers=800, requests=3.0)
    return rearmed(log, lambda asked: asked["session"] * 2_654_435_761 // 256 % 2)


def estimated(log: Path, layout: Layout, *metrics: Any, **options: Any) -> list[Any]:
    with open_cells(log, layout, metrics) as cells:
        return grouped_estimates(cells, metrics, [PAIR], confidence=0.95, **options)


def sums(log: Path, group: str) -> pd.DataFrame:
    """By group and arm: sessions begun, orders, GMV, exposures and clicks, by pandas."""
    asked, seen, bought = (table(log, name) for name in ("requests", "exposures", "orders"))
    asked["grp"] = asked[group]
    key = asked.set_index("request")["grp"]
    asked["units"] = (asked["request"] % 256 == 0).astype(float)
    seen["grp"], bought["grp"] = (key.loc[each["request"]].to_numpy() for each in (seen, bought))
    bought["gmv"] = bought["price"].astype(float) * bought["quantity"]
    by = ["grp", "arm"]
    parts = [
        asked.groupby(by)["units"].sum(),
        bought.groupby(by).agg(orders=("price", "size"), gmv=("gmv", "sum")),
        seen.groupby(by).agg(exposures=("item", "size"), clicks=("clicked", "sum")),
    ]
    return pd.concat(parts, axis=1).fillna(0.0)


def brute_force(found: pd.DataFrame, top: str, under: str) -> tuple[float, float, float]:
    """Both levels and the error of their difference, by the linearisation written out."""
    wide = found.unstack("arm").fillna(0.0)
    level, z = {}, {}
    for arm in (0, 1):
        y, n = wide[top][arm], wide[under][arm]
        level[arm] = y.sum() / n.sum()
        z[arm] = (y - level[arm] * n) / n.sum()
    groups = {arm: int((found.xs(arm, level="arm")).shape[0]) for arm in (0, 1)}
    every = len(wide)
    variance = sum(groups[a] / (groups[a] - 1) * (z[a] ** 2).sum() for a in (0, 1))
    variance -= 2 * every / (every - 1) * (z[0] * z[1]).sum()
    return level[0], level[1], np.sqrt(variance)


def half_width(row: Any) -> float:
    return (row.effect.high - row.effect.low) / 2


@pytest.mark.parametrize(
    ("metric", "top", "under"),
    [(ORDERS, "orders", "units"), (GMV, "gmv", "units"), (CTR, "clicks", "exposures")],
)
def test_a_split_of_sessions_has_levels_and_errors_of_its_shoppers(
    by_session: Path, metric: Any, top: str, under: str
) -> None:
    ((row, reason),) = estimated(by_session, SESSIONS, metric)
    found = sums(by_session, "shopper")
    one, two, error = brute_force(found, top, under)
    asked = table(by_session, "requests")
    scale = (asked["request"] % 256 == 0).sum() / asked["shopper"].nunique()
    scale = scale if metric.denominator is None else 1.0
    assert reason == ""
    assert row.design == "session"
    assert row.control == pytest.approx(one * scale, rel=1e-11)
    assert row.treatment == pytest.approx(two * scale, rel=1e-11)
    assert half_width(row) == pytest.approx(1.96 * error * scale, rel=2e-3)  # Student's t
    assert row.n == found["units"].sum()


def test_the_error_is_that_of_a_cluster_robust_regression(by_session: Path) -> None:
    ((row, _),) = estimated(by_session, SESSIONS, ORDERS)
    asked, bought = table(by_session, "requests"), table(by_session, "orders")
    bought = bought.groupby("session").size()
    sessions = asked.groupby("session").agg(arm=("arm", "first"), shopper=("shopper", "first"))
    sessions["orders"] = bought.reindex(sessions.index).fillna(0.0)
    fit = sm.OLS(sessions["orders"], sm.add_constant(sessions["arm"].astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": sessions["shopper"], "use_correction": False}
    )
    scale = len(sessions) / asked["shopper"].nunique()
    groups = sessions["shopper"].nunique()
    assert row.effect.estimate == pytest.approx(fit.params["arm"] * scale, rel=1e-10)
    error = fit.bse["arm"] * scale
    # Each arm has its own number of groups here, and Student's t its own degrees of freedom.
    error *= np.sqrt(groups / (groups - 1))
    assert half_width(row) == pytest.approx(stats.t.ppf(0.975, groups - 1) * error, rel=1e-3)


def test_groups_that_are_in_one_arm_each_give_the_estimate_of_a_split_of_shoppers(
    tmp_path: Path,
) -> None:
    log = write_log(tmp_path / "log", shoppers=500)
    whole = Layout("shopper", "shoppers", "shoppers", FIRST_OF_SESSION, "shopper", "shopper")
    ((row, _),) = estimated(log, whole, CTR)
    with open_units(log, [CTR]) as units:
        plain, _ = estimate(CTR, PAIR, units.aggregates([CTR]))
    for mine, theirs in zip(
        (*row.effect.numbers, *row.relative.numbers, row.p_value),
        (*plain.effect.numbers, *plain.relative.numbers, plain.p_value),
        strict=True,
    ):
        assert mine == pytest.approx(theirs, rel=1e-9)


def test_strata_are_compared_with_themselves(tmp_path: Path) -> None:
    """Simpson's paradox: the treatment is served on days on which all buy more."""
    log = write_log(tmp_path / "log", shoppers=3_000, days=2, orders=0.3)
    rng = np.random.default_rng(1)

    def arms(asked: pd.DataFrame) -> Any:
        chance = np.where(asked["day"] == 0, 0.2, 0.8)
        return (rng.random(len(asked)) < chance).astype(np.int8)

    rearmed(log, arms)
    bought = table(log, "orders")
    bought = bought[(bought["day"] == 1) | (rng.random(len(bought)) < 0.3)]
    written(bought, log / "orders")
    pooled = Layout("request", "requests", "requests", "true", "request", "shopper")
    by_day = Layout("request", "requests", "requests", "true", "request", "shopper", stratum="day")
    ((naive, _),) = estimated(log, pooled, ORDERS)
    ((fair, _),) = estimated(log, by_day, ORDERS)
    assert naive.effect.low > 0
    assert fair.effect.low < 0 < fair.effect.high
    asked = table(log, "requests")
    weights = asked.groupby("day").size() / len(asked)
    bought["n"] = 1.0
    per = bought.groupby(["day", "arm"])["n"].sum() / asked.groupby(["day", "arm"]).size()
    scale = len(asked) / asked["shopper"].nunique()
    for arm, level in ((0, fair.control), (1, fair.treatment)):
        wanted = (weights * per.xs(arm, level="arm")).sum() * scale
        assert level == pytest.approx(wanted, rel=1e-10)


def test_a_stratum_without_one_of_the_arms_is_left_out(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", shoppers=600, days=3)
    rng = np.random.default_rng(1)
    rearmed(log, lambda asked: np.where(asked["day"] == 0, 0, rng.integers(0, 2, len(asked))))
    days = Layout("request", "requests", "requests", "true", "request", "shopper", stratum="day")
    later = replace(days, kept="day > 0")
    ((whole, _),) = estimated(log, days, CTR)
    ((part, _),) = estimated(log, later, CTR)
    assert whole.effect == part.effect


def test_days_that_are_still_to_come_count_nothing(by_session: Path) -> None:
    ((first, _),) = estimated(by_session, SESSIONS, CTR, last_day=0)
    only = Layout(
        "session", "sessions", "sessions", FIRST_OF_SESSION, "session", "shopper", kept="day = 0"
    )
    ((alone, _),) = estimated(by_session, only, CTR)
    assert first.effect == alone.effect


def test_what_no_request_can_be_told_to_have_has_a_reason(by_session: Path) -> None:
    ((row, reason),) = estimated(by_session, SESSIONS, METRICS["uctcvr"])
    assert row.effect.estimate is None
    assert reason == "it is no sum over sessions"


@pytest.mark.parametrize(
    ("layout", "arms", "reason"),
    [
        (SESSIONS, lambda asked: np.zeros(len(asked)), "an arm has no exposures"),
        (
            Layout("switchback", "periods", "periods", "true", "0", "0"),
            lambda asked: asked["session"] % 2,
            "an arm has fewer than 2 groups of periods that may vary",
        ),
    ],
)
def test_arms_that_cannot_be_compared_have_a_reason(
    tmp_path: Path, layout: Layout, arms: Any, reason: str
) -> None:
    log = rearmed(write_log(tmp_path / "log", shoppers=60), arms)
    ((row, told),) = estimated(log, layout, CTR)
    assert told == reason
    assert row.effect.estimate is None


def test_arms_without_an_event_have_a_reason(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", shoppers=100, clicks=0.0)
    ((row, told),) = estimated(log, SESSIONS, CTR)
    assert told == "the arms have no clicks"
    assert row.effect.estimate is None
