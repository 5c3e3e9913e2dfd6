"""The design that splits clusters of queries: what is asked for decides the arm, not who asks."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.designs.split import Split
from simulator.protocols import Requests


@dataclass(frozen=True)
class QueryClusterSplit(Split):
    """Clusters of query texts are split: all requests for what a cluster is about see one arm.

    Attributes:
        cluster_T: (T,) cluster of each text of the world.
    """

    name: ClassVar[str] = "query_cluster"

    cluster_T: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def units(self, requests: Requests) -> NDArray[np.int64]:
        """(B,) the cluster of each request's text."""
        return self.cluster_T[requests.text_B]
