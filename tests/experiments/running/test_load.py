"""Busy servers in whole runs: an A/B test at 50 % sees half of the load that everybody brings."""

import shutil
from pathlib import Path

import pytest

from experiments.attribution.run import attribute_run
from experiments.records.attribution import CAUSES, EVENTS, AttributionRecord
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record, row_of
from experiments.records.truth import Truths
from experiments.running.funnels import traffic_share
from experiments.stages.progress import NoProgress
from experiments.sweep.cells import Cell
from experiments.sweep.finished import read_finished
from experiments.sweep.services import services
from tests.experiments.small_runs import read, run, small_config, stage

SERVERS = (
    "channels.dense.servers={count = 1, waiting = 3}",
    "channels.dense.latency={base_s = 0.02, per_item_s = 0.0, sigma = 0.3}",
    "world.peak_requests=70",
)


@pytest.fixture(scope="module")
def loaded(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = small_config(*SERVERS, "attribution.seeds=1")
    return run(config, tmp_path_factory.mktemp("load") / "run", like=small_run)


def missed(log: Path, reason: str) -> float:
    """Share of the treatment's requests that went without the channel for a reason."""
    manifest = read(log, "manifest")
    faults = {fault["reason"]: fault["requests"] for fault in manifest["faults"]}
    return faults.get(reason, 0) / manifest["rows"]["requests"]


def test_everybody_in_the_treatment_keeps_its_channel_busier_than_an_experiment_does(loaded):
    split, whole = loaded / "log", stage(loaded, "truth-dense-0") / "log"
    # Of the experiment's requests about half are of the arm that has the channel. By the law of the
    # queue 2 % of them are turned away, and 20 % with everybody in that arm.
    assert 0.005 < missed(split, "busy") < 0.02
    assert 0.15 < missed(whole, "busy") < 0.25
    assert missed(whole, "deadline") > 0
    warned = read(loaded, "metrics")["health"]["warnings"]
    assert any("channel dense was dropped from" in each and "(busy)" in each for each in warned)


def test_pages_without_the_channel_are_told_by_the_hour_and_most_of_them_are_in_the_evening(loaded):
    metrics = read_record(Metrics, loaded)
    assert {(row.arm, row.channel) for row in metrics.without} == {("dense", "dense")}
    dropped = {row.reason: row.requests for row in metrics.health.dropped}
    assert sum(row.requests for row in metrics.without) == sum(dropped.values())
    share = {row.hour: row.share for row in metrics.without}
    evening, morning = (sum(share[hour] for hour in hours) for hours in ((19, 20, 21), (7, 8, 9)))
    assert evening > 1.5 * morning
    page = (loaded / "report.html").read_text()
    assert "Pages without a channel, dense" in page
    assert "its servers were busy" in page


def test_a_sweep_tells_how_often_the_channel_is_missing_in_the_test_and_with_everybody(loaded):
    config = small_config(*SERVERS)
    (row,) = services(read_finished(Cell("one", (), (), config), config, loaded))
    whole = stage(loaded, "truth-dense-0") / "log"
    assert (row.cell, row.channel) == ("one", "dense")
    assert row.everybody == pytest.approx(missed(whole, "busy") + missed(whole, "deadline"))
    dropped = read_record(Metrics, loaded).health.dropped
    assert row.test == pytest.approx(sum(each.share or 0 for each in dropped))
    assert row.everybody > 1.5 * row.test
    truth = row_of(read_record(Truths, loaded).truth, metric="latency")
    assert truth is not None
    assert (row.control, row.treatment) == (truth.control, truth.treatment)


@pytest.mark.slow
def test_a_channel_without_servers_serves_both_alike(tmp_path):
    calm = run(small_config(*SERVERS[1:]), tmp_path / "run")
    for log in (calm / "log", stage(calm, "truth-dense-0") / "log"):
        assert missed(log, "busy") == 0


@pytest.mark.slow
def test_credit_adds_up_and_replay_and_worlds_differ_by_their_causes_alone(loaded, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(loaded, folder, symlinks=True)
    attribute_run(folder, progress=NoProgress())
    record = read_record(AttributionRecord, folder)
    for event in EVENTS:
        asked = {"method": "replay", "index": "shapley", "event": event}
        rows = [row for row in record.values if asked.items() <= vars(row).items()]
        assert sum(row.share.estimate for row in rows) == pytest.approx(1, abs=1e-9)
    for channel in record.arms["dense"]:
        found = {
            row.cause: row.value.estimate
            for row in record.differences
            if (row.channel, row.event) == (channel, "gmv")
        }
        steps = sum(found[cause] for cause in CAUSES)
        assert found["replay"] + steps == pytest.approx(found["worlds"], abs=1e-9)


def test_a_channel_is_asked_by_the_shoppers_of_all_arms_that_have_it():
    config = small_config("arms.control.share=0.2", "arms.dense.share=0.8")
    assert traffic_share(config, "dense", (0, 1)) == pytest.approx(0.8)
    assert traffic_share(config, "lexical", (0, 1)) == 1.0
    assert traffic_share(config, "dense", (1,)) == 1.0


@pytest.mark.slow
def test_how_many_search_trains_no_model_anew(loaded, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(loaded, folder, symlinks=True)
    more = small_config(*SERVERS[:2], "world.peak_requests=90")
    run(more, folder, overwrite=True)
    found = {each["name"]: each["cached"] for each in read(folder, "manifest")["stages"]}
    assert found["history"]
    assert found["channel-dense"]
    assert not found["experiment"]
