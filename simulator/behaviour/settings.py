"""Settings of what items are worth to shoppers, and of what shoppers do with a page."""

from typing import Annotated

from pydantic import Field

from simulator.behaviour.clickmodels import (
    Cascade,
    CustomClickModel,
    DynamicBayesian,
    PositionBased,
    UserBrowsing,
)
from simulator.spec import Spec


class UtilitySpec(Spec):
    """Weights of the parts of utility (in logits)."""

    match: float = Field(5.0, ge=0, description="utility of a perfect match with the need")
    unjudged_match: float = Field(
        0.6, ge=0, le=1, description="match of an unjudged item for a judged query, at most"
    )
    quality: float = Field(0.5, ge=0, description="utility of one standard deviation of quality")
    taste: float = Field(0.5, ge=0, description="utility of one standard deviation of taste")
    owned: float = Field(2.0, ge=0, description="utility lost where one has bought the item")


class BehaviorSpec(UtilitySpec):
    """Utilities and thresholds of looking, clicking and buying (in logits)."""

    click_model: Annotated[
        PositionBased | Cascade | DynamicBayesian | UserBrowsing | CustomClickModel,
        Field(discriminator="type", description="how shoppers read a page and come to a click"),
    ] = PositionBased()
    click_cost: float = Field(
        6.75, ge=-1_000, le=1_000, description="perceived utility at which half would click"
    )
    outside: float = Field(10.75, ge=-1_000, le=1_000, description="utility of buying nothing")
    cart_margin: float = Field(
        1.4,
        ge=0,
        le=1_000,
        description="how far below the outside option the best item still goes to the cart",
    )
    basket_cost: float = Field(
        -4.0,
        ge=-1_000,
        le=1_000,
        description="utility that a second item in one basket needs more than the first, or "
        "less if negative: the delivery is paid",
    )
    repeat_quantity: float = Field(
        0.25, ge=0, lt=1, description="chance of one more unit of a bought item"
    )
    satisfaction: float = Field(
        6.0, ge=-1_000, le=1_000, description="true utility that satisfies half of the clickers"
    )
    delayed: float = Field(0.1, ge=0, le=1, description="share of purchases that come days later")
    delay_days: float = Field(2.0, gt=0, le=1e6, description="mean delay of those (days)")
    seconds_per_result: float = Field(
        1.5, ge=0, le=1e6, description="time on an examined result (s)"
    )
    seconds_per_click: float = Field(
        35.0, ge=0, le=1e6, description="median time on a clicked item (s)"
    )
