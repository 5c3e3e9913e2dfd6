import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator.errors import DataError
from simulator.log import history as module
from simulator.log.history import History, load_history
from simulator.protocols import DAY
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, simulate, table_of


class Explorer(TableService):
    """A service that says of every item how likely it was to put it there."""

    def serve(self, requests):
        pages = super().serve(requests)
        return replace(pages, propensity_BK=propensity(pages.items_BK))


def propensity(items):
    return (1 / (2 + items.astype(np.float32))).astype(np.float32)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    people, folder = population(shoppers=300), tmp_path_factory.mktemp("log")
    simulate(folder, people, service=Explorer(table_of(people)))
    return folder


@pytest.fixture(scope="module")
def history(log):
    return load_history(log)


def test_every_exposure_keeps_the_propensity_that_the_service_gave_it(history):
    assert history.propensity_X.dtype == np.float32
    assert len(history.propensity_X) == len(history.item_X) > 1_000
    assert np.array_equal(history.propensity_X, propensity(history.item_X))


def test_the_part_before_a_moment_keeps_every_column_in_line(history):
    part = history.before(DAY)
    assert 0 < len(part.item_X) < len(history.item_X)
    assert np.array_equal(part.propensity_X, propensity(part.item_X))
    kept_X = history.at_R[history.row_X] < DAY
    assert np.array_equal(part.item_X, history.item_X[kept_X])
    assert np.array_equal(part.request_R[part.row_X], history.request_R[history.row_X[kept_X]])


def test_a_shop_that_has_not_opened_has_no_propensities():
    assert History.empty().propensity_X.dtype == np.float32
    assert len(History.empty().propensity_X) == 0
    assert len(History.empty().before(1.0).propensity_X) == 0


def test_an_empty_log_and_a_loaded_one_have_columns_of_the_same_types(history):
    for name in History.__dataclass_fields__:
        if name not in ("texts", "channels"):
            empty, loaded = getattr(History.empty(), name), getattr(history, name)
            assert empty.dtype == loaded.dtype, name


@pytest.mark.parametrize("table", ["exposures", "orders"])
def test_a_row_of_a_request_that_is_not_there_is_refused(log, tmp_path, table):
    spoiled = shutil.copytree(log, tmp_path / "log")
    (path,) = (spoiled / table).glob("*.parquet")
    rows = pq.read_table(path)
    wrong = pa.array(np.full(len(rows), 7, np.int64))
    at = rows.column_names.index("request")
    pq.write_table(rows.set_column(at, "request", wrong), path)
    with pytest.raises(DataError, match=f"{table}.request == 7, must be one of the requests"):
        load_history(spoiled)


def test_columns_of_different_lengths_are_refused(log, monkeypatch):
    """As a flipped bit in a file's footer makes them."""
    whole = module._table

    def shorter(folder, table, name):
        found = whole(folder, table, name)
        return found.slice(0, 5) if (table, name) == ("exposures", "position") else found

    monkeypatch.setattr(module, "_table", shorter)
    with pytest.raises(DataError, match=r"exposures.position: 5 rows, must be \d+ as in other"):
        load_history(log)
