"""A whole run with a generative channel, which several files only read."""

from pathlib import Path

import pytest

from tests.experiments.cqsid_runs import cqsid_config
from tests.experiments.small_runs import run


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; tests only read it."""
    folder = tmp_path_factory.mktemp("cqsid")
    return run(cqsid_config(folder), folder / "run")
