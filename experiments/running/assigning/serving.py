"""What serves the requests of an experiment, by its design: a router over the arms' funnels."""

from collections.abc import Sequence

from experiments.designs.sides.listing import ListingSplit
from experiments.designs.sides.twosided import TwoSidedSplit
from experiments.running.assigning.designed import AnyDesign
from ranking.funnel import Funnel
from ranking.router import ArmRouter
from ranking.sides.listingrouter import ListingRouter
from ranking.sides.twosidedrouter import TwoSidedRouter
from simulator.randomness import Draws

AnyRouter = ArmRouter | ListingRouter | TwoSidedRouter


def router_of(
    design: AnyDesign, funnels: Sequence[Funnel], items: int, control: int, draws: Draws
) -> AnyRouter:
    """The arms' funnels as one search service.

    Args:
        funnels: of all arms.
        items: of the catalogue.
        control: number of the control arm.
        draws: luck of the world.
    """
    if isinstance(design, ListingSplit):
        return ListingRouter(funnels, design.items(items), control, draws)
    if isinstance(design, TwoSidedSplit):
        return TwoSidedRouter(funnels, design, design.listings.items(items), control, draws)
    return ArmRouter(funnels, design)
