from dataclasses import replace

import pytest

from experiments.inference.agreement import agreements, summary
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.truth import Realised, Truth, Truths

CONTRAST = ("control", "treatment")


def truths(**sizes):
    """A run that tells these relative effects: metric to (estimate, half-width)."""
    rows = []
    for metric, (size, half) in sizes.items():
        span = Interval(size, size - half, size + half)
        rows.append(
            Truth(
                *(metric, CONTRAST, "expected", 10.0, 10 * (1 + size), span, span, 0.5, half),
                *(None, Realised(UNKNOWN, UNKNOWN, None), None, UNKNOWN, None, None, None),
                *(1, 1, None, 900),
            )
        )
    return Truths(truth=tuple(rows), headroom=(), refits=(), warnings=())


def compared(one, two):
    return agreements(one, two, confidence=0.95)


def test_runs_agree_where_they_differ_by_no_more_than_chance():
    rows = compared(truths(gmv=(-0.05, 0.02)), truths(gmv=(-0.03, 0.02)))
    assert rows[0].agrees
    assert rows[0].difference.numbers == pytest.approx((0.02, -0.0082843, 0.0482843), abs=1e-6)
    assert "agree: 1 effects" in summary(rows)


def test_runs_that_differ_by_more_are_named():
    rows = compared(
        truths(gmv=(-0.13, 0.02), ctr=(0.1, 0.1)), truths(gmv=(0.0, 0.02), ctr=(0.1, 0.1))
    )
    assert [row.agrees for row in rows] == [False, True]
    assert summary(rows) == "The runs do not agree on gmv: more than chance allows."


def test_many_effects_are_corrected_for_their_number():
    """At 2.1 standard errors one alone is beyond chance, one of ten is not."""
    gap = 2.1 / 1.96 * 0.0282842712
    alone = compared(truths(m0=(0.0, 0.02)), truths(m0=(gap, 0.02)))
    many = {f"m{number}": (0.0, 0.02) for number in range(10)}
    among = compared(truths(**many), truths(**(many | {"m0": (gap, 0.02)})))
    assert alone[0].agrees is False
    assert among[0].agrees is True


def test_effects_without_an_interval_are_not_judged():
    known = truths(gmv=(0.1, 0.02))
    unknown = replace(known, truth=(replace(known.truth[0], relative=UNKNOWN, effect=UNKNOWN),))
    rows = compared(known, unknown)
    assert rows[0].agrees is None
    assert summary(rows) == "The runs tell no effect in common."


def test_equal_runs_agree_exactly():
    rows = compared(truths(gmv=(0.0, 0.0)), truths(gmv=(0.0, 0.0)))
    assert rows[0].p_value == 1.0
    assert rows[0].agrees
