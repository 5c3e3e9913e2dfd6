"""The levels of the residual-quantised autoencoder: where the first starts, and what all choose."""

from dataclasses import dataclass

import torch
from torch import Tensor

from cqsid.quantize.codebook import Codebook, starting_codes, straight_through, sums_by_code


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
