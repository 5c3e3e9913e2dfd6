"""What tests of funnels have in common."""

from dataclasses import fields

import numpy as np

from ranking.settings import FunnelSpec
from recall.latency import LatencySpec
from recall.settings import MergeSpec
from simulator.protocols import Pages, Traces

UNIVERSE = ("a", "b", "other")
SPEC = FunnelSpec(keep=16, slots=10, merge=MergeSpec(limit=40))
QUICK = LatencySpec(base_s=0.01, per_item_s=0, sigma=0.2)


def assert_same(one: Pages, other: Pages):
    for field in fields(Pages):
        if field.name != "traces":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
    for field in fields(Traces):
        np.testing.assert_array_equal(
            getattr(one.traces, field.name), getattr(other.traces, field.name)
        )
