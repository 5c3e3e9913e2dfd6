"""The test is the history's last days, and nothing of it is learned from."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.running import heldout
from recall.sampleshop import sample_catalog, sample_history
from simulator.errors import ConfigError
from simulator.log.history import History
from simulator.protocols import DAY

PLACE = "lab.test_days"


@pytest.fixture(scope="module")
def history() -> History:
    """Two hundred requests over four days."""
    log = sample_history(sample_catalog(60), 200)
    return replace(log, at_R=np.linspace(0, 4 * DAY - 1, len(log.at_R)))


def test_the_test_days_begin_at_midnight(history: History) -> None:
    assert heldout.test_start(history, 1, PLACE) == 3 * DAY
    assert heldout.test_start(history, 3, PLACE) == DAY


@pytest.mark.parametrize("days", [4, 9])
def test_a_test_as_long_as_the_history_is_refused(history: History, days: int) -> None:
    with pytest.raises(ConfigError, match=rf"lab.test_days == {days}, must be < 4 \(history\)"):
        heldout.test_start(history, days, PLACE)


def test_requests_with_a_click_are_parted_by_time_and_none_is_lost(history: History) -> None:
    start = heldout.test_start(history, 1, PLACE)
    before, after = heldout.clicked_rows(history, until=start), heldout.clicked_rows(history, start)
    assert (history.at_R[before] < start).all()
    assert (history.at_R[after] >= start).all()
    clicked = np.unique(history.row_X[history.clicked_X])
    np.testing.assert_array_equal(np.union1d(before, after), clicked)


def test_a_sample_of_the_test_is_drawn_by_its_seed_alone(history: History) -> None:
    def drawn(seed: int, most: int = 5) -> list[int]:
        return heldout.test_rows(history, 1, most, seed=seed, place=PLACE).tolist()

    every = drawn(1, 10_000)
    assert every == heldout.clicked_rows(history, 3 * DAY).tolist()
    assert drawn(1) == drawn(1) == sorted(set(drawn(1)))
    assert drawn(1) != drawn(2)
    assert set(drawn(1)) < set(every)


def test_test_days_without_a_click_are_refused(history: History) -> None:
    late_X = history.at_R[history.row_X] >= 3 * DAY
    quiet = replace(history, clicked_X=history.clicked_X & ~late_X)
    with pytest.raises(ConfigError, match="must hold a click"):
        heldout.test_rows(quiet, 1, 5, seed=0, place=PLACE)
