"""Who serves the requests of a world that goes on after the history, by its design."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.config.schema import Config
from experiments.designs.querycluster import QueryClusterSplit
from experiments.designs.settings import InterleavingDesign, ShopperDesign, is_triggered
from experiments.running.assigning.assigned import NOBODY, Assigned, assigned
from experiments.running.assigning.designed import control_of, design_of, split_of
from experiments.running.assigning.serving import router_of
from ranking.funnel import Funnel
from ranking.interleaving.interleaving import Interleaving
from ranking.router import ArmRouter
from simulator.living.world import Population
from simulator.log.tables import CONTESTED, TRIGGERS
from simulator.protocols import SearchService
from simulator.randomness import Draws


@dataclass(frozen=True)
class Arranged:
    """Who serves whom, and what the log knows and tells of it.

    Attributes:
        service: what serves the requests.
        assigned: what was assigned to which arm, and when.
        cluster_T: (T,) what each text is assigned by, where queries are; None: they are not.
        tables: optional tables of the log.
        stock_shares: parts of every shelf from which the arms sell; None: all from the whole.
    """

    service: SearchService
    assigned: Assigned
    cluster_T: NDArray[np.int64] | None = None
    tables: tuple[str, ...] = ()
    stock_shares: tuple[float, ...] | None = None


def arranged(
    config: Config,
    population: Population,
    history: Path,
    funnels: Sequence[Funnel],
    draws: Draws,
) -> Arranged:
    """The experiment of a run: every request is served by its arm, or by both.

    Args:
        population: whose shoppers and texts are assigned.
        history: log folder, as of `design_of`.
        funnels: of all arms.
        draws: luck of the world.
    """
    spec = config.design
    if isinstance(spec, InterleavingDesign):
        tables = (CONTESTED,) if spec.causal else ()
        return Arranged(_interleaved(config, spec, funnels, draws), NOBODY, tables=tables)
    design = design_of(config, spec, population, history)
    known = assigned(design, config.world, population)
    cluster_T = design.cluster_T if isinstance(design, QueryClusterSplit) else None
    parted = isinstance(spec, ShopperDesign) and spec.stock == "per_arm"
    shares = tuple(arm.share for arm in config.arms) if parted else None
    if not is_triggered(spec):
        items = len(population.supply.catalog)
        router = router_of(design, funnels, items, control_of(config), draws)
        return Arranged(router, known, cluster_T, stock_shares=shares)
    watched = ArmRouter(funnels, split_of(design), [each.twin() for each in funnels])
    return Arranged(watched, known, cluster_T, (TRIGGERS,), shares)


def _interleaved(
    config: Config, spec: InterleavingDesign, funnels: Sequence[Funnel], draws: Draws
) -> Interleaving:
    """The service that fills pages from both arms."""
    pages = max(config.world.sessions.pages, 2)  # what is left off is on a second page
    depth = min(config.funnel.keep, config.funnel.slots * pages)
    return Interleaving(
        [funnel.longer(depth) for funnel in funnels],
        draws,
        slots=config.funnel.slots,
        depth=depth,
        control=control_of(config),
        causal=spec.causal,
    )


def funnels_of(service: SearchService) -> list[Funnel]:
    """The funnels that serve behind a service."""
    services = getattr(service, "services", (service,))
    return [each for each in services if isinstance(each, Funnel)]
