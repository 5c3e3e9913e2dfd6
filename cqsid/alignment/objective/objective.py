"""From rewards to advantages, and from advantages to a loss, as the settings compose them.

Axis suffixes: B requests, G ids of a group, L levels, C rewards.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from cqsid.alignment.objective.advantages import (
    group_advantages,
    level_advantages,
    list_advantages,
    prefix_gates,
    prefix_values,
    separate_advantages,
    shared_prefix_mask,
)
from cqsid.alignment.objective.losses import (
    Tokens,
    averaged,
    divergence,
    dpo,
    importance,
    propensity_weight,
    shaped,
    surrogate,
)
from cqsid.alignment.settings import AlgorithmSpec
from simulator.errors import ConfigError


@dataclass(frozen=True)
class Scored:
    """What a mix of rewards says of groups.

    Attributes:
        total_BG: the sum of the rewards by their weights.
        parts_CBG: each reward's values, scaled and clipped, without its weight.
        weight_C: what each counts.
        levels_BGL: what each code earned; None: no reward has a value for single codes.
    """

    total_BG: Tensor
    parts_CBG: Tensor
    weight_C: Tensor
    levels_BGL: Tensor | None


@dataclass(frozen=True)
class Loss:
    """A loss and what it is made of; only `total` has a gradient.

    Attributes:
        total: policy + kl_weight * kl + sft_weight * sft.
        policy: of the objective: clipped surrogate or DPO; 0 for supervised learning alone.
        kl: estimated divergence from the supervised model at the codes that the policy generated,
            a code (nats); times L of an id.
        sft: minus the log-likelihood of the experts, see `AlgorithmSpec.sft_weight` (nats).
        clipped: share of the counted codes that the clip holds back.
    """

    total: Tensor
    policy: Tensor
    kl: Tensor
    sft: Tensor
    clipped: Tensor


def advantages(
    spec: AlgorithmSpec, scored: Scored, codes_BGL: Tensor, right_BGL: Tensor, valid_BG: Tensor
) -> Tensor:
    """(B, G, L) what each code is pushed by; 0 where a place is not valid or a group ties.

    Args:
        spec: the algorithm.
        scored: the rewards.
        codes_BGL: the ids.
        right_BGL: whether the prefix through each code is that of an item clicked or bought.
        valid_BG: which places hold an id.

    Raises:
        ConfigError: more level weights than levels.
    """
    total_BG = scored.total_BG
    if spec.credit in ("level", "gated"):
        values_BGL = scored.levels_BGL
        if values_BGL is None:
            values_BGL = prefix_values(codes_BGL, total_BG, valid_BG)
        own_BGL = level_advantages(values_BGL, valid_BG, spec)
        if spec.outcome_weight:
            whole_BG = group_advantages(total_BG, valid_BG, spec)
            own_BGL = own_BGL + spec.outcome_weight * whole_BG[..., None]
    else:
        if spec.credit == "list":
            own_BG = list_advantages(total_BG, codes_BGL, valid_BG, spec)
        elif spec.advantage == "separate":
            own_BG = separate_advantages(scored.parts_CBG, scored.weight_C, valid_BG, spec)
        else:
            own_BG = group_advantages(total_BG, valid_BG, spec)
        own_BGL = own_BG[..., None].expand(codes_BGL.shape)
    if spec.credit in ("prefix", "gated"):
        own_BGL = own_BGL * _level_weights(spec, own_BGL)
    if spec.credit == "gated":
        own_BGL = own_BGL * prefix_gates(right_BGL, own_BGL.dtype)
    if spec.mask_shared_prefix:
        own_BGL = torch.where(shared_prefix_mask(codes_BGL, own_BGL, valid_BG), own_BGL, 0.0)
    return own_BGL


def _level_weights(spec: AlgorithmSpec, like_BGL: Tensor) -> Tensor:
    """(L,) the weight of each level; the last one set goes for all further levels."""
    levels, weights = like_BGL.shape[-1], spec.level_weights or (1.0,)
    if len(weights) > levels:
        raise ConfigError(f"level_weights == {weights}, must be at most {levels} (levels of an id)")
    return like_BGL.new_tensor(weights + weights[-1:] * (levels - len(weights)))


def loss(spec: AlgorithmSpec, tokens: Tokens, advantages_BGL: Tensor) -> Loss:
    """The loss of groups.

    Codes are averaged within an id, ids within a group, groups within the batch. Forced codes and
    empty places do not count; with `drop_tied` neither do groups without any advantage. The
    divergence is that of generated ids alone: experts are no samples of the policy (inferred; the
    printed loss of EG-GRPO has no divergence at all).

    Args:
        spec: the algorithm.
        tokens: the ids.
        advantages_BGL: from `advantages`, no gradient.
    """
    counted_BGL = tokens.free_BGL & tokens.valid_BG[..., None]
    expert_BG1 = tokens.expert_BG[..., None]
    kept_B = (advantages_BGL != 0).any(-1).any(-1) | (not spec.drop_tied)
    policy, clipped = _objective(spec, tokens, advantages_BGL, counted_BGL, kept_B)
    kl_BGL = divergence(tokens.logp_BGL, tokens.reference_BGL, spec.kl_estimator)
    kl = averaged(kl_BGL, counted_BGL & ~expert_BG1, kept_B)
    sft = averaged(_unlikely(spec, tokens), counted_BGL & expert_BG1, kept_B)
    total = policy
    # A term without weight must not bring its infinities along.
    if spec.kl_weight:
        total = total + spec.kl_weight * kl
    if spec.sft_weight:
        total = total + spec.sft_weight * sft
    return Loss(total, policy.detach(), kl.detach(), sft.detach(), clipped)


def _objective(
    spec: AlgorithmSpec,
    tokens: Tokens,
    advantages_BGL: Tensor,
    counted_BGL: Tensor,
    kept_B: Tensor,
) -> tuple[Tensor, Tensor]:
    """The objective's own term, and the share of clipped codes."""
    nothing = tokens.logp_BGL.new_zeros(())
    if spec.objective == "sft":
        return nothing, nothing
    if spec.objective == "dpo":
        loss_B = dpo(tokens, beta=spec.dpo_beta, tie=spec.tie)
        return torch.where(kept_B, loss_B, 0.0).sum() / kept_B.sum().clamp(min=1), nothing
    loss_BGL, clipped_BGL = _surrogates(spec, tokens, advantages_BGL)
    held = (clipped_BGL & counted_BGL).sum() / counted_BGL.sum().clamp(min=1)
    return averaged(loss_BGL, counted_BGL, kept_B), held


def _surrogates(
    spec: AlgorithmSpec, tokens: Tokens, advantages_BGL: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, G, L) the loss of each code, and whether it was clipped."""
    logp_BGL, free_BGL = tokens.logp_BGL, tokens.free_BGL
    ratio_BGL = importance(spec.ratio, logp_BGL, tokens.old_BGL, free_BGL)
    loss_BGL, clipped_BGL = surrogate(ratio_BGL, advantages_BGL, spec.clip_low, spec.clip_high)
    if spec.off_policy == "none":
        return loss_BGL, clipped_BGL
    if spec.off_policy == "luffy":
        other_BGL = shaped(spec.ratio, logp_BGL, free_BGL, spec.luffy_shape)
    else:
        other_BGL = propensity_weight(
            spec.ratio, logp_BGL, free_BGL, tokens.propensity_BG, spec.propensity_cap
        )
    expert_BG1 = tokens.expert_BG[..., None]
    return torch.where(expert_BG1, -other_BGL * advantages_BGL, loss_BGL), clipped_BGL & ~expert_BG1


def _unlikely(spec: AlgorithmSpec, tokens: Tokens) -> Tensor:
    """(B, G, L) minus log-likelihoods: of each code, or of the id where the ratio is the id's."""
    if spec.ratio != "sequence":
        return -tokens.logp_BGL
    return -tokens.logp_BGL * tokens.free_BGL.sum(-1, keepdim=True)
