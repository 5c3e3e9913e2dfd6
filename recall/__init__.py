"""Channels that turn requests into candidates, and the merge that keeps their provenance.

A `Channel` learns from the public catalogue and a past log and returns `Candidates`; the merge
makes one `Pool` of them, in which every item keeps all channels that found it. `check_channel`
tries a channel of your own against the contract.
"""

from typing import TYPE_CHECKING

from simulator.exports import exporter

if TYPE_CHECKING:
    from recall.candidates import Candidates as Candidates, Pool as Pool
    from recall.channel import Channel as Channel, Refreshable as Refreshable
    from recall.conformance import check_channel as check_channel
else:
    __all__, __getattr__ = exporter(__name__, __file__)
