"""What the expected truth gains over realised purchases: variance, at the time that it takes."""

import pytest

from experiments import load_config
from experiments.records.manifest import RunManifest
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress
from tests.benchmarks.table import Row

AIM = 100.0  # times less variance of GMV than realised pairs at equal compute
SIZE = ("shoppers.count=6000", "world.days=7", "truth.headroom=0", "truth.retrained=[]")

pytestmark = pytest.mark.benchmark


def lived(folder, method):
    """The demo's truth by a method, and the seconds that its worlds took."""
    config = load_config("demo", (*SIZE, f"truth.method={method}", "execution.processes=1"))
    run_experiment(config, folder, progress=NoProgress(), command="a bench", overwrite=True)
    stages = read_record(RunManifest, folder).stages
    seconds = sum(each.seconds for each in stages if each.name.startswith("truth-"))
    return read_record(Truths, folder), seconds


def test_variance_against_realised_pairs_at_equal_compute(benchmark, report, tmp_path):
    realised, before = lived(tmp_path / "run", "realised")
    found = benchmark.pedantic(lambda: lived(tmp_path / "run", "expected"), rounds=1)
    expected, after = found
    for metric in ("gmv", "orders"):
        wide, narrow = (
            truths.of(metric, ("control", "treatment")).resolution
            for truths in (realised, expected)
        )
        gain = (wide / narrow) ** 2 * before / after
        report(
            Row(
                f"expected truth, demo of 6,000 shoppers, 7 days: {metric}",
                gain,
                "times less variance at equal compute",
                "realised pairs of worlds",
                aim=f">= {AIM:g}" if metric == "gmv" else "",
                met=gain >= AIM if metric == "gmv" else None,
            )
        )
