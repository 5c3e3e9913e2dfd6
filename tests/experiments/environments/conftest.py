"""The market of the small run, for an agent."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.environments import SessionEnv
from experiments.environments.agentworld import AgentWorld, open_agent_world
from simulator.living.settings import Promotion

REFRESH = 900.0


@pytest.fixture(scope="module")
def job(small_run: Path) -> AgentWorld:
    """A quiet day of the arm with the dense channel, with a refresh every quarter of an hour."""
    made = open_agent_world(small_run, "dense")
    world = made.config.world
    quiet = Promotion(day=world.history_days, factor=0.4)
    arrivals = world.arrivals.model_copy(update={"promotions": (quiet,)})
    changes = {"days": 1, "index_refresh": REFRESH, "arrivals": arrivals}
    world = world.model_copy(update=changes)
    return replace(made, config=made.config.model_copy(update={"world": world}))


@pytest.fixture
def env(job: AgentWorld) -> Iterator[SessionEnv]:
    made = SessionEnv(job, reward={"clicks": 1.0, "orders": 10.0, "gmv": 0.5})
    yield made
    made.close()
