"""The world: what exists, who comes, what they want, what they do, and when.

A `World` lives some days of a `Population` under any `SearchService` and writes an `EventLog`.
What a search engine may see of it is public: `Catalog`, `Requests`, `Index` and `History`. The
latent truth (tastes, quality, needs) stays in here.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from simulator.behaviour.clickmodels import ClickModel as ClickModel
    from simulator.behaviour.expectation import Expected as Expected, expected as expected
    from simulator.catalogue.catalog import Catalog as Catalog
    from simulator.errors import FunnelabError as FunnelabError
    from simulator.living.settings import WorldSpec as WorldSpec
    from simulator.living.world import Population as Population, World as World
    from simulator.log.eventlog import EventLog as EventLog
    from simulator.log.history import History as History, load_history as load_history
    from simulator.protocols import (
        Index as Index,
        ItemStatistics as ItemStatistics,
        Pages as Pages,
        Requests as Requests,
        SearchService as SearchService,
    )
    from simulator.randomness import Draws as Draws
else:
    __all__, __getattr__ = exporter(__name__, __file__)
