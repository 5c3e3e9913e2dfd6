"""An agent in the market of a run: the same sessions, its pages, its rewards, and clean ends."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from experiments.environments import SessionEnv
from experiments.environments.agentservice import AgentService
from experiments.environments.agentworld import AgentWorld
from ranking.funnel import Funnel
from simulator.errors import ConfigError, ContractError, StoreError
from simulator.living import world as world_module
from simulator.living.arrivals import Arrivals
from simulator.living.settings import ArrivalSpec
from simulator.protocols import DAY, REQUEST_BITS, Pages, Requests
from simulator.randomness import Draws


def test_it_keeps_the_interface_of_gymnasium(env: SessionEnv) -> None:
    check_env(env, skip_render_check=True)


def test_pages_show_what_the_agent_wants(env: SessionEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[int, list[int]] = {}
    plain = AgentService.serve

    def watched(self: AgentService, requests: Requests) -> Pages:
        pages = plain(self, requests)
        for request, items_K in zip(requests.id_B.tolist(), pages.items_BK, strict=True):
            served[request] = items_K[items_K >= 0].tolist()
        return pages

    monkeypatch.setattr(AgentService, "serve", watched)
    observation, info = env.reset(seed=1)
    rng, later = np.random.default_rng(0), 0
    for _ in range(30):
        action = rng.uniform(-1, 1, env.funnel_action.shape).astype(np.float32)
        items = observation["items"][np.argsort(-action, kind="stable")]
        start = int(observation["page"] * observation["slots"])
        wanted = items[items >= 0][start : start + int(observation["slots"])]
        request = (info["session"] << REQUEST_BITS) | int(observation["request"])
        later += start > 0
        observation, _, ended, _, info = env.step(action)
        assert served[request] == wanted.tolist()
        if ended:
            observation, info = env.reset()
    assert later  # among them pages behind the first


def test_candidates_come_in_the_order_of_the_ranker_and_what_was_shown_is_marked(
    env: SessionEnv,
) -> None:
    pages = 0
    for seed in range(2):
        observation, _ = env.reset(seed=seed)
        seen: set[int] = set()
        for _ in range(12):
            real = observation["items"] >= 0
            scores = observation["scores"][real]
            assert (np.diff(scores) <= 0).all()
            assert (observation["ranks"][real] >= 0).any(axis=1).all()
            assert (observation["prices"][real] > 0).all()
            marked = set(observation["items"][observation["shown"] == 1].tolist())
            assert marked <= seen
            pages += int(observation["page"] > 0 and bool(marked))
            start = int(observation["page"] * observation["slots"])
            stop = start + int(observation["slots"])
            seen |= set(observation["items"][real][start:stop].tolist())
            observation, _, ended, _, _ = env.step(env.funnel_action)
            if ended:
                observation, _ = env.reset()
                seen = set()
    assert pages


def test_the_reward_is_the_weighted_sum_of_what_the_page_brought(env: SessionEnv) -> None:
    env.reset(seed=2)
    orders = 0
    for _ in range(20):
        _, reward, ended, _, info = env.step(env.funnel_action)
        wanted = info["clicks"] + 10.0 * info["orders"] + 0.5 * info["gmv"]
        assert reward == pytest.approx(wanted)
        orders += info["orders"]
        if ended:
            env.reset()
    assert orders


def played(env: SessionEnv, seed: int, steps: int) -> list[tuple[float, str]]:
    told = []
    env.reset(seed=seed)
    rng = np.random.default_rng(7)
    for _ in range(steps):
        action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        _, reward, ended, _, info = env.step(action)
        told.append((reward, info["query"]))
        if ended:
            env.reset()
    return told


def test_a_seed_and_the_same_actions_give_the_same_sessions(env: SessionEnv) -> None:
    first = played(env, 3, 8)
    assert played(env, 3, 8) == first
    assert played(env, 4, 8) != first


def test_a_session_that_is_left_goes_on_under_the_funnel(env: SessionEnv) -> None:
    _, info = env.reset(seed=5)
    seen = {info["session"]}
    for _ in range(5):
        _, info = env.reset()
        assert info["session"] not in seen
        seen.add(info["session"])
    assert env.totals.sessions == 0  # no page of these was the agent's


def test_the_end_of_the_period_cuts_a_session_off_and_another_world_follows(
    job: AgentWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = world_module.visits_of_day

    def late(spec: ArrivalSpec, rate_S: Any, day: int, draws: Draws) -> Arrivals:
        """Three shoppers who come when the day is nearly over."""
        some = plain(spec, rate_S, day, draws)
        start_V = (day + 1) * DAY - 90.0 + np.arange(3)
        return Arrivals(some.shopper_V[:3], some.ordinal_V[:3], start_V)

    monkeypatch.setattr(world_module, "visits_of_day", late)
    behavior = job.config.world.behavior.model_copy(update={"seconds_per_result": 30.0})
    world = job.config.world.model_copy(update={"behavior": behavior})
    slow = replace(job, config=job.config.model_copy(update={"world": world}))
    with SessionEnv(slow) as env:
        cut = 0
        env.reset(seed=0)
        for _ in range(24):
            observation, _, ended, over, _ = env.step(env.funnel_action)
            assert env.observation_space.contains(observation)
            assert not (ended and over)
            cut += over
            if ended or over:
                env.reset()
                assert not over or env.totals.sessions == 0
    assert cut


def wrong_actions(env: SessionEnv) -> Iterator[tuple[Any, str]]:
    right = env.funnel_action
    yield right[:-1], r"action == float32 of shape \(99,\) from -0.97\d+ to 1, must be of Box"
    yield right * 2, r"from -2 to 2"
    yield np.full_like(right, np.nan), "from nan to nan"
    yield right.astype(np.float64), "action == float64 of shape"
    yield right.tolist(), "action == a list, must be of Box"
    yield None, "action == a NoneType"


def test_an_action_outside_the_space_is_refused_and_the_session_waits_for_another(
    env: SessionEnv,
) -> None:
    first = played(env, 6, 1)
    env.reset(seed=6)
    for action, message in wrong_actions(env):
        with pytest.raises(ContractError, match=message):
            env.step(action)
    rng = np.random.default_rng(7)
    action = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
    _, reward, _, _, info = env.step(action)
    assert [(reward, info["query"])] == first


def test_a_step_where_no_request_waits_is_refused(env: SessionEnv) -> None:
    message = r"step\(\) == called where no request waits, must be after reset\(\)"
    with pytest.raises(ContractError, match=message):
        env.step(env.funnel_action)
    env.reset(seed=0)
    ended = False
    while not ended:
        _, _, ended, _, _ = env.step(env.funnel_action)
    with pytest.raises(ContractError, match=message):
        env.step(env.funnel_action)
    env.reset()
    env.step(env.funnel_action)
    env.close()
    with pytest.raises(ContractError, match=message):
        env.step(env.funnel_action)


def worlds_alive() -> int:
    return sum(thread.name == "funnelab world" for thread in threading.enumerate())


def test_nothing_is_left_of_an_environment_that_is_closed(job: AgentWorld) -> None:
    before = worlds_alive()
    with SessionEnv(job) as env:
        env.reset(seed=0)
        scratch = env._scratch
        assert scratch is not None
        assert worlds_alive() == before + 1
        env.reset(seed=1)
        assert worlds_alive() == before + 1
    assert worlds_alive() == before
    assert not Path(scratch.name).exists()
    env.close()


def test_what_fails_in_the_world_is_raised_by_the_step(
    env: SessionEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Funnel, requests: object) -> None:
        raise ContractError("arms.dense: a ranker == broken, must score")

    monkeypatch.setattr(Funnel, "ask", broken)
    with pytest.raises(ContractError, match="a ranker == broken"):
        played(env, 0, 2)
    monkeypatch.undo()
    env.reset()  # a new world
    env.step(env.funnel_action)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ({}, r"reward == \{\}, must weigh one of clicks, orders, gmv"),
        ({"gmvs": 1.0}, r"reward has 'gmvs', must be of clicks, orders, gmv: gmv \(the closest"),
        ({"gmv": float("nan")}, r"reward\['gmv'\] == nan, must be a finite number"),
        ({"clicks": "1"}, r"reward\['clicks'\] == '1', must be a finite number"),
    ],
)
def test_a_reward_that_cannot_be_is_refused(job: AgentWorld, reward: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SessionEnv(job, reward=reward)


def test_other_options_and_arms_and_folders_are_refused(
    env: SessionEnv, small_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"options=\{'day': 3\}\), must be empty"):
        env.reset(options={"day": 3})
    with pytest.raises(ConfigError, match=r"arm == 'dens', must be one of control, dense: dense"):
        SessionEnv.of_run(small_run, arm="dens")
    with pytest.raises(StoreError, match="no finished run"):
        SessionEnv.of_run(tmp_path)


def test_models_that_are_trained_anew_are_refused(
    small_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.environments import agentworld

    config = agentworld.finished_config(small_run)
    updates = config.world.updates.model_copy(update={"every_days": 1})
    world = config.world.model_copy(update={"updates": updates})
    changed = config.model_copy(update={"world": world})
    monkeypatch.setattr(agentworld, "finished_config", lambda folder: changed)
    with pytest.raises(ConfigError, match=r"world.updates.every_days == 1, must be 0"):
        SessionEnv.of_run(small_run)


def test_the_same_second_of_a_day_is_told_in_hours(env: SessionEnv) -> None:
    observation, info = env.reset(seed=0)
    assert 0 <= observation["hour"][0] < DAY / 3_600
    assert isinstance(info["query"], str)
