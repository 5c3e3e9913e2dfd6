"""Codebooks learned by exponential moving averages, unused codes restarted; levels of them."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_UNUSED: Final = 0.1  # a code is unused below this share of an even count
_POINTS_PER_CODE: Final = 8  # of the sample that codes start from
_ROUNDS: Final = 5  # of k-means at the start
_CHUNK: Final = 2048  # points compared with all codes at once, bounds memory


class Codebook:
    """K codes; each follows the mean of the vectors it stands for (van den Oord et al., 2017, A.1).

    Sums and counts are averaged over batches and a code is their ratio. Nothing here has a
    gradient.

    Attributes:
        code_KD: the codes.
        count_K: moving average of how many vectors of a batch each code stands for.
        sum_KD: moving average of the sum of these vectors.
        free_K: codes that may be restarted; the others belong to somebody.
        price_K: added to squared distances; inf for a code that is never the nearest.
    """

    def __init__(
        self,
        code_KD: Tensor,
        free_K: Tensor | None = None,
        price_K: Tensor | None = None,
        *,
        batch: int,
        decay: float,
    ) -> None:
        size = len(code_KD)
        self._decay = decay
        self._even = batch / size
        self.code_KD = code_KD.clone()
        self.count_K = code_KD.new_full((size,), self._even)
        self.sum_KD = code_KD * self._even
        self.free_K = torch.ones_like(self.count_K, dtype=torch.bool) if free_K is None else free_K
        self.price_K = torch.zeros_like(self.count_K) if price_K is None else price_K

    def nearest(self, vector_BD: Tensor) -> Tensor:
        """(B,) the code of least squared distance plus price; of equal ones the first."""
        return (squared_distances(vector_BD, self.code_KD) + self.price_K).argmin(dim=1)

    def update(self, vector_BD: Tensor, code_B: Tensor) -> None:
        """Move the codes towards the vectors that a batch gave them."""
        fresh_KD, fresh_K = sums_by_code(vector_BD, code_B, len(self.code_KD))
        self.sum_KD.mul_(self._decay).add_(fresh_KD, alpha=1.0 - self._decay)
        self.count_K.mul_(self._decay).add_(fresh_K, alpha=1.0 - self._decay)
        # Only codes that were hit: the ratio of the others is the same, and may have underflowed.
        self.code_KD[code_B] = self.sum_KD[code_B] / self.count_K[code_B, None]

    def descend(self, gradient_KD: Tensor) -> None:
        """Move free codes against the gradient of a loss that is a mean over the batch.

        `update` is a step down the mean squared distance of (1 - decay) B / (2 count) for each
        code; this one is as long, so that losses weigh as if they were summed.
        """
        batch = self._even * len(self.code_KD)
        step_K = (1.0 - self._decay) * batch / (2.0 * self.count_K.clamp_min(self._even))
        self.code_KD -= (step_K * self.free_K)[:, None] * gradient_KD
        self.sum_KD = self.code_KD * self.count_K[:, None]

    def restart(self, vector_BD: Tensor, generator: torch.Generator) -> None:
        """Put free codes that went unused on vectors of the batch, drawn at random."""
        unused_K = self.free_K & (self.count_K < _UNUSED * self._even)
        rows = torch.nonzero(unused_K).flatten()[: len(vector_BD)]
        if not len(rows):
            return
        picked = torch.randperm(len(vector_BD), generator=generator)[: len(rows)]
        self.code_KD[rows] = vector_BD[picked.to(vector_BD.device)]
        self.count_K[rows] = self._even
        self.sum_KD[rows] = self.code_KD[rows] * self._even


def squared_distances(vector_BD: Tensor, code_KD: Tensor) -> Tensor:
    """(B, K) squared distances, less the vectors' own squares, which no argmin needs."""
    return torch.addmm(code_KD.square().sum(dim=1), vector_BD, code_KD.T, alpha=-2.0)


def straight_through(latent_BD: Tensor, quantised_BD: Tensor) -> Tensor:
    """The quantised vectors, whose gradient goes to the latent ones as it is (Bengio et al., 2013).

    Codes must carry no gradient of their own.
    """
    return latent_BD + (quantised_BD - latent_BD).detach()


def starting_codes(point_ND: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """(K, D) codes to start from: a few rounds of k-means on a sample of the points.

    With fewer points than codes several codes start at one point.
    """
    order = torch.randperm(len(point_ND), generator=generator).to(point_ND.device)
    sample_MD = point_ND[order[: max(_POINTS_PER_CODE * size, _CHUNK)]]
    code_KD = sample_MD[torch.arange(size, device=point_ND.device) % len(sample_MD)].clone()
    for _ in range(_ROUNDS if len(sample_MD) > size else 0):
        code_M = torch.cat(
            [
                squared_distances(part, code_KD).argmin(dim=1)
                for part in torch.split(sample_MD, _CHUNK)
            ]
        )
        sum_KD, count_K = sums_by_code(sample_MD, code_M, size)
        empty_K = count_K == 0
        code_KD = sum_KD / count_K.clamp_min(1.0)[:, None]
        picked = torch.randperm(len(sample_MD), generator=generator)[: int(empty_K.sum())]
        code_KD[empty_K] = sample_MD[picked.to(point_ND.device)]
    return code_KD


def cluster_partners(code_KD: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """(K,) for each code another one of its cluster, at random; a lone one gets itself.

    Clusters are those of k-means, about `size` codes each. Every code is partner of one other.
    """
    centre_CD = starting_codes(code_KD, max(len(code_KD) // size, 1), generator)
    cluster_K = squared_distances(code_KD, centre_CD).argmin(dim=1)
    shuffled_K = torch.randperm(len(code_KD), generator=generator).to(code_KD.device)
    order_K = shuffled_K[cluster_K[shuffled_K].argsort(stable=True)]
    cluster_K = cluster_K[order_K]
    first_K = torch.searchsorted(cluster_K, cluster_K)
    ends_K = cluster_K != cluster_K.roll(-1)
    partner_K = torch.empty_like(order_K)
    partner_K[order_K] = torch.where(ends_K, order_K[first_K], order_K.roll(-1))
    return partner_K


def sums_by_code(vector_BD: Tensor, code_B: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """(K, D) sum and (K,) count of the vectors of each code, the same bits in every run."""
    ones_B = torch.ones_like(vector_BD[:, 0])
    if vector_BD.device.type == "cpu":
        sum_KD = vector_BD.new_zeros((size, vector_BD.shape[1])).index_add_(0, code_B, vector_BD)
        return sum_KD, vector_BD.new_zeros(size).index_add_(0, code_B, ones_B)
    member_KB = (torch.arange(size, device=code_B.device)[:, None] == code_B).to(vector_BD.dtype)
    return member_KB @ vector_BD, member_KB.sum(dim=1)  # an accelerator adds rows in any order


@dataclass(frozen=True)
class Quantised:
    """Latents of E dimensions, level by level.

    Attributes:
        residuals: L + 1 of (B, E), what each level was given, then what the last one left; their
            gradient goes to the latents.
        codes: L of (B,).
        vector_BE: the sum of the codes, whose gradient goes straight through to the latents.
    """

    residuals: list[Tensor]
    codes: list[Tensor]
    vector_BE: Tensor


def quantise(latent_BE: Tensor, books: list[Codebook], category_B: Tensor) -> Quantised:
    """Codes of latents; the first code is the category where one is given (>= 0)."""
    residuals: list[Tensor] = [latent_BE]
    codes: list[Tensor] = []
    for book in books:
        code_B = book.nearest(residuals[-1].detach())
        if not codes:
            code_B = torch.where(category_B >= 0, category_B, code_B)
        codes.append(code_B)
        residuals.append(residuals[-1] - book.code_KD[code_B])
    vector_BE = straight_through(latent_BE, latent_BE - residuals[-1])
    return Quantised(residuals, codes, vector_BE)


def first_codebook(
    latent_NE: Tensor, category_N: Tensor, size: int, categories: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the first level starts: categories at the mean of their items, then spare codes.

    The row of a category without items is the mean of all, and never the nearest. Spare codes
    start among the items of unknown category, if there are any. Where there are neither spare
    codes nor categories with items, all codes are spare.

    Returns:
        (K, E) codes, (K,) which ones are spare, and (K,) prices: inf for never the nearest.
    """
    unknown_N = category_N < 0
    sum_KE, count_K = sums_by_code(latent_NE[~unknown_N], category_N[~unknown_N], size)
    owned_K = count_K > 0
    spare_K = torch.arange(size, device=latent_NE.device) >= categories
    if not (owned_K | spare_K).any():
        spare_K = ~spare_K
    code_KE = latent_NE.mean(dim=0).repeat(size, 1)
    code_KE[owned_K] = sum_KE[owned_K] / count_K[owned_K, None]
    if spare_K.any():
        points_ME = latent_NE[unknown_N] if unknown_N.any() else latent_NE
        code_KE[spare_K] = starting_codes(points_ME, int(spare_K.sum()), generator)
    price_K = torch.zeros_like(count_K).masked_fill(~(owned_K | spare_K), torch.inf)
    return code_KE, spare_K, price_K
