"""The four commands, each carried out once for all tests here."""

from collections.abc import Iterator

import pytest

from tests.experiments.endurance.commands import Commands
from tests.experiments.endurance.nursery import open_nursery


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with open_nursery() as nursery:
        yield Commands(nursery, tmp_path_factory.mktemp("commands"))
