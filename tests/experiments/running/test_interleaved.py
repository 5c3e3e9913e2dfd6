"""Runs whose pages are filled by both arms, and runs that make the other arms' pages beside."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.config.loading import load_config
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record, row_of, rows_of
from experiments.running.funnels import traffic_share
from simulator.errors import ConfigError
from tests.experiments.small_runs import (
    PLAIN,
    SMALL,
    log_digests,
    made_once,
    read,
    run,
    small_config,
    stage,
    table,
)

COMMON = ("truth.seeds=0",)
INTERLEAVED, CAUSAL = "design.type=interleaving", "design.causal=true"
TRIGGERED, FEW = "design.triggered=true", "channels.dense.limit=2"
ALIKE = 'arms.dense.channels=["lexical","popular"]'


@pytest.fixture(scope="module")
def plain(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = lambda at: run(small_config(*COMMON), at / "run", like=small_run)  # noqa: E731
    return made_once(tmp_path_factory, "to-be-interleaved", made)


@pytest.fixture(scope="module", params=[False, True], ids=["drafted", "causal"])
def interleaved(
    request: pytest.FixtureRequest, plain: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bool, Path]:
    config = small_config(*COMMON, INTERLEAVED, *([CAUSAL] if request.param else []))
    folder = run(config, tmp_path_factory.mktemp("interleaved") / "run", like=plain)
    return request.param, folder


def test_every_page_holds_slots_of_both_arms_and_counts_for_control(
    interleaved: tuple[bool, Path],
) -> None:
    _, folder = interleaved
    asked, seen = table(folder / "log", "requests"), table(folder / "log", "exposures")
    bought = table(folder / "log", "orders")
    assert set(asked["arm"]) == {0}
    assert set(table(folder / "log", "sessions")["arm"]) == {0}
    assert set(seen["arm"]) == set(bought["arm"]) == {0, 1}
    full = seen.groupby("request")["arm"].agg(["size", "mean"])
    both = full[full["size"] >= 10]
    assert both["mean"].between(0.3, 0.7).mean() > 0.5
    slot = seen.set_index(["request", "item"])["arm"]
    np.testing.assert_array_equal(
        slot.loc[list(zip(bought["request"], bought["item"], strict=True))], bought["arm"]
    )
    assert seen["propensity"].isna().all()
    assert not seen.duplicated(["request", "item"]).any()
    assert table(folder / "log", "assignments").empty


def test_its_metrics_are_credit_of_slots_and_not_of_shoppers(
    interleaved: tuple[bool, Path],
) -> None:
    causal, folder = interleaved
    found = read_record(Metrics, folder)
    seen, bought = table(folder / "log", "exposures"), table(folder / "log", "orders")
    asked = table(folder / "log", "requests")
    shoppers = asked["shopper"].nunique()
    clicks, orders = (row_of(found.estimates, metric=name) for name in ("clicks", "orders"))
    for row, events in ((clicks, seen[seen["clicked"]]), (orders, bought)):
        for arm, level in enumerate((row.control, row.treatment)):
            assert level == pytest.approx((events["arm"] == arm).sum() / shoppers, rel=1e-9)
        assert row.n == (asked["request"] % 256 == 0).sum()
        assert row.design == "interleaving"
    assert row_of(found.estimates, metric="latency").effect.estimate is None
    assert found.srm == ()
    assert found.units == "slots"
    (warned,) = found.health.warnings
    assert warned.endswith("it is no sum over slots: both arms share a page")
    assert [row.metric for row in found.causal] == (["gmv", "orders", "clicks"] if causal else [])
    stages = {(row.arm, row.stage): row.count for row in found.funnel}
    assert stages["dense", "requests"] == stages["control", "requests"] == len(asked)
    assert stages["dense", "shown"] == (seen["arm"] == 1).sum()
    assert ("dense", "merged") not in stages


def test_contested_items_are_shown_by_coins(interleaved: tuple[bool, Path]) -> None:
    causal, folder = interleaved
    assert (folder / "log" / "contested").exists() == causal
    if not causal:
        return
    contested = table(folder / "log", "contested")
    pairs = contested.groupby("request")["on_page"].agg(["size", "sum"])
    np.testing.assert_array_equal(pairs["size"], 2 * pairs["sum"])
    by_arm = contested.groupby("arm")["on_page"].agg(["mean", "size"])
    assert by_arm["size"].nunique() == 1
    assert abs(by_arm["mean"].iloc[0] - 0.5) < 4.5 * 0.5 / np.sqrt(by_arm["size"].iloc[0])
    seen = table(folder / "log", "exposures").set_index(["request", "item"])["arm"]
    late = set(contested["request"]) - set(seen.index.get_level_values(0))
    shown = contested[contested["on_page"] & ~contested["request"].isin(late)]
    found = seen.loc[list(zip(shown["request"], shown["item"], strict=True))]
    np.testing.assert_array_equal(found, shown["arm"])
    off = contested[~contested["on_page"]]
    assert not off.set_index(["request", "item"]).index.isin(seen.index).any()


def test_the_report_tells_a_preference_and_no_lift(interleaved: tuple[bool, Path]) -> None:
    causal, folder = interleaved
    page = (folder / "report.html").read_text()
    assert "On pages that both arms fill" in page
    assert "Both arms filled each page in turns" in page
    assert ("What would not have been bought anyway" in page) == causal


@pytest.mark.slow
def test_two_processes_and_other_batches_write_the_same_log(
    interleaved: tuple[bool, Path], plain: Path, tmp_path: Path
) -> None:
    causal, folder = interleaved
    if not causal:  # its pages are drafted, too
        return
    how = ("execution.processes=2", "execution.batch_size=37")
    config = small_config(*COMMON, INTERLEAVED, CAUSAL, *how)
    again = run(config, tmp_path / "run", like=plain)
    assert log_digests(again) == log_digests(folder)


@pytest.fixture(scope="module")
def watched(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = small_config(*COMMON, TRIGGERED)
    return run(config, tmp_path_factory.mktemp("watched") / "run", like=plain)


def test_watching_has_no_effect_on_anybody(plain: Path, watched: Path) -> None:
    for name in ("requests", "exposures", "orders", "sessions", "candidates", "latent"):
        pd.testing.assert_frame_equal(table(plain / "log", name), table(watched / "log", name))
    ours, theirs = (read_record(Metrics, folder) for folder in (plain, watched))
    assert ours.estimates == theirs.estimates
    assert ours.health.dropped == theirs.health.dropped


def test_a_watched_run_tells_of_every_request_and_has_triggered_estimates(watched: Path) -> None:
    told, asked = table(watched / "log", "triggers"), table(watched / "log", "requests")
    assert set(told["request"]) == set(asked["request"])
    assert told["request"].is_unique
    found = read_record(Metrics, watched)
    row = row_of(found.triggered, metric="orders", cuped=False)
    assert row.n <= found.estimate("orders", row.contrast, cuped=False).n
    assert row.diluted.ends
    assert row_of(found.srm, population="triggered") is not None
    assert "beside each page, and nobody saw them" in (watched / "report.html").read_text()


@pytest.mark.parametrize("design", ["session", pytest.param("request", marks=pytest.mark.slow)])
def test_sessions_and_requests_can_be_watched(plain: Path, tmp_path: Path, design: str) -> None:
    config = small_config(*COMMON, TRIGGERED, f"design.type={design}", FEW)
    folder = run(config, tmp_path / "run", like=plain)
    found = read_record(Metrics, folder)
    row = row_of(found.triggered, metric="orders")
    assert row.design == design
    assert 0 < row.share < 0.8
    assert row.diluted.ends
    (ratio,) = rows_of(found.srm, population="triggered")
    assert ratio.unit == f"{design}s"


def test_between_equal_arms_no_page_differs_and_credit_is_equal_but_for_coins(
    tmp_path: Path, plain: Path
) -> None:
    folder = run(small_config(*COMMON, ALIKE, TRIGGERED), tmp_path / "watched", like=plain)
    assert not table(folder / "log", "triggers")["differs"].any()
    found = read_record(Metrics, folder)
    assert {(row.n, row.share) for row in found.triggered} == {(0, 0.0)}
    assert any("triggered: " in line for line in found.health.warnings)
    mixed = run(small_config(*COMMON, ALIKE, INTERLEAVED, CAUSAL), tmp_path / "mixed", like=folder)
    assert table(mixed / "log", "contested").empty
    found = read_record(Metrics, mixed)
    for name in ("clicks", "orders"):
        assert row_of(found.estimates, metric=name).p_value > 1e-3
    assert [row.pairs for row in found.causal] == [0, 0, 0]
    told = [line for line in found.health.warnings if line.startswith("causal credit of")]
    assert told[0].endswith("no arm has an item on its first pages that the other has not")
    alone = table(stage(folder, "experiment") / "log", "exposures")
    both = table(mixed / "log", "exposures")
    np.testing.assert_array_equal(alone["item"], both["item"])
    np.testing.assert_array_equal(alone["clicked"], both["clicked"])


def test_interleaved_pages_ask_both_arms_channels_for_each_request() -> None:
    config = small_config(*COMMON, INTERLEAVED)
    assert traffic_share(config, "dense", (0, 1)) == 1.0
    assert traffic_share(small_config(*COMMON, TRIGGERED), "dense", (0, 1)) == 0.5


@pytest.mark.slow
def test_the_control_decides_what_requests_count_for(plain: Path, tmp_path: Path) -> None:
    config = small_config(*COMMON, INTERLEAVED, "control=dense")
    folder = run(config, tmp_path / "run", like=plain)
    assert set(table(folder / "log", "requests")["arm"]) == {1}
    assert read(folder, "metrics")["estimates"][0]["contrast"] == ["dense", "control"]


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (
            [INTERLEAVED, "arms.control.share=0.4", "arms.dense.share=0.6"],
            r"arms.share == \[0.4, 0.6\], must be 0.5 each where design.type is 'interleaving': "
            "both fill every page",
        ),
        (
            [INTERLEAVED, "funnel.exploration=0.1"],
            "funnel.exploration == 0.1, must be 0 where design.type is 'interleaving'",
        ),
        (["design.causal=true"], "design.causal"),
        (["design.type=switchback", "world.days=4", TRIGGERED], "design.triggered"),
        ([INTERLEAVED, TRIGGERED], "design.triggered"),
        (
            [TRIGGERED, "design.ramp_up=[{day=0,part=1.0}]"],
            r"design.triggered == true, must be false with design.ramp_up \(1 steps\)",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(overrides: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        load_config(SMALL, [*PLAIN, *overrides])


def test_a_third_arm_is_refused(tmp_path: Path) -> None:
    arm = '\n[[arms]]\nname = "more"\nshare = 0.5\nchannels = ["lexical"]\n'
    text = SMALL.read_text().replace("share = 0.5", "share = 0.25") + arm
    (tmp_path / "three.toml").write_text(text)
    with pytest.raises(
        ConfigError, match=r"arms == 3 arms, must be 2 where design.type is 'interleaving'"
    ):
        load_config(tmp_path / "three.toml", [*PLAIN, INTERLEAVED])
