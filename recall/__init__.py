"""Channels that turn requests into candidates, and the merge that keeps their provenance."""

from recall.candidates import Candidates, Pool
from recall.channel import Channel, Refreshable

__all__ = ["Candidates", "Channel", "Pool", "Refreshable"]
