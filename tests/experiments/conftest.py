"""Small synthetic logs that many tests only read."""

import pytest

from tests.experiments.inference.logs import write_log


@pytest.fixture(scope="session")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("ab") / "log", shoppers=3_000, luck=1, lift=0.1)


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    """The same shoppers before; 500 of the log's have none."""
    return write_log(
        tmp_path_factory.mktemp("history") / "log", shoppers=2_500, luck=2, arms=("bootstrap",)
    )
