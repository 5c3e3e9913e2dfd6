"""What failed is kept in mind until it is taken."""

from simulator.failures import Failure, note_failure, take_failures


def test_requests_of_one_part_and_reason_add_up_and_the_first_message_stays() -> None:
    take_failures()
    note_failure(Failure("channel a", "raised", 3, "first"))
    note_failure(Failure("channel b", "raised", 2, "other"))
    note_failure(Failure("channel a", "raised", 4, "second"))
    note_failure(Failure("channel a", "bad_shape", 1, "third"))
    assert take_failures() == (
        Failure("channel a", "raised", 7, "first"),
        Failure("channel b", "raised", 2, "other"),
        Failure("channel a", "bad_shape", 1, "third"),
    )
    assert take_failures() == ()
