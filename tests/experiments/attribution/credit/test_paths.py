import numpy as np
import pytest

from experiments.attribution.credit.paths import make_touches, open_paths
from simulator.errors import DataError
from tests.experiments.attribution.credit.pathlogs import Story, ask

WEEK = 7.0


@pytest.fixture
def read(tmp_path):
    """The touches of a story's outcomes: requests of their touches, by (event, request, item)."""

    def touched(connection, log, manifest, window):
        with open_paths(connection, log, manifest):
            make_touches(connection, window)
            return connection.execute(
                "SELECT event, o.request, o.item, list(t.request ORDER BY place), "
                "list(age ORDER BY place), list(t.position ORDER BY place) "
                "FROM path_outcomes AS o JOIN (SELECT *, (moment, request, position) AS place "
                "FROM path_touches) AS t USING (outcome) GROUP BY ALL"
            ).fetchall()

    def of(story, window=WEEK):
        found = ask(story.write(tmp_path / "log"), touched, window)
        return {tuple(row[:3]): row[3:] for row in found}

    return of


def test_the_touches_of_an_order_are_the_shoppers_clicks_up_to_it(read):
    story = Story().page(1, day=0).page(2, day=1).page(3, day=3)
    story.shown(1, 10, 1).shown(1, 11, 2, position=1, clicked=False).shown(2, 12, 4)
    story.shown(3, 13, 1).bought(1, 10, 1, day=2)
    requests, ages, _ = read(story)["purchase", 1, 10]
    assert requests == [1, 2]
    assert ages == [2 * 86_400.0, 86_400.0]


def test_touches_of_other_shoppers_never_leak(read):
    story = Story().page(1, shopper=1).page(2, shopper=2)
    story.shown(1, 10, 1, carted=True).shown(2, 10, 2, carted=True)
    found = read(story)
    assert found["cart", 1, 10][0] == [1]
    assert found["cart", 2, 10][0] == [2]


def test_a_click_as_old_as_the_window_is_a_touch_and_an_older_one_is_not(read):
    story = Story().page(1, day=1 - 1e-6).page(2, day=1).page(3, day=8)
    story.shown(1, 10, 1).shown(2, 11, 1).shown(3, 12, 1, carted=True)
    assert read(story)["cart", 3, 12][0] == [2, 3]


def test_the_own_touch_stays_when_it_is_older_than_the_window(read):
    story = Story().page(1, day=0).page(2, day=19).shown(1, 10, 1).shown(2, 11, 2)
    story.bought(1, 10, 1, day=20)
    requests, ages, _ = read(story)["purchase", 1, 10]
    assert requests == [1, 2]
    assert ages[0] == 20 * 86_400.0


def test_the_own_touch_is_there_once_also_when_it_was_not_clicked_or_logged(read):
    story = Story().page(1).shown(1, 10, 1, clicked=False).shown(1, 11, 1, position=1)
    story.bought(1, 10, 1, day=1).bought(1, 11, 1, day=1, position=1)
    story.bought(9, 12, 1, day=2, shopper=0, session=9)
    found = read(story)
    assert found["purchase", 1, 10] == ([1, 1], [86_400.0] * 2, [0, 1])
    assert found["purchase", 1, 11] == ([1], [86_400.0], [1])
    requests, ages, _ = found["purchase", 9, 12]
    assert requests == [1, 9]
    assert ages == [2 * 86_400.0, 0.0]


def test_a_cart_knows_no_touch_further_down_its_page(read):
    story = Story().page(1)
    for position in range(4):
        story.shown(1, 10 + position, 1, position=position, carted=position == 2)
    assert read(story)["cart", 1, 12] == ([1, 1, 1], [0.0] * 3, [0, 1, 2])


def test_an_order_knows_all_touches_of_its_page(read):
    story = Story().page(1).shown(1, 10, 1).shown(1, 11, 2, position=1).bought(1, 10, 1, day=0)
    assert read(story)["purchase", 1, 10][0] == [1, 1]


def test_an_outcome_that_a_log_repeats_has_touches_once(read):
    story = Story().page(1).shown(1, 10, 1, carted=True).shown(1, 10, 2, position=1, carted=True)
    story.bought(1, 10, 1, day=1).bought(1, 10, 1, day=2)
    found = read(story)
    assert found["cart", 1, 10][2] == [0]
    assert found["purchase", 1, 10][1] == [86_400.0]


@pytest.mark.parametrize("sources", [0, 8, -1])
def test_a_touch_that_no_channel_found_is_told(tmp_path, sources):
    story = Story().page(1).shown(1, 10, sources)
    with pytest.raises(DataError, match=rf"sources of item 10 clicked on request 1 == {sources}"):
        ask(story.write(tmp_path / "log"), _open)


def test_nothing_is_left_behind(tmp_path):
    story = Story().page(1).shown(1, 10, 1, carted=True)
    assert ask(story.write(tmp_path / "log"), _open) == []


def test_the_last_of_31_channels_fits(tmp_path):
    channels = tuple(f"c{c}" for c in range(31))
    everything = int(np.int32(2**31 - 1))
    story = Story().page(1).shown(1, 10, everything, carted=True)
    assert ask(story.write(tmp_path / "log", channels), _open) == []


def _open(connection, log, manifest):
    with open_paths(connection, log, manifest):
        make_touches(connection, WEEK)
    return connection.execute("SHOW TABLES").fetchall()
