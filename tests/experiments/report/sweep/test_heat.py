"""The line of zero runs where neighbours change sign, at the place a straight line would have."""

import math

from hypothesis import given, strategies as st

from experiments.report.sweep.heat import zero_line


def test_between_two_columns_the_line_is_where_a_straight_change_is_zero() -> None:
    ((one, other),) = zero_line([[-1.0, 3.0], [-1.0, 3.0]])
    assert {one, other} == {(0.75, 0.5), (0.75, 1.5)}


def test_a_corner_is_cut_off_and_a_saddle_goes_by_its_mean() -> None:
    ((one, other),) = zero_line([[1.0, -1.0], [-1.0, -1.0]])
    assert {one, other} == {(1.0, 0.5), (0.5, 1.0)}
    high = zero_line([[3.0, -1.0], [-1.0, 3.0]])
    low = zero_line([[1.0, -3.0], [-3.0, 1.0]])
    # Where the mean is above zero, the two corners below are cut off, and the other way round.
    assert {frozenset(each) for each in high} == {
        frozenset({(1.25, 0.5), (1.5, 0.75)}),
        frozenset({(0.5, 1.25), (0.75, 1.5)}),
    }
    assert {frozenset(each) for each in low} == {
        frozenset({(0.75, 0.5), (0.5, 0.75)}),
        frozenset({(1.25, 1.5), (1.5, 1.25)}),
    }


def test_nothing_is_drawn_beside_a_tile_without_a_value() -> None:
    assert zero_line([[-1.0, 1.0], [-1.0, None]]) == []
    assert zero_line([[1.0, 1.0], [1.0, 1.0]]) == []
    assert zero_line([[1.0, -1.0]]) == []


@given(
    st.lists(
        st.lists(st.floats(-5, 5).filter(lambda x: abs(x) > 1e-6), min_size=4, max_size=4),
        min_size=2,
        max_size=5,
    )
)
def test_every_piece_ends_on_edges_of_its_square_where_the_edge_is_zero(
    grid: list[list[float]],
) -> None:
    for piece in zero_line(grid):
        for x, y in piece:
            column, row = x - 0.5, y - 0.5
            assert column.is_integer() or row.is_integer()
            left, top = math.floor(column), math.floor(row)
            right, below = math.ceil(column), math.ceil(row)
            share = (column - left) + (row - top)
            start, end = grid[top][left], grid[below][right]
            assert abs(start + share * (end - start)) < 1e-6
