"""The user's own catalogue and human judgments, read from files."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from simulator.catalogue.catalog import Catalog, Ints, Supply, Texts
from simulator.catalogue.traits import (
    TraitsSpec,
    complete,
    draw_quality,
    draw_rating,
    draw_seller,
    given,
)
from simulator.files.columns import ColumnReader, ColumnSpec
from simulator.files.departments import group_departments
from simulator.files.findings import refuse, row_findings
from simulator.files.inferred import (
    find_mentions,
    infer_categories,
    select_values,
)
from simulator.files.readers import data_path, read_columns
from simulator.protocols import DAY
from simulator.randomness import Draws, Floats
from simulator.shoppers.intents import Judgments
from simulator.spec import Spec

_LOGGER = logging.getLogger(__name__)

_MEAN_AGE_DAYS = 400.0  # of an item whose arrival the file does not give
_ONCE = "the grade that an earlier row gives this query and product"
_SHRINKAGE = 2.0  # items' worth of the overall price in a category's mean


class CatalogFileSpec(TraitsSpec):
    """Settings of a catalogue that is read from a file."""

    path: str = Field(description="Parquet, CSV or JSON Lines file; may begin with $FUNNELAB_DATA")
    columns: ColumnSpec = Field(ColumnSpec(), description="which column holds what")


class JudgmentFileSpec(Spec):
    """Settings of human relevance grades that are read from a file."""

    path: str = Field(description="Parquet, CSV or JSON Lines file; may begin with $FUNNELAB_DATA")
    query: str = Field("query", description="column of the query text")
    product: str = Field("product_id", description="column of the product's id in the catalogue")
    grade: str = Field("grade", description="column of the grade (0 irrelevant to 3 best)")
    max_unknown: float = Field(
        0.2, ge=0, le=1, description="judged products that may be missing in the catalogue (share)"
    )


@dataclass(frozen=True)
class _Columns:
    """The typed columns of a catalogue file; what it does not give is empty, -1 or NaN."""

    key_I: Texts
    title_I: Texts
    price_I: Floats
    description_I: Texts
    brand: tuple[Ints, tuple[str, ...]]
    category: tuple[Ints, tuple[str, ...]]
    seller_I: Ints
    rating_I: Floats
    stock_I: Floats
    created_at_I: Floats
    attributes: list[dict[str, Any]]


def read_supply(spec: CatalogFileSpec, draws: Draws) -> Supply:
    """A catalogue from a file, with a latent truth derived from its columns.

    Structured values and missing categories are told from the file's own words; quality, demand
    and whatever else the file does not give are drawn, keyed by row.

    Raises:
        DataError: with everything that is wrong with the file.
    """
    columns = _typed(spec)
    free_form = isinstance(spec.columns.attributes, str)
    mentions = find_mentions(columns.title_I, columns.attributes, said_only=free_form)
    brand_I, brands = columns.brand
    category_I, categories = infer_categories(
        mentions, columns.category[0], brand_I, columns.category[1]
    )
    values_IV, value_words = select_values(mentions, category_I, brand_I, categories, brands)
    log_price_C = _log_prices(columns.price_I, category_I, len(categories))
    quality_I = _quality(columns, log_price_C[category_I], draws)
    items = len(columns.key_I)
    age_I = -np.log(draws.uniform("item.age", slot=np.arange(items))) * _MEAN_AGE_DAYS
    catalog = Catalog(
        key_I=columns.key_I,
        title_I=columns.title_I,
        description_I=columns.description_I,
        brand_I=brand_I,
        category_I=columns.category[0],
        price_I=columns.price_I,
        seller_I=columns.seller_I if spec.columns.seller else draw_seller(items, spec, draws),
        rating_I=given(columns.rating_I, draw_rating(quality_I, draws)).astype(np.float32),
        created_at_I=given(columns.created_at_I, -age_I * DAY),
        retired_at_I=np.full(items, np.inf),
        brands=brands,
        categories=categories,
        department_C=group_departments(mentions, category_I, categories),
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
        stock_I=columns.stock_I,
    )


def read_judgments(spec: JudgmentFileSpec, catalog: Catalog) -> Judgments:
    """Human grades of query-item pairs, sorted by query and item.

    Pairs whose product the catalogue does not have are left out and counted in a warning.

    Raises:
        DataError: unreadable file, missing column, empty query, grade other than 0 to 3, one
            pair with two grades, or too large a share of unknown products.
    """
    path = data_path(spec.path)
    wanted = {f"judgments.{name}": getattr(spec, name) for name in ("query", "product", "grade")}
    reader = ColumnReader(path.name, read_columns(path, wanted))
    query = reader.filled_texts(spec.query)
    product = reader.filled_texts(spec.product)
    grade = reader.numbers(spec.grade, "grade")
    refuse(reader.findings)
    query_J, queries = pd.factorize(query)
    item_J = pd.Index(catalog.key_I).get_indexer(pd.Index(product))
    _refuse_unknown(spec, path.name, item_J, product)
    pairs = pd.DataFrame({"query": query_J, "item": item_J, "grade": grade.astype(np.int8)})
    pairs = pairs[pairs["item"] >= 0].drop_duplicates()
    twice = pairs.duplicated(["query", "item"]).to_numpy()
    rows = pairs.index.to_numpy()
    again = np.isin(np.arange(len(query)), rows[twice])
    refuse(row_findings(path.name, spec.grade, again, reader.columns[spec.grade], _ONCE, product))
    pairs = pairs.sort_values(["query", "item"])
    return Judgments(
        queries=tuple(map(str, queries)),
        query_J=pairs["query"].to_numpy(np.int32),
        item_J=pairs["item"].to_numpy(np.int32),
        grade_J=pairs["grade"].to_numpy(np.int8),
    )


def _typed(spec: CatalogFileSpec) -> _Columns:
    path, mapped = data_path(spec.path), spec.columns
    reader = ColumnReader(path.name, read_columns(path, mapped.wanted("catalog.columns")))
    key_I = reader.identifiers(mapped.id)
    columns = _Columns(
        key_I=key_I,
        title_I=reader.filled_texts(mapped.title),
        price_I=reader.numbers(mapped.price, "price"),
        description_I=reader.texts(mapped.description),
        brand=reader.names(mapped.brand),
        category=reader.names(mapped.category),
        seller_I=_sellers(reader, mapped.seller),
        rating_I=reader.numbers(mapped.rating, "rating"),
        stock_I=reader.numbers(mapped.stock, "stock"),
        created_at_I=reader.moments(mapped.created_at),
        attributes=reader.attributes(mapped.attributes) if mapped.attributes else [],
    )
    refuse(reader.findings)
    return columns


def _sellers(reader: ColumnReader, column: str | None) -> Ints:
    """Seller numbers; items without one share a number of their own."""
    code_I, names = reader.names(column)
    return np.where(code_I >= 0, code_I, len(names)).astype(np.int32)


def _log_prices(price_I: Floats, category_I: Ints, categories: int) -> Floats:
    """(C,) mean log price per category, shrunk towards the shop's where items are few."""
    log_I = np.log(price_I)
    total_C = np.bincount(category_I, weights=log_I, minlength=categories)
    size_C = np.bincount(category_I, minlength=categories)
    return np.asarray((total_C + _SHRINKAGE * log_I.mean()) / (size_C + _SHRINKAGE), np.float64)


def _quality(columns: _Columns, log_price_I: Floats, draws: Draws) -> NDArray[np.float32]:
    """(I,) drawn, and where the file rates an item half told by its rating."""
    gap_I = np.log(columns.price_I) - log_price_I
    drawn_I = draw_quality(gap_I / max(float(gap_I.std()), 1e-9), draws)
    if np.isnan(columns.rating_I).all():
        return drawn_I
    spread = max(float(np.nanstd(columns.rating_I)), 1e-9)
    told_I = (columns.rating_I - np.nanmean(columns.rating_I)) / spread
    mixed_I = np.sqrt(0.5) * (told_I + drawn_I)
    return np.where(np.isnan(told_I), drawn_I, mixed_I).astype(np.float32)


def _refuse_unknown(
    spec: JudgmentFileSpec, file: str, item_J: NDArray[np.intp], product: Texts
) -> None:
    unknown = item_J < 0
    share = float(unknown.mean())
    if share > spec.max_unknown:
        wanted = f"the id of a product in the catalogue ({share:.0%} are unknown, at most "
        wanted += f"{spec.max_unknown:.0%} may be)"
        refuse(row_findings(file, spec.product, unknown, product, wanted))
    if share:
        _LOGGER.warning("%s: %d judgments of unknown products left out", file, unknown.sum())
