import numpy as np

from experiments.attribution.incremental.games import Index
from experiments.attribution.incremental.values import Worths
from experiments.attribution.run import FEWEST_CHANGED, few_changed
from experiments.records.attribution import EVENTS


def worths_of(*changed: int) -> Worths:
    """Two worlds of 100 shoppers; `changed` of them buy more with each channel."""
    indices = (Index("total"), *(Index("leave_one_out", c) for c in range(len(changed))))
    values_SUJ = np.zeros((2, 100, len(indices)))
    for c, shoppers in enumerate(changed):
        values_SUJ[1, :shoppers, 1 + c] = 1.0
    return Worths(
        channels=tuple("abcdef"[: len(changed)]),
        indices=indices,
        exposed_SU=np.ones((2, 100)),
        values=dict.fromkeys(EVENTS, values_SUJ),
        coalitions_M=np.array([1]),
        worths=dict.fromkeys(EVENTS, np.ones((2, 1))),
        variance={},
    )


def test_a_worth_that_rests_on_few_shoppers_is_warned_of_by_name():
    (told,) = few_changed(worths_of(FEWEST_CHANGED, 3))
    assert told.startswith("without b what is bought more or less in re-simulated worlds is that")
    assert "of about 3 shoppers" in told


def test_shoppers_who_hardly_change_do_not_make_a_worth_sure():
    """In expectation nearly everybody changes a little."""
    worths = worths_of(3)
    for table_SUJ in worths.values.values():
        table_SUJ[0, 3:, 1] = 1e-9
    (told,) = few_changed(worths)
    assert "of about 3 shoppers" in told


def test_a_channel_that_changes_nothing_is_not_rough_but_zero():
    assert few_changed(worths_of(0, 100)) == []
