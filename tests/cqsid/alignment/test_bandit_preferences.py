"""Where learning from preferences comes to rest."""

from itertools import product

import torch

from tests.cqsid.alignment.bandit import (
    REWARDS,
    Bandit,
    same,
    spec_of,
)


def preferred(bandit, reference, sharpness):
    """Expected step of DPO on all pairs, one preferred with a chance by Bradley and Terry."""
    pairs = torch.tensor([pair for pair in product(range(6), repeat=2) if pair[0] != pair[1]])
    ahead_B = sharpness * (REWARDS[pairs[:, 0]] - REWARDS[pairs[:, 1]])
    chance_B = reference.chance_N.detach()[pairs].prod(1) * ahead_B.sigmoid()
    return bandit.expected(
        spec_of(preset="dpo", dpo_beta=0.5),
        pairs,
        chance_B,
        torch.tensor([1.0, 0.0]).double().expand(len(pairs), 2),
        reference_BGL=reference.logp_NL.detach()[pairs],
    )


def test_preferences_come_to_rest_where_log_ratios_differ_as_rewards_do():
    """At reference times exp(reward / beta), if preferences are as uncertain as rewards say."""
    reference = Bandit(seed=1)
    best = Bandit.of((reference.chance_N.detach().log() + REWARDS / 0.5).softmax(0))
    same(preferred(best, reference, 1.0), torch.zeros_like(best.theta_T))
    start = Bandit.of(reference.chance_N.detach())
    assert preferred(start, reference, 1.0) @ start.gain(REWARDS) > 0


def test_certain_preferences_never_come_to_rest():
    """Beyond any margin there still is a step to a wider one."""
    reference = Bandit(seed=1)

    def at(margin):
        return Bandit.of((reference.chance_N.detach().log() + margin * REWARDS).softmax(0))

    for margin in (0.5, 5.0, 50.0):
        wider_T = (at(margin + 0.01).theta_T - at(margin).theta_T).detach()
        assert preferred(at(margin), reference, 1e3) @ wider_T > 1e-6
