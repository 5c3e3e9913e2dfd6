"""The terms of the loss, their ratios, and how codes, ids and groups are averaged.

A ratio says how much likelier the policy makes a code, or an id, than what it is compared with:
one factor for each code. Its value may be that of the whole id; its gradient then flows through
each code's own probability, so that codes may have advantages of their own, as in GSPO-token.
Averaged over the codes of an id whose advantage is the same on all of them, that is the gradient
of the printed loss.

Axis suffixes: B requests, G ids of a group, L levels.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from cqsid.alignment.objective.advantages import tied_B

Ratio = Literal["token", "sequence", "sequence_mean"]


@dataclass(frozen=True)
class Tokens:
    """The codes of groups with their log-probabilities.

    Attributes:
        logp_BGL: under the policy, with gradient.
        old_BGL: under the policy that sampled; of experts too.
        reference_BGL: under the supervised model.
        codes_BGL: the codes.
        expert_BG, valid_BG, free_BGL, propensity_BG: see `cqsid.alignment.experts.Group`.
        rewards_BG: the total reward.
    """

    logp_BGL: Tensor
    old_BGL: Tensor
    reference_BGL: Tensor
    codes_BGL: Tensor
    expert_BG: Tensor
    valid_BG: Tensor
    free_BGL: Tensor
    propensity_BG: Tensor
    rewards_BG: Tensor


def importance(kind: Ratio, logp_BGL: Tensor, old_BGL: Tensor, free_BGL: Tensor) -> Tensor:
    """(B, G, L) policy over the policy that sampled, for each code.

    token: of the code alone (GRPO). sequence: the product over the codes of the id (EG-GRPO as
    printed); its gradient is as many times that of a token ratio as the id has free codes.
    sequence_mean: the geometric mean over them (GSPO and its GSPO-token, arXiv 2507.18071).

    Args:
        kind: which.
        logp_BGL: log-probabilities of the codes, with gradient.
        old_BGL: those at sampling.
        free_BGL: codes that were sampled; forced ones are no part of a product or mean.
    """
    log_BGL = torch.where(free_BGL, logp_BGL - old_BGL, 0.0)
    if kind == "token":
        return log_BGL.exp()
    number_BG1 = free_BGL.sum(-1, keepdim=True).clamp(min=1)
    whole_BG1 = log_BGL.detach().sum(-1, keepdim=True)
    if kind == "sequence":
        return (whole_BG1 + number_BG1 * _nothing(logp_BGL)).exp()
    return (whole_BG1 / number_BG1 + _nothing(logp_BGL)).exp()


def shaped(kind: Ratio, logp_BGL: Tensor, free_BGL: Tensor, gamma: float) -> Tensor:
    """(B, G, L) x / (x + gamma) of the policy's own probability x (LUFFY, arXiv 2504.14945).

    The ratio of an id that another wrote, with the other's probability taken as 1. Unlikely codes
    are learned from most: the gradient is that of the log-probability, times
    gamma x / (x + gamma)^2, which is greatest at x == gamma.

    Args:
        kind: whether x is of a code (as published) or of the id.
        logp_BGL, free_BGL: as in `importance`.
        gamma: 0.1 in the paper.
    """
    x_BGL = importance(kind, logp_BGL, torch.zeros_like(logp_BGL), free_BGL)
    return x_BGL / (x_BGL + gamma)


def propensity_weight(
    kind: Ratio, logp_BGL: Tensor, free_BGL: Tensor, propensity_BG: Tensor, cap: float
) -> Tensor:
    """(B, G, L) policy over the log's known propensity of the id, at most `cap`.

    Truncated importance sampling (Ionides 2008) as a weight: an id beyond the cap is still learned
    from, with the cap as its weight. Only a simulator, or a service that explores, knows the
    propensity. The log chose items for places, the policy chooses ids: the ratio is that of two
    different draws, and only its order says something. Inferred; no paper has it for ids.

    Args:
        kind: whether the gradient is that of the id's log-probability (sequence) or of their mean
            over codes.
        logp_BGL, free_BGL: as in `importance`.
        propensity_BG: chance that the log held each id.
        cap: greatest weight.
    """
    log_BGL = torch.where(free_BGL, logp_BGL.detach(), 0.0)
    weight_BG = (log_BGL.sum(-1) - propensity_BG.log()).exp().clamp(max=cap)
    number_BG1 = free_BGL.sum(-1, keepdim=True) if kind == "sequence" else 1
    return weight_BG[..., None] * (number_BG1 * _nothing(logp_BGL)).exp()


def _nothing(logp_BGL: Tensor) -> Tensor:
    """0, with the gradient of the log-probabilities."""
    return logp_BGL - logp_BGL.detach()


Estimator = Literal["k1", "k2", "k3"]


def averaged(values_BGL: Tensor, counted_BGL: Tensor, kept_B: Tensor) -> Tensor:
    """The mean over the counted codes of an id, then over the ids of a group, then over groups.

    An id without counted codes is no id of its group; a kept group without ids is worth 0.
    """
    values_BGL = torch.where(counted_BGL, values_BGL, 0.0)
    id_BG = values_BGL.sum(-1) / counted_BGL.sum(-1).clamp(min=1)
    group_B = id_BG.sum(-1) / counted_BGL.any(-1).sum(-1).clamp(min=1)
    return torch.where(kept_B, group_B, 0.0).sum() / kept_B.sum().clamp(min=1)


def surrogate(
    ratio_BGL: Tensor, advantages_BGL: Tensor, low: float, high: float
) -> tuple[Tensor, Tensor]:
    """Minus the clipped objective of PPO (arXiv 1707.06347), and which codes it holds back.

    Args:
        ratio_BGL: see `cqsid.alignment.objective.losses`.
        advantages_BGL: one for each code.
        low, high: ratios are clipped to 1 - low and 1 + high; DAPO has low < high.

    Returns:
        (B, G, L) loss of each code, and bool: clipped, hence without gradient.
    """
    clipped_BGL = ratio_BGL.clamp(1 - low, 1 + high)
    worst_BGL = torch.minimum(ratio_BGL * advantages_BGL, clipped_BGL * advantages_BGL)
    beyond_BGL = (ratio_BGL > 1 + high) & (advantages_BGL > 0)
    beyond_BGL |= (ratio_BGL < 1 - low) & (advantages_BGL < 0)
    return -worst_BGL, beyond_BGL


def divergence(logp_BGL: Tensor, reference_BGL: Tensor, kind: Estimator) -> Tensor:
    """(B, G, L) estimates, at codes the policy sampled, of its KL divergence from a reference.

    Schulman, "Approximating KL divergence" (2020), with r = reference / policy: k1 = -log r,
    unbiased, of great variance, and as a loss without expected gradient; k2 = (log r)^2 / 2,
    biased; k3 = r - 1 - log r, unbiased and never negative (as in GRPO).
    """
    log_r_BGL = reference_BGL - logp_BGL
    if kind == "k1":
        return -log_r_BGL
    if kind == "k2":
        return log_r_BGL.square() / 2
    return log_r_BGL.expm1() - log_r_BGL


def dpo(tokens: Tokens, *, beta: float, tie: float) -> Tensor:
    """(B,) preference of a group's best id over its worst (DPO, arXiv 2305.18290); 0 for a tie.

    Pairs from a group by its rewards, the first of equals: inferred, the source has given pairs.
    """
    rewards_BG, valid_BG = tokens.rewards_BG, tokens.valid_BG
    gain_BG = torch.where(tokens.free_BGL, tokens.logp_BGL - tokens.reference_BGL, 0.0).sum(-1)
    best_B1 = rewards_BG.masked_fill(~valid_BG, -torch.inf).argmax(-1, keepdim=True)
    worst_B1 = rewards_BG.masked_fill(~valid_BG, torch.inf).argmin(-1, keepdim=True)
    margin_B = (gain_BG.gather(-1, best_B1) - gain_BG.gather(-1, worst_B1))[..., 0]
    loss_B = -logsigmoid(beta * margin_B)
    return torch.where(tied_B(rewards_BG, valid_BG, tie), 0.0, loss_B)


def matched_weight(group: int, experts: int) -> float:
    """Weight of supervised learning that pushes experts as hard as EG-GRPO does.

    Among G tied ids, K better experts have an advantage of sqrt(G / K) each and are K of the G + K
    ids that are averaged over: K / (G + K) * sqrt(G / K) = sqrt(G K) / (G + K) times the mean
    gradient of their log-likelihood, at a ratio of 1. 0.40 for G 8 and K 2.

    Args:
        group: G, ids that the policy generated.
        experts: K, ids added to them.
    """
    return float((group * experts) ** 0.5 / (group + experts))
