"""What every test may ask for."""

import os
from pathlib import Path

import pytest

from tests.experiments.small_runs import run, small_config


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
