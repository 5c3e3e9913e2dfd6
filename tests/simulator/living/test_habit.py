"""Habit: contentment as a plain loop tells it, rates that follow it, worlds that stay paired."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from simulator.living.arrivals import visits_of_day
from simulator.living.habit import GOOD, POOR, Habit
from simulator.living.settings import ArrivalSpec, HabitSpec, WorldSpec
from simulator.log.codes import EndReason
from simulator.protocols import DAY
from simulator.randomness import Draws
from tests.simulator.stubs import TableService
from tests.simulator.worlds import population, simulate, table_of

SPEC = HabitSpec(strength=1.5, latest=0.25, usual=0.4)
SHOPPERS = 6


@st.composite
def ends(draw):
    """Ends of sessions: shopper, end, reason; sessions are numbered as they come."""
    size = draw(st.integers(0, 40))
    each = st.tuples(
        st.integers(0, SHOPPERS - 1), st.integers(0, 5), st.sampled_from(list(EndReason))
    )
    return draw(st.lists(each, min_size=size, max_size=size))


def told(habit, rows, first=0):
    """Hand some ends to a habit."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    habit.ended(
        np.arange(first, first + len(rows)),
        np.array(columns[0], np.int64),
        np.array(columns[1], np.float64),
        np.array(columns[2], np.int8),
    )


def by_hand(rows, until):
    """The formula, session by session."""
    content = [SPEC.usual] * SHOPPERS
    over = [(end, number) for number, (_, end, _) in enumerate(rows) if end <= until]
    for _, number in sorted(over):
        shopper, _, reason = rows[number]
        if reason in GOOD or reason in POOR:
            content[shopper] += SPEC.latest * ((reason in GOOD) - content[shopper])
    return content


@given(ends(), st.integers(0, 5))
def test_contentment_is_that_of_the_formula_in_the_order_of_ends(rows, until):
    habit = Habit(SPEC, SHOPPERS)
    told(habit, rows)
    habit.settle(until)
    np.testing.assert_allclose(habit.content_S, by_hand(rows, until), atol=1e-12)


@given(ends(), st.integers(0, 5))
def test_it_does_not_matter_when_and_in_what_order_ends_are_told(rows, until):
    habit = Habit(SPEC, SHOPPERS)
    for number in reversed(range(len(rows))):
        told(habit, rows[number : number + 1], first=number)
    for moment in range(until + 1):
        habit.settle(moment)
    np.testing.assert_allclose(habit.content_S, by_hand(rows, until), atol=1e-12)


def test_who_stopped_or_was_cut_short_is_as_content_as_before():
    assert set(EndReason) - set(GOOD) - set(POOR) == {EndReason.IDLE, EndReason.PERIOD_OVER}


def test_what_has_left_its_mark_is_not_kept():
    habit = Habit(SPEC, SHOPPERS)
    for day in range(50):
        told(habit, [(0, day, EndReason.BOUGHT)] * 20)
        habit.settle(day)
        assert sum(len(columns[0]) for columns in habit._ended) == 0
        assert len(habit._ended) == 1


def test_who_is_always_content_comes_so_many_times_as_often_as_who_never_is():
    habit = Habit(SPEC, 2)
    rows = [(0, n, EndReason.SATISFIED) for n in range(200)]
    told(habit, rows + [(1, n, EndReason.FRUSTRATED) for n in range(200)])
    habit.settle(np.inf)
    pleased, displeased = habit.rates(np.ones(2))
    assert pleased / displeased == pytest.approx(np.exp(SPEC.strength))
    habit.content_S[:] = SPEC.usual
    np.testing.assert_array_equal(habit.rates(np.array([0.3, 2.0])), [0.3, 2.0])


def test_whoever_comes_at_a_low_rate_comes_at_the_same_moment_at_a_higher_one():
    rate_S = np.random.default_rng(0).gamma(1.0, 1.0, 2_000)
    low, high = (visits_of_day(ArrivalSpec(), k * rate_S, 3, Draws(1)) for k in (1.0, 1.7))
    one, other = (
        pd.DataFrame({"shopper": v.shopper_V, "ordinal": v.ordinal_V, "start": v.start_V})
        for v in (low, high)
    )
    assert len(other) > 1.5 * len(one)
    assert len(one.merge(other)) == len(one)


# --- worlds


@pytest.fixture(scope="module")
def people():
    return population(items=200, shoppers=3_000, intents=150)


def lived(folder, people, strength, service=None, days=8, **options):
    """Sessions of a world, and its last state."""
    spec = WorldSpec(days=days, habit=HabitSpec(strength=strength))
    _, state = simulate(folder, people, spec=spec, service=service, days=days, **options)
    return pd.read_parquet(folder / "sessions"), state


def nothing(people):
    """A service that finds nothing."""
    return TableService(np.full_like(table_of(people), -1))


def test_without_strength_the_other_settings_of_habit_change_nothing(people, tmp_path):
    one = simulate(tmp_path / "one", people, spec=WorldSpec(), days=2)[0]
    spec = WorldSpec(habit=HabitSpec(latest=0.9, usual=0.1))
    digest, state = simulate(tmp_path / "other", people, spec=spec, days=2)
    assert digest == one
    assert "content_S" not in state


def test_a_world_remembers_what_its_log_tells(people, tmp_path):
    """Who is how content at the end follows from the ends of all sessions in the log."""
    sessions, state = lived(tmp_path, people, 1.0)
    rows = sessions[sessions["end"] <= 8 * DAY].sort_values(["end", "session"])
    content_S, latest = np.full(len(people.shoppers), 0.4), HabitSpec().latest
    names = {reason.name.lower(): reason for reason in EndReason}
    for shopper, reason in zip(rows["shopper"], rows["end_reason"].map(names), strict=True):
        if reason in GOOD or reason in POOR:
            content_S[shopper] += latest * ((reason in GOOD) - content_S[shopper])
    np.testing.assert_allclose(state["content_S"], content_S, atol=1e-12)


def test_shoppers_stay_away_from_a_shop_that_finds_nothing_by_the_strength_of_habit(
    people, tmp_path
):
    """Nobody is ever content, so the expected number of visits follows from those before."""
    strength, usual, latest = 2.0, 0.4, 0.2
    sessions, _ = lived(tmp_path / "habit", people, strength, nothing(people))
    plain, _ = lived(tmp_path / "none", people, 0.0, nothing(people))
    day, before = (frame["start"] // DAY for frame in (sessions, plain))
    assert (day == 0).sum() == (before == 0).sum()
    rate_S = people.shoppers.rate_S.astype(np.float64)
    ended = sessions[sessions["end"] <= 7 * DAY].groupby("shopper").size()
    count_S = ended.reindex(range(len(rate_S)), fill_value=0).to_numpy()
    content_S = usual * (1 - latest) ** count_S
    last = visits_of_day(ArrivalSpec(), rate_S, 7, Draws(2))
    expected = (rate_S * np.exp(strength * (content_S - usual))).sum()
    found = (day == 7).sum()
    assert abs(found - expected) < 4 * np.sqrt(expected)
    assert found < 0.9 * len(last.shopper_V)


def test_worlds_with_habits_are_paired_until_shoppers_have_seen_something_else(people, tmp_path):
    one, _ = lived(tmp_path / "one", people, 2.0)
    other, _ = lived(tmp_path / "other", people, 2.0, nothing(people))
    first = [frame[frame["start"] < DAY] for frame in (one, other)]
    assert set(first[0]["session"]) == set(first[1]["session"])
    both = one.merge(other, on="session", suffixes=("", "_other"))
    np.testing.assert_array_equal(both["start"], both["start_other"])
    assert len(both) > 0.95 * len(other)  # who comes to the worse shop comes to the better one, too
    assert len(one) > 1.05 * len(other)


def test_a_world_goes_on_with_the_habits_of_the_one_before(people, tmp_path):
    _, state = lived(tmp_path / "before", people, 2.0, days=4)
    spec = WorldSpec(days=1, habit=HabitSpec(strength=2.0))
    digest, after = simulate(tmp_path / "after", people, spec=spec, days=1, state=state)
    assert digest
    moved_S = after["content_S"] != state["content_S"]
    assert 0 < moved_S.mean() < 0.9
    fresh = simulate(tmp_path / "fresh", people, spec=spec, days=1)[0]
    assert fresh != digest
