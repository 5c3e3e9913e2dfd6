"""Settings of a generated catalogue."""

from pydantic import Field

from simulator.spec import Spec


class TraitsSpec(Spec):
    """Settings of the columns that are drawn for any catalogue."""

    seed: int | None = Field(
        None, ge=0, lt=2**63, description="luck of the catalogue alone; none: that of the run"
    )
    sellers: int = Field(200, ge=1, description="sellers, with power-law sizes (sellers)")
    seller_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="share of the variance of quality and of lead times that lies between sellers",
    )
    demand_sigma: float = Field(
        0.87, ge=0, le=3, description="spread of demand between items (sigma of its log)"
    )
    demand_quality: float = Field(
        0.25, ge=-2, le=2, description="rise of log demand with quality (per standard deviation)"
    )
    units_per_day: float = Field(
        0.1, gt=0, description="sales that the shop expects of an average item (units/day)"
    )
    stock_days: float = Field(
        30.0, gt=0, description="expected sales that a full shelf covers; low is tight (days)"
    )
    least_stock: int = Field(
        5, ge=1, le=1_000_000, description="units that a full shelf holds at least (units)"
    )
    lead_time_days: float = Field(
        5.0, gt=0, description="mean time from a restock order to its arrival (days)"
    )
    lead_time_spread: float = Field(
        0.5,
        ge=0,
        le=10,
        description="standard deviation of that between items, over the mean; 0: all alike",
    )
    taste_dimensions: int = Field(8, ge=1, le=64, description="size of taste vectors (dimensions)")


class StructuredSpec(Spec):
    """What a shop publishes of the attribute values of its items."""

    omitted: float = Field(
        0.5, ge=0, le=1, description="values that the shop does not publish (share of all)"
    )
    wrong: float = Field(
        0.03,
        ge=0,
        le=1,
        description="published values that are another one of the same attribute (share)",
    )


class CatalogSpec(TraitsSpec):
    """Settings of a generated catalogue."""

    items: int = Field(20_000, ge=1, le=1_000_000, description="catalogue size (items)")
    categories: int = Field(30, ge=1, le=5_000, description="categories over 12 departments")
    brands: int = Field(400, ge=1, le=100_000, description="brands, with power-law sizes")
    unbranded: float = Field(0.06, ge=0, le=1, description="items without a brand (share)")
    attributes: float = Field(
        0.6, ge=0, le=1, description="mean chance that an item has a value in each of 7 slots"
    )
    price_sigma: float = Field(
        0.55, gt=0, le=3, description="spread of prices within a category (sigma of the log)"
    )
    title_synonyms: float = Field(
        0.25, ge=0, le=1, description="title words replaced by a synonym (share)"
    )
    title_omissions: float = Field(
        0.3, ge=0, le=1, description="attribute values that a title leaves out (share)"
    )
    missing_category: float = Field(
        0.1, ge=0, le=1, description="items without a public category (share)"
    )
    structured: StructuredSpec | None = Field(
        None, description="attribute values in fields of their own; none: told by texts alone"
    )
    new_items_per_day: float = Field(
        0.002, ge=0, lt=1, description="items that arrive each simulated day (share of the items)"
    )
    retired_items_per_day: float = Field(
        0.001, ge=0, lt=1, description="items that leave each simulated day (share of the items)"
    )
    horizon_days: float = Field(
        60.0, gt=0, le=1e6, description="time over which items arrive and leave (simulated days)"
    )

    @property
    def publishes(self) -> tuple[bool, bool]:
        """Whether the shop publishes attribute values, and whether a part of the categories."""
        return self.structured is not None, 0 < self.missing_category < 1
