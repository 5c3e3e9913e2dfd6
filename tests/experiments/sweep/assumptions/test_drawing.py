"""Worlds drawn from ranges."""

import pytest

from experiments.sweep.assumptions.declared import Range
from experiments.sweep.assumptions.drawing import drawn
from experiments.sweep.cells import draw_sweep
from simulator.errors import ConfigError
from tests.experiments.small_runs import SMALL

GAP = Range("queries.vocabulary_gap", 0.2, 0.6)
LIMIT = Range("channels.lexical.limit", 20.0, 100.0, whole=True)


def test_more_worlds_keep_those_that_were_there():
    few, many = (drawn([GAP, LIMIT], worlds, seed=5) for worlds in (5, 21))
    assert many.rows[:5] == few.rows
    assert few.keys == ("queries.vocabulary_gap", "channels.lexical.limit", "seed")
    assert [row[-1] for row in few.rows] == ["5", "6", "7", "8", "9"]


def test_another_seed_draws_other_worlds():
    one, other = (drawn([GAP], 4, seed=seed) for seed in (1, 2))
    assert {row[0] for row in one.rows}.isdisjoint(row[0] for row in other.rows)


@pytest.mark.parametrize("worlds", [0, 2, 1_001])
def test_too_few_or_too_many_worlds_are_refused(worlds):
    with pytest.raises(ConfigError, match=f"--worlds {worlds}, must be 3 to 1,000"):
        drawn([GAP], worlds, seed=1)


def test_a_setting_twice_and_the_seed_are_refused():
    with pytest.raises(ConfigError, match=r"queries.vocabulary_gap == given twice"):
        drawn([GAP, GAP], 4, seed=1)
    with pytest.raises(ConfigError, match="seed == each world's own"):
        drawn([Range("seed", 1.0, 9.0, whole=True)], 4, seed=1)


def test_a_world_that_cannot_be_is_kept_with_its_reason_and_others_are_run():
    wide = Range("channels.lexical.limit", -40.0, 40.0, whole=True)
    sweep = draw_sweep(str(SMALL), [wide], 8)
    reasons = [cell.reason for cell in sweep.cells]
    assert 0 < sum(map(bool, reasons)) < 8
    assert all("--vary channels.lexical.limit=" in reason for reason in reasons if reason)


@pytest.mark.parametrize(
    ("each", "overrides", "told"),
    [
        (Range("queries.nothing", 0.0, 1.0), [], "queries.nothing"),
        (Range("queries.variety", 2.0, 3.0), [], "queries.variety"),
        (GAP, ["queries.vocabulary_gap=0.3"], "also given by --set"),
        (GAP, ["truth.seeds=0"], "truth.seeds == 0, must be > 0"),
    ],
)
def test_where_no_world_can_be_the_first_reason_is_told(each, overrides, told):
    with pytest.raises(ConfigError, match=told):
        draw_sweep(str(SMALL), [each], 4, overrides)


def test_a_seed_given_by_hand_is_that_of_the_first_world():
    sweep = draw_sweep(str(SMALL), [GAP], 3, ["seed=41"])
    assert [cell.config.seed for cell in sweep.cells] == [41, 42, 43]
    assert sweep.overrides == ()
