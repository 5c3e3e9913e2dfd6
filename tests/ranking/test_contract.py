import numpy as np
import pytest

from ranking.contract import score_fault

HELD_BN = np.array([[True, True, False]])


def scores(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_finite_scores_with_minus_infinity_on_padding_have_no_fault() -> None:
    assert score_fault(scores(1, -2, -np.inf), HELD_BN) is None


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([1.0], ("list", "must be a float32 array")),
        (scores(1, 2, -np.inf).astype(float), ("float64", "must be a float32 array")),
        (scores(1, 2), ("shape (1, 2)", "must have shape (1, 3)")),
        (scores(1, np.nan, -np.inf), ("nan", "must be finite for every candidate")),
        (scores(1, 2, 0), ("0.0", "must be -inf on padding")),
    ],
)
def test_scores_that_cannot_order_candidates_are_told(found, told) -> None:
    assert score_fault(found, HELD_BN) == told
