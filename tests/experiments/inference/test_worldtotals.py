from functools import partial

import numpy as np
import pytest

from experiments.inference.logs import EngineSpec, engine
from experiments.inference.units import exposed_shoppers
from experiments.inference.worldtotals import WorldTotals, read_world
from tests.experiments.inference.logs import write_log
from tests.experiments.inference.parity import sums

COLUMNS = ("orders", "gmv", "bought")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """Two worlds of three lucks; in the second luck, 10 shoppers come to the first world alone."""
    folder = tmp_path_factory.mktemp("worlds")
    return {
        name: [
            write_log(
                folder / name / str(luck),
                arms=("all",), shares=(1.0,), luck=luck, shoppers=90 if few and luck == 1 else 100,
            )
            for luck in range(3)
        ]
        for name, few in (("one", False), ("other", True))
    }  # fmt: skip


@pytest.fixture(scope="module")
def read(worlds):
    with engine(EngineSpec()) as connection:
        for name, logs in worlds.items():
            read_world(connection, name, logs, partial(exposed_shoppers, columns=COLUMNS))
        yield WorldTotals(connection, list(worlds), 3)


@pytest.mark.parametrize("column", COLUMNS)
def test_totals_are_those_of_a_plain_table_of_each_log(worlds, read, column):
    found_WSU = read.of(column)
    for world, logs in enumerate(worlds.values()):
        for luck, log in enumerate(logs):
            plain = sums(log, ["shopper"])[column].reindex(read.shopper_U).fillna(0.0)
            np.testing.assert_allclose(found_WSU[world, luck], plain, rtol=1e-12)


def test_shoppers_of_one_world_alone_are_zeros_in_the_other_and_counted(read):
    alone_U = read.shopper_U >= 90
    assert read.lonely == alone_U.sum() == 10
    assert not read.of("orders")[1, 1, alone_U].any()
    assert read.exposed_SU[1, alone_U].all()


def test_a_shopper_whom_no_world_of_a_luck_has_is_not_exposed_in_it(worlds):
    with engine(EngineSpec()) as connection:
        logs = [worlds["one"][0], worlds["other"][1]]
        read_world(connection, "alone", logs, partial(exposed_shoppers, columns=COLUMNS))
        found = WorldTotals(connection, ["alone"], 2)
    assert found.exposed_SU.sum(axis=1).tolist() == [100, 90]
    assert found.lonely == 0
