"""What the planning of a world needs of it."""

from dataclasses import dataclass

from simulator.behaviour.behavior import Behavior
from simulator.living.market import Market
from simulator.log.eventlog import EventLog
from simulator.protocols import SearchService
from simulator.shoppers.memory import Memory
from simulator.shoppers.needs import NeedSampler


@dataclass(frozen=True)
class Scene:
    """Who acts in a world, and what keeps what they did.

    Attributes:
        service: answers requests.
        behavior: what shoppers do with a page.
        sampler: what they want and how they word it.
        market: what the shop counts of each item.
        memory: what is remembered of each shopper.
        log: where everything is written.
    """

    service: SearchService
    behavior: Behavior
    sampler: NeedSampler
    market: Market
    memory: Memory
    log: EventLog
