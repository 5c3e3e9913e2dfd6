"""`funnelab attribute` from a finished run to its record, its report and its refusals."""

import json
import shutil
from pathlib import Path

import pytest

from experiments.attribution.run import asked, attribute_run, check_pages_are_whole
from experiments.cli import run_command
from experiments.config.attribution import BUILT_IN_RULES
from experiments.records.attribution import CAUSES, EVENTS, FATES, GAINED, AttributionRecord
from experiments.records.files import read_json
from experiments.records.reading import read_record
from experiments.stages.folder import RunFolder
from experiments.stages.progress import NoProgress
from simulator.errors import ConfigError, ContractError, StoreError
from tests.experiments.small_runs import content, run, small_config

pytestmark = pytest.mark.usefixtures("here")

FEWER = "shoppers.count=300"
STUDY = """
[attribution]
seeds = 1
[attribution.studies.dense]
arm = "dense"
channel = "dense"
weights = [0.0, 1.0]
"""


@pytest.fixture
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("attribute")
    return run(small_config(FEWER, more=STUDY, folder=folder), folder / "run")


@pytest.fixture(scope="module")
def credited(finished):
    return read_record(AttributionRecord, finished)


@pytest.fixture(scope="module")
def attributed(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attributed") / "run"
    shutil.copytree(finished, folder, symlinks=True)
    attribute_run(folder, progress=NoProgress())
    return folder


@pytest.fixture(scope="module")
def record(attributed):
    return read_record(AttributionRecord, attributed)


def test_a_run_credits_its_log_by_every_rule(finished, credited):
    assert {row.rule for row in credited.credits} == set(BUILT_IN_RULES)
    assert credited.log_digest == read_json(finished / "log" / "manifest.json")["digest"]
    assert not credited.values
    assert 'id="credit"' in (finished / "report.html").read_text()


def test_attribution_adds_what_is_lost_without_each_channel(record, credited):
    assert record.credits == credited.credits
    assert {row.method for row in record.values} == {"replay", "worlds"}
    assert {row.channel for row in record.values} == {"lexical", "popular", "dense"}
    assert {row.event for row in record.values} == set(EVENTS)
    assert {row.index for row in record.values} == {"leave_one_out", "alone", "shapley"}
    assert {row.fate for row in record.fates} == {*FATES, GAINED}
    assert {row.cause for row in record.differences} == {"replay", "worlds", *CAUSES}
    assert [row.weight for row in record.studies if row.measure == "lift"] == [0.0, 0.0, 1.0, 1.0]


def test_shapley_values_sum_to_what_all_channels_bring(record):
    for event in EVENTS:
        shares = [
            row.share.estimate
            for row in record.values
            if (row.method, row.index, row.event) == ("replay", "shapley", event)
        ]
        assert sum(shares) == pytest.approx(1, abs=1e-9)


def test_what_is_lost_and_gained_is_the_leave_one_out_value(record):
    """Purchases are totals and values per exposed shopper: one ratio for all channels. In worlds
    fates are of purchases that were really made, and values are expectations."""
    method, exposed = "replay", []
    for channel in record.arms["dense"]:
        (lost,) = (
            row.value.estimate
            for row in record.values
            if (row.method, row.channel) == (method, channel)
            and (row.event, row.index) == ("purchase", "leave_one_out")
        )
        fates = {
            row.fate: row.purchases
            for row in record.fates
            if (row.method, row.channel) == (method, channel)
        }
        exposed.append((fates["nowhere"] - fates[GAINED]) / lost)
    assert exposed == pytest.approx([exposed[0]] * 3, rel=1e-6)
    assert exposed[0] == pytest.approx(round(exposed[0]), rel=1e-6)


def test_the_differences_between_replay_and_worlds_sum_to_the_whole(record):
    for channel in record.arms["dense"]:
        rows = {
            r.cause: r.value.estimate
            for r in record.differences
            if (r.channel, r.event) == (channel, "gmv")
        }
        steps = sum(rows[cause] for cause in CAUSES)
        assert rows["replay"] + steps == pytest.approx(rows["worlds"], abs=1e-9)


def test_doing_it_again_finds_everything_and_writes_the_same(attributed, record):
    before = content(attributed / "stages")
    attribute_run(attributed, progress=NoProgress())
    assert content(attributed / "stages") == before
    assert read_record(AttributionRecord, attributed) == record


def test_running_again_keeps_the_attribution_of_the_same_log(attributed, record, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(attributed, folder, symlinks=True)
    run(small_config(FEWER, more=STUDY, folder=tmp_path), folder)
    assert read_record(AttributionRecord, folder) == record
    one = small_config(FEWER, "world.days=1", more=STUDY, folder=tmp_path)
    run(one, folder, overwrite=True)
    again = read_record(AttributionRecord, folder)
    assert again.log_digest != record.log_digest
    assert not again.values


@pytest.mark.slow
def test_two_processes_and_one_write_the_same_record(finished, record, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, symlinks=True)
    attribute_run(folder, overrides=["execution.processes=2"], progress=NoProgress())
    assert read_record(AttributionRecord, folder) == record


def test_the_options_choose_rules_and_methods(finished, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, symlinks=True)
    options = ["--rule", "linear", "--rule", "any_touch", "--incremental", "none", "--json"]
    assert run_command(["attribute", str(folder), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["attribution"]["rules"] == ["linear", "any_touch"]
    assert {row["rule"] for row in told["attribution"]["credits"]} == {"linear", "any_touch"}
    assert told["attribution"]["values"] == []


def test_the_command_tells_credit_beside_lift(attributed, tmp_path, capsys):
    assert run_command(["attribute", str(attributed)]) == 0
    told = capsys.readouterr().out
    assert "any_touch" in told
    assert "GMV of arm dense" in told
    assert f"Report: {attributed / 'report.html'}" in told.replace("\n", "")


def test_settings_of_the_run_itself_cannot_be_changed_afterwards(finished):
    with pytest.raises(ConfigError, match=r"--set world.days=3, must be a setting of attribution"):
        attribute_run(finished, overrides=["world.days=3"], progress=NoProgress())


def test_none_stands_alone():
    assert asked([], ["none"]) == ["attribution.incremental=[]"]
    with pytest.raises(ConfigError, match="must be none alone"):
        asked([], ["none", "replay"])
    with pytest.raises(ConfigError, match="--incremental == 'replays', must be replay"):
        asked([], ["replays"])


def test_a_rule_that_does_not_exist_is_refused_before_any_work(finished, tmp_path):
    for rule in ("lineer", "nowhere:Rule"):
        with pytest.raises((ConfigError, ContractError), match=rule.split(":")[0]):
            attribute_run(finished, overrides=asked([rule], []), progress=NoProgress())


def test_an_arm_that_does_not_exist_is_refused(finished):
    with pytest.raises(ConfigError, match=r"attribution.arm == 'denze', must be"):
        attribute_run(finished, overrides=["attribution.arm=denze"], progress=NoProgress())


def test_a_folder_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no finished run"):
        attribute_run(tmp_path, progress=NoProgress())


def test_a_spoiled_log_is_refused(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, symlinks=True)
    shard = next((folder / "log" / "exposures").glob("*.parquet"))
    shard.write_bytes(b"spoiled")
    with pytest.raises(StoreError, match=r"log/exposures/.* has changed since it was written"):
        attribute_run(folder, overrides=asked([], ["none"]), progress=NoProgress())


def test_a_run_of_other_code_lends_credit_and_refuses_worlds(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder, symlinks=True)
    told = read_json(folder / "manifest.json")
    for stage in told["stages"]:
        if stage["name"] == "history":
            before = folder / "stages" / f"history-{stage['key']}"
            stage["key"] = stage["key"][::-1]
            made = RunFolder(folder).stage("history", stage["key"])
            with made.write() as place:
                shutil.copytree(before / "log", place / "log")
            shutil.rmtree(before)
    (folder / "manifest.json").write_text(json.dumps(told))
    attribute_run(folder, overrides=asked([], ["none"]), progress=NoProgress())
    with pytest.raises(StoreError, match="made by another version"):
        attribute_run(folder, progress=NoProgress())


def test_interleaved_pages_are_judged_by_no_log():
    interleaved = ("design.type=interleaving", 'attribution.incremental=["replay","offpolicy"]')
    with pytest.raises(ConfigError, match=r"must be without offpolicy where design.type is 'inter"):
        check_pages_are_whole(small_config(*interleaved))
    check_pages_are_whole(small_config(interleaved[0]))
    check_pages_are_whole(small_config(interleaved[1]))
