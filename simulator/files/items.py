"""The items of a catalogue file: its rows, checked and typed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue.catalog import Structured, Texts
from simulator.files.columns import ColumnReader
from simulator.files.paths import in_levels
from simulator.files.published import published_values
from simulator.files.settings import CatalogFileSpec
from simulator.files.tables.amounts import Floats
from simulator.files.tables.datapath import data_path
from simulator.files.tables.findings import short, unusable
from simulator.files.tables.readers import read_table
from simulator.files.tables.table import Table
from simulator.files.variants import with_variants
from simulator.protocols import DAY

PLACE = "catalog.file"
_HORIZON = 3650 * DAY  # where nothing says how long the simulated time is


@dataclass(frozen=True)
class Items:
    """The typed columns of a catalogue file; what it does not give is "" or NaN.

    Attributes:
        price_I: NaN where the price is to be drawn.
        category_I: paths whose levels are parted by " > ".
        created_at_I: simulated seconds.
        attributes: of each item, names and values; empty where no attributes are mapped.
        published: attribute values that the file has columns for; None where none are named.
        skipped: rows that could not be used and were left out.
        inside: rows of the file that are no items of their own: variants of one that is, or rows
            that hold nothing.
    """

    key_I: Texts
    title_I: Texts
    price_I: Floats
    description_I: Texts
    brand_I: Texts
    category_I: Texts
    seller_I: Texts
    rating_I: Floats
    stock_I: Floats
    sold_I: Floats
    created_at_I: Floats
    attributes: list[dict[str, Any]]
    published: Structured | None = None
    skipped: int = 0
    inside: int = 0

    def __len__(self) -> int:
        return len(self.key_I)

    def take(self, kept_I: NDArray[np.bool_]) -> "Items":
        """Some of the items; the others count as skipped."""
        if kept_I.all():
            return self
        columns = {name: value[kept_I] for name, value in vars(self).items() if name.endswith("_I")}
        attributes = [each for each, kept in zip(self.attributes, kept_I, strict=False) if kept]
        skipped = self.skipped + int((~kept_I).sum())
        return replace(self, **columns, attributes=attributes, skipped=skipped)


def read_items(spec: CatalogFileSpec, horizon: float | None = None) -> Items:
    """The items of a file, checked.

    Args:
        horizon: end of the simulated time (s); no item may arrive later. None: ten years.

    Raises:
        DataError: with everything that is wrong with the file.
    """
    path, columns = data_path(spec.path), spec.columns
    wanted = columns.wanted(f"{PLACE}.columns")
    wanted |= {f"{PLACE}.only.{name}": name for name in spec.only}
    whole = chosen(read_table(path, spec.format, wanted, f"{PLACE}.format"), spec.only)
    table = with_variants(whole, spec)
    reader = ColumnReader(table, spec.format, f"{PLACE}.format")
    reader.one_value(columns.currency)
    items = Items(
        key_I=reader.identifiers(columns.id),
        title_I=reader.filled_texts(columns.title),
        price_I=reader.prices(columns.price, may_be_empty=spec.prices.missing == "draw"),
        description_I=reader.texts(columns.description, joined=True),
        brand_I=reader.texts(columns.brand),
        category_I=in_levels(reader.categories(columns.category)),
        seller_I=reader.texts(columns.seller),
        rating_I=_rated(reader.numbers(columns.rating, "rating")),
        stock_I=reader.numbers(columns.stock, "stock"),
        sold_I=reader.numbers(columns.sold, "sold"),
        created_at_I=reader.moments(columns.created_at, _HORIZON if horizon is None else horizon),
        attributes=reader.attributes(columns.attributes) if columns.attributes else [],
        skipped=len(table.broken),
        inside=len(whole) - len(table),
    )
    if not columns.price and spec.prices.missing == "refuse":
        raise unusable(
            f"{PLACE}.columns.price",
            "''",
            f'a column of {path.name}, or {PLACE}.prices.missing = "draw" where it has no prices',
        )
    value_I = {name: reader.values(column) for name, column in columns.published.items()}
    kept_I = reader.close(spec.bad_rows)
    kept = {name: own_I[kept_I] for name, own_I in value_I.items()}
    place = f"{PLACE}.columns.attributes"
    return replace(items.take(kept_I), published=published_values(kept, columns.published, place))


def chosen(table: Table, only: Mapping[str, str | tuple[str, ...]]) -> Table:
    """The rows that have the values which are asked for.

    Raises:
        UnusableFile: no row has them.
    """
    for column, value in only.items():
        wanted = (value,) if isinstance(value, str) else value
        cells = ["" if cell is None else str(cell).strip() for cell in table.columns[column]]
        kept_I = np.fromiter((cell in wanted for cell in cells), bool, len(cells))
        if not kept_I.any():
            known = ", ".join(short(cell) for cell in list(dict.fromkeys(cells))[:8])
            raise unusable(
                f"{table.file}: {column}",
                f"{' or '.join(map(repr, wanted))} in no row",
                f"one of: {known}",
            )
        table = table.take(kept_I)
    return table


def _rated(stars_I: Floats) -> Floats:
    """Ratings without those of items that nobody has rated."""
    return np.where(stars_I == 0, np.nan, stars_I)
