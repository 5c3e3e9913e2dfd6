"""The policy with its optimiser: what one step of learning changes, and what it leaves alone."""

import numpy as np
import pytest
import torch

from cqsid.alignment.learner import Learner
from cqsid.alignment.rollout import Batch
from cqsid.alignment.settings import AlgorithmSpec
from cqsid.alignment.trainer import _asked, _roller
from cqsid.rewards.registry import RewardMix, build_mix
from simulator.errors import ConfigError
from tests.cqsid.alignment.aligned import LIKED, STEPS, setting


@pytest.fixture
def batch() -> Batch:
    learned, shop, train, _ = setting()
    return _asked(learned, shop, train.rows(np.arange(8)), True, "train")


def learner(reward=LIKED, algorithm=None, **changes) -> Learner:
    learned, shop, _, _ = setting()
    mix = build_mix(RewardMix(components=(reward,)), shop)
    roller = _roller(algorithm or AlgorithmSpec(preset="grpo"), learned, mix, shop)
    spec = STEPS.model_copy(update=changes)
    return Learner(spec, roller, learned.weights, torch.device("cpu"))


def rng(seed=0):
    return np.random.default_rng(seed)


def differ(one, other):
    return {name for name, each in one.items() if not torch.equal(each, other[name])}


def _apart(update):
    """Greatest difference of a code's log-probability, policy against supervised model."""
    return float((update.scores.logp_BGL.detach() - update.reference.logp_BGL).abs().max())


def test_the_policy_starts_as_the_supervised_model(batch):
    update = learner().step(batch, 0, rng())
    torch.testing.assert_close(
        update.scores.logp_BGL.detach(), update.reference.logp_BGL, rtol=0, atol=1e-5
    )


def test_a_step_moves_the_policy_and_leaves_the_model_it_is_held_to(batch):
    one = learner()
    start = one.optimizer.copy()
    first = one.step(batch, 0, rng())
    assert differ(start, one.optimizer.copy())
    again = one.step(batch, 1, rng())
    assert _apart(again) > 1e-3
    fresh = learner().step(batch, 0, rng())
    assert torch.equal(first.reference.logp_BGL, fresh.reference.logp_BGL)


def test_a_liked_id_is_likelier_after_the_step(batch):
    one = learner()
    update = one.step(batch, 0, rng())
    group = update.rollout.group
    after = one._scores(one.weights, batch, update.rollout).logp_BGL.sum(dim=2)
    gain_BG = (after - update.scores.logp_BGL.sum(dim=2)).detach().numpy()
    liked_BG = update.rollout.total_BG > 0
    mixed_B = liked_BG.any(axis=1) & ~liked_BG.all(axis=1) & group.valid_BG.all(axis=1)
    assert mixed_B.any()
    assert gain_BG[mixed_B][liked_BG[mixed_B]].mean() > 0
    assert gain_BG[mixed_B][~liked_BG[mixed_B]].mean() < 0


def test_later_updates_of_a_batch_start_from_the_policy_that_generated_it(batch):
    assert _apart(learner(updates=2).step(batch, 0, rng())) > 1e-3


def test_the_first_steps_are_small_while_the_rate_warms_up(batch):
    def moved(warmup):
        one = learner(warmup=warmup, weight_decay=0.0)
        start = one.optimizer.copy()
        one.step(batch, 0, rng())
        return sum(float((each - start[n]).abs().sum()) for n, each in one.optimizer.copy().items())

    assert moved(10) == pytest.approx(moved(0) / 10, rel=0.01)


def test_a_copy_is_kept_and_can_be_restored(batch):
    one = learner()
    kept = one.optimizer.copy()
    one.step(batch, 0, rng())
    one.optimizer.restore(kept)
    assert not differ(kept, one.optimizer.copy())


def test_a_learner_goes_on_from_its_state_in_the_same_bits(batch):
    whole = learner()
    whole.step(batch, 0, rng(0))
    state = {name: each.clone() for name, each in whole.optimizer.state().items()}
    whole.step(batch, 1, rng(1))
    resumed = learner()
    resumed.optimizer.load(state)
    resumed.step(batch, 1, rng(1))
    assert not differ(whole.optimizer.copy(), resumed.optimizer.copy())


def test_a_rate_at_which_the_policy_is_lost_is_refused_with_its_step(batch):
    one = learner(learning_rate=1e30)
    one.step(batch, 0, rng(0))
    with pytest.raises(ConfigError, match=r"at step 2 with learning_rate == 1e\+30"):
        one.step(batch, 1, rng(1))


CONSTANT = {"type": "custom", "object": f"{__name__}:constant"}


def constant(logged, samples, shop):
    return np.ones(samples.shape)


@pytest.mark.parametrize("algorithm", ["grpo", "eg_grpo", "dapo", "dpo"])
@pytest.mark.parametrize("changes", [{}, {"updates": 2}, {"weight_decay": 0.1}])
def test_a_constant_reward_leaves_every_weight_as_it_is(batch, algorithm, changes):
    """AdamW would turn the rounding noise of the divergence's gradient into whole steps."""
    one = learner(CONSTANT, AlgorithmSpec(preset=algorithm, kl_weight=1.0), **changes)
    start = one.optimizer.copy()
    for number in range(3):
        update = one.step(batch, number, rng())
        assert update.gradient == 0
        assert not differ(start, one.optimizer.copy())


def test_a_policy_that_has_moved_is_still_drawn_back_where_all_rewards_tie(batch):
    one = learner(CONSTANT)
    with torch.no_grad():
        for each in one.optimizer.parameters.values():
            each.add_(torch.randn(each.shape, generator=torch.Generator().manual_seed(1)) * 0.02)
    moved = one.optimizer.copy()
    assert one.step(batch, 0, rng()).gradient > 0
    assert differ(moved, one.optimizer.copy())


def test_experts_are_learned_from_though_all_rewards_tie(batch):
    one = learner(CONSTANT, AlgorithmSpec(preset="sft"))
    assert one.step(batch, 0, rng()).gradient > 0
