"""What every channel's settings have in common."""

from pydantic import Field

from recall.latency import LatencySpec
from simulator.spec import Spec


class ChannelSettings(Spec):
    """How much a funnel asks of a channel, and how long the channel takes."""

    limit: int = Field(100, gt=0, le=10_000, description="candidates asked for (items a request)")
    latency: LatencySpec = Field(LatencySpec(), description="service time of the channel")

    def learned(self) -> "ChannelSettings":
        """These settings without what acts on serving alone; equal ones share a training."""
        return self

    def service_time(self) -> LatencySpec:
        """The latency model of the channel with these settings."""
        return self.latency
