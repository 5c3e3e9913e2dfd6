"""Logs and runs that many tests only read."""

from pathlib import Path

import pytest

from tests.experiments.cqsid_runs import cqsid_config
from tests.experiments.inference.logs import write_log
from tests.experiments.small_runs import made_once, run


@pytest.fixture(scope="session")
def log(tmp_path_factory):
    return write_log(tmp_path_factory.mktemp("ab") / "log", shoppers=3_000, luck=1, lift=0.1)


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    """The same shoppers before; 500 of the log's have none."""
    return write_log(
        tmp_path_factory.mktemp("history") / "log", shoppers=2_500, luck=2, arms=("bootstrap",)
    )


DAYS = {"days": 12, "requests": 4, "clicks": 0.15, "orders": 0.3}


@pytest.fixture(scope="session")
def days_log(tmp_path_factory):
    """Twelve days of 1,500 shoppers in two arms, who come back."""
    return write_log(tmp_path_factory.mktemp("days") / "log", shoppers=1_500, luck=1, **DAYS)


@pytest.fixture(scope="session")
def days_before(tmp_path_factory):
    """The same shoppers before; 200 of them had not come yet."""
    log = tmp_path_factory.mktemp("before") / "log"
    return write_log(log, shoppers=1_300, luck=2, arms=("bootstrap",), **DAYS)


@pytest.fixture(scope="session")
def whole(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with a generative channel."""
    made = lambda at: run(cqsid_config(at), at / "run", like=small_run)  # noqa: E731
    return made_once(tmp_path_factory, "cqsid", made)
