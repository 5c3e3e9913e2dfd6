"""The demo: what it promises to write, in how much memory, and how right.

In a smaller shop here; as it ships, with all its shoppers, where slow tests run.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.cli import run_command
from experiments.records.reading import read_record
from experiments.records.run import read_run
from experiments.records.validity import Validity, Verdict
from tests.experiments.inference.parity import assert_parity
from tests.experiments.small_runs import log_digests, read, stage

MEGABYTES = 2_300  # of one process; two work at a time while a third waits

ALL = pytest.param((), marks=pytest.mark.slow, id="all")
SMALLER = (
    *("catalog.items=1_000", "shoppers.count=300", "truth.headroom=10"),
    *("world.history_days=3", "world.days=2"),
    *("channels.cqsid.training.item.epochs=1", "channels.cqsid.training.query.epochs=1"),
)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", params=[pytest.param(SMALLER, id="small"), ALL])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "run"
    command = [str(Path(sys.executable).with_name("funnelab")), "demo", "--out", str(folder)]
    command += [word for each in request.param for word in ("--set", each)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["report"] == str(folder / "report.html")
    assert "Traceback" not in done.stderr
    return folder


def test_the_demo_writes_every_result(demo: Path) -> None:
    found = read_run(demo)
    assert found.truths is not None
    assert found.manifest is not None
    assert len(found.metrics.estimates) == 2 * len(found.truths.truth) == 24  # CUPED or not
    assert found.manifest.log_digest in log_digests(demo).values()
    assert found.attribution is not None
    assert found.config is not None
    assert "<html" in (demo / "report.html").read_text()


def test_no_process_of_the_demo_needs_much_memory(demo: Path) -> None:
    manifest = read(demo, "manifest")
    assert 100 < manifest["peak_memory_mb"] < MEGABYTES
    assert all(one["peak_memory_mb"] < MEGABYTES for one in manifest["stages"])


def test_the_demo_has_no_mismatch_of_samples_and_drops_no_channel(demo: Path) -> None:
    metrics = read(demo, "metrics")
    assert all(row["p_value"] > 1e-4 for row in metrics["srm"])
    assert all(row["share"] < 0.05 for row in metrics["health"]["dropped"])


def test_estimates_of_the_demo_equal_row_level_peers_to_10_digits(demo: Path) -> None:
    assert_parity(demo / "log", stage(demo, "history") / "log", "control", "treatment")


@pytest.mark.parametrize("demo", [ALL], indirect=True)
def test_the_default_world_lies_in_the_ranges_of_published_shops(
    demo: Path, tmp_path: Path
) -> None:
    """Within its Monte Carlo error: no interval lies outside of its range.

    But for conversion before the experiment: a shop that has no ranker yet sells less.
    """
    run_command(["validate", str(demo), "--out", str(tmp_path)])
    ranges = [check for check in read_record(Validity, tmp_path).checks if check.rung == "ranges"]
    outside = {
        (check.fact, check.period)
        for check in ranges
        if check.found.low is not None
        and (
            (check.low is not None and check.found.high < check.low)
            or (check.high is not None and check.found.low > check.high)
        )
    }
    assert len(ranges) > 25
    assert outside <= {("session_conversion", "history")}
    judged = sum(check.verdict == Verdict.PASS for check in ranges)
    assert judged > len(ranges) / 2  # known well enough to be told from what lies outside
