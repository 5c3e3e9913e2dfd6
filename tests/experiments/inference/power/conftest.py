"""Logs whose days are alike."""

import pytest

from tests.experiments.inference.logs import write_log

DAYS = 12


@pytest.fixture(scope="session")
def days_log(tmp_path_factory):
    """Twelve days of 1,500 shoppers in two arms, who come back and differ."""
    return write_log(
        tmp_path_factory.mktemp("days") / "log",
        shoppers=1_500,
        days=DAYS,
        requests=4,
        clicks=0.15,
        orders=0.3,
        luck=1,
    )


@pytest.fixture(scope="session")
def days_before(tmp_path_factory):
    """The same shoppers before, some of whom had not come yet."""
    return write_log(
        tmp_path_factory.mktemp("before") / "log",
        shoppers=1_300,
        days=DAYS,
        requests=4,
        clicks=0.15,
        orders=0.3,
        luck=2,
        arms=("bootstrap",),
    )
