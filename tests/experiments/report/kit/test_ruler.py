"""Words along an axis give way where there is no room for all of them."""

import re

from hypothesis import given, strategies as st

from experiments.report.kit.ruler import ROOMS, labels, room
from experiments.report.kit.scales import Axis, Scale, percents


def kinds(axis: Axis) -> list[str]:
    found = re.findall(r'<span style="[^"]*"(?: class="([^"]*)")?>', "".join(labels(axis)))
    return [each or "stays" for each in found]


def test_words_give_way_by_turns_and_zero_stays() -> None:
    axis = Axis(Scale(-0.25, 0.85), percents, 11)
    assert [label for _, label in axis.ticks][2] == "0\u202f%"
    assert kinds(axis)[2] == "stays"
    assert kinds(axis)[1] == kinds(axis)[3] == "odd"
    assert kinds(axis)[0] == kinds(axis)[4] == "rare"
    assert kinds(axis)[6] == "most"


@given(st.floats(0.01, 1e6), st.integers(2, 9))
def test_more_words_or_longer_ones_never_need_less_room(width: float, most: int) -> None:
    few, many = (Axis(Scale(0.0, width), most=count) for count in (most, 2 * most))
    longest = [max(len(label) for _, label in axis.ticks) for axis in (few, many)]
    if len(few.ticks) > 1 and longest[0] <= longest[1]:  # 2.5 and 5.0 are longer than 1, 2, 3
        assert ROOMS.index(int(room(few)[5:])) <= ROOMS.index(int(room(many)[5:]))


def test_names_of_steps_never_give_way() -> None:
    assert room(Axis(Scale(0, 2), marks=[(0, "Exposures"), (1, "Clicks")], thin=False)) == ""
