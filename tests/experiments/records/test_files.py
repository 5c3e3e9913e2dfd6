"""Files hold what was written, in types that JSON knows, or are as they were."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic_core import PydanticSerializationError

from experiments.records.files import write_json


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    value = {"p": float("nan"), "n": np.int64(3), "rows": (np.float32(0.5), np.array([1, 2]))}
    write_json(tmp_path / "metrics.json", value)
    assert json.loads((tmp_path / "metrics.json").read_text()) == {
        "p": None,
        "n": 3,
        "rows": [0.5, [1, 2]],
    }


def test_a_result_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    write_json(tmp_path / "metrics.json", {"old": 1})
    with pytest.raises(PydanticSerializationError, match="object is no type of JSON"):
        write_json(tmp_path / "metrics.json", {"new": object()})
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"old": 1}
