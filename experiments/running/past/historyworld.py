"""The worlds of the history: the bootstrap funnel alone, or with new channels in a ramp."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.config.schema import Config
from experiments.designs.rampup import RampUp
from experiments.designs.shopper import ShopperSplit
from experiments.running.assigning.assigned import everybody
from experiments.running.assigning.episode import Episode
from experiments.running.funnels import bootstrap_funnel, ramp_funnel
from experiments.running.models import MODEL, load_channel
from experiments.running.worlds import WorldJob
from experiments.stages.stage import Stage
from ranking.router import ArmRouter
from simulator.living.settings import RampSpec
from simulator.living.world import Population
from simulator.protocols import DAY
from simulator.randomness import Draws


class HistoryWorld(WorldJob):
    """The days before the experiment, in a shop that has no log to learn from."""

    goes_on = True

    def episode(self, population: Population, draws: Draws) -> Episode:
        """Everybody is served by the bootstrap funnel."""
        service = bootstrap_funnel(self.config, population.supply.catalog, draws)
        together = everybody(len(population.shoppers), 0, 0)
        names = (service.name,)
        return Episode(service, names, together, first_day=0, days=self.days, state=None)

    @property
    def days(self) -> int:
        """Length of the history."""
        return self.config.world.history_days


@dataclass(frozen=True)
class RampedHistory(HistoryWorld):
    """The same days, in the last of which some shoppers are served with the new channels, too.

    The days before the ramp are lived once more, so that the log is that of one shop: to the bit
    they are those of the history from which the new channels have learned.

    Attributes:
        launched: the new channels as they were launched, by name.
    """

    launched: Mapping[str, Stage]

    def episode(self, population: Population, draws: Draws) -> Episode:
        """The log calls all pages the bootstrap funnel's; its provenance tells the new channels."""
        config, catalog = self.config, population.supply.catalog
        channels = {
            name: load_channel(stage.path / MODEL, config, name)
            for name, stage in self.launched.items()
        }
        before = bootstrap_funnel(config, catalog, draws, tuple(channels))
        ramp = ramp_funnel(config, catalog, channels, draws)
        spec = config.world.ramp
        split = ShopperSplit((1 - spec.share, spec.share), salt="ramp", draws=Draws(config.seed))
        live = RampUp(split, (((self.days - spec.days) * DAY, 1.0),))
        router = ArmRouter([before, ramp], live)
        together = everybody(len(population.shoppers), 0, 0)
        return Episode(router, (before.name,), together, 0, self.days, state=None)


def before_ramp(config: Config) -> Config:
    """The settings of the days before the ramp: those of a shorter history without one."""
    days = config.world.history_days - config.world.ramp.days
    world = config.world.model_copy(update={"history_days": days, "ramp": RampSpec()})
    return config.model_copy(update={"world": world})
