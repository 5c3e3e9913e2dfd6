"""What the expected truth gains over realised purchases: variance, at the time that it takes."""

import pytest

from experiments import load_config
from experiments.inference.metrics import METRICS
from experiments.records.manifest import RunManifest
from experiments.records.reading import read_record
from experiments.records.truth import Truths
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress
from experiments.truth.effects import paired_truth
from experiments.truth.files import OWN, by_category
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


def over_shoppers(folder):
    """The resolution of the expected truth without the luck that shoppers share, by metric.

    An interval of realised purchases from one pair of worlds does not hold that luck either.
    """
    control, treatment = (
        [
            log
            for log in (folder / "stages").glob(f"truth-{arm}-0-*/log")
            if (log.parent / by_category(OWN)).is_file()  # not the worlds that were only lived
        ]
        for arm in ("control", "treatment")
    )
    for log in (*control, *treatment):
        (log.parent / by_category(OWN)).unlink()
    found = paired_truth(control, treatment, [METRICS["gmv"], METRICS["orders"]])
    return {effect.metric: effect.resolution for effect in found.effects}


def test_variance_against_realised_pairs_at_equal_compute(benchmark, report, tmp_path):
    realised, before = lived(tmp_path / "run", "realised")
    found = benchmark.pedantic(lambda: lived(tmp_path / "run", "expected"), rounds=1)
    expected, after = found
    alike = over_shoppers(tmp_path / "run")
    for metric in ("gmv", "orders"):
        wide, narrow = (
            truths.of(metric, ("control", "treatment")).resolution
            for truths in (realised, expected)
        )
        for what, resolution in (("", alike[metric]), (", with the luck of the state", narrow)):
            gain = (wide / resolution) ** 2 * before / after
            aimed = metric == "gmv" and not what
            report(
                Row(
                    f"expected truth, demo of 6,000 shoppers, 7 days: {metric}{what}",
                    gain,
                    "times less variance at equal compute",
                    "realised pairs of worlds",
                    aim=f">= {AIM:g}" if aimed else "",
                    met=gain >= AIM if aimed else None,
                )
            )
