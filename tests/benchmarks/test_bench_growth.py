"""Growth: what each stage of a run takes as the catalogue or the shoppers grow.

The largest sizes take long; `BENCH_LARGE=1 make bench` includes them.
"""

import os

import pytest

from tests.benchmarks.growth import grow
from tests.benchmarks.table import Row

BASE = 10_000
LARGE = 1_000_000
MOST_MB = 8_192

SIZES = [(BASE, BASE), (10 * BASE, BASE), (LARGE, BASE), (BASE, 10 * BASE), (BASE, LARGE)]

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="reads the processes in /proc"),
]

large = pytest.mark.skipif("BENCH_LARGE" not in os.environ, reason="set BENCH_LARGE=1")


@pytest.mark.timeout(7_200)
@pytest.mark.parametrize(
    ("items", "shoppers"),
    [pytest.param(*size, marks=[large] * (LARGE in size)) for size in SIZES],
)
def test_a_run_of_this_size(items, shoppers, sizes, report):
    found = grow(items, shoppers)
    name = f"{items:,} items, {shoppers:,} shoppers"
    sizes[name] = found
    assert found["units"]["catalogue"] == items
    peak = max(found["peak_mb"].values())
    wanted = f"<= {MOST_MB:,}"
    report(Row(f"peak memory, {name}", peak, "MB", aim=wanted, met=peak <= MOST_MB))
