import numpy as np
import pytest

from experiments.clickfits.impressions import Impressions, impressions_of
from simulator.errors import ConfigError, DataError
from simulator.log.history import load_history
from tests.experiments.tiny import market as tiny

PAGE = np.array(["b", "a", "b", "a", "a"])
RANK = np.array([1, 0, 0, 2, 1])
PAIR = np.array([5, 6, 7, 8, 9])
CLICKED = np.array([0, 1, 0, 0, 1])
DEVICE = np.array([1, 0, 1, 0, 0])
COLUMNS = {"page": PAGE, "rank": RANK, "pair": PAIR, "clicked": CLICKED, "device": DEVICE}


def of(**changes):
    columns = COLUMNS | changes
    return Impressions.of(*(columns[name] for name in COLUMNS))


def test_results_in_any_order_become_pages_from_the_top():
    found = of()
    np.testing.assert_array_equal(found.pair_PK, [[6, 9, 8], [7, 5, -1]])
    np.testing.assert_array_equal(found.clicked_PK, [[1, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(found.device_P, [0, 1])
    assert (found.pairs, found.devices, len(found)) == (10, 2, 2)


def changed(column, at, value):
    column = column.copy()
    column[at] = value
    return column


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"clicked": np.zeros(5, int)}, "clicks == 0 of 2 pages, must be > 0 to fit"),
        ({"clicked": changed(CLICKED, 0, 3)}, "clicked == 3, must be 0 or 1"),
        ({"rank": changed(RANK, 4, 2)}, "rank 2 of page "),
        ({"rank": changed(RANK, 4, 3)}, "rank 1 of page "),
        ({"rank": changed(RANK, 4, -1)}, "rank == -1, must be >= 0"),
        ({"rank": RANK / 2}, "rank == float64 numbers, must be whole ones"),
        ({"pair": PAIR - 6}, "pair == -1, must be >= 0"),
        ({"device": changed(DEVICE, 4, 1)}, "device of page "),
        ({"pair": PAIR[:4]}, "rows of columns == {"),
        ({name: column[:0] for name, column in COLUMNS.items()}, "results == 0, must be > 0"),
        (
            {"page": np.arange(5), "rank": np.zeros(5, int)},
            "ranks == 1, must be >= 2: of one rank alone",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_its_place(changes, told):
    with pytest.raises(DataError) as raised:
        of(**changes)
    assert str(raised.value).startswith(told)


def test_held_out_pages_are_whole_and_none_is_lost():
    rng = np.random.default_rng(0)
    pages = np.repeat(np.arange(200), 3)
    many = Impressions.of(
        pages, np.tile([0, 1, 2], 200), rng.integers(0, 9, 600), rng.random(600) < 0.5, pages % 2
    )
    learnt, others = many.split(0.3, rng=np.random.default_rng(1))
    assert len(learnt) + len(others) == 200
    assert 30 < len(others) < 90
    rows = {tuple(row) for row in np.column_stack((many.pair_PK, many.clicked_PK)).tolist()}
    parts = np.concatenate([np.column_stack((p.pair_PK, p.clicked_PK)) for p in (learnt, others)])
    assert {tuple(row) for row in parts.tolist()} == rows
    assert learnt.pairs == others.pairs == many.pairs


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_that_holds_out_nothing_or_everything_is_refused(share):
    with pytest.raises(ConfigError) as raised:
        of().split(share, rng=np.random.default_rng(0))
    assert str(raised.value).startswith(f"held_out == {share}, must be > 0 and < 1")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """The log of a tiny world."""
    folder = tmp_path_factory.mktemp("tiny") / "log"
    kind_U = tiny.drawn_kinds(300, np.random.default_rng(0))
    people, spec = tiny.population(kind_U), tiny.behavior()
    opened = tiny.open_world(folder, people, tiny.OVERLAPPING, 3, spec)
    opened.run(lambda requests: None)
    return folder


def test_a_runs_log_is_read_page_by_page(log):
    found, history = impressions_of(log), load_history(log)
    assert found.real_PK.sum() == len(history.item_X)
    assert found.clicked_PK.sum() == history.clicked_X.sum() > 0
    assert len(found) == len(np.unique(history.row_X))
    asked = np.stack((history.text_R[history.row_X], history.item_X))
    assert found.pairs == np.unique(asked, axis=1).shape[1]
    assert impressions_of(log, by="item").pairs == len(np.unique(history.item_X))
    assert impressions_of(log, slots=2).pair_PK.shape[1] == 2
    first_R = history.item_X[np.flatnonzero(history.position_X == 0)]
    top_P = impressions_of(log, by="item").pair_PK[:, 0]
    np.testing.assert_array_equal(np.unique(history.item_X)[top_P], first_R)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"by": "brand"}, "by == 'brand', must be 'query and item' or 'item'"),
        ({"slots": 1}, "slots == 1, must be >= 2 (ranks)"),
    ],
)
def test_pages_that_are_asked_for_wrongly_are_refused(log, asked, told):
    with pytest.raises(ConfigError) as raised:
        impressions_of(log, **asked)
    assert str(raised.value) == told


def test_a_folder_without_a_log_is_refused(tmp_path):
    with pytest.raises(DataError):
        impressions_of(tmp_path)
