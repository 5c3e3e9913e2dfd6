"""What a shop knows and does not know of its items beyond their description.

Quality, demand, stock and tastes are drawn alike for a generated and for a given catalogue. Every
draw is keyed by the item id, so adding items never changes earlier ones.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from simulator.catalogue.catalog import Catalog, Ints, ItemTruth, Supply
from simulator.catalogue.pastsales import demand_given
from simulator.catalogue.sampling import power_law
from simulator.catalogue.settings import TraitsSpec
from simulator.protocols import DAY
from simulator.randomness import Draws, Floats

# Shares of a taste vector's variance. Attributes lead, so that tastes can be told from
# behaviour, and a good part stays with the single item.
_VALUES_SHARE, _CATEGORY_SHARE, _BRAND_SHARE = 0.4, 0.1, 0.2


def complete(
    catalog: Catalog,
    spec: TraitsSpec,
    draws: Draws,
    *,
    category_I: Ints,
    values_IV: Ints,
    quality_I: NDArray[np.float32],
    log_price_C: Floats,
    value_words: tuple[tuple[str, ...], ...],
    stock_I: Floats | None = None,
    sold_I: Floats | None = None,
) -> Supply:
    """A catalogue with the latent truth and the shelf that are drawn for it.

    Args:
        category_I, values_IV, quality_I, log_price_C: as of `ItemTruth`.
        value_words: as of `Supply`.
        stock_I: units on a full shelf where they are given, else NaN; none: given nowhere.
        sold_I: what was sold before, likewise.
    """
    demand_I = _demand(quality_I, spec, draws)
    if sold_I is not None:
        demand_I = given(demand_given(sold_I, quality_I, spec, draws), demand_I)
    drawn_I = _stock(demand_I, spec, draws)
    truth = ItemTruth(
        category_I=category_I,
        brand_I=catalog.brand_I,
        values_IV=values_IV,
        quality_I=quality_I,
        vector_IT=_tastes(category_I, catalog.brand_I, values_IV, spec, draws),
        demand_I=demand_I,
        log_price_C=log_price_C,
        department_C=catalog.department_C,
    )
    return Supply(
        catalog=catalog,
        truth=truth,
        stock_I=drawn_I if stock_I is None else given(stock_I, drawn_I).astype(np.int32),
        lead_time_I=_lead_times(catalog.seller_I, spec, draws),
        value_words=value_words,
    )


def given(given_I: Floats, drawn_I: NDArray[Any]) -> Floats:
    """What is given of the items, and what is drawn where nothing is (NaN)."""
    return np.where(np.isnan(given_I), drawn_I, given_I)


def draw_quality(
    price_z_I: Floats, seller_I: Ints, spec: TraitsSpec, draws: Draws
) -> NDArray[np.float32]:
    """(I,) about standard normal, a little higher where the price is high for the category.

    Of the variance that price does not tell, `seller_share` is common to a seller's items.
    """
    level_I = np.clip(price_z_I, -3.0, 3.0)
    own_I = draws.normal("item.quality", slot=np.arange(len(price_z_I)))
    common_I = draws.normal("seller.quality", slot=seller_I)
    share = spec.seller_share
    noise_I = np.sqrt(1 - share) * own_I + np.sqrt(share) * common_I
    return np.asarray(0.3 * level_I + np.sqrt(0.91) * noise_I, np.float32)


def _lead_times(seller_I: Ints, spec: TraitsSpec, draws: Draws) -> Floats:
    """(I,) seconds: gamma around the mean, `seller_share` of its shape the seller's.

    Its shape is 1 / spread^2. The sum of two gammas of one scale is a gamma of the sum of their
    shapes.
    """
    if not spec.lead_time_spread:
        return np.full(len(seller_I), spec.lead_time_days * DAY)
    shape, days_I = spec.lead_time_spread**-2, np.zeros(len(seller_I))
    if spec.seller_share < 1:
        own = shape * (1 - spec.seller_share)
        days_I += draws.gamma("item.lead_time", own, np.arange(len(seller_I)))
    if spec.seller_share > 0:
        days_I += draws.gamma("seller.lead_time", shape * spec.seller_share, seller_I)
    return spec.lead_time_days * DAY * days_I / shape


def draw_rating(quality_I: NDArray[np.float32], draws: Draws) -> NDArray[np.float32]:
    """(I,) public stars in steps of a tenth, 1 to 5: quality seen through few reviews."""
    noise_I = draws.normal("item.rating", slot=np.arange(len(quality_I)))
    stars_I = 4.1 + 0.4 * (0.75 * quality_I + 0.66 * noise_I)
    return np.asarray(np.round(np.clip(stars_I, 1.0, 5.0), 1), np.float32)


def _demand(quality_I: NDArray[np.float32], spec: TraitsSpec, draws: Draws) -> Floats:
    """(I,) log-normal demand weights of expectation 1.

    With the default spread the top 1 % of items holds about 8 % of demand and the top 10 % about
    36 % (diginetica: 7.3 % and 31 %).
    """
    noise_I = draws.normal("item.demand", slot=np.arange(len(quality_I)))
    log_I = spec.demand_sigma * noise_I + spec.demand_quality * quality_I
    mean = 0.5 * (spec.demand_sigma**2 + spec.demand_quality**2)
    return np.exp(log_I - mean)


def _stock(demand_I: Floats, spec: TraitsSpec, draws: Draws) -> Ints:
    """(I,) units on a full shelf: Poisson around the demand to cover, and not below the least."""
    mean_I = np.maximum(demand_I * spec.units_per_day * spec.stock_days, 1e-9)
    uniform_I = draws.uniform("item.stock", slot=np.arange(len(demand_I)))
    units_I = np.where(mean_I < 1e4, poisson.ppf(uniform_I, np.minimum(mean_I, 1e4)), mean_I)
    return np.clip(units_I, spec.least_stock, np.iinfo(np.int32).max).astype(np.int32)


def draw_seller(items: int, spec: TraitsSpec, draws: Draws) -> Ints:
    """(I,) seller numbers, sizes by a power law of exponent 1."""
    cumulative_S = np.cumsum(power_law(spec.sellers, 1.0))
    uniform_I = draws.uniform("item.seller", slot=np.arange(items))
    seller_I = np.searchsorted(cumulative_S, uniform_I, side="right")
    return np.minimum(seller_I, spec.sellers - 1).astype(np.int32)


def _tastes(
    category_I: NDArray[np.integer],
    brand_I: NDArray[np.integer],
    values_IV: Ints,
    spec: TraitsSpec,
    draws: Draws,
) -> NDArray[np.float32]:
    """(I, T) taste vectors of about unit variance per dimension.

    A sum of vectors of the item's attribute values, category and brand and of noise of its own;
    what an item lacks is replaced by noise. No text goes into it.
    """
    size = spec.taste_dimensions

    def table(purpose: str, rows: int) -> NDArray[np.float32]:
        cell = np.arange(rows * size).reshape(rows, size)
        return draws.normal(purpose, slot=cell).astype(np.float32)

    known_IV = values_IV >= 0
    worth_I = np.sqrt(_VALUES_SHARE / np.maximum(known_IV.sum(axis=1), 1)).astype(np.float32)
    by_value = table("taste.value", int(values_IV.max(initial=0)) + 1)
    vector_IT = np.zeros((len(category_I), size), np.float32)
    for known_I, code_I in zip(known_IV.T, values_IV.T, strict=True):
        vector_IT += by_value[code_I] * (worth_I * known_I)[:, None]
    by_category = table("taste.category", int(category_I.max(initial=0)) + 1)
    vector_IT += np.float32(np.sqrt(_CATEGORY_SHARE)) * by_category[category_I]
    by_brand = table("taste.brand", int(brand_I.max(initial=0)) + 1)
    branded_I = brand_I >= 0
    vector_IT += np.float32(np.sqrt(_BRAND_SHARE)) * by_brand[brand_I] * branded_I[:, None]
    explained_I = _VALUES_SHARE * known_IV.any(axis=1) + _CATEGORY_SHARE + _BRAND_SHARE * branded_I
    noise_I = np.sqrt(1.0 - explained_I).astype(np.float32)
    return vector_IT + noise_I[:, None] * table("taste.item", len(category_I))
