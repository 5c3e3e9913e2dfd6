import logging

import pytest

from cqsid.training.stages import Stage
from tests.cqsid.training.toys import SPEC, same, timeless, toy_data, trained

EACH_STEP = SPEC.model_copy(update={"checkpoint_seconds": 0.0})
EVERY_SECOND = SPEC.model_copy(update={"checkpoint_steps": 2})


class Cut(Exception):
    """The power goes."""


@pytest.fixture(scope="module")
def unbroken():
    return trained()


@pytest.mark.parametrize(
    ("stage", "spec"),
    [(Stage.ITEM, EACH_STEP), (Stage.QUERY, EVERY_SECOND), (Stage.SHOPPER, EVERY_SECOND)],
)
def test_a_training_that_was_cut_off_ends_in_the_same_bits(unbroken, tmp_path, stage, spec):
    cuts = {3, 5}

    def cut(told, course, steps):
        if told == stage and course.step in cuts:
            cuts.remove(course.step)
            raise Cut

    for _ in range(2):
        with pytest.raises(Cut):
            trained(spec=spec, workspace=tmp_path, progress=cut)
    again, report = trained(spec=spec, workspace=tmp_path)
    assert same(again, unbroken[0])
    assert timeless(report) == timeless(unbroken[1])


def test_a_finished_training_is_not_run_again(unbroken, tmp_path):
    trained(workspace=tmp_path)
    told = []
    again, report = trained(workspace=tmp_path, progress=lambda stage, *_: told.append(stage))
    assert told == []
    assert same(again, unbroken[0])
    assert timeless(report) == timeless(unbroken[1])


def test_other_settings_of_a_stage_leave_earlier_stages_as_they_are(tmp_path):
    trained(workspace=tmp_path)
    slower = SPEC.shopper.model_copy(update={"learning_rate": 0.001})
    spec, told = SPEC.model_copy(update={"shopper": slower}), []
    again, _ = trained(spec=spec, workspace=tmp_path, progress=lambda stage, *_: told.append(stage))
    assert set(told) == {Stage.SHOPPER}
    assert same(again, trained(spec=spec)[0])


def test_a_checkpoint_of_another_log_is_not_used(unbroken, tmp_path, caplog):
    trained(toy_data(100), workspace=tmp_path)
    again, _ = trained(workspace=tmp_path)
    assert same(again, unbroken[0])
    assert caplog.text.count("belongs to another training") == 3


@pytest.mark.parametrize("stage", list(Stage))
def test_a_truncated_checkpoint_starts_its_stage_anew(unbroken, tmp_path, caplog, stage):
    trained(workspace=tmp_path)
    path = tmp_path / f"{stage}.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    told = []
    with caplog.at_level(logging.WARNING):
        again, _ = trained(workspace=tmp_path, progress=lambda stage, *_: told.append(stage))
    assert "starting anew" in caplog.text
    assert set(told) == {stage}
    assert same(again, unbroken[0])


def test_best_weights_from_before_the_cut_are_still_the_ones_kept(tmp_path):
    wild = {"epochs": 9.0, "learning_rate": 0.2, "evaluate_every": 2, "patience": 3}
    query = SPEC.query.model_copy(update=wild)
    spec = EACH_STEP.model_copy(update={"query": query, "shopper": None})
    whole, report = trained(spec=spec)
    best = report.stages[1].best.step
    assert best < report.stages[1].steps

    def cut(stage, course, steps):
        if stage == Stage.QUERY and course.step == best + 1:
            raise Cut

    with pytest.raises(Cut):
        trained(spec=spec, workspace=tmp_path, progress=cut)
    again, _ = trained(spec=spec, workspace=tmp_path)
    assert same(again, whole)
