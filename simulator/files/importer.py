"""A catalogue with its latent truth, made of the items of a user's file."""

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Catalog, Ints, Supply, Texts
from simulator.catalogue.settings import TraitsSpec
from simulator.catalogue.taxonomy import numbered
from simulator.catalogue.traits import complete, draw_quality, draw_rating, draw_seller, given
from simulator.files.departments import group_departments
from simulator.files.inferred import find_mentions, infer_categories, select_values
from simulator.files.items import Items, read_items
from simulator.files.prices import with_prices
from simulator.files.settings import CatalogFileSpec
from simulator.protocols import DAY
from simulator.randomness import Draws, Floats

_MEAN_AGE_DAYS = 400.0  # of an item whose arrival the file does not give
_SHRINKAGE = 2.0  # items' worth of the overall price in a category's mean


def read_supply(spec: CatalogFileSpec, draws: Draws, horizon: float | None = None) -> Supply:
    """A catalogue from a file, with a latent truth derived from its columns.

    Args:
        horizon: as of `read_items`.

    Raises:
        DataError: with everything that is wrong with the file.
    """
    return supply_of(read_items(spec, horizon), spec, draws)


def supply_of(items: Items, spec: CatalogFileSpec, draws: Draws) -> Supply:
    """The catalogue of some items, with what the file does not tell.

    Structured values and missing categories are told from the file's own words; quality, demand,
    prices where they are missing and whatever else the file does not give are drawn, keyed by row.
    """
    free_form = isinstance(spec.columns.attributes, str)
    mentions = find_mentions(items.title_I, items.attributes, said_only=free_form)
    brand_I, brands = numbered(items.brand_I)
    told_I, names = numbered(items.category_I)
    category_I, categories = infer_categories(mentions, told_I, brand_I, names)
    values_IV, value_words = select_values(mentions, category_I, brand_I, categories, brands)
    price_I = with_prices(items.price_I, category_I, categories, spec.prices, draws)
    log_price_C = _log_prices(price_I, category_I, len(categories))
    gap_I = np.log(price_I) - log_price_C[category_I]
    told = _sellers(items.seller_I) if spec.columns.seller else None
    seller_I = draw_seller(len(items), spec, draws) if told is None else told
    quality_I = _quality(items.rating_I, gap_I, seller_I, spec, draws)
    row = np.arange(len(items))
    age_I = -np.log(draws.uniform("item.age", slot=row)) * _MEAN_AGE_DAYS
    catalog = Catalog(
        key_I=items.key_I,
        title_I=items.title_I,
        description_I=items.description_I,
        brand_I=brand_I,
        category_I=told_I,
        price_I=price_I,
        seller_I=seller_I,
        rating_I=given(items.rating_I, draw_rating(quality_I, draws)).astype(np.float32),
        created_at_I=given(items.created_at_I, -age_I * DAY),
        retired_at_I=np.full(len(items), np.inf),
        brands=brands,
        categories=categories,
        department_C=group_departments(mentions, category_I, categories),
        structured=items.published,
    )
    return complete(
        catalog,
        spec,
        draws,
        category_I=category_I,
        values_IV=values_IV,
        quality_I=quality_I,
        log_price_C=log_price_C,
        value_words=value_words,
        stock_I=items.stock_I,
        sold_I=items.sold_I,
    )


def _sellers(seller_I: Texts) -> Ints:
    """Seller numbers; items without one share a number of their own."""
    code_I, names = numbered(seller_I)
    return np.where(code_I >= 0, code_I, len(names)).astype(np.int32)


def _log_prices(price_I: Floats, category_I: Ints, categories: int) -> Floats:
    """(C,) mean log price per category, shrunk towards the shop's where items are few."""
    log_I = np.log(price_I)
    total_C = np.bincount(category_I, weights=log_I, minlength=categories)
    size_C = np.bincount(category_I, minlength=categories)
    return np.asarray((total_C + _SHRINKAGE * log_I.mean()) / (size_C + _SHRINKAGE), np.float64)


def _quality(
    rating_I: Floats, gap_I: Floats, seller_I: Ints, spec: TraitsSpec, draws: Draws
) -> NDArray[np.float32]:
    """(I,) drawn, and where the file rates an item half told by its rating.

    Args:
        gap_I: log price above that of the item's category.
    """
    drawn_I = draw_quality(gap_I / max(float(gap_I.std()), 1e-9), seller_I, spec, draws)
    if np.isnan(rating_I).all():
        return drawn_I
    spread = max(float(np.nanstd(rating_I)), 1e-9)
    told_I = (rating_I - np.nanmean(rating_I)) / spread
    mixed_I = np.sqrt(0.5) * (told_I + drawn_I)
    return np.where(np.isnan(told_I), drawn_I, mixed_I).astype(np.float32)
