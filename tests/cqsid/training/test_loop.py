"""The loop of one supervised stage: its steps, its pace, its end, and the weights it keeps."""

import math

import pytest
import torch

from cqsid.training.checkpoint import Checkpoint
from cqsid.training.examples import item_examples
from cqsid.training.loop import Plan, Saving, StageRun, Stopped, Validation
from cqsid.training.settings import StageSpec
from simulator.errors import ConfigError
from tests.cqsid.training.toys import VOCABULARY, toy_data, toy_model

SPEC = StageSpec(epochs=2.0, batch=8, evaluate_every=2, patience=2, learning_rate=0.01)
STEPS = 6  # two passes over 24 titles, eight a step


def plan(**changes):
    return Plan(SPEC.model_copy(update=changes), item_examples(toy_data()), (), (7,))


def run(evaluate=None, saving=None, progress=None, **changes):
    """The model and its course after a stage."""
    model = toy_model()
    stage = StageRun(model, VOCABULARY, "level", plan(**changes), evaluate, saving)
    return model, stage.run(progress)


def parameters(model):
    return {name: each.detach().clone() for name, each in model.named_parameters()}


def scripted(*scores, seen=None):
    """Validations with the given hit rates, one after another; `seen` collects the weights."""
    left = iter(scores)

    def evaluate(weights, step):
        if seen is not None:
            seen[step] = weights.embedding_VD.detach().clone()
        return Validation(step, 1.0, (next(left),))

    return evaluate


def test_a_stage_takes_every_step_of_its_plan_and_notes_each_loss():
    _, course = run()
    assert (course.step, course.examples, course.stopped) == (STEPS, 48, Stopped.FINISHED)
    assert len(course.losses) == STEPS


def test_a_model_learns_what_it_is_shown_again_and_again():
    _, course = run(epochs=20.0)
    assert sum(course.losses[-3:]) < 0.5 * sum(course.losses[:3])


def test_the_loss_begins_near_that_of_guessing_a_code_of_each_level():
    guess = sum(math.log(size) for size in VOCABULARY.sizes) / len(VOCABULARY.sizes)
    _, course = run()
    assert course.losses[0] == pytest.approx(guess, rel=0.1)


def test_validations_come_every_so_many_steps_and_at_the_end():
    _, course = run(scripted(0.1, 0.2), evaluate_every=4)
    assert [each.step for each in course.validations] == [4, STEPS]


def test_the_weights_of_the_best_validation_are_kept():
    seen = {}
    model, course = run(scripted(0.1, 0.9, 0.2, seen=seen), patience=5)
    assert course.best is not None
    assert course.best.step == 4
    assert torch.equal(model.get_input_embeddings().weight, seen[4])
    assert not torch.equal(seen[6], seen[4])


def test_of_two_equal_validations_the_one_with_the_lower_loss_is_better():
    assert Validation(2, 0.5, (0.1, 0.3)).score > Validation(4, 0.6, (0.2, 0.3)).score


def test_patience_ends_a_stage_whose_validations_get_no_better():
    _, course = run(scripted(0.5, 0.4, 0.4))
    assert course.stopped is Stopped.PATIENCE
    assert course.step == 6
    _, early = run(scripted(0.5, 0.4), patience=1)
    assert (early.stopped, early.step) == (Stopped.PATIENCE, 4)


def test_step_sizes_rise_through_the_warm_up_and_fall_to_nothing_after_it():
    stage = StageRun(toy_model(), VOCABULARY, "level", plan(warmup=1 / 3), None, None)
    paces = [stage._pace(step) for step in range(STEPS)]
    assert paces == pytest.approx([0.5, 1.0, 1.0, 0.75, 0.5, 0.25])


def test_a_rate_at_which_the_loss_is_lost_is_refused_with_its_step():
    with pytest.raises(ConfigError, match=r"loss == .* at step \d+ with learning_rate == 1e\+30"):
        run(learning_rate=1e30, warmup=0.0)


def test_a_plan_without_steps_leaves_the_model_as_it_was():
    before = parameters(toy_model())
    model, course = run(epochs=0.0)
    assert (course.step, course.stopped) == (0, Stopped.FINISHED)
    assert all(torch.equal(before[name], each) for name, each in parameters(model).items())


def test_a_stage_is_saved_after_its_steps_and_once_at_its_end(tmp_path, monkeypatch):
    saved = []
    checkpoint = Checkpoint(tmp_path / "item.safetensors", "mark")
    monkeypatch.setattr(
        Checkpoint, "save", lambda self, tensors, facts: saved.append(facts["step"])
    )
    run(saving=Saving(checkpoint, every_steps=4, every_seconds=1e9))
    assert saved == [4, STEPS]


def test_who_watches_is_told_after_every_step():
    told = []
    run(progress=lambda course, steps: told.append((course.step, steps)))
    assert told == [(step, STEPS) for step in range(1, STEPS + 1)]
