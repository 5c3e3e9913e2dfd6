from simulator.violation import Violation


def test_a_violation_reads_place_found_and_wanted() -> None:
    assert str(Violation("fit()", "None", "learn")) == "fit() == None, must learn"


def test_what_raised_is_told_with_its_error_and_line() -> None:
    try:
        [].pop()
    except IndexError as error:
        violation = Violation.raised("fit()", error, "learn")
    assert violation.found.startswith("IndexError('pop from empty list') (tests/simulator/test_vio")
    assert str(violation).endswith(" raised, must learn")
