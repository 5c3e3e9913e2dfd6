"""A search service that costs next to nothing, for tests and timings of the world alone."""

import numpy as np

from simulator.protocols import Fault, Index, Pages, Requests, Traces


class TableService:
    """Looks every page up in a table of items per query text; knows nothing and learns nothing."""

    channels = ("table",)

    def __init__(self, items_TN, slots=20, latency=0.1, arm_S=None):
        self.items_TN = items_TN
        self.slots = slots
        self.latency = latency
        self.arm_S = arm_S

    def refresh(self, index: Index) -> None:
        self.available_I = index.available_I

    def serve(self, requests: Requests) -> Pages:
        slot_K = np.arange(self.slots)
        at_BK = requests.page_B[:, None].astype(np.int64) * requests.slots_B[:, None] + slot_K
        real_BK = (slot_K < requests.slots_B[:, None]) & (at_BK < self.items_TN.shape[1])
        column_BK = np.minimum(at_BK, self.items_TN.shape[1] - 1)
        items_BK = self.items_TN[requests.text_B[:, None], column_BK]
        items_BK = np.where(real_BK, items_BK, -1).astype(np.int32)
        arm_B = None if self.arm_S is None else self.arm_S[requests.shopper_B]
        return pages_of(items_BK, self.latency, arm_B)

    def faults(self) -> list[Fault]:
        return []


def pages_of(items_BK, latency=0.1, arm_B=None):
    """Pages that show these items, found by the one channel there is."""
    rows = len(items_BK)
    held_B = (items_BK >= 0).sum(axis=1).astype(np.int32)
    return Pages(
        items_BK=items_BK,
        sources_BK=(items_BK >= 0).astype(np.int32),
        best_ranked_BK=(items_BK >= 0).astype(np.int32),
        scores_BK=np.zeros(items_BK.shape, np.float32),
        propensity_BK=np.ones(items_BK.shape, np.float32),
        latency_B=np.full(rows, latency, np.float32),
        dropped_B=np.zeros(rows, np.int32),
        merged_B=held_B,
        ranked_B=held_B,
        arm_B=np.zeros(rows, np.int8) if arm_B is None else arm_B,
        traces=no_traces(1),
    )


def no_traces(channels: int) -> Traces:
    return Traces(
        row_R=np.zeros(0, np.int32),
        item_R=np.zeros(0, np.int32),
        sources_R=np.zeros(0, np.int32),
        ranks_RC=np.zeros((0, channels), np.int16),
        scores_RC=np.zeros((0, channels), np.float32),
        merged_R=np.zeros(0, np.int16),
        ranker_score_R=np.zeros(0, np.float32),
    )
