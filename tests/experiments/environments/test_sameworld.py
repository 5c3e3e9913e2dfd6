"""An agent that changes nothing lives the very world of the run."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.environments import SessionEnv
from experiments.environments.agentworld import AgentWorld
from experiments.running.worlds import OneArmWorld, open_world
from simulator.protocols import REQUEST_BITS
from tests.experiments.environments.conftest import REFRESH
from tests.experiments.small_runs import stage, table

TABLES = {
    "requests": ["request"],
    "exposures": ["request", "position"],
    "orders": ["request", "item"],
    "sessions": ["session"],
    "latent": ["request"],
    "candidates": ["request", "merged_rank"],
}


@pytest.fixture(scope="module")
def plain(job: AgentWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of the same world without an agent."""
    folder = tmp_path_factory.mktemp("plain")
    values = {each.name: getattr(job, each.name) for each in fields(job)}
    open_world(OneArmWorld(**values), folder).run(lambda requests: None)
    return folder


class Lived:
    """All sessions that an agent with the funnel's own order serves in one world."""

    def __init__(self, env: SessionEnv, seed: int) -> None:
        self.steps: list[dict[str, Any]] = []
        self.episodes = 0
        over = False
        observation, _ = env.reset(seed=seed)
        while not over:
            at = int(observation["request"])
            observation, reward, ended, over, info = env.step(env.funnel_action)
            told = {name: info[name] for name in ("session", "clicks", "orders", "gmv")}
            self.steps.append(told | {"request": (info["session"] << REQUEST_BITS) | at})
            self.steps[-1]["reward"] = reward
            if ended:
                self.episodes += 1
                self.totals = env.totals
                observation, _ = env.reset()
                over = env.totals.sessions == 0  # another world has begun


@pytest.fixture(scope="module")
def kept(job: AgentWorld, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lived, Path]:
    """What an agent with the funnel's own order lived, and its log."""
    logs = tmp_path_factory.mktemp("logs")
    env = SessionEnv(job, logs=logs, reward={"clicks": 1.0})
    lived = Lived(env, 0)
    env.close()
    assert not (logs / "world-1").exists()  # a world that was not lived to its end
    return lived, logs / "world-0"


def rows(log: Path, name: str) -> pd.DataFrame:
    """A table in an order of its own; whether an agent draws lots is not known of its pages."""
    found = table(log, name).sort_values(TABLES[name]).reset_index(drop=True)
    return found.drop(columns=[name for name in ("propensity",) if name in found])


@pytest.mark.parametrize("name", TABLES)
def test_an_agent_that_keeps_the_funnels_order_lives_the_world_as_it_is_without_it(
    name: str, kept: tuple[Lived, Path], plain: Path
) -> None:
    pd.testing.assert_frame_equal(rows(kept[1], name), rows(plain, name), check_exact=True)
    assert len(rows(plain, name)) > 30


def test_the_agent_serves_one_shopper_at_a_time_and_most_of_them(
    kept: tuple[Lived, Path],
) -> None:
    lived, log = kept
    own = rows(log, "sessions").set_index("session").loc[[s["session"] for s in lived.steps]]
    own = own[~own.index.duplicated()].sort_values("start")
    assert len(own) == lived.episodes > 0.4 * len(rows(log, "sessions"))
    asked = rows(log, "requests").set_index("session").loc[own.index]
    last = (asked["at"] + asked["latency"]).groupby("session").max().loc[own.index]
    assert (own["start"].to_numpy()[1:] >= last.to_numpy()[:-1] - 1e-3).all()
    first, latest = own["start"] // REFRESH, last // REFRESH
    assert (first != latest).any()  # some go on after a refresh of the index


def test_rewards_are_the_clicks_and_decided_purchases_of_the_log(
    kept: tuple[Lived, Path],
) -> None:
    lived, log = kept
    steps = pd.DataFrame(lived.steps).set_index("request")
    clicks = rows(log, "exposures").groupby("request")["clicked"].sum()
    assert steps["clicks"].equals(clicks.reindex(steps.index).fillna(0).astype(np.int64))
    assert (steps["reward"] == steps["clicks"]).all()
    orders = rows(log, "orders")
    own = orders[orders["request"].isin(steps.index)]
    bought = own.groupby("request").size()
    assert (steps["orders"].loc[bought.index] >= bought).all()
    assert 0.8 * steps["orders"].sum() < len(own) <= steps["orders"].sum()
    whole = bought.index[bought == steps["orders"].loc[bought.index]]
    paid = (own["price"] * own["quantity"]).groupby(own["request"]).sum()
    same = np.isclose(paid.loc[whole], steps["gmv"].loc[whole])
    assert same.mean() > 0.9  # others found fewer units, or another item in its place


def test_totals_tell_what_was_decided_and_what_was_sold(kept: tuple[Lived, Path]) -> None:
    lived, log = kept
    steps = pd.DataFrame(lived.steps)
    told = lived.totals
    assert told.sessions == lived.episodes
    assert told.decided.orders == steps["orders"].sum()
    assert told.decided.gmv == pytest.approx(steps["gmv"].sum())
    orders = rows(log, "orders")
    own = orders[orders["session"].isin(steps["session"])]
    last_refresh = own["at"] // REFRESH * REFRESH
    sold = own[own["at"] < last_refresh.max()]
    assert len(sold) <= told.orders <= len(own)
    assert told.gmv >= (sold["price"] * sold["quantity"]).sum() - 1e-6


@pytest.mark.slow
def test_the_world_of_a_seed_is_the_runs_own_world_of_the_truth(
    small_run: Path, tmp_path: Path
) -> None:
    env = SessionEnv.of_run(small_run, logs=tmp_path)
    Lived(env, 0)
    env.close()
    truth = stage(small_run, "truth-control-0") / "log"
    for name in TABLES:
        log = rows(tmp_path / "world-0", name)
        pd.testing.assert_frame_equal(log, rows(truth, name), check_exact=True)
