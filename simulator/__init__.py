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
    from simulator.living.world import Population, World, WorldSpec
    from simulator.log.eventlog import EventLog
    from simulator.log.history import History, load_history
    from simulator.protocols import Index, ItemStatistics, Pages, Requests, SearchService
    from simulator.randomness import Draws
else:
    __getattr__ = exporter(
        __name__,
        {
            "catalogue.catalog": "Catalog",
            "behaviour.clickmodels": "ClickModel",
            "errors": "FunnelabError",
            "log.eventlog": "EventLog",
            "behaviour.expectation": "Expected expected",
            "log.history": "History load_history",
            "protocols": "Index ItemStatistics Pages Requests SearchService",
            "randomness": "Draws",
            "living.world": "Population World WorldSpec",
        },
    )

__all__ = [
    "Catalog",
    "ClickModel",
    "Draws",
    "EventLog",
    "Expected",
    "FunnelabError",
    "History",
    "Index",
    "ItemStatistics",
    "Pages",
    "Population",
    "Requests",
    "SearchService",
    "World",
    "WorldSpec",
    "expected",
    "load_history",
]
