"""Settings of shoppers and of what they ask for."""

from pydantic import Field

from simulator.spec import Spec

SLOTS_LIMIT = 63  # the log keeps what was examined as bits of an int64


class ShopperSpec(Spec):
    """The population of shoppers."""

    count: int = Field(10_000, ge=1, description="shoppers")
    visits_per_week: float = Field(
        1.5, gt=0, le=1_000, description="mean visits a week of one shopper"
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
    patience: float = Field(4.0, ge=1, le=1_000, description="mean number of requests in one visit")
    tolerance: float = Field(
        10.0, gt=0, le=1e6, description="mean time after which a waiting shopper leaves (seconds)"
    )
    phone_share: float = Field(0.6, ge=0, le=1, description="share of shoppers on a phone")
    phone_slots: int = Field(10, ge=1, le=SLOTS_LIMIT, description="results on a page of a phone")
    desktop_slots: int = Field(
        20, ge=1, le=SLOTS_LIMIT, description="results on a page of a desktop"
    )


class QuerySpec(Spec):
    """Settings of what is asked for."""

    intents: int = Field(
        9_000, ge=1, le=1_000_000, description="distinct needs, each with up to 7 wordings"
    )
    vocabulary_gap: float = Field(
        0.35,
        ge=0,
        le=1,
        description="first queries in other words than the shop's: synonyms, misspellings and "
        "roundabout descriptions (share)",
    )
    brand_share: float = Field(
        0.3, ge=0, le=1, description="rare intents that want the brand of their target (share)"
    )
    judged_share: float = Field(
        0.3, ge=0, lt=1, description="needs behind the human-judged queries, if any (share)"
    )
