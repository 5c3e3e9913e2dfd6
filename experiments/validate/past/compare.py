"""The rung of past experiments: whether simulated lifts came true, and rows for the picture."""

from dataclasses import dataclass
from pathlib import Path

from scipy import special

from experiments.records.interval import Interval
from experiments.records.validity import Check, PastTest, Unit, Verdict
from experiments.validate.past.agreement import Agreement, agreement
from experiments.validate.past.table import Past, read_past
from experiments.validate.verdicts import Wanted, in_range

SIGNS = Wanted(0.77, None, "77 % of 50 tests, one publication", weak=True)
"""The one bar in the field: in how many past tests a simulator told the sign."""

_SCALES = 20.0  # by which sizes may differ before a unit is suspected


@dataclass(frozen=True)
class PastCompared:
    """What came of it; nothing where no table was given."""

    checks: tuple[Check, ...] = ()
    tests: tuple[PastTest, ...] = ()


def compare_past(table: Path | None, confidence: float) -> PastCompared:
    """Past experiments beside simulated ones.

    Args:
        table: their CSV or Parquet file; see `read_past`.
        confidence: level of the intervals.

    Raises:
        DataError: a table that cannot be used.
    """
    if table is None:
        return PastCompared()
    tests = read_past(table)
    found = agreement(tests, confidence=confidence)
    checks = [
        _signs(found),
        _check("signs_that_agree_where_both_are_clear", "share", found.clear, found.clear_tests),
        _correlation(found, len(tests)),
        _slope(found, tests),
    ]
    reach = -float(special.ndtri((1 - confidence) / 2))
    return PastCompared(tuple(checks), tuple(_row(each, reach) for each in tests))


def _check(
    fact: str,
    unit: Unit,
    found: Interval,
    n: int,
    verdict: Verdict = Verdict.UNTOLD,
    note: str = "",
    wanted: Wanted | None = None,
    p_value: float | None = None,
) -> Check:
    return Check(
        rung="past_tests",
        period="experiment",
        fact=fact,
        unit=unit,
        found=found,
        verdict=verdict,
        n=n,
        low=None if wanted is None else wanted.low,
        high=None if wanted is None else wanted.high,
        source="" if wanted is None else wanted.source,
        weak=wanted is not None and wanted.weak,
        p_value=p_value,
        note=note,
    )


def _signs(found: Agreement) -> Check:
    """Pass at the bar; fail where a coin would do as well or better, for certain."""
    verdict = in_range(found.signs, SIGNS)
    if found.signs.ends is not None and found.signs.ends[1] < 0.5:
        verdict = Verdict.FAIL
    note = f"if both were right up to their errors: {100 * found.expected:.0f} %"
    return _check(
        *("signs_that_agree", "share", found.signs, found.signed, verdict, note, SIGNS),
        found.p_value,
    )


def _correlation(found: Agreement, n: int) -> Check:
    """Pass above zero, fail below it; the correlation without errors beside it."""
    verdict = Verdict.UNTOLD
    if found.correlation.ends is not None:
        low, high = found.correlation.ends
        verdict = Verdict.PASS if low > 0 else Verdict.FAIL if high < 0 else Verdict.UNTOLD
    true = found.true_correlation
    note = "errors are all that varies"
    if true.estimate is not None:
        ends = f" ({true.low:.2f} to {true.high:.2f})" if true.ends else ""
        note = f"without the errors of both: {true.estimate:.2f}{ends}"
    wanted = Wanted(0.0, None, "above chance")
    return _check("correlation", "number", found.correlation, n, verdict, note, wanted)


def _slope(found: Agreement, tests: list[Past]) -> Check:
    """Pass where 1 is in the interval and 0 is not; a warning where sizes are not right.

    Fail where 1 is not in it, and 0 may be: sizes tell nothing.
    """
    slope, verdict = found.slope, Verdict.UNTOLD
    if slope.ends is not None:
        low, high = slope.ends
        if low > 0:
            verdict = Verdict.PASS if low <= 1 <= high else Verdict.WARN
        elif high < 1:
            verdict = Verdict.FAIL
    note = "1: sizes are right; below 1: the simulator exaggerates. Errors of both are counted"
    if slope.ends is None:
        note = "simulated effects vary little more than their errors"
    elif not 1 / _SCALES < abs(slope.estimate or 0.0) < _SCALES:
        note = "sizes differ very much: is one of the two in per cent?"
    wanted = Wanted(1.0, 1.0, "definition")
    return _check("calibration_slope", "number", slope, len(tests), verdict, note, wanted)


def _row(test: Past, reach: float) -> PastTest:
    found, simulated = (
        Interval(size, size - reach * error, size + reach * error)
        for size, error in (
            (test.estimate, test.error),
            (test.simulated, test.simulated_error),
        )
    )
    agree = test.estimate * test.simulated > 0
    return PastTest(test.test, test.change, found, simulated, agree)
