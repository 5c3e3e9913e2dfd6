"""Settings of shoppers and of what they ask for."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from simulator.spec import Spec

SLOTS_LIMIT = 63  # the log keeps what was examined as bits of an int64


class ShopperSpec(Spec):
    """The population of shoppers."""

    count: int = Field(10_000, ge=1, description="shoppers")
    visits_per_week: float = Field(
        1.2, gt=0, le=400, description="mean visits a week of one shopper"
    )
    activity_sigma: float = Field(1.0, ge=0, le=10, description="spread of log visit rates")
    affinity_sigma: float = Field(
        1.0, ge=0, le=10, description="spread of log department affinities"
    )
    demographics: float = Field(
        0.3,
        ge=0,
        le=1,
        description="share of the variance of affinities and tastes that gender and age explain",
    )
    budget_sigma: float = Field(
        0.6, ge=0, le=10, description="spread of log budget around list price"
    )
    price_sensitivity: float = Field(
        0.7,
        ge=0,
        le=1_000,
        description="mean utility lost per unit of log price over the budget, won below",
    )
    loyalty: float = Field(0.8, ge=0, le=1_000, description="mean utility of one's favourite brand")
    taste_drift: float = Field(0.02, ge=0, le=10, description="turn of tastes per day (radians)")
    patience: float = Field(7.0, ge=1, le=1_000, description="mean number of requests in one visit")
    tolerance: float = Field(
        10.0, gt=0, le=1e6, description="mean time after which a waiting shopper leaves (seconds)"
    )
    phone_share: float = Field(0.6, ge=0, le=1, description="share of shoppers on a phone")
    phone_slots: int = Field(10, ge=1, le=SLOTS_LIMIT, description="results on a page of a phone")
    desktop_slots: int = Field(
        20, ge=1, le=SLOTS_LIMIT, description="results on a page of a desktop"
    )


WordingName = Literal[
    "specific", "synonym", "generic", "misspelled", "brand", "knowledge", "ambiguous", "conditions"
]
"""Names of `simulator.shoppers.intents.Wording`, in lower case."""

Share = Annotated[float, Field(ge=0, le=1_000)]
Row = dict[WordingName, Share]
_NEXT = "the next wordings after this one"


class ShopWordings(Spec):
    """First queries in the shop's own words: how often each wording is used, of all of these.

    Any numbers: they are divided by their sum.
    """

    specific: Share = Field(0.61, description="category and wanted values, as titles name them")
    generic: Share = Field(0.12, description="the category alone")
    brand: Share = Field(0.13, description="the brand, with or without the category")
    ambiguous: Share = Field(0.09, description="wanted values that name no category")
    conditions: Share = Field(0.05, description="a sentence of several conditions, with a price")


class GapWordings(Spec):
    """First queries in other words than the shop's, divided by their sum as well."""

    synonym: Share = Field(0.6, description="category and wanted values, in other words")
    misspelled: Share = Field(0.25, description="the shop's words with a typing error")
    knowledge: Share = Field(0.15, description="what the thing is good for, not what it is called")


class Rewordings(Spec):
    """How a need is worded after a wording that did not serve: the shares of the next ones.

    A wording that a need does not have is left out; {} ends the search. Correct a typing error,
    narrow a generic query, broaden or substitute a specific one. Uncalibrated.
    """

    specific: Row = Field(
        {"generic": 0.5, "synonym": 0.35, "brand": 0.15},
        description=_NEXT,
    )
    synonym: Row = Field(
        {"generic": 0.5, "specific": 0.2, "brand": 0.2, "ambiguous": 0.1}, description=_NEXT
    )
    generic: Row = Field(
        {"synonym": 0.4, "specific": 0.35, "brand": 0.15, "ambiguous": 0.1},
        description=_NEXT,
    )
    misspelled: Row = Field({"specific": 0.6, "synonym": 0.2, "generic": 0.2}, description=_NEXT)
    brand: Row = Field({"specific": 0.35, "generic": 0.35, "synonym": 0.3}, description=_NEXT)
    knowledge: Row = Field(
        {"generic": 0.35, "synonym": 0.35, "specific": 0.15, "ambiguous": 0.15},
        description=_NEXT,
    )
    ambiguous: Row = Field({"synonym": 0.4, "specific": 0.3, "generic": 0.3}, description=_NEXT)
    conditions: Row = Field({"specific": 0.35, "synonym": 0.35, "generic": 0.3}, description=_NEXT)


class QuerySpec(Spec):
    """Settings of what is asked for."""

    seed: int | None = Field(
        None, ge=0, lt=2**63, description="luck of the needs alone; none: that of the run"
    )
    intents: int = Field(
        20_000, ge=1, le=1_000_000, description="distinct needs, each with up to 8 wordings"
    )
    frequency_exponent: float = Field(
        0.95,
        ge=0,
        le=5,
        description="of the law of frequencies: the share of visits with the need of rank n is "
        "proportional to (n + frequency_shift) ** -frequency_exponent",
    )
    frequency_shift: float = Field(
        5.0, ge=0, le=1e6, description="of that law: larger for flatter frequencies at its top"
    )
    vocabulary_gap: float = Field(
        0.35,
        ge=0,
        le=1,
        description="first queries in other words than the shop's: synonyms, misspellings and "
        "roundabout descriptions (share)",
    )
    variety: float = Field(
        0.12,
        ge=0,
        lt=1,
        description="chance that a shopper writes a word in a way of their own: word order, "
        "number, units, short forms, another typing error. More of it means more texts that were "
        "never asked before",
    )
    brand_share: float = Field(
        0.3, ge=0, le=1, description="rare intents that want the brand of their target (share)"
    )
    judged_share: float = Field(
        0.3, ge=0, lt=1, description="needs behind the human-judged queries, if any (share)"
    )
    shop_wordings: ShopWordings = ShopWordings()
    gap_wordings: GapWordings = GapWordings()
    rewordings: Rewordings = Rewordings()

    @model_validator(mode="after")
    def _some_wording(self) -> Self:
        gap = self.vocabulary_gap
        for name, used in (("shop_wordings", gap < 1), ("gap_wordings", gap > 0)):
            if used and sum(getattr(self, name).model_dump().values()) <= 0:
                raise ValueError(
                    f"{name} == 0 for every wording, must be > 0 for one of them "
                    f"where vocabulary_gap == {gap:g}"
                )
        return self

    def first_shares(self) -> dict[WordingName, float]:
        """Relative frequency of each wording in first queries; they sum to 1."""
        found: dict[WordingName, float] = dict.fromkeys(get_args(WordingName), 0.0)
        for group, share in (
            (self.shop_wordings, 1 - self.vocabulary_gap),
            (self.gap_wordings, self.vocabulary_gap),
        ):
            shares: dict[WordingName, float] = group.model_dump()  # type: ignore[assignment]
            total = sum(shares.values()) or 1.0
            found |= {name: share * each / total for name, each in shares.items()}
        return found

    def said_after(self) -> dict[WordingName, Row]:
        """By wording that did not serve, the relative frequency of the next."""
        return {name: getattr(self.rewordings, name) for name in get_args(WordingName)}

    def used(self) -> set[WordingName]:
        """The wordings that ever occur."""
        after = {name for row in self.said_after().values() for name, share in row.items() if share}
        return after | {name for name, share in self.first_shares().items() if share}
