import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from experiments.inference.offpolicy.support import (
    CLICKS,
    ROUNDS,
    Diagnosis,
    effective_size,
    few_events,
    reasons,
    refusal,
)

SOUND = Diagnosis(
    supported=1.0, effective=5_000.0, largest=9.0, slots=10_000, explores=True, burden=0.0
)


def changed(**change):
    return Diagnosis(**(vars(SOUND) | change))


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(0.01, 1e6)))
def test_the_effective_size_lies_between_one_and_the_number_of_weights(weight_N):
    size = effective_size(weight_N.sum(), (weight_N**2).sum())
    assert 1 - 1e-9 <= size <= len(weight_N) * (1 + 1e-9)


def test_equal_weights_are_worth_their_number_and_no_weights_nothing():
    assert effective_size(3 * 7.0, 3 * 49.0) == 3.0
    assert effective_size(0.0, 0.0) == 0.0


def test_a_log_that_carries_its_estimates_is_not_doubted():
    assert reasons(SOUND) == []
    assert refusal(SOUND, fills_in=True) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effective": 9.9}, "the weights leave 9.9 effective slots of 10,000, fewer than 10: no"),
        ({"effective": 99.0}, "the weights leave 99 effective slots of 10,000, fewer than 100 or"),
        ({"effective": 800.0, "slots": 90_000}, "leave 800 effective slots of 90,000"),
        ({"supported": 0.94}, "94.0% of the judged slots hold an item that the log could have"),
        ({"supported": 0.49}, "and SNIPS and DR, which would guess most, are not given"),
        ({"largest": 1_000.5}, "the largest weight is 1,000, more than 1,000: one slot may decide"),
    ],
)
def test_each_doubt_is_told_by_name(change, said):
    (told,) = reasons(changed(**change))
    assert said in told


def test_doubts_speak_of_what_has_a_weight():
    few = changed(effective=50.0, largest=2_000.0, supported=0.6)
    assert [sentence.split(",")[0] for sentence in reasons(few, ROUNDS)] == [
        "the weights leave 50 effective rounds of 10",
        "60.0% of the judged rounds take an action that the log has taken at that position",
        "the largest weight is 2",
    ]
    assert "clicks are on an item that the log has on the same page" in reasons(few, CLICKS)[1]
    assert reasons(few, CLICKS)[2].endswith("one click may decide")


def test_too_few_effective_slots_refuse_every_estimator():
    few = changed(effective=2.08, largest=21_739.13)
    for fills_in in (False, True):
        assert refusal(few, fills_in=fills_in, wording=ROUNDS) == (
            "the weights leave 2.08 effective rounds of 10,000, fewer than 10; "
            "the largest weight is 2.174e+04"
        )


def test_what_guesses_most_is_refused_and_what_guesses_nothing_is_not():
    half = changed(supported=0.4)
    assert refusal(half, fills_in=False) == ""
    assert refusal(half, fills_in=True) == (
        "40.0% of the judged slots hold an item that the log could have shown there, "
        "less than 50%: most would be guessed"
    )


def test_where_nothing_is_judged_nothing_is_told():
    assert refusal(changed(supported=None), fills_in=False) == "no slots are judged"


def test_few_outcomes_make_an_interval_too_narrow():
    assert few_events(100.0) == []
    assert few_events(15.06) == [
        "the weighted outcomes are worth 15.1 equal ones, fewer than 100: "
        "the interval is too narrow"
    ]
