"""What every channel's settings have in common."""

from pydantic import Field

from recall.latency import LatencySpec
from simulator.spec import Spec


class ChannelSettings(Spec):
    """How much a funnel asks of a channel, and how long the channel takes."""

    limit: int = Field(100, gt=0, le=10_000, description="candidates asked for (items a request)")
    latency: LatencySpec = Field(LatencySpec(), description="service time of the channel")
