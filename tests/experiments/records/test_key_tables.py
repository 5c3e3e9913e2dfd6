"""Tables of keys are made from the records alone."""

from dataclasses import dataclass

import pytest

from experiments.records.interval import Interval
from simulator.errors import DataError
from tests.experiments.records.key_tables import key_table, renewed


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        arm, event: which,
            and where.
        share: of it; None without events.
    """

    arm: str
    event: str
    share: Interval


def test_a_table_tells_every_key_and_what_is_an_interval() -> None:
    assert key_table(Row).splitlines() == [
        "| key | is |",
        "|---|---|",
        "| `arm`, `event` | which, and where |",
        "| `share` | of it; null without events ([interval](#intervals)) |",
    ]


def test_a_key_that_no_words_describe_is_refused() -> None:
    @dataclass(frozen=True)
    class Further(Row):
        """More of it."""

        count: int

    with pytest.raises(DataError, match=r"Further: described keys == .*must be .*'count'"):
        key_table(Further)


def test_only_what_stands_between_the_marks_is_renewed() -> None:
    page = "before\n<!-- keys of Interval -->\nold\n<!-- end -->\nbehind\n"
    assert renewed(page) == page.replace("old\n", key_table(Interval))
    assert renewed(renewed(page)) == renewed(page)
