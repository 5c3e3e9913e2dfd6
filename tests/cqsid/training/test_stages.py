from dataclasses import replace

import numpy as np
import pytest
import torch

from cqsid.generator.transformer import Weights
from cqsid.training.settings import StageSpec, TrainingSpec
from cqsid.training.stages import Stage, Stopped, train_generator
from cqsid.training.validation import Split, Validator
from recall.arrays import Ragged
from simulator.errors import ConfigError
from simulator.log.history import History
from tests.cqsid.training.toys import (
    ITEMS,
    SPEC,
    VOCABULARY,
    same,
    timeless,
    toy_data,
    toy_model,
    trained,
    with_clicks,
)

DATA = toy_data()


@pytest.fixture(scope="module")
def unbroken():
    return trained()


def test_titles_are_learned_by_heart():
    item = StageSpec(epochs=60.0, batch=6, learning_rate=0.005, evaluate_every=999)
    _, report = trained(toy_data(0), SPEC.model_copy(update={"item": item, "held_out_most": ITEMS}))
    assert report.stages[0].best.hit_rates == (1.0, 1.0)
    assert report.stages[0].losses[-1] < report.stages[0].losses[0] / 5


def test_queries_are_learned_to_lead_to_their_items():
    data = with_clicks(DATA, [(5 * n) % ITEMS for n in range(len(DATA.history.texts))])
    query = StageSpec(epochs=60.0, batch=6, learning_rate=0.005, evaluate_every=999)
    _, report = trained(data, SPEC.model_copy(update={"query": query, "shopper": None}))
    assert [stage.stage for stage in report.stages] == [Stage.ITEM, Stage.QUERY]
    assert report.stages[1].best.hit_rates == (1.0, 1.0)


def test_shoppers_are_learned_where_the_query_tells_nothing():
    gender_R = (np.arange(150) % 2).astype(np.int8)
    history = replace(DATA.history, gender_R=gender_R, text_R=np.zeros(150, np.int32))
    item_X = gender_R[history.row_X].astype(np.int32) * 7
    order_item_O = gender_R[history.order_row_O].astype(np.int32) * 7
    data = replace(DATA, history=replace(history, item_X=item_X, order_item_O=order_item_O))
    stage = StageSpec(epochs=6.0, batch=16, learning_rate=0.02, evaluate_every=20)
    _, report = trained(data, SPEC.model_copy(update={"query": stage, "shopper": stage}))
    query, shopper = report.stages[1].best, report.stages[2].best
    assert query.hit_rates[0] < 0.8
    assert shopper.hit_rates[0] == 1.0


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(unbroken):
    again, report = trained()
    assert same(again, unbroken[0])
    assert timeless(report) == timeless(unbroken[1])
    assert not same(trained(seed=2)[0], unbroken[0])


def test_the_number_of_threads_changes_nothing(unbroken):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if before > 1 else 2)
        assert same(trained()[0], unbroken[0])
    finally:
        torch.set_num_threads(before)


def test_the_best_weights_are_kept_and_patience_ends_a_stage():
    wild = StageSpec(
        epochs=9.0, batch=16, learning_rate=0.2, evaluate_every=2, patience=3, warmup=0.3
    )
    spec = SPEC.model_copy(update={"query": wild, "shopper": None})
    weights, report = trained(spec=spec)
    query = report.stages[1]
    assert query.stopped == Stopped.PATIENCE
    assert query.steps == query.best.step + 3 * 2
    assert query.best.score == max(each.score for each in query.validations)
    model = toy_model()
    model.load_state_dict(weights, strict=False)
    split = Split.of(DATA.history, DATA.ids, SPEC.held_out, SPEC.held_out_most)
    check = Validator(split.queries(DATA), split.targets, DATA.ids, VOCABULARY, "level")
    with torch.no_grad():
        assert check(Weights.of(model), query.best.step) == query.best


def test_progress_tells_every_step(unbroken):
    told = []

    def tell(stage, course, steps):
        told.append((stage, steps, course.step, course.losses[-1], course.examples))

    _, report = trained(progress=tell)
    for stage in report.stages:
        own = [each for each in told if each[0] == stage.stage]
        assert [each[2] for each in own] == list(range(1, own[0][1] + 1))
        assert [each[3] for each in own] == list(stage.losses)
        assert own[-1][4] == stage.examples


def test_an_empty_log_skips_the_stages_that_need_one():
    for data in (toy_data(0), replace(DATA, history=History.empty(), texts=Ragged.of([]))):
        _, report = trained(data)
        assert [stage.stopped for stage in report.stages] == [
            Stopped.FINISHED,
            Stopped.NO_EXAMPLES,
            Stopped.NO_EXAMPLES,
        ]
        assert report.stages[1].steps == 0


def test_items_without_ids_leave_the_model_as_it_was(tmp_path):
    weights, report = trained(toy_data(missing=range(ITEMS)), workspace=tmp_path)
    assert {stage.stopped for stage in report.stages} == {Stopped.NO_EXAMPLES}
    assert same(weights, {name: p.detach() for name, p in toy_model().named_parameters()})


def test_a_single_item_with_an_id_can_be_learned():
    _, report = trained(toy_data(missing=range(1, ITEMS)))
    assert report.stages[0].distinct == 1
    assert report.stages[0].best.hit_rates == (1.0, 1.0)


def test_without_held_out_requests_all_steps_are_taken():
    _, report = trained(spec=SPEC.model_copy(update={"held_out": 0.0}))
    assert all(stage.best is None and not stage.validations for stage in report.stages)
    assert {stage.stopped for stage in report.stages} == {Stopped.FINISHED}


def test_no_epochs_leave_the_model_as_it_was():
    none = StageSpec(epochs=0.0)
    weights, report = trained(spec=TrainingSpec(item=none, query=none, shopper=none))
    assert [stage.steps for stage in report.stages] == [0, 0, 0]
    assert same(weights, {name: p.detach() for name, p in toy_model().named_parameters()})


def test_an_accelerator_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="must be"):
        train_generator(SPEC, toy_model(), VOCABULARY, DATA, seed=0, device="cuda")


def test_what_happens_in_the_held_out_part_changes_no_step():
    split = Split.of(DATA.history, DATA.ids, SPEC.held_out, SPEC.held_out_most)
    until = DATA.history.at_R[split.row_V].min()
    late_X = DATA.history.at_R[DATA.history.row_X] >= until
    item_X = np.where(late_X, (DATA.history.item_X + 5) % ITEMS, DATA.history.item_X)
    changed = replace(DATA, history=replace(DATA.history, item_X=item_X.astype(np.int32)))
    one, other = (trained(data)[1].stages[1] for data in (DATA, changed))
    assert one.losses == other.losses
    assert one.validations != other.validations


def test_a_loss_that_is_no_number_ends_the_training():
    item = SPEC.item.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(ConfigError, match=r"learning_rate == 1e\+30.*must be finite"):
        trained(spec=SPEC.model_copy(update={"item": item}))
