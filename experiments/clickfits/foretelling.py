"""How well click models foretell clicks, and all of them side by side on pages held out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.clickfits.cascade import FittedCascade
from experiments.clickfits.climbing import Effort, log_likelihood_of
from experiments.clickfits.dynamicbayesian import FittedDynamicBayesian
from experiments.clickfits.fitted import FittedClicks
from experiments.clickfits.impressions import Impressions
from experiments.clickfits.positionbased import FittedPositionBased
from experiments.clickfits.userbrowsing import FittedUserBrowsing
from simulator.errors import DataError

Floats = NDArray[np.float64]

_KINDS: Final[tuple[type[FittedClicks], ...]] = (
    *(FittedPositionBased, FittedCascade),
    *(FittedDynamicBayesian, FittedUserBrowsing),
)

CLICK_MODELS: Final = {kind.name: kind for kind in _KINDS}
"""By the type that the settings give them."""


@dataclass(frozen=True)
class Foretold:
    """How well a model foretells the clicks of some pages.

    Attributes:
        log_likelihood: natural logarithm of the chance of all clicks, each given those above it on
            its page; minus infinity where the model says that one cannot be.
        mean_log_likelihood: its mean over results of a page, and over pages.
        perplexity_K: by rank, 2 to the mean of -log2 of the chance of what was done there, before
            anything is known of the page; 1 is perfect, 2 as good as a coin. NaN where no page is
            so long.
        perplexity: mean over the ranks.
    """

    log_likelihood: float
    mean_log_likelihood: float
    perplexity_K: Floats
    perplexity: float


def foretold(model: FittedClicks, impressions: Impressions) -> Foretold:
    """Measure a model on pages (Chuklin, Markov & de Rijke, 2015, section 5; Dupret & Piwowarski).

    Args:
        model: fitted; it must know the devices, and the ranks, of these pages.
        impressions: pages, best such that it has not learned from.
    """
    clicked_PK, real_PK = impressions.clicked_PK, impressions.real_PK
    page_P = log_likelihood_of(clicked_PK, model.given_above(impressions), real_PK)
    chance_PK = model.chances(impressions)
    with np.errstate(divide="ignore"):
        bits_PK = -np.log2(np.where(clicked_PK, chance_PK, 1 - chance_PK))
    shown_K = real_PK.sum(axis=0)
    bits_K = np.where(real_PK, bits_PK, 0.0).sum(axis=0)
    perplexity_K = np.full(len(shown_K), np.nan)
    seen = shown_K > 0
    perplexity_K[seen] = 2.0 ** (bits_K[seen] / shown_K[seen])
    return Foretold(
        log_likelihood=float(page_P.sum()),
        mean_log_likelihood=float((page_P / real_PK.sum(axis=1)).mean()),
        perplexity_K=perplexity_K,
        perplexity=float(perplexity_K[seen].mean()),
    )


@dataclass(frozen=True)
class Side:
    """One model beside others.

    Attributes:
        name: its type.
        model: fitted; None where the clicks are not as it has them.
        learnt, held_out: how well it foretells the pages it learned from, and the others.
        steps: of its climb.
        converged: whether that ended because it rose no more.
        refused: why there is none.
    """

    name: str
    model: FittedClicks | None = None
    learnt: Foretold | None = None
    held_out: Foretold | None = None
    steps: int = 0
    converged: bool = False
    refused: str = ""


def side_by_side(
    impressions: Impressions, *, held_out: float, effort: Effort, rng: np.random.Generator
) -> list[Side]:
    """All click models, fitted to the same pages and measured on the same others.

    Args:
        impressions: all pages.
        held_out: share of them that is not learned from.
        effort: of each fit.
        rng: draws the pages that are held out.

    Raises:
        ConfigError, DataError: see `Impressions.split`.
    """
    learnt, others = impressions.split(held_out, rng=rng)
    found = []
    for name, kind in CLICK_MODELS.items():
        try:
            climbed = kind.fit(learnt, effort)
        except DataError as error:
            found.append(Side(name, refused=str(error)))
            continue
        measures = foretold(climbed.state, learnt), foretold(climbed.state, others)
        steps = len(climbed.log_likelihoods)
        found.append(Side(name, climbed.state, *measures, steps, climbed.converged))
    return found
