"""A run may split whatever it likes: its log says what was in which arm, and is read so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.config.loading import load_config
from simulator.errors import ConfigError
from tests.experiments.small_runs import PLAIN, SMALL, made_once, read, run, small_config, table

COMMON = ("truth.seeds=0", "world.days=4")
DESIGNS = {
    "session": ("design.type=session",),
    "request": ("design.type=request",),
    "query_cluster": ("design.type=query_cluster",),
    "switchback": ("design.type=switchback", "design.period=7200", "design.washout=600"),
    "ramp_up": ("design.ramp_up=[{day=1,part=0.2},{day=2,part=1.0}]",),
}


@pytest.fixture(scope="module")
def plain(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = lambda at: run(small_config(*COMMON), at / "run", like=small_run)  # noqa: E731
    return made_once(tmp_path_factory, "by-shopper", made)


@pytest.fixture(scope="module", params=DESIGNS)
def designed(
    request: pytest.FixtureRequest, plain: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    config = small_config(*COMMON, *DESIGNS[request.param])
    folder = run(config, tmp_path_factory.mktemp(request.param) / "run", like=plain)
    return request.param, folder


def unit_of(name: str, log: Path) -> Any:
    """The unit of each request by the log alone, and the requests."""
    asked = table(log, "requests")
    texts = table(log, "texts").set_index("text")
    return asked, {
        "session": lambda: asked["session"],
        "request": lambda: asked["request"],
        "query_cluster": lambda: texts["cluster"].loc[asked["text"]].to_numpy(),
        "switchback": lambda: asked["at"] // 7_200,
        "ramp_up": lambda: asked["shopper"],
    }[name]()


def test_the_log_has_each_unit_in_one_arm(designed: tuple[str, Path]) -> None:
    name, folder = designed
    asked, unit = unit_of(name, folder / "log")
    asked["unit"] = np.asarray(unit)
    if name == "ramp_up":
        asked["unit"] = asked["unit"] * 100 + (asked["day"] >= 3) + (asked["day"] >= 4)
    assert (asked.groupby("unit")["arm"].nunique() == 1).all()
    assert set(asked["arm"]) == {0, 1}


def test_assignments_say_what_the_requests_show(designed: tuple[str, Path]) -> None:
    name, folder = designed
    assigned = table(folder / "log", "assignments").sort_values("at")
    asked, unit = unit_of(name, folder / "log")
    if name in ("session", "request"):
        assert assigned.empty
        return
    asked["unit"] = np.asarray(unit, np.int64)
    for arm, of_unit, at in asked[["arm", "unit", "at"]].sample(300, random_state=1).to_numpy():
        rows = assigned[(assigned["unit"] == of_unit) & (assigned["at"] <= at)]
        assert rows["arm"].iloc[-1] == arm


def test_estimates_name_the_design_and_have_intervals(designed: tuple[str, Path]) -> None:
    name, folder = designed
    rows = {row["metric"]: row for row in read(folder, "metrics")["estimates"]}
    assert {row["design"] for row in rows.values()} == {"shopper" if name == "ramp_up" else name}
    assert rows["ctr"]["effect"]["low"] < rows["ctr"]["effect"]["high"]
    assert rows["uctcvr"]["effect"]["estimate"] is None
    assert not any(row["cuped"] for row in rows.values())


def test_sample_ratios_are_of_what_was_split(designed: tuple[str, Path]) -> None:
    name, folder = designed
    (ratio,) = read(folder, "metrics")["srm"]
    assert ratio["population"] == ("exposed" if name in ("session", "request") else "assigned")
    assert ratio["p_value"] > 1e-4
    counted = {"switchback": 4 * 12, "ramp_up": 600}
    if name in counted:
        assert sum(ratio["counts"]) == counted[name]


def test_before_a_ramp_up_all_are_in_control(plain: Path, tmp_path: Path) -> None:
    folder = run(small_config(*COMMON, *DESIGNS["ramp_up"]), tmp_path / "run", like=plain)
    asked = table(folder / "log", "requests").groupby("day")["arm"].mean()
    assert asked.iloc[0] == 0
    assert 0.02 < asked.iloc[1] < 0.25
    assert 0.35 < asked.iloc[3] < 0.65


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (["design.type=coin"], r"design == .*coin.*, must be of type 'shopper', 'session'"),
        (["design.period=60"], "design.period"),
        (
            ["design.type=switchback", "world.days=2"],
            r"world.days == 2, must be >= 4 where design.type is 'switchback'",
        ),
        (
            ["design.type=switchback", "world.days=4", "design.washout=3600"],
            r"design.washout == 3600, must be < design.period \(3600\)",
        ),
        (
            ["design.ramp_up=[{day=1,part=0.5},{day=1,part=1.0}]"],
            r"design.ramp_up\[1\] == day 1, part 1.0, must be after day 1",
        ),
        (["design.ramp_up=[{day=7,part=0.5}]"], r"design.ramp_up\[0\].day == 7, must be < "),
    ],
)
def test_designs_that_cannot_be_run_are_refused(overrides: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        load_config(SMALL, [*PLAIN, *overrides])
