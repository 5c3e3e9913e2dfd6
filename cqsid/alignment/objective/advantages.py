"""How much better an id was than the others of its group.

Axis suffixes: B requests, G ids of a group, C rewards. Places that are not valid count for nothing
and get 0. Leading axes may be more than B.
"""

import torch
from torch import Tensor

from cqsid.alignment.settings import AlgorithmSpec


def tied_B(rewards_BG: Tensor, valid_BG: Tensor, tie: float) -> Tensor:
    """Which groups teach nothing: best and worst reward are at most `tie` apart.

    A group of one id, or of none, is tied.
    """
    inf = torch.inf
    best_B = rewards_BG.masked_fill(~valid_BG, -inf).amax(-1)
    worst_B = rewards_BG.masked_fill(~valid_BG, inf).amin(-1)
    return ~(best_B - worst_B > tie)


def group_advantages(rewards_BG: Tensor, valid_BG: Tensor, spec: AlgorithmSpec) -> Tensor:
    """(R - mean) / (std + epsilon) over each group (GRPO, DeepSeekMath, arXiv 2402.03300).

    Where G ids tie and K better ones, all equal, are with them, the advantages are -sqrt(K / G)
    and +sqrt(G / K), whatever the difference in reward (population std, epsilon 0).
    The papers leave open which std. Centred alone where the algorithm says so.

    Args:
        rewards_BG: (B, G) one reward for each id.
        valid_BG: which places hold an id.
        spec: its std, epsilon and tie; a tied group gets zeros.

    Returns:
        (B, G) advantages, of zero mean over the valid places of a group.
    """
    centred_BG = centred_advantages(rewards_BG, valid_BG, tie=spec.tie)
    if spec.advantage == "centred":
        return centred_BG
    freedom_B1 = valid_BG.sum(-1, keepdim=True) - (1 if spec.std == "sample" else 0)
    variance_B1 = centred_BG.square().sum(-1, keepdim=True) / freedom_B1.clamp(min=1)
    scaled_BG = centred_BG / (variance_B1.sqrt() + spec.epsilon)
    return torch.where(centred_BG == 0, 0.0, scaled_BG)


def centred_advantages(rewards_BG: Tensor, valid_BG: Tensor, *, tie: float) -> Tensor:
    """R - mean over each group; zeros for a tied one (Dr.GRPO, arXiv 2503.20783)."""
    kept_BG = rewards_BG.masked_fill(~valid_BG, 0.0)
    number_B1 = valid_BG.sum(-1, keepdim=True).clamp(min=1)
    centred_BG = kept_BG - kept_BG.sum(-1, keepdim=True) / number_B1
    teaches_BG = valid_BG & ~tied_B(rewards_BG, valid_BG, tie)[..., None]
    return torch.where(teaches_BG, centred_BG, 0.0)


def separate_advantages(
    parts_CBG: Tensor, weight_C: Tensor, valid_BG: Tensor, spec: AlgorithmSpec
) -> Tensor:
    """Each reward standardised in its group, summed by weight, over the batch's std (GDPO).

    Source: arXiv 2601.05242. The batch's mean, which the paper subtracts too, is 0 already: that
    of each group is. A group in which every reward ties gets zeros.

    Args:
        parts_CBG: (C, B, G) each reward's own values.
        weight_C: (C,) what each counts.
        valid_BG, spec: as in `group_advantages`.

    Returns:
        (B, G) advantages.
    """
    valid_CBG = valid_BG.expand_as(parts_CBG)
    own_CBG = group_advantages(parts_CBG, valid_CBG, spec)
    sum_BG = (weight_C[:, None, None] * own_CBG).sum(0)
    freedom = valid_BG.sum() - (1 if spec.std == "sample" else 0)
    spread = (sum_BG.square().sum() / freedom.clamp(min=1)).sqrt()
    return torch.where(sum_BG == 0, 0.0, sum_BG / (spread + spec.epsilon))
