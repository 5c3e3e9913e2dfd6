"""The settings of every cell are read before anything runs."""

from pathlib import Path

import pytest

from experiments.sweep.cells import Sweep, make_sweep
from experiments.sweep.grid import parse_over, read_cells
from simulator.errors import ConfigError
from tests.experiments.small_runs import SMALL


def swept(*lists: str, overrides: tuple[str, ...] = ()) -> Sweep:
    return make_sweep(str(SMALL), [parse_over(each) for each in lists], overrides)


def test_every_cell_has_its_own_values_and_what_all_share() -> None:
    sweep = swept("world.days=1,2", "channels.lexical.limit=50,60", overrides=("seed=9",))
    assert [cell.name for cell in sweep.cells] == [
        f"days={days}_limit={limit}" for days in (1, 2) for limit in (50, 60)
    ]
    assert [cell.values for cell in sweep.cells] == [(1, 50), (1, 60), (2, 50), (2, 60)]
    told = [(c.seed, c.world.days, c.channels["lexical"].limit) for c in sweep.configs]
    assert told == [(9, 1, 50), (9, 1, 60), (9, 2, 50), (9, 2, 60)]


@pytest.mark.parametrize(
    ("lists", "wanted"),
    [
        (["world.dayz=1,2"], "--over world.dayz=1: world.dayz is not a setting"),
        (["world.days=1,-3"], "--over world.days=-3"),
        (["world.days=1,many"], "--over world.days=many"),
        (["world.days=1,2", "shoppers.phone_slots=10,300"], "shoppers.phone_slots == 300"),
        (["world.days=1,01"], "world.days == '01'"),
        (["shoppers.visits_per_week=7,7.0"], "must be there once"),
        (["world.days=1,1"], "must be there once"),
        (["arms.0.share=0.5", "arms.control.share=0.5,0.4"], "arms.control.share=0.4"),
        (["truth.seeds=0,1"], "truth.seeds == 0, must be > 0"),
    ],
)
def test_what_no_cell_can_have_refuses_the_sweep(lists: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError, match=r"must") as error:
        swept(*lists)
    assert wanted in str(error.value)


def test_a_key_that_all_cells_set_is_not_swept_too() -> None:
    with pytest.raises(ConfigError, match="--over seed == also given by --set"):
        swept("seed=1,2", overrides=("seed = 3",))


def test_settings_that_are_wrong_without_the_sweep_are_refused_as_such() -> None:
    with pytest.raises(ConfigError, match=r"--set world\.days=0"):
        swept("seed=1,2", overrides=("world.days=0",))


def test_a_combination_that_cannot_be_is_kept_with_its_reason() -> None:
    sweep = swept("funnel.slots=20,40", "shoppers.desktop_slots=20,40")
    assert [cell.config is None for cell in sweep.cells] == [False, True, False, False]
    assert "shoppers.desktop_slots == 40, must be <= funnel.slots" in sweep.cells[1].reason
    assert sweep.cells[1].values == (20, 40)


def test_one_impossible_cell_of_a_file_refuses_the_sweep_only_where_all_are(tmp_path: Path) -> None:
    file = tmp_path / "cells.toml"
    file.write_text("[[cells]]\nworld.days = 1\nseed = 1\n[[cells]]\nworld.days = 2\nseed = 2\n")
    assert len(make_sweep(str(SMALL), [read_cells(file)]).configs) == 2
    file.write_text("[[cells]]\nworld.days = 1\n[[cells]]\nworld.days = -2\n")
    with pytest.raises(ConfigError, match=r"world.days == -2"):
        make_sweep(str(SMALL), [read_cells(file)])
