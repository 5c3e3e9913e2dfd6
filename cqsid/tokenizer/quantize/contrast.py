"""Losses between the members of a batch: which vectors belong together and which do not."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

_SHORT: Final = 0.1  # of the codes' typical length, below which one counts as that long


def bidirectional_info_nce(
    query_BD: Tensor, item_BD: Tensor, pair_BB: Tensor, *, temperature: float
) -> Tensor:
    """InfoNCE from queries to items and from items to queries, the mean of both.

    Args:
        query_BD: a query of each of B items.
        item_BD: the items.
        pair_BB: which query and item were logged together. An item without its own query
            (False on the diagonal) takes no part; a logged pair elsewhere is no negative.
        temperature: divisor of the cosines.

    Returns:
        Mean loss of the items that take part, 0 where none does.
    """
    logged_B = pair_BB.diagonal()
    excluded_BB = pair_BB | ~logged_B[:, None] | ~logged_B
    logits_BB = _cosines(query_BD, item_BD) / temperature
    forth = _diagonal_entropy(logits_BB, excluded_BB)
    back = _diagonal_entropy(logits_BB.T, excluded_BB.T)
    return (forth + back) / (2 * logged_B.sum().clamp_min(1))


def alignment(
    quantised_BD: Tensor, partner_BD: Tensor, known_B: Tensor, *, temperature: float
) -> Tensor:
    """InfoNCE from quantised items to their collaborative vectors (LETTER, Wang et al., 2024).

    Args:
        quantised_BD: quantised latents.
        partner_BD: vectors of the same items from another source.
        known_B: which items have such a vector; the others take no part.
        temperature: divisor of the cosines.

    Returns:
        Mean loss of the items that take part, 0 where none does.
    """
    excluded_BB = ~known_B[:, None] | ~known_B
    logits_BB = _cosines(quantised_BD, partner_BD) / temperature
    return _diagonal_entropy(logits_BB, excluded_BB) / known_B.sum().clamp_min(1)


def diversity(code_KD: Tensor, code_B: Tensor, partner_K: Tensor, *, temperature: float) -> Tensor:
    """Draw a code to another one of its cluster and push it off all others (LETTER).

    Args:
        code_KD: all codes.
        code_B: the code of each item.
        partner_K: another code of each code's cluster; the code itself where it is alone.
        temperature: divisor of the cosines.

    Returns:
        Mean cross-entropy of the partners among all codes but the item's own, 0 where no code
        has a partner; in units of the codes' mean square, to weigh the same at every level.
    """
    paired_B = partner_K[code_B] != code_B
    square = code_KD.detach().square().sum(dim=1).mean()
    # A floor to lengths: the direction of a code that is next to nothing has no finite gradient.
    floor = (_SHORT * square.sqrt()).clamp_min(1e-20)
    unit_KD = code_KD / torch.linalg.vector_norm(code_KD, dim=1, keepdim=True).clamp_min(floor)
    logits_BK = unit_KD[code_B] @ unit_KD.T / temperature
    own_BK = torch.zeros_like(logits_BK, dtype=torch.bool).scatter_(1, code_B[:, None], True)
    logits_BK = logits_BK.masked_fill(own_BK & paired_B[:, None], -torch.inf)
    entropy_B = F.cross_entropy(logits_BK, partner_K[code_B], reduction="none")
    return square * torch.where(paired_B, entropy_B, 0.0).sum() / paired_B.sum().clamp_min(1)


def class_constraint(vector_BD: Tensor, category_B: Tensor, *, temperature: float) -> Tensor:
    """Supervised contrast (Khosla et al., 2020): items of one category draw each other.

    Items of unknown category (-1), and those alone in their category, take no part.
    """
    known_B = category_B >= 0
    own_BB = torch.eye(len(category_B), dtype=torch.bool, device=category_B.device)
    same_BB = (category_B[:, None] == category_B) & known_B[:, None] & ~own_BB
    logits_BB = _cosines(vector_BD, vector_BD) / temperature
    log_share_BB = logits_BB.masked_fill(own_BB | ~known_B, -torch.inf).log_softmax(dim=1)
    partners_B = same_BB.sum(dim=1)
    mean_B = torch.where(same_BB, log_share_BB, 0.0).sum(dim=1) / partners_B.clamp_min(1)
    return -mean_B.sum() / (partners_B > 0).sum().clamp_min(1)


def cluster_scale(distance_BK: Tensor) -> Tensor:
    """How far a batch's soft use of the codes is from even: log K less its entropy (nats).

    A code's share of an item is softmax(-distance), with distances in units of their mean.
    """
    scaled_BK = distance_BK / distance_BK.detach().mean().clamp_min(1e-12)
    share_K = (-scaled_BK).softmax(dim=1).mean(dim=0)
    return torch.xlogy(share_K, share_K * len(share_K)).sum()


def dispersion(vector_BD: Tensor, *, temperature: float) -> Tensor:
    """Log of the mean exp(cosine / temperature) between different items, 0 for a single one."""
    size = len(vector_BD)
    if size == 1:
        return vector_BD.new_zeros(())
    logits_BB = _cosines(vector_BD, vector_BD) / temperature
    own_BB = torch.eye(size, dtype=torch.bool, device=vector_BD.device)
    total = logits_BB.masked_fill(own_BB, -torch.inf).flatten().logsumexp(dim=0)
    return total - torch.log(total.new_tensor(size * (size - 1.0)))


def _cosines(one_BD: Tensor, other_BD: Tensor) -> Tensor:
    return F.normalize(one_BD, dim=1) @ F.normalize(other_BD, dim=1).T


def _diagonal_entropy(logits_BB: Tensor, excluded_BB: Tensor) -> Tensor:
    """Summed cross-entropy of the diagonal, which is never excluded; a lone one costs 0."""
    own_BB = torch.eye(len(logits_BB), dtype=torch.bool, device=logits_BB.device)
    logits_BB = logits_BB.masked_fill(excluded_BB & ~own_BB, -torch.inf)
    targets_B = torch.arange(len(logits_BB), device=logits_BB.device)
    return F.cross_entropy(logits_BB, targets_B, reduction="sum")
