"""How much likelier the policy makes a code, or an id, than what it is compared with.

Every function gives one factor for each code. Its value may be that of the whole id; its gradient
then flows through each code's own probability, so that codes may have advantages of their own, as
in GSPO-token. Averaged over the codes of an id whose advantage is the same on all of them, that is
the gradient of the printed loss.

Axis suffixes: B requests, G ids of a group, L levels.
"""

from typing import Literal

import torch
from torch import Tensor

Ratio = Literal["token", "sequence", "sequence_mean"]


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
