"""One block of the pages that a walk follows."""

from dataclasses import dataclass

from simulator.behaviour.behavior import Reals
from simulator.behaviour.expectation import Prospect
from simulator.catalogue.catalog import Ints
from simulator.following.many import Many
from simulator.following.pace import Paced
from simulator.following.paths import Carried, Floats, Paths
from simulator.protocols import Pages
from simulator.shoppers.needs import Needs


@dataclass(frozen=True)
class FollowedPage:
    """A block of paths with the page of each, and what is expected of it.

    Attributes:
        worth: perceived and true utility of the pages' items.
        text_B: what was asked for.
        part_BC: its parts.
        in_time_B: chance that what is bought of it is bought before the period ends.
        many: what other services' pages would bring and leave open.
    """

    paths: Paths
    needs: Needs
    worth: tuple[Reals, Reals]
    text_B: Ints
    part_BC: Ints
    pages: Pages
    prospect: Prospect
    carried: Carried
    paced: Paced
    in_time_B: Floats
    many: Many | None
