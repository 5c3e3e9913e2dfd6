import pytest

from tests.experiments.inference.scorecard.tables import open_connection


@pytest.fixture(scope="module")
def connection():
    with open_connection() as opened:
        yield opened
