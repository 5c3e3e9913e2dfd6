"""What every test may ask for."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # one core each: set before numerical libraries load
    for _threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(_threads, "1")

# A shell that starts tests in the background has them ignore Ctrl-C, and so all their programs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from hypothesis import HealthCheck, settings

# Where processes share the work, the first hands it out: it needs none of the libraries of a run,
# which fixtures therefore import when they are asked.

gc.disable()  # until all tests are collected: what they are made of stays

# A first call compiles, and a machine may be slow or busy: no example is judged by the clock.
settings.register_profile("funnelab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("funnelab")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files marked as long come first, lest one core runs the last of them while others wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the garbage collector need not look at them again.

    And seldom at what is new: most of that goes by itself, or stays.
    """
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """What is skipped elsewhere, for want of data for example, fails in continuous integration."""
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("CI") and not item.get_closest_marker("benchmark"):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session", autouse=True)
def _in_memory() -> Iterator[None]:
    """Files of tests need not outlive the machine, so nobody waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("FUNNELAB_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; set FUNNELAB_DATA")
    return folder


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished small run; tests only read it."""
    from tests.experiments.small_runs import made_once, run, small_config

    return made_once(tmp_path_factory, "small", lambda at: run(small_config(), at / "run"))
