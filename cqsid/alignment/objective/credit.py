"""Which code of an id gets how much of the credit, and which ids are judged together.

Axis suffixes: B requests, G ids of a group, L levels, N lists of a group, S ids of a list.
"""

import torch
from torch import Tensor

from cqsid.alignment.objective.advantages import group_advantages
from cqsid.alignment.settings import AlgorithmSpec
from simulator.errors import ContractError


def shared_prefixes(codes_BGL: Tensor) -> Tensor:
    """(B, G, G, L) whether two ids of a group have all codes up to a level in common."""
    same_BGGL = codes_BGL[:, :, None] == codes_BGL[:, None]
    return same_BGGL.int().cumprod(-1).bool()


def prefix_values(codes_BGL: Tensor, rewards_BG: Tensor, valid_BG: Tensor) -> Tensor:
    """(B, G, L) what each prefix of an id is worth: the mean reward of the group's ids behind it.

    The Monte Carlo value of a node of the tree of ids, from the group alone. Inferred: it stands
    in for rewards of single codes where a reward has none. 0 where a place is not valid.
    """
    behind_BGGL = shared_prefixes(codes_BGL) & valid_BG[:, None, :, None]
    kept_BG = rewards_BG.masked_fill(~valid_BG, 0.0)
    total_BGL = torch.einsum("bijl,bj->bil", behind_BGGL.to(kept_BG.dtype), kept_BG)
    values_BGL = total_BGL / behind_BGGL.sum(2).clamp(min=1)
    return torch.where(valid_BG[..., None], values_BGL, 0.0)


def level_advantages(rewards_BGL: Tensor, valid_BG: Tensor, spec: AlgorithmSpec) -> Tensor:
    """(B, G, L) each level's rewards standardised over the group by themselves.

    The step-level advantage of SRPO (TaoSR-SHE, arXiv 2510.07972), with a code as a step.

    Args:
        rewards_BGL: what each code earned.
        valid_BG, spec: as in `group_advantages`.
    """
    rewards_LBG = rewards_BGL.movedim(-1, 0)
    valid_LBG = valid_BG.expand_as(rewards_LBG)
    return group_advantages(rewards_LBG, valid_LBG, spec).movedim(0, -1)


def prefix_gates(right_BGL: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, G, L) how far a code counts: the share of the codes before it that are right.

    The prefix gate of TPMA-GRPO (OneSearch-V2, arXiv 2603.24422): 1 for the first code, 0 for all
    others once the first is wrong. A code is right here if the whole prefix through it is; the
    released code compares codes place by place, which differs after a wrong code only.
    """
    so_far_BGL = right_BGL.to(dtype).cumsum(-1)
    before_L = torch.arange(1, right_BGL.shape[-1], device=right_BGL.device)
    first_BG1 = torch.ones_like(so_far_BGL[..., :1])
    return torch.cat([first_BG1, so_far_BGL[..., :-1] / before_L], -1)


def list_advantages(
    rewards_BG: Tensor, codes_BGL: Tensor, valid_BG: Tensor, spec: AlgorithmSpec
) -> Tensor:
    """(B, G) the advantage of each id's list: S ids in a row are one list.

    A list is worth the mean reward of its ids plus the share of them that are distinct; lists are
    then compared as ids are in GRPO. After IL-GRPO of AIGQ (arXiv 2603.19710), whose lists are
    written in one go: cutting a group into lists, and this list property, are inferred.

    Args:
        rewards_BG, codes_BGL, valid_BG: the ids.
        spec: `list_size` is S; else as in `group_advantages`.

    Raises:
        ContractError: G is no multiple of S.
    """
    (groups, number), size = rewards_BG.shape, spec.list_size
    if number % size:
        raise ContractError(f"rewards_BG.shape[1] == {number}, must be a multiple of {size}")
    valid_BNS = valid_BG.view(groups, -1, size)
    count_BN = valid_BNS.sum(-1)
    kept_BNS = rewards_BG.view(groups, -1, size).masked_fill(~valid_BNS, 0.0)
    distinct_BN = _distinct(codes_BGL.view(groups, -1, size, codes_BGL.shape[-1]), valid_BNS)
    value_BN = (kept_BNS.sum(-1) + distinct_BN) / count_BN.clamp(min=1)
    there_BN = count_BN > 0
    own_BN = group_advantages(value_BN, there_BN, spec)
    return torch.where(valid_BG, own_BN.repeat_interleave(size, -1), 0.0)


def _distinct(codes_BNSL: Tensor, valid_BNS: Tensor) -> Tensor:
    """(B, N) how many different ids a list has."""
    same_BNSS = (codes_BNSL[:, :, :, None] == codes_BNSL[:, :, None]).all(-1)
    earlier_BNSS = (same_BNSS & valid_BNS[:, :, None]).tril(-1)
    return (valid_BNS & ~earlier_BNSS.any(-1)).sum(-1)


def shared_prefix_mask(codes_BGL: Tensor, advantages_BGL: Tensor, valid_BG: Tensor) -> Tensor:
    """(B, G, L) bool; False: no push, as it would push down what is to be pushed up.

    That is so for a code of negative advantage if an id of the group that has a positive one there
    begins with the same codes. After the concern, and the detached prefix gradients, of RAD-DPO
    (arXiv 2602.23964); its use outside of DPO is inferred.
    """
    better_BGL = (advantages_BGL > 0) & valid_BG[..., None]
    shared_BGL = (shared_prefixes(codes_BGL) & better_BGL[:, None]).any(2)
    return ~(shared_BGL & (advantages_BGL < 0))
