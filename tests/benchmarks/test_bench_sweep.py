"""Sweeps: how many times as fast two workers finish 16 cells as one, from command to page."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.sweep.hiring import processors
from tests.benchmarks.table import Row
from tests.experiments.small_runs import SMALL

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(processors() < 2, reason="two workers need two processors"),
]

AIM = 1.8
CELLS = "seed=" + ",".join(map(str, range(1, 17)))
WORLD = ("shoppers.count=3000", "world.days=4", "truth.retrained=[]", "execution.processes=1")


def seconds(out: Path, *workers: str) -> float:
    """From the command to its end, libraries and the start of a cluster included."""
    shared = [word for each in WORLD for word in ("--set", each)]
    words = ["sweep", str(SMALL), "--over", CELLS, *shared, "--out", str(out), *workers]
    begun = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).with_name("funnelab"), *words], check=True, capture_output=True
    )
    return time.perf_counter() - begun


@pytest.mark.parametrize("workers", [(), ("--address", "local")], ids=["processes", "ray"])
def test_two_workers_are_nearly_twice_as_fast_as_one(workers, tmp_path, report):
    seconds(tmp_path / "warm", *workers, "--jobs", "2")  # compiles
    one = seconds(tmp_path / "one", *workers, "--jobs", "1")
    two = seconds(tmp_path / "two", *workers, "--jobs", "2")
    what = f"16 cells, 2 {'Ray workers' if workers else 'processes'} over 1"
    report(Row(what, one / two, "x", aim=f">= {AIM}x", met=one / two >= AIM))
    report(Row(f"{what}: with two", two, "s"))
