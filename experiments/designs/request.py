"""The design that splits requests: every page is drawn anew."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.designs.split import Split
from simulator.protocols import Requests


@dataclass(frozen=True)
class RequestSplit(Split):
    """Requests are split: the next page of a search may come from another arm."""

    name: ClassVar[str] = "request"

    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the request itself."""
        return requests.id_B
