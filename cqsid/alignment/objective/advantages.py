"""How much better an id was than the others of its group, and which code gets the credit.

Axis suffixes: B requests, G ids of a group, C rewards, L levels, N lists of a group, S ids of a
list. Places that are not valid count for nothing and get 0. Leading axes may be more than B.
"""

import torch
from torch import Tensor

from cqsid.alignment.settings import AlgorithmSpec
from simulator.errors import ContractError


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
