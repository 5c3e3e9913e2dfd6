"""Public JSON is read strictly: what is not as it should be is named by file and place."""

import json
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from cqsid.reporting import _stage
from cqsid.training.loop import Stopped, Validation
from cqsid.training.stages import Stage, StageReport
from experiments.records.attribution import AttributionRecord
from experiments.records.ids import IdsRecord
from experiments.records.interval import Interval
from experiments.records.manifest import BenchManifest, RunManifest
from experiments.records.metrics import Metrics
from experiments.records.reading import find_record, read_record, write_record
from experiments.records.rewards import RewardsRecord
from experiments.records.truth import Truths
from experiments.records.within.training import TrainingStage
from simulator.errors import DataError, StoreError
from tests.experiments.report.fake_attribution import fake_attribution
from tests.experiments.report.fake_run import fake_manifest, fake_metrics
from tests.experiments.report.ids import fake_results
from tests.experiments.report.rewards import fake_record

ARMS = ["control", "treatment"]


def records():
    metrics, truths = fake_metrics(ARMS)
    return {
        Metrics: metrics,
        Truths: truths,
        RunManifest: fake_manifest(ARMS),
        AttributionRecord: fake_attribution(),
        IdsRecord: fake_results.fake_record(),
        RewardsRecord: fake_record.fake_record(),
    }


def edited(folder, change, kind=Metrics):
    """The file of a record after a change of its content."""
    write_record(folder, records()[kind])
    path = folder / kind.FILE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return read_record(kind, folder)


@pytest.mark.parametrize("kind", [*records()], ids=lambda kind: kind.FILE)
def test_a_record_survives_its_file(tmp_path, kind):
    record = records()[kind]
    write_record(tmp_path, record)
    assert read_record(kind, tmp_path) == record
    assert json.loads((tmp_path / kind.FILE).read_text())["schema"] == kind.schema


def rename(key, name):
    return lambda row: row.update({name: row.pop(key)})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda all: rename("relative", "relativ")(all["estimates"][3]),
            "estimates[3].relative is missing; estimates[3]: unknown key 'relativ' "
            "(the closest known: 'relative')",
        ),
        (
            lambda all: all["estimates"][3]["relative"].pop("low"),
            "estimates[3].relative.low is missing",
        ),
        (
            lambda all: rename("p50", "median")(all["latency"][0]),
            "latency[0].p50 is missing; latency[0]: unknown key 'median'",
        ),
        (
            lambda all: rename("primary", "primari")(all),
            "primary is missing; unknown key 'primari' (the closest known: 'primary')",
        ),
        (
            lambda all: all["health"]["requests"][1].update(sessions="many"),
            "health.requests[1].sessions == 'many', must be right: Input should be a valid integer",
        ),
        (
            lambda all: all["estimates"][0].update(effect=0.3),
            "estimates[0].effect == 0.3, must be right",
        ),
        (
            lambda all: [row.pop("cuped") for row in all["estimates"][:9]],
            "estimates[0].cuped is missing; estimates[1].cuped is missing; "
            "estimates[2].cuped is missing; and 6 more",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named_with_file_and_place(tmp_path, change, told):
    with pytest.raises(DataError) as caught:
        edited(tmp_path, change)
    assert str(caught.value).startswith(f"{tmp_path / 'metrics.json'}: {told}")


def test_keys_of_rows_that_another_package_defines_are_strict_too(tmp_path):
    with pytest.raises(DataError, match=r"courses\[0\]\.steps\[2\]: unknown key 'klx' .*'kl'"):
        edited(
            tmp_path,
            lambda all: all["courses"][0]["steps"][2].update(klx=1.0),
            RewardsRecord,
        )


def test_a_file_of_another_version_is_refused_with_what_to_do(tmp_path):
    wanted = r"truth\.json: schema == 1, must be 2: .* write it again by `funnelab run` into a new"
    with pytest.raises(DataError, match=wanted):
        edited(tmp_path, lambda all: all.update(schema=1), Truths)
    (tmp_path / "truth.json").write_text("[]")
    with pytest.raises(DataError, match="schema == None, must be 2"):
        read_record(Truths, tmp_path)


def test_a_file_that_is_not_there_or_not_whole_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"metrics\.json: .*must be a file of a finished run"):
        read_record(Metrics, tmp_path)
    assert find_record(Metrics, tmp_path) is None
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(StoreError, match=r"metrics\.json: .*must be whole JSON"):
        find_record(Metrics, tmp_path)


def test_the_manifest_of_a_bench_is_not_that_of_a_run(tmp_path):
    write_record(tmp_path, records()[RunManifest])
    with pytest.raises(DataError, match="unknown key 'arms'"):
        read_record(BenchManifest, tmp_path)


def test_numbers_that_are_not_finite_are_null_in_the_file(tmp_path):
    truths = records()[Truths]
    row = replace(truths.truth[0], effect=Interval(float("nan"), float("-inf"), 1.0), bias=None)
    write_record(tmp_path, replace(truths, truth=(row,)))
    assert read_record(Truths, tmp_path).truth[0].effect == Interval(None, None, 1.0)


def test_a_record_that_cannot_be_written_names_its_file(tmp_path):
    (tmp_path / "truth.json").mkdir()
    with pytest.raises(StoreError, match=r"truth\.json: .*must be a folder that can be written"):
        write_record(tmp_path, records()[Truths])


def test_what_the_generative_channel_reports_of_a_stage_is_such_a_row():
    best = Validation(4, 2.5, (0.1, 0.3))
    report = StageReport(Stage.ITEM, Stopped.FINISHED, 9, 4, 36, 1.5, (3.0, 2.0), (best,), best)
    told = json.dumps([_stage(report)])
    (stage,) = TypeAdapter(tuple[TrainingStage, ...]).validate_json(told, strict=True)
    assert (stage.stage, stage.best.hit_rate_10, stage.losses[-1].loss) == ("item", 0.3, 2.0)
    assert set(json.loads(told)[0]) == set(TrainingStage.__dataclass_fields__)
