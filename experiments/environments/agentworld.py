"""The world of an arm in which an agent orders pages, from a finished run."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Self

from experiments.attribution.incremental.arms import open_arm
from experiments.environments.agentservice import AgentService
from experiments.records.manifest import RunManifest
from experiments.records.reading import read_record
from experiments.running.assigning.episode import Episode
from experiments.running.pipeline import Pipeline, luck_of
from experiments.running.worlds import OneArmWorld
from experiments.stages.finished import finished_config
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from ranking.funnel import Funnel
from simulator.errors import ConfigError, closest
from simulator.living.world import Population
from simulator.randomness import Draws


class AgentWorld(OneArmWorld):
    """The world of one arm, some of whose pages an agent orders."""

    def episode(self, population: Population, draws: Draws) -> Episode:
        """As of the arm's own world, but for the agent."""
        made = super().episode(population, draws)
        assert isinstance(made.service, Funnel)
        return replace(made, service=AgentService(made.service))

    def with_luck(self, luck: str) -> Self:
        """The same world with other luck."""
        return replace(self, luck=luck)


def open_agent_world(folder: Path, arm: str | None = None) -> AgentWorld:
    """The world of an arm of a finished run, with the luck of its first world of the truth.

    Args:
        folder: of the run; it is held while its models are looked up, and no longer.
        arm: name of the arm; None: control.

    Raises:
        StoreError: no finished run, or one of other code: its worlds cannot be lived again.
        ConfigError: no such arm, or models that are trained anew in the world.
    """
    config = finished_config(folder)
    names, every = [each.name for each in config.arms], config.world.updates.every_days
    if arm is not None and arm not in names:
        near = closest(arm, names)
        hint = f": {near} (the closest)" if near else ""
        raise ConfigError(f"arm == {arm!r}, must be one of {', '.join(names)}{hint}")
    if every:
        raise ConfigError(
            f"world.updates.every_days == {every}, must be 0: the models that an agent meets stay "
            "as they are"
        )
    kept = {each.key for each in read_record(RunManifest, folder).stages}
    with RunFolder(folder) as run:
        maker = Maker(run, config.execution, NoProgress(), kept)
        opened = open_arm(config, maker, arm or config.control)
        made = Pipeline(config, maker).one_arm(
            "agent", luck_of(0), opened.number, opened.trained, followed=False
        )
    return AgentWorld(**{each.name: getattr(made, each.name) for each in fields(made)})
