"""The design of a run's experiment, from its settings."""

from pathlib import Path

from experiments.config.schema import Config
from experiments.designs.design import Design
from experiments.designs.querycluster import QueryClusterSplit
from experiments.designs.rampup import RampUp
from experiments.designs.request import RequestSplit
from experiments.designs.session import SessionSplit
from experiments.designs.settings import (
    QueryClusterDesign,
    RequestDesign,
    SessionDesign,
    SplitSpec,
    SwitchbackDesign,
)
from experiments.designs.shopper import ShopperSplit
from experiments.designs.sides.listing import ListingSplit
from experiments.designs.sides.settings import ListingDesign, TwoSidedDesign
from experiments.designs.sides.twosided import TwoSidedSplit
from experiments.designs.switchback import Switchback
from experiments.running.assigning.queryclusters import query_clusters
from simulator.living.world import Population
from simulator.log.history import load_history
from simulator.protocols import DAY
from simulator.randomness import Draws

SALT, OF_LISTINGS = "experiment", "experiment:listings"

AnyDesign = Design | ListingSplit | TwoSidedSplit


def design_of(config: Config, spec: SplitSpec, population: Population, history: Path) -> AnyDesign:
    """Who or what sees which arm in the experiment.

    Args:
        config: of the run.
        spec: its design.
        population: whose texts clusters of queries are of.
        history: log folder, whose clicks tell what texts are about.
    """
    shares, draws = tuple(arm.share for arm in config.arms), Draws(config.seed)
    made = shares, SALT, draws
    if isinstance(spec, SessionDesign):
        return SessionSplit(*made)
    if isinstance(spec, RequestDesign):
        return RequestSplit(*made)
    if isinstance(spec, SwitchbackDesign):
        return Switchback(*made, spec.period)
    if isinstance(spec, QueryClusterDesign):
        texts, catalog = population.intents.texts, population.supply.catalog
        return QueryClusterSplit(*made, query_clusters(texts, load_history(history), catalog))
    if isinstance(spec, ListingDesign):
        return ListingSplit(shares, OF_LISTINGS, draws)
    split = ShopperSplit(*made)
    if isinstance(spec, TwoSidedDesign):
        layout, of_arms = spec.layout(0), {arm.name: arm.share for arm in config.arms}
        of_items = tuple(layout.listing_shares(of_arms, config.control).values())
        return TwoSidedSplit(split, ListingSplit(of_items, OF_LISTINGS, draws))
    if not spec.ramp_up:
        return split
    first = config.world.history_days
    steps = tuple(((first + step.day) * DAY, step.part) for step in spec.ramp_up)
    return RampUp(split, steps, control_of(config))


def control_of(config: Config) -> int:
    """The number of the control arm."""
    return [arm.name for arm in config.arms].index(config.control)


def split_of(design: AnyDesign) -> Design:
    """The same, of which it is known that it splits what asks.

    Raises:
        TypeError: it splits items.
    """
    if isinstance(design, ListingSplit | TwoSidedSplit):
        raise TypeError(f"{type(design).__name__} splits items")
    return design
