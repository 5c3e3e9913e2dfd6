"""Spoiled files and odd values: no traceback, no hang, no wrong acceptance."""

import time
from collections import Counter

import pytest

from tests.simulator.files.fuzzing import cases, odd_values, tried

SPOILED, ODD, WHOLE = 75_000, 20_000, 5_000
LONGEST = 10.0  # seconds that one file may take, on a busy machine


def _all_right(outcomes: Counter[str]) -> None:
    wrong = {
        outcome: n for outcome, n in outcomes.items() if outcome not in ("accepted", "refused")
    }
    assert wrong == {}


def _spoiled(seed: int, count: int, tmp_path) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for number, case in enumerate(cases(seed, range(count))):
        start = time.monotonic()
        outcome = tried(case, tmp_path)
        outcomes[outcome if outcome in ("accepted", "refused") else f"{number}: {outcome}"] += 1
        assert time.monotonic() - start < LONGEST, f"case {number} of seed {seed} hangs"
    return outcomes


def _odd(seed: int, count: int, tmp_path) -> Counter[str]:
    found = (odd_values(seed, number, tmp_path) for number in range(count))
    return Counter(
        outcome if outcome in ("accepted", "refused") else f"{number}: {outcome}"
        for number, outcome in enumerate(found)
    )


def test_a_spoiled_file_is_refused_or_keeps_the_rows_that_were_not_touched(tmp_path):
    outcomes = _spoiled(1, 500, tmp_path)
    _all_right(outcomes)
    assert outcomes["accepted"] > 50


def test_odd_values_are_refused_or_make_a_shop(tmp_path):
    outcomes = _odd(1, 300, tmp_path)
    _all_right(outcomes)
    assert outcomes["accepted"] > 30


def test_a_whole_file_is_never_refused(tmp_path):
    found = Counter(tried(case, tmp_path) for case in cases(2, range(200), spoiled=False))
    assert found == {"accepted": 200}


@pytest.mark.slow
def test_a_hundred_thousand_files_leave_no_traceback_and_no_wrong_acceptance(tmp_path):
    spoiled, odd = _spoiled(11, SPOILED, tmp_path), _odd(12, ODD, tmp_path)
    whole = Counter(tried(case, tmp_path) for case in cases(13, range(WHOLE), spoiled=False))
    _all_right(spoiled)
    _all_right(odd)
    assert whole == {"accepted": WHOLE}
