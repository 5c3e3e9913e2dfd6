"""What the benches ask of a fitted channel that generates semantic ids."""

from typing import Protocol

from cqsid.learned import Learned
from recall.channel import Channel


class GenerativeChannel(Channel, Protocol):
    """A channel that serves a trained system of ids and generator."""

    learned: Learned

    def serve(self, learned: Learned) -> None:
        """Serve with a system that was trained elsewhere on the catalogue of `fit`."""
