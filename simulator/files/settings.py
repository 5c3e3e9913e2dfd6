"""Settings of a catalogue and of human judgments that are read from a user's files."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from simulator.catalogue.settings import TraitsSpec
from simulator.files.tables.formats import FormatSpec
from simulator.spec import Spec

_PATH = (
    "Parquet, CSV, TSV or JSON file (.parquet, .csv, .tsv, .tab, .txt, .json, .jsonl, .ndjson; "
    "text also with .gz behind) or XML; may begin with $FUNNELAB_DATA"
)
_ROWS = "rows that cannot be used: refused with all that is wrong, or skipped and counted"
_ONLY = "columns, and the value (or one of several) that a row must have there; others are left out"


class ColumnSpec(Spec):
    """Which column holds what; in JSON and Parquet a dotted path may lead to it (`price.value`)."""

    id: str = Field("id", min_length=1, description="the shop's own id of an item")
    title: str = Field("title", min_length=1, description="title, never empty")
    price: str = Field(
        "price", description="price, above 0; '' where the file has none (see `prices`)"
    )
    currency: str | None = Field(
        None, description="currency of the price, of which there must be one only"
    )
    description: str | None = Field(None, description="short description")
    brand: str | None = Field(None, description="brand name")
    category: str | tuple[str, ...] | None = Field(
        None,
        description="category, alone or as a path with '>', '|' or '/'; may be empty. Several "
        "columns are the levels of a path",
    )
    group: str | None = Field(
        None, description="what the variants of one product share; may be empty (see `variants`)"
    )
    seller: str | None = Field(None, description="seller name")
    rating: str | None = Field(None, description="mean rating (1 to 5 stars; 0: not rated)")
    stock: str | None = Field(None, description="units on a full shelf (whole units)")
    sold: str | None = Field(
        None, description="units sold in one period, the same for all items; tells demand (units)"
    )
    created_at: str | None = Field(
        None,
        description="arrival: a date, Unix time (the newest of either counts as day 0), or "
        "simulated seconds (negative: before day 0)",
    )
    attributes: str | tuple[str, ...] | dict[str, str] = Field(
        (),
        description="one column of JSON objects, or several columns, of attribute values; a table "
        "of attribute names and their columns also publishes these values in fields of their own",
    )

    @field_validator(
        *("currency", "description", "brand", "category", "group", "seller", "rating"),
        *("stock", "sold", "created_at"),
    )
    @classmethod
    def _no_name_no_column(cls, value: Any) -> Any:
        """No column, by the empty text: as for the price, so for whatever may be missing."""
        return None if value == "" else value

    @field_validator("attributes")
    @classmethod
    def _attributes_are_named(cls, value: Any) -> Any:
        """No attribute without a name, and no name without a column."""
        if isinstance(value, dict):
            for name, column in value.items():
                if not name.strip() or not column:
                    raise ValueError(f"must map a name to a column, not {name!r} to {column!r}")
        return value

    @property
    def published(self) -> dict[str, str]:
        """Column of each attribute that the shop publishes in a field of its own."""
        return dict(self.attributes) if isinstance(self.attributes, dict) else {}

    def wanted(self, place: str) -> dict[str, str]:
        """Setting -> column name, of all columns to be read."""
        wanted: dict[str, str] = {}
        for name, column in self:
            if isinstance(column, dict):
                wanted |= {f"{place}.{name}.{each}": column[each] for each in column}
                continue
            for at, each in enumerate((column,) if isinstance(column, str) else column or ()):
                if each:
                    number = "" if isinstance(column, str) else f"[{at}]"
                    wanted[f"{place}.{name}{number}"] = each
        return wanted


class CategoryPriceSpec(Spec):
    """Prices of one category, where a file has none."""

    median: float = Field(gt=0, le=1e9, description="median price (currency)")
    sigma: float | None = Field(
        None, ge=0, le=3, description="spread of the log price, where not that of all"
    )


class PriceSpec(Spec):
    """From what the prices of items without one are drawn: log-normal in each category."""

    missing: Literal["refuse", "draw"] = Field(
        "refuse", description="an item without a price: refused, or its price is drawn"
    )
    median: float = Field(30.0, gt=0, le=1e9, description="median price of the shop (currency)")
    between: float = Field(
        0.7, ge=0, le=3, description="spread of categories around it (sigma of the log median)"
    )
    sigma: float = Field(
        0.5, ge=0, le=3, description="spread inside a category (sigma of the log price)"
    )
    categories: dict[str, CategoryPriceSpec] = Field(
        {}, description="prices of single categories, by name or by the beginning of a path"
    )


class CatalogFileSpec(TraitsSpec):
    """Settings of a catalogue that is read from a file."""

    path: str = Field(description=_PATH)
    columns: ColumnSpec = Field(ColumnSpec(), description="which column holds what")
    format: FormatSpec = Field(FormatSpec(), description="how the file is written")
    only: dict[str, str | tuple[str, ...]] = Field({}, description=_ONLY)
    variants: Literal["keep", "join"] = Field(
        "keep",
        description="rows that share `columns.group`: items of their own, which take from each "
        "other what they lack, or one item at the lowest price",
    )
    prices: PriceSpec = Field(PriceSpec(), description="prices that the file does not give")
    bad_rows: Literal["refuse", "skip"] = Field("refuse", description=_ROWS)

    @model_validator(mode="after")
    def _groups_are_told(self) -> "CatalogFileSpec":
        if self.variants == "join" and self.columns.group is None:
            raise ValueError(
                "catalog.file.variants == 'join', must be 'keep' where catalog.file.columns.group "
                "does not say which variants are of one product"
            )
        return self


class FileCatalog(Spec):
    """A catalogue read from the user's own file."""

    file: CatalogFileSpec

    @property
    def publishes(self) -> tuple[bool, bool]:
        """Whether it publishes attribute values, and whether categories."""
        columns = self.file.columns
        return bool(columns.published), bool(columns.category)


class QueryFileSpec(Spec):
    """A file of its own with the texts of the queries."""

    path: str = Field(description=_PATH)
    id: str = Field("query_id", min_length=1, description="column of the query's id")
    text: str = Field("query", min_length=1, description="column of the query text")
    format: FormatSpec = Field(FormatSpec(), description="how the file is written")


class JudgmentFileSpec(Spec):
    """Settings of human relevance grades that are read from a file."""

    path: str = Field(description=_PATH)
    query: str = Field(
        "query", min_length=1, description="column of the query text, or id with `queries`"
    )
    product: str = Field(
        "product_id", min_length=1, description="column of the product's id in the catalogue"
    )
    grade: str = Field(
        "grade",
        min_length=1,
        description="column of the grade: 0 irrelevant to 3 best, or a name that is known: "
        "Exact 3, Substitute 2, Partial 2, Complement 1, Irrelevant 0, or E, S, C, I",
    )
    grades: dict[str, int] = Field({}, description="grade (0 to 3) of each value of other scales")
    queries: QueryFileSpec | None = Field(None, description="where the texts of queries are apart")
    format: FormatSpec = Field(FormatSpec(), description="how the file is written")
    only: dict[str, str | tuple[str, ...]] = Field({}, description=_ONLY)
    bad_rows: Literal["refuse", "skip"] = Field("refuse", description=_ROWS)
    max_unknown: float = Field(
        0.2, ge=0, le=1, description="judged products that may be missing in the catalogue (share)"
    )

    @field_validator("grades")
    @classmethod
    def _grades_are_known(cls, value: dict[str, int]) -> dict[str, int]:
        for name, grade in value.items():
            if grade not in (0, 1, 2, 3):
                raise ValueError(f"must map {name!r} to 0, 1, 2 or 3")
        return value

    def files(self) -> list[str]:
        """The files that are read."""
        return [self.path, *([self.queries.path] if self.queries else [])]


class DemandFileSpec(Spec):
    """Settings of the shop's own queries, which are asked as they are."""

    path: str = Field(description=_PATH)
    query: str = Field("query", min_length=1, description="column of the query text")
    count: str | None = Field(
        None, min_length=1, description="column of how often it was asked; none: once in each row"
    )
    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="needs behind these queries, of all that are not behind judged ones (share)",
    )
    format: FormatSpec = Field(FormatSpec(), description="how the file is written")
    only: dict[str, str | tuple[str, ...]] = Field({}, description=_ONLY)
    bad_rows: Literal["refuse", "skip"] = Field("refuse", description=_ROWS)
