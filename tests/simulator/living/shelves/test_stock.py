"""Stock between two refreshes: what is left at a moment, and what a session itself has taken."""

import numpy as np

from simulator.living.shelves.stock import StockTrace

SHELF = np.array([5, 2, 0])
ITEMS = np.array([[0, 1, 2]])


def left(trace, at):
    return trace.at(ITEMS, np.array([at]))[0].tolist()


def taken(trace, session, since, at):
    found = trace.sold_to(np.array([session]), ITEMS, np.array([since]), np.array([at]))
    return found[0].tolist()


def test_what_is_left_is_what_was_there_just_before_the_moment():
    trace = StockTrace(100.0, SHELF, moves=[(110.0, 0, 3), (120.0, 2, 9), (130.0, 0, 1)])
    assert left(trace, 110.0) == [5, 2, 0]
    assert left(trace, 111.0) == [3, 2, 0]
    assert left(trace, 130.0) == [3, 2, 9]
    assert left(trace, 131.0) == [1, 2, 9]


def test_without_moves_the_shelf_stays():
    assert left(StockTrace(100.0, SHELF), 500.0) == [5, 2, 0]
    assert taken(StockTrace(100.0, SHELF), 7, 0.0, 500.0) == [0, 0, 0]


def test_what_a_session_has_bought_itself_is_told_between_two_moments_and_of_no_other_session():
    sales = [(110.0, 7, 0, 2), (120.0, 8, 0, 1), (130.0, 7, 0, 1), (130.0, 7, 1, 1)]
    trace = StockTrace(100.0, SHELF, sales=sales)
    assert taken(trace, 7, 100.0, 140.0) == [3, 1, 0]
    assert taken(trace, 7, 100.0, 130.0) == [2, 0, 0], "not what is bought at this very moment"
    assert taken(trace, 7, 110.0, 140.0) == [1, 1, 0], "nor what belongs to the need before"
    assert taken(trace, 8, 100.0, 140.0) == [1, 0, 0]
    assert taken(trace, 9, 100.0, 140.0) == [0, 0, 0]


def test_many_sessions_are_told_apart():
    rng = np.random.default_rng(0)
    sales = [
        (float(at), int(session), int(item), int(units))
        for at, session, item, units in zip(
            rng.uniform(0, 10, 200),
            rng.integers(0, 20, 200),
            rng.integers(0, 3, 200),
            rng.integers(1, 4, 200),
            strict=True,
        )
    ]
    session_R = rng.integers(0, 25, 50)
    since_R, at_R = rng.uniform(0, 5, 50), rng.uniform(5, 10, 50)
    found = StockTrace(0.0, SHELF, sales=sales).sold_to(
        session_R, np.tile(ITEMS, (50, 1)), since_R, at_R
    )
    for row, session in enumerate(session_R):
        for item in range(3):
            wanted = sum(
                units
                for at, buyer, bought, units in sales
                if (buyer, bought) == (session, item) and since_R[row] < at < at_R[row]
            )
            assert found[row, item] == wanted
