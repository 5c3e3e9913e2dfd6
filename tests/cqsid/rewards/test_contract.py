import numpy as np
import pytest
import torch

from cqsid.rewards.reward import RewardFault, validated


@pytest.mark.parametrize(
    "values",
    [
        np.ones((2, 3)),
        np.ones((2, 3), np.int64),
        np.ones((2, 3), bool),
        [[1, 1, 1], [1, 1, 1]],
        torch.ones(2, 3),
    ],
)
def test_numbers_of_any_kind_become_float32(values):
    found = validated(values, (2, 3))
    assert found.dtype == np.float32
    assert (found == 1).all()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.ones((3, 2)), r"shape == \(3, 2\), must be \(2, 3\)"),
        (1.0, r"shape == \(\), must be \(2, 3\)"),
        (np.full((2, 3), "x"), "dtype == <U1, must be convertible to float32"),
        (np.full((2, 3), 1j), "dtype == complex128"),
        (None, "dtype == object"),
        ([[1, 2], [3]], "values == list .*, must be an array"),
        (torch.ones(2, 3, requires_grad=True), "values == Tensor .*, must be an array"),
        ([[1, 1, 1], [1, np.nan, 1]], r"values\[1, 1\] == nan, must be finite"),
        ([[1, 1, 1], [1, 1, -np.inf]], r"values\[1, 2\] == -inf, must be finite"),
        ([[1, 1e300, 1], [1, 1, 1]], r"values\[0, 1\] == 1e\+300, must be finite, and within"),
        ([[1, 3e38, 1], [1, -3e38, 1]], r"values\[0, 1\] == 3e\+38, must be .*within \+-1e\+09"),
    ],
)
def test_anything_else_is_told_with_what_was_found(values, told):
    with pytest.raises(RewardFault, match=told):
        validated(values, (2, 3))
