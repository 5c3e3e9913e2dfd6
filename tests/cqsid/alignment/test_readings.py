from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cqsid.alignment.experts import Group
from cqsid.alignment.learner import Update
from cqsid.alignment.objective.objective import Loss
from cqsid.alignment.policy import Scores
from cqsid.alignment.report import step_reading
from cqsid.alignment.rollout import Rollout
from cqsid.alignment.settings import AlgorithmSpec
from cqsid.rewards.logged import Logged
from cqsid.rewards.reward import Samples
from cqsid.tokenizer.ids import SemanticIds, unpack
from recall.arrays import Ragged
from simulator.protocols import Requests

SIZES = (3, 2)
IDS = SemanticIds(unpack(np.arange(6), SIZES), SIZES)  # item i has id i
SID_BG = np.array([[0, 1, 0, 4], [2, 4, 5, 0]], np.int32)
EXPERT_BG = np.array([[False, False, False, True]] * 2)
VALID_BG = np.array([[True] * 4, [True, True, True, False]])
TOTAL_BG = np.array([[0.0, 1.0, 0.0, 3.0], [2.0, 2.0, 2.0, 99.0]], np.float32)
GENERATED_BG = VALID_BG & ~EXPERT_BG


def rollout_of(total_BG=TOTAL_BG, free_BGL=None, **columns):
    if free_BGL is None:
        free_BGL = np.ones((2, 4, 2), np.bool_)
    parts = {
        "samples": Samples(IDS.sids_SL[SID_BG], SID_BG),
        "expert_BG": EXPERT_BG,
        "valid_BG": VALID_BG,
        "free_BGL": free_BGL,
        "propensity_BG": np.ones((2, 4), np.float32),
    }
    group = Group(**(parts | columns))
    parts_CBG = np.stack([total_BG, -2 * total_BG])
    return Rollout(group, parts_CBG, total_BG, torch.zeros(2, 4, 2))


def read(rollout=None, logp_BGL=None, reference_BGL=None, algorithm=None, clicked=((1,), (3, 0))):
    requests, shown = Requests.of_texts(("a", "b")), Ragged.of([[0, 1], [0, 3]])
    clicks, none = Ragged.of(clicked), Ragged.of([[], []])
    logged = Logged(requests, shown, clicks, none, np.zeros(2), np.ones(4, np.float32))
    logp_BGL = torch.zeros(2, 4, 2, requires_grad=True) if logp_BGL is None else logp_BGL
    entropy_BGL = torch.arange(16.0).reshape(2, 4, 2)
    one = torch.tensor(1.0)
    loss = Loss(one.clone().requires_grad_() * 0.5, one, one, one, one / 4)
    reference_BGL = torch.zeros(2, 4, 2) if reference_BGL is None else reference_BGL
    scores, reference = (Scores(each, entropy_BGL) for each in (logp_BGL, reference_BGL))
    update = Update(rollout or rollout_of(), scores, reference, loss, 2.5)
    spec = algorithm or AlgorithmSpec(kl_estimator="k1")
    task = SimpleNamespace(
        mix=SimpleNamespace(names=("first", "second")), shop=SimpleNamespace(ids=IDS)
    )
    roller = SimpleNamespace(spec=spec, task=task)
    return step_reading(5, roller, logged, update, 9.0)


def test_means_are_over_generated_ids_and_experts_stand_apart():
    found = read()
    assert found.reward == pytest.approx(7 / 6)
    assert found.parts == {"first": pytest.approx(7 / 6), "second": pytest.approx(-14 / 6)}
    assert found.expert_reward == 3.0  # the empty place counts nowhere
    entropy_NL = np.arange(16.0).reshape(8, 2)[[0, 1, 2, 4, 5, 6]]
    np.testing.assert_allclose(found.entropy_L, entropy_NL.mean(axis=0))


def test_what_is_told_is_passed_on():
    found = read()
    assert (found.step, found.loss, found.clipped, found.gradient, found.seconds) == (
        *(5, 0.5, 0.25),
        *(2.5, 9.0),
    )


def test_a_group_is_tied_when_its_valid_rewards_are_within_the_tie():
    assert read().tied == 0.5  # the empty place of the second group has another reward
    assert read(algorithm=AlgorithmSpec(tie=3.0)).tied == 1.0
    assert read(rollout_of(valid_BG=np.ones((2, 4), np.bool_))).tied == 0.0


def test_presence_is_told_of_what_the_policy_generated():
    assert read().present == 0.5  # id 1 was; of 3 and 0 only 0 is there, in an empty place
    assert read(clicked=((4,), ())).present == 0.0  # 4 is there as an expert
    assert read(clicked=((0, 4), (5,))).present == 1.0


def test_variety_counts_first_codes_and_whole_ids_of_each_request():
    found = read()
    assert found.first_codes == 1.5  # one and two
    assert found.distinct == pytest.approx((2 / 3 + 1) / 2)


def test_divergence_is_summed_over_the_free_codes_of_generated_ids():
    reference_BGL = torch.arange(16.0).reshape(2, 4, 2) * -0.1
    free_BGL = np.ones((2, 4, 2), np.bool_)
    free_BGL[0, :, 0] = False
    found = read(rollout_of(free_BGL=free_BGL), reference_BGL=reference_BGL)
    ratio_NL = np.arange(16.0).reshape(8, 2) * 0.1
    wanted = (ratio_NL[[0, 1, 2], 1].sum() + ratio_NL[[4, 5, 6]].sum()) / 6
    assert found.kl == pytest.approx(wanted)
    k3 = read(reference_BGL=reference_BGL, algorithm=AlgorithmSpec(kl_estimator="k3"))
    r_NL = ratio_NL[[0, 1, 2, 4, 5, 6]]
    assert k3.kl == pytest.approx((np.exp(-r_NL) - 1 + r_NL).sum() / 6)


def test_codes_that_a_model_rules_out_do_not_make_the_divergence_infinite():
    logp_BGL = torch.zeros(2, 4, 2)
    logp_BGL[0, 1, 1] = -torch.inf
    reference_BGL = torch.full((2, 4, 2), -1.0)
    reference_BGL[0, 1, 1] = reference_BGL[1, 0, 0] = -torch.inf
    assert read(logp_BGL=logp_BGL, reference_BGL=reference_BGL).kl == pytest.approx(10 / 6)


def test_without_experts_there_is_no_reward_of_experts():
    found = read(rollout_of(expert_BG=np.zeros((2, 4), np.bool_)))
    assert found.expert_reward is None
    assert found.reward == pytest.approx(10 / 7)


def test_groups_of_experts_alone_read_as_nothing_generated():
    found = read(rollout_of(expert_BG=np.ones((2, 4), np.bool_)))
    assert (found.reward, found.entropy_L, found.kl) == (0.0, (0.0, 0.0), 0.0)
    assert (found.first_codes, found.distinct, found.present) == (0.0, 0.0, 0.0)
    assert found.expert_reward == pytest.approx(10 / 7)


def test_a_reading_is_plain_numbers():
    found = read()
    for value in (found.loss, found.tied, found.kl, *found.entropy_L, *found.parts.values()):
        assert type(value) is float
    assert replace(found, step=5) == found
