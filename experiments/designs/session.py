"""The design that splits sessions: a shopper who comes again may see another arm."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.designs.split import Split
from simulator.protocols import REQUEST_BITS, Requests


@dataclass(frozen=True)
class SessionSplit(Split):
    """Sessions are split: all pages of one visit come from one arm."""

    name: ClassVar[str] = "session"

    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the session of each request."""
        return requests.id_B >> REQUEST_BITS
