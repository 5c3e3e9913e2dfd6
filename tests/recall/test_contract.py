import numpy as np
import pytest

from recall.candidates import Candidates
from recall.contract import CandidatesError, validate_candidates
from simulator.errors import ContractError
from simulator.protocols import FaultReason


def candidates(items, scores):
    return Candidates(np.array(items, np.int32), np.array(scores, np.float32))


def test_a_proper_answer_passes():
    validate_candidates(candidates([[3, 1, -1], [-1, -1, -1]], [[2, 2, 9], [0, 0, 0]]), 2, 3, 4)
    validate_candidates(candidates([[3], [0]], [[2], [1]]), 2, 3, 4)


@pytest.mark.parametrize(
    ("answer", "message", "reason"),
    [
        (None, "recall() == NoneType, must be Candidates", FaultReason.BAD_SHAPE),
        (
            Candidates(np.zeros((1, 2)), np.zeros((1, 2), np.float32)),
            "items_BN.dtype == float64, must be int32",
            FaultReason.BAD_SHAPE,
        ),
        (
            candidates([[0, 1, 2, 3]], [[4, 3, 2, 1]]),
            "items_BN.shape == (1, 4), must be (1, at most 3)",
            FaultReason.BAD_SHAPE,
        ),
        (
            candidates([[0], [1]], [[1], [1]]),
            "items_BN.shape == (2, 1), must be (1, at most 3)",
            FaultReason.BAD_SHAPE,
        ),
        (
            candidates([[0, 1]], [[1]]),
            "scores_BN.shape == (1, 1), must be (1, 2) as items_BN",
            FaultReason.BAD_SHAPE,
        ),
        (
            candidates([[0, 4]], [[2, 1]]),
            "items_BN[0, 1] == 4, must be ids of the catalogue or -1",
            FaultReason.UNKNOWN_ITEMS,
        ),
        (
            candidates([[-2]], [[2]]),
            "items_BN[0, 0] == -2, must be ids of the catalogue or -1",
            FaultReason.UNKNOWN_ITEMS,
        ),
        (
            candidates([[-1, 2]], [[2, 1]]),
            "items_BN[0, 1] == 2, must have -1 only at the right end",
            FaultReason.BAD_SHAPE,
        ),
        (
            candidates([[2, 0, 2]], [[3, 2, 1]]),
            "items_BN[0, 2] == 2, must not repeat an item in a row",
            FaultReason.BAD_SHAPE,
        ),
        (
            candidates([[2, 0]], [[3, np.nan]]),
            "scores_BN[0, 1] == nan, must be finite",
            FaultReason.BAD_SHAPE,
        ),
        (
            candidates([[2, 0]], [[1, 3]]),
            "scores_BN[0, 1] == 3.0, must not increase along a row",
            FaultReason.BAD_SHAPE,
        ),
    ],
)
def test_a_broken_answer_names_place_value_and_reason(answer, message, reason):
    with pytest.raises(CandidatesError) as caught:
        validate_candidates(answer, 1, 3, 4)
    assert str(caught.value) == message
    assert caught.value.reason is reason
    assert isinstance(caught.value, ContractError)
