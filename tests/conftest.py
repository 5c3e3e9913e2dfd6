"""What every test may ask for."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # one core each: set before numerical libraries load
    for _threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(_threads, "1")

import pytest
from hypothesis import HealthCheck, settings

from tests.experiments.small_runs import run, small_config

# A first call compiles, and a machine may be slow or busy: no example is judged by the clock.
settings.register_profile("funnelab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("funnelab")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files marked as long come first, lest one core runs the last of them while others wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the garbage collector need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What is skipped elsewhere, for want of data for example, fails in continuous integration."""
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("CI") and not item.get_closest_marker("benchmark"):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("FUNNELAB_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; set FUNNELAB_DATA")
    return folder


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """A finished small run; tests only read it."""
    return run(small_config(), tmp_path_factory.mktemp("small") / "run")
