"""The terms of the loss, and how codes, ids and groups are averaged.

Axis suffixes: B requests, G ids of a group, L levels.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from cqsid.alignment.objective.advantages import tied_B

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
        ratio_BGL: see `cqsid.alignment.objective.ratios`.
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


def dpo(
    logp_BGL: Tensor,
    reference_BGL: Tensor,
    free_BGL: Tensor,
    rewards_BG: Tensor,
    valid_BG: Tensor,
    *,
    beta: float,
    tie: float,
) -> Tensor:
    """(B,) preference of a group's best id over its worst (DPO, arXiv 2305.18290); 0 for a tie.

    Pairs from a group by its rewards, the first of equals: inferred, the source has given pairs.
    """
    gain_BG = torch.where(free_BGL, logp_BGL - reference_BGL, 0.0).sum(-1)
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
