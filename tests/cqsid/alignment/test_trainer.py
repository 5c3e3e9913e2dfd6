"""Alignment as a whole: it learns, it keeps what it should, and it goes on where it was cut."""

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from cqsid.alignment.report import Ended
from cqsid.alignment.settings import PRESETS, AlgorithmSpec, StopSpec
from cqsid.decoding.shelves import Shelves
from cqsid.generator.transformer import Weights
from cqsid.tokenizer.ids import SemanticIds
from recall.arrays import Ragged
from simulator.errors import ConfigError, ContractError, DataError
from tests.cqsid.alignment.aligned import LIKED, LOG, STEPS, TALKING, aligned, numbers, setting


class EvenChances:
    """An oracle whose shoppers toss a coin."""

    def expected(self, requests, items_BN, outcome):
        return np.where(items_BN >= 0, 0.5, 0.0).astype(np.float32)


def _start():
    return setting()[0].weights


class _Cut(Exception):
    pass


def _cut_after(step):
    def tell(reading, evaluation, steps):
        if reading.step == step:
            raise _Cut

    return tell


def test_rewarded_ids_become_likelier():
    spec = STEPS.model_copy(update={"steps": 40, "evaluate_every": 40})
    algorithm = AlgorithmSpec(preset="grpo", kl_weight=0.0)
    steps = aligned(algorithm, spec, (LIKED,)).report.steps
    early, late = (np.mean([each.reward for each in part]) for part in (steps[:5], steps[-5:]))
    assert late > 2 * early


def test_without_a_reward_that_differs_nothing_is_learned():
    algorithm = AlgorithmSpec(preset="grpo", kl_weight=0.0)
    same = dict.fromkeys(("bought", "clicked", "exposed", "existing", "invalid"), 1.0)
    found = aligned(algorithm, rewards=({"type": "log", **same},))
    assert all(each.tied == 1 for each in found.report.steps)
    assert np.array_equal(numbers(found), _flat(_start()))


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    first, again, other = aligned(seed=1), aligned(seed=1), aligned(seed=2)
    assert np.array_equal(numbers(first), numbers(again))
    assert not np.array_equal(numbers(first), numbers(other))


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_a_cut_alignment_goes_on_to_the_same_bits(tmp_path, cut):
    whole = aligned()
    with pytest.raises(_Cut):
        aligned(workspace=tmp_path, progress=_cut_after(cut))
    seen = []
    resumed = aligned(workspace=tmp_path, progress=lambda *told: seen.append(told[0].step))
    assert np.array_equal(numbers(resumed), numbers(whole))
    assert seen[0] == cut // 2 * 2 + 1
    timeless = [_told(report) for report in (whole.report, resumed.report)]
    assert timeless[0] == timeless[1]
    for name, values_EV in whole.watched.items():
        assert np.array_equal(resumed.watched[name], values_EV)


def _told(report):
    facts = asdict(report)
    del facts["seconds"]
    for step in facts["steps"]:
        del step["seconds"]
    return json.dumps(facts)


def test_a_finished_alignment_is_not_run_again(tmp_path):
    first = aligned(workspace=tmp_path)
    again = aligned(workspace=tmp_path, progress=_cut_after(1))
    assert np.array_equal(numbers(first), numbers(again))


def test_a_checkpoint_of_other_settings_is_not_used(tmp_path):
    aligned(workspace=tmp_path)
    other = AlgorithmSpec(preset="grpo")
    found = aligned(other, workspace=tmp_path)
    assert np.array_equal(numbers(found), numbers(aligned(other)))


def test_the_supervised_system_is_left_as_it_was():
    before = _flat(_start())
    aligned()
    assert np.array_equal(_flat(_start()), before)


def test_every_step_and_evaluation_is_told():
    told = []
    report = aligned(progress=lambda *each: told.append(each)).report
    assert [reading.step for reading, _, _ in told] == list(range(1, 7))
    assert [each.step for each in report.evaluations] == [0, 3, 6]
    assert [found.step for _, found, _ in told if found is not None] == [3, 6]
    assert report.ended is Ended.FINISHED


def test_an_alignment_that_strays_ends_early_with_the_weights_from_before():
    spec = STEPS.model_copy(
        update={
            "steps": 40,
            "evaluate_every": 1,
            "stop": StopSpec(recall_drop=1.0, kl=0.01, patience=2),
        }
    )
    algorithm = AlgorithmSpec(preset="eg_grpo", kl_weight=0.0)
    report = aligned(algorithm, spec).report
    assert report.ended is Ended.DIVERGENCE
    beyond = [each.kl > 0.01 for each in report.evaluations]
    assert beyond[-2:] == [True, True]
    assert report.kept == max(
        each.step for each, out in zip(report.evaluations, beyond, strict=True) if not out
    )
    assert len(report.steps) < 40


def test_a_fall_of_deep_recall_ends_it_too():
    spec = STEPS.model_copy(
        update={"steps": 60, "evaluate_every": 2, "beam": 4, "learning_rate": 0.02}
    )
    spec = spec.model_copy(update={"stop": StopSpec(kl=1e9, recall_drop=1e-9, patience=1)})
    report = aligned(AlgorithmSpec(preset="grpo", kl_weight=0.0), spec).report
    assert report.ended is Ended.RECALL
    assert report.evaluations[-1].recall < report.evaluations[0].recall


def test_the_best_evaluation_can_be_kept():
    spec = STEPS.model_copy(update={"keep": "best", "evaluate_every": 1})
    report = aligned(spec=spec).report
    best = max(each.hit_rates[1] for each in report.evaluations)
    first = next(each for each in report.evaluations if each.hit_rates[1] == best)
    assert report.kept == first.step


@pytest.mark.parametrize("preset", PRESETS)
def test_every_published_algorithm_trains(preset):
    shop = replace(setting()[1], oracle=EvenChances())  # known-propensity weights ask for it
    found = aligned(AlgorithmSpec(preset=preset), shop=shop)
    assert len(found.report.steps) == 6
    assert not np.array_equal(numbers(found), _flat(_start()))


def test_a_rate_that_is_too_high_is_named():
    spec = STEPS.model_copy(update={"learning_rate": 1e30, "clip": 1e30})
    with pytest.raises(ConfigError, match="learning_rate == 1e\\+30"):
        aligned(spec=spec)


def test_no_request_to_learn_from_is_an_error():
    _, _, train, _ = setting()
    with pytest.raises(DataError, match="train: 0 requests"):
        aligned(train=train.rows(np.zeros(0, np.int64)))


def test_more_updates_on_a_batch_learn_more_from_it():
    one, three = (
        aligned(spec=STEPS.model_copy(update={"steps": 1, "updates": updates}))
        for updates in (1, 3)
    )
    start = _flat(_start())
    assert np.abs(numbers(three) - start).sum() > np.abs(numbers(one) - start).sum()


def _flat(weights: Weights) -> np.ndarray:
    return numbers(SimpleNamespace(weights=weights))


def test_probes_are_watched_and_not_learned_from():
    def probe(logged, samples, shop):
        return np.full(samples.shape, 7.0, np.float32)

    plain, probed = aligned(), aligned(probes={"seven": probe})
    assert np.array_equal(numbers(plain), numbers(probed))
    assert (probed.watched["seven"] == 7).all()
    assert all(each.probes == {"seven": 7.0} for each in probed.report.evaluations)
    assert probed.watched["reward"].shape == probed.watched["seven"].shape == (3, 18)


@pytest.mark.filterwarnings("ignore:Type google.protobuf:DeprecationWarning")
def test_loggers_are_told_and_change_no_bit_of_what_is_learned(tmp_path):
    names = ("tensorboard", "tests.cqsid.loggers.own:Lines")
    logged = aligned(spec=STEPS.model_copy(update={"loggers": names}), events=tmp_path, name="p-0")
    assert np.array_equal(numbers(logged), numbers(aligned()))
    assert list(tmp_path.glob("tensorboard/events.out.tfevents.*"))
    (lines,) = tmp_path.glob("*/p-0.jsonl")
    told = [json.loads(line) for line in lines.read_text().splitlines()]
    rewards = [each["train/reward"] for each in told if "train/reward" in each]
    assert rewards == [each.reward for each in logged.report.steps]
    assert told[-1] == {"closed": True}


def test_two_rewards_are_told_apart_in_every_step():
    report = aligned(rewards=(LOG, {"type": "diversity", "weight": 0.1})).report
    assert set(report.steps[0].parts) == {"log", "diversity"}


def test_a_reward_that_never_tells_ids_apart_is_said_to_teach_nothing(caplog):
    same = dict.fromkeys(("bought", "clicked", "exposed", "existing", "invalid"), 0.3)
    found = aligned(rewards=({"type": "log", **same},))
    assert found.report.untaught
    assert "nothing can be learned" in caplog.text


def test_requests_without_ground_truth_learn_from_their_own_ids_alone():
    train = setting()[2]
    nothing = Ragged(np.zeros(0, np.int32), np.zeros(len(train) + 1, np.int64))
    blank = replace(train, clicked=nothing, bought=nothing)
    found = aligned(AlgorithmSpec(preset="eg_grpo"), train=blank)
    assert all(step.expert_reward is None for step in found.report.steps)
    plain = aligned(AlgorithmSpec(preset="grpo", ratio="sequence"), train=blank)
    told = [[step.reward for step in each.report.steps] for each in (found, plain)]
    assert told[0] == pytest.approx(told[1])
    losses = [[step.loss for step in each.report.steps] for each in (found, plain)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)  # sums have another order


def test_experts_whose_id_is_no_longer_there_are_left_out():
    _, shop, train, _ = setting()
    gone_I = np.isin(np.arange(len(shop.catalog)), train.clicked.values)
    codes_IL = np.where(gone_I[:, None], np.int32(-1), shop.ids.codes_IL)
    ids = SemanticIds(codes_IL, shop.ids.sizes)
    shelves = Shelves.of(ids, np.zeros(len(shop.catalog)))
    found = aligned(shop=replace(shop, ids=ids, shelves=shelves), spec=STEPS)
    assert all(step.expert_reward is None for step in found.report.steps)


@pytest.mark.parametrize(
    ("algorithm", "wanted"),
    [
        ({"group": 1}, "group == 1, must be >= 2"),
        ({"group": 1, "objective": "dpo"}, "group == 1, must be >= 2"),
        ({"group": 1, "experts": {"count": 1, "place": "within"}}, "experts.count == 1, must be <"),
    ],
)
def test_a_group_of_one_is_refused(algorithm, wanted):
    with pytest.raises(ValueError, match=wanted):
        AlgorithmSpec(**algorithm)


def test_a_group_of_one_with_an_expert_learns():
    found = aligned(AlgorithmSpec(group=1, experts={"count": 1}))
    assert not np.array_equal(numbers(found), _flat(_start()))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_reward_that_is_no_number_is_named(value, monkeypatch):
    import tests.cqsid.alignment.aligned as place

    def broken(logged, samples, shop):
        return np.full(samples.shape, value, np.float32)

    monkeypatch.setattr(place, "likes_one_code", broken)
    with pytest.raises(ContractError, match=r"components\[0\] \(custom\).*finite"):
        aligned(rewards=(LIKED,))


def test_what_rewards_log_stands_in_every_step_beside_our_own_figures():
    found = aligned(rewards=(LOG, TALKING)).report.steps
    assert [each.logged["custom/asked"] for each in found] == [10 * STEPS.batch] * STEPS.steps
    assert all(set(each.logged) == {"custom/asked", "custom/liked"} for each in found)
    assert all(each.logged["custom/liked"] == pytest.approx(0.5) for each in found)
