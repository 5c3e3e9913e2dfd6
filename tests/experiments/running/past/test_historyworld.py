"""A ramp: the history's last days with new channels live, for those who learn from its log."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.designs.shopper import ShopperSplit
from experiments.running.funnels import ramp_funnel
from experiments.running.models import MODEL
from experiments.running.pipeline import Pipeline
from experiments.running.population import make_population
from experiments.stages.finished import finished_stage
from experiments.stages.folder import RunFolder
from experiments.stages.progress import NoProgress
from experiments.stages.sources import Sources
from experiments.validate.run import validate_run
from recall.registry import build_channel
from simulator.errors import ConfigError
from simulator.protocols import DAY
from simulator.randomness import Draws
from tests.experiments.running.test_stage_keys import Asked, Asking, stages_of
from tests.experiments.small_runs import read, run, small_config, stage, table

RAMP = ("world.history_days=3", "world.ramp.days=1", "world.ramp.share=0.5")
TWIN = '[[arms]]\nname = "twin"\nshare = 0.25\nchannels = ["lexical", "popular", "dense"]\n'
START = 2 * DAY
DENSE = 1 << 2  # behind the two channels of the bootstrap funnel


@pytest.fixture(scope="module")
def ramped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose treatment serves its new channel as it was launched; with a twin of that arm."""
    folder = tmp_path_factory.mktemp("ramp")
    kept = ("world.ramp.retrain=false", "arms.dense.share=0.25", "truth.seeds=1")
    return run(small_config(*RAMP, *kept, more=TWIN, folder=folder), folder / "run")


def test_the_days_before_the_ramp_are_those_that_the_new_channel_has_learned_from(
    ramped: Path,
) -> None:
    before, whole = (stage(ramped, name) / "log" for name in ("before-ramp", "history"))
    for name, time in (("requests", "at"), ("exposures", "day"), ("orders", "at")):
        end = 2 if time == "day" else START
        one, other = (table(log, name) for log in (before, whole))
        assert len(one) > 50
        early = other[other[time] < end].reset_index(drop=True)
        pd.testing.assert_frame_equal(one.reset_index(drop=True), early)


def test_the_new_channel_is_live_in_the_ramp_for_its_share_alone(ramped: Path) -> None:
    log = stage(ramped, "history") / "log"
    seen, asked = table(log, "exposures"), table(log, "requests")
    found = seen[(seen["sources"] & DENSE) > 0]
    split = ShopperSplit((0.5, 0.5), salt="ramp", draws=Draws(5))
    shoppers = np.arange(600)
    live = set(np.flatnonzero(split.assign(shoppers, np.zeros(600)) == 1))
    assert set(found["day"]) == {2}
    assert set(found["shopper"]) <= live
    ramp = asked[asked["at"] >= START]
    served = ramp[ramp["shopper"].isin(live) & (ramp["shown"] > 0)]
    assert len(served) > 100
    assert served["request"].isin(found["request"]).mean() > 0.9


def test_rankers_learn_of_items_that_the_new_channel_alone_has_found(ramped: Path) -> None:
    seen = table(stage(ramped, "history") / "log", "exposures")
    alone = seen[seen["sources"] == DENSE]
    assert alone["clicked"].sum() > 10
    assert not (table(stage(ramped, "before-ramp") / "log", "exposures")["sources"] & DENSE).any()


def model(folder: Path, name: str) -> bytes:
    """What a stage of a run holds of its model."""
    return (finished_stage(folder, name) / MODEL).read_bytes()


def test_the_channel_serves_as_it_was_launched_where_it_is_not_retrained(ramped: Path) -> None:
    assert model(ramped, "channel-dense-launched") == model(ramped, "channel-dense")


def test_a_retrained_channel_has_learned_of_the_ramp(ramped: Path, tmp_path: Path) -> None:
    folder = run(small_config(*RAMP, "truth.seeds=0"), tmp_path / "run", like=ramped)
    assert model(folder, "channel-dense-launched") != model(folder, "channel-dense")


def test_arms_that_are_the_same_do_not_differ_after_a_ramp(ramped: Path) -> None:
    one, other = (
        table(stage(ramped, f"truth-{arm}-0") / "log", "exposures").drop(columns="arm")
        for arm in ("dense", "twin")
    )
    assert len(one) > 500
    pd.testing.assert_frame_equal(one, other)


def test_the_ramp_says_nothing_of_who_will_be_in_which_arm(ramped: Path) -> None:
    assigned = table(stage(ramped, "experiment") / "log", "assignments").set_index("unit")["arm"]
    split = ShopperSplit((0.5, 0.5), salt="ramp", draws=Draws(5))
    live = split.assign(np.arange(600), np.zeros(600)) == 1
    share = assigned.sort_index().to_numpy()[live] == 0
    assert abs(share.mean() - 0.5) < 4 * 0.5 / np.sqrt(live.sum())


def test_the_log_of_a_ramp_breaks_no_rule_and_the_page_tells_of_it(ramped: Path) -> None:
    page = validate_run(ramped, progress=NoProgress())
    assert page.is_file()
    rows = read(ramped, "validity")["checks"]
    broken = [
        row["fact"] for row in rows if row["rung"] == "invariants" and row["verdict"] != "pass"
    ]
    assert broken == []
    said = read(ramped, "metrics")["health"]["warnings"][0]
    assert said.startswith("In the last 1 of the 3 days of the history")
    assert "(dense) were live for 50 % of the shoppers" in said.replace("%", " %").replace(
        "  ", " "
    )
    assert "as it was launched then" in said


def keys(folder: Path, *overrides: str) -> dict[str, str]:
    found: dict[str, Asked] = stages_of(small_config(*overrides), folder / "run")
    return {name: asked.key(Sources()) for name, asked in found.items()}


def test_without_a_ramp_its_other_settings_decide_nothing_of_the_history(tmp_path: Path) -> None:
    plain, other = keys(tmp_path), keys(tmp_path, "world.ramp.share=0.9")
    assert plain["history"] == other["history"]
    assert "before-ramp" not in plain


@pytest.mark.parametrize(
    ("changed", "moved"),
    [
        ("world.ramp.share=0.4", {"history", "channel-dense", "ranker", "experiment"}),
        ("world.ramp.retrain=false", {"channel-dense", "ranker", "experiment"}),
        (
            "channels.dense.epochs=2",
            {"channel-dense-launched", "history", "channel-dense", "ranker", "experiment"},
        ),
        ("arms.dense.limits.dense=50", {"history", "channel-dense", "ranker", "experiment"}),
        ("world.days=3", {"experiment"}),
    ],
)
def test_what_decides_a_ramp_is_in_the_keys(tmp_path: Path, changed: str, moved: set[str]) -> None:
    looked_at = {"before-ramp", "channel-dense-launched", "history", "channel-dense"}
    looked_at |= {"ranker", "experiment"}
    before, after = keys(tmp_path, *RAMP), keys(tmp_path, *RAMP, changed)
    assert {name for name in looked_at if before[name] != after[name]} == moved


def test_what_is_to_come_decides_nothing_of_how_busy_a_ramp_is() -> None:
    """A promotion after the history; worlds of other lengths have the same history."""
    servers = ("channels.dense.servers={count=1}", "world.peak_requests=50")
    later = "world.arrivals.promotions=[{day=4, factor=3.0}]"
    busiest = []
    for days in (1, 6):
        config = small_config(*RAMP, *servers, later, f"world.days={days}")
        catalog = make_population(config)[0].supply.catalog
        launched: dict[str, Any] = {"dense": build_channel("dense", config.channels["dense"])}
        funnel = ramp_funnel(config, catalog, launched, Draws(1))
        busiest.append(funnel.queues["dense"].busiest)
    assert busiest[0] == busiest[1]


def refit(folder: Path, *overrides: str) -> Asked:
    """The training of the new channel by other luck."""
    config = small_config(*RAMP, *overrides)
    config = config.model_copy(
        update={"truth": config.truth.model_copy(update={"retrained": ("dense",)})}
    )
    with RunFolder(folder / "run") as opened:
        maker = Asking(opened)
        pipeline = Pipeline(config, maker)
        catalogue = pipeline.catalogue()
        history = pipeline.history(catalogue)
        channels, early = pipeline.models.channels(catalogue, history)
        pipeline.models.trained(catalogue, history, channels, early)
    return maker.asked["channel-dense-1"]


def test_another_training_of_a_channel_as_launched_does_not_see_the_ramp_either(
    tmp_path: Path,
) -> None:
    """The last of what decides a training is how many days it does not see, where there are any."""
    anew, launched = refit(tmp_path), refit(tmp_path, "world.ramp.retrain=false")
    assert anew.inputs == launched.inputs
    assert launched.settings == [*anew.settings, 1]


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (
            ["world.ramp.days=2"],
            r"world.ramp.days == 2, must be < world.history_days \(2\): new channels learn",
        ),
        (
            ["world.ramp.days=1", 'arms.dense.channels=["popular"]'],
            "world.ramp.days == 1, must be 0: no arm has a channel that control has not",
        ),
        (
            ["world.ramp.days=1", 'arms.control.channels=["dense"]'],
            "channels.lexical == new in a ramp, must have another name: the history has",
        ),
        (["world.ramp.days=-1"], "world.ramp.days == -1, must be >= 0"),
        (["world.ramp.share=1.5"], "world.ramp.share == 1.5, must be <= 1"),
    ],
)
def test_a_ramp_that_cannot_be_is_refused(overrides: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        small_config(*overrides)


def test_a_ramp_begins_only_where_something_is_new(tmp_path: Path) -> None:
    """A lab leaves arms out, after the settings were checked."""
    config = small_config(*RAMP)
    with RunFolder(tmp_path / "run") as opened:
        pipeline = Pipeline(config.model_copy(update={"arms": config.arms[:1]}), Asking(opened))
        with pytest.raises(ConfigError, match="no arm has a channel that control has not"):
            pipeline.history(pipeline.catalogue())
