"""The world: what exists, who comes, what they want, what they do, and when.

A `World` lives some days of a `Population` under any `SearchService` and writes an `EventLog`.
What a search engine may see of it is public: `Catalog`, `Requests`, `Index` and `History`. The
latent truth (tastes, quality, needs) stays in here.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from simulator.behaviour.clickmodels import ClickModel
    from simulator.behaviour.expectation import Expected, expected
    from simulator.catalogue.catalog import Catalog
    from simulator.errors import FunnelabError
    from simulator.living.settings import WorldSpec
    from simulator.living.world import Population, World
    from simulator.log.eventlog import EventLog
    from simulator.log.history import History, load_history
    from simulator.protocols import Index, ItemStatistics, Pages, Requests, SearchService
    from simulator.randomness import Draws
else:
    __all__, __getattr__ = exporter(__name__, __file__)
