"""Settings of a world: who comes when, how sessions go on, what the shop does."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from simulator.behaviour.settings import BehaviorSpec
from simulator.protocols import DAY, SESSION_BITS
from simulator.spec import Spec

VISITS_PER_DAY_LIMIT = 64  # ordinals of one shopper's visits within a day
DAYS_LIMIT = 2**SESSION_BITS // VISITS_PER_DAY_LIMIT
_UNMET = 0.87  # of the pages of the shipped worlds leave the need open, about


class Promotion(Spec):
    """A day on which more shoppers come, and some items cost less."""

    day: int = Field(ge=0, description="day of the simulation, history included (0 is the first)")
    factor: float = Field(1.0, gt=0, description="multiplier of the day's visit rate")
    discount: float = Field(
        0.0, ge=0, le=0.95, description="what promoted items cost less (share of price)"
    )
    items: float = Field(1.0, ge=0, le=1, description="items that are promoted (share)")


class ArrivalSpec(Spec):
    """The profile of visits over the day and the week."""

    peak_hour: float = Field(20.0, ge=0, lt=24, description="hour of the evening peak")
    peak_to_trough: float = Field(
        3.0, ge=1, le=1_000, description="busiest over quietest hour's rate"
    )
    weekend: float = Field(
        1.2, gt=0, le=1_000, description="rate on days 5 and 6 of a week over others"
    )
    promotions: tuple[Promotion, ...] = ()


class MarketSpec(Spec):
    """How supply moves."""

    restock: Literal["sales", "plan"] = Field(
        "sales", description="whether restocks follow what sold lately, or only the full shelf"
    )
    restock_at: float = Field(
        0.25, ge=0, lt=1, description="share of the full shelf at which a restock is ordered"
    )
    forecast_half_life: float = Field(
        7.0, gt=0, le=1e6, description="half-life of past sales in what is expected to sell (days)"
    )
    service_level: float = Field(
        0.95, ge=0.5, lt=1, description="chance that stock lasts until an order comes, about"
    )
    cover_days: float = Field(
        14.0, ge=0, le=1e6, description="expected sales that an order covers after it came (days)"
    )
    sold_out: Literal["hidden", "shown"] = Field(
        "hidden", description="whether funnels leave out what is out of stock, or show it as well"
    )
    price_changes: float = Field(
        0.02, ge=0, le=1, description="share of items whose price changes on a day"
    )
    price_sigma: float = Field(0.08, ge=0, le=3, description="spread of the log price change")
    statistics_half_life: float = Field(
        14.0, gt=0, le=1e6, description="half-life of item statistics (days)"
    )


class SessionSpec(Spec):
    """What shoppers do between pages."""

    next_page: float = Field(0.35, ge=0, le=1, description="chance of the next page of results")
    reformulate: float = Field(0.55, ge=0, le=1, description="chance to search in other words")
    retry_empty: float = Field(
        0.7, ge=0, le=1, description="chance to search in other words after an empty page"
    )
    heed: float = Field(
        0.0,
        ge=0,
        le=10,
        description="how much higher the log-odds of narrower words are, over other words, after "
        "a page with something of the wanted kind, and how much lower after one without; 0: alike",
    )
    pages: int = Field(5, ge=1, le=100, description="pages of one query at most")

    @model_validator(mode="after")
    def _one_draw_decides(self) -> Self:
        """What a shopper does next are parts of one chance.

        Raises:
            ValueError: they are more than the whole.
        """
        if self.next_page + self.reformulate > 1 + 1e-9:
            raise ValueError(
                f"next_page + reformulate == {self.next_page:g} + {self.reformulate:g}, must be "
                "<= 1: one draw decides which of them a shopper does"
            )
        return self

    def requests_per_visit(self, patience: float) -> float:
        """Mean number of requests in a visit, about: for plans, and for how many to sample.

        Args:
            patience: mean number of requests that a shopper is ready to make.
        """
        goes_on = _UNMET * (self.next_page + self.reformulate) * (1 - 1 / patience)
        return 1 / (1 - goes_on)


class RampSpec(Spec):
    """The last days of the history, in which new channels are live for some shoppers.

    New are the channels that an arm has and control has not. What teaches the rankers then holds
    items that only these channels find, as it does after a real launch.
    """

    days: int = Field(0, ge=0, description="length of the ramp, 0: none (days)")
    share: float = Field(
        0.1, gt=0, le=1, description="share of the shoppers that new channels are live for"
    )
    retrain: bool = Field(
        True,
        description="whether new channels serve the experiment as trained anew on the whole "
        "history, or as they were launched",
    )


class ReturnsSpec(Spec):
    """What comes back days after it was bought; uncalibrated, and off by default."""

    share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="chance that an item as good as its rating comes back; 0: nothing does",
    )
    disappointment: float = Field(
        0.5,
        ge=0,
        le=10,
        description="rise of its log-odds with each standard deviation that quality is below what "
        "the rating shows",
    )
    delay_days: float = Field(
        10.0, gt=0, le=1e6, description="mean time from a purchase to its return (days)"
    )


class UpdatesSpec(Spec):
    """Models that are trained anew every so many days of the experiment, from the log so far."""

    every_days: int = Field(
        0, ge=0, description="days from one update to the next, 0: models stay as they began (days)"
    )
    models: tuple[str, ...] = Field(
        ("ranker",),
        min_length=1,
        description="what is trained anew: `ranker`, and names of channels",
    )
    log: Literal["shared", "per_arm", "weighted"] = Field(
        "shared",
        description="from what models of the experiment learn: 'shared': the log of all arms; "
        "'per_arm': each arm's from its own; 'weighted': each arm's ranker from the log of all "
        "arms, weighted so that it is spread as the arm's own",
    )

    def days(self, first_day: int, days: int) -> tuple[int, ...]:
        """The days at whose midnight models are trained anew, in a period of so many days."""
        step = self.every_days
        return tuple(range(first_day + step, first_day + days, step)) if step else ()


class HabitSpec(Spec):
    """How much more often shoppers come after good sessions; no published value is known."""

    strength: float = Field(
        0.0,
        ge=0,
        le=3,
        description="log of how often who is always content comes, over who never is; 0: no habit",
    )
    latest: float = Field(
        0.2, gt=0, le=1, description="weight of the latest session in how content a shopper is"
    )
    usual: float = Field(
        0.4, ge=0, le=1, description="share of good sessions at which habit changes no rate"
    )


class WorldSpec(Spec):
    """How long the world runs and how often the shop refreshes what its funnel reads."""

    history_days: int = Field(14, ge=1, description="days before the experiment (days)")
    days: int = Field(14, ge=1, description="length of the experiment (days)")
    index_refresh: float = Field(
        21_600.0, gt=0, le=DAY, description="time between two refreshes of the index (seconds)"
    )
    statistics: Literal["shared", "per_arm"] = Field(
        "shared", description="whether arms learn from each other's clicks"
    )
    peak_requests: float = Field(
        100.0,
        gt=0,
        le=1e6,
        description="searches of the whole shop at the peak hour of an ordinary day, of which the "
        "simulated shoppers' are a sample; felt only by channels with servers (requests a second)",
    )
    ramp: RampSpec = RampSpec()
    updates: UpdatesSpec = UpdatesSpec()
    arrivals: ArrivalSpec = ArrivalSpec()
    sessions: SessionSpec = SessionSpec()
    habit: HabitSpec = HabitSpec()
    returns: ReturnsSpec = ReturnsSpec()
    behavior: BehaviorSpec = BehaviorSpec()
    market: MarketSpec = MarketSpec()

    @model_validator(mode="after")
    def _days_can_be_numbered(self) -> "WorldSpec":
        days = self.history_days + self.days
        if days > DAYS_LIMIT:
            raise ValueError(f"world.history_days + world.days == {days}, must be <= {DAYS_LIMIT}")
        return self

    @model_validator(mode="after")
    def _ramp_follows_a_log(self) -> "WorldSpec":
        if self.ramp.days >= self.history_days:
            raise ValueError(
                f"world.ramp.days == {self.ramp.days}, must be < world.history_days "
                f"({self.history_days}): new channels learn from the days before"
            )
        return self

    @model_validator(mode="after")
    def _updates_come_within_the_experiment(self) -> "WorldSpec":
        if self.updates.every_days >= self.days:
            raise ValueError(
                f"world.updates.every_days == {self.updates.every_days}, must be < world.days "
                f"({self.days}): the first update comes so long after the experiment has begun"
            )
        return self

    @field_validator("index_refresh")
    @classmethod
    def _divides_the_day(cls, value: float) -> float:
        if DAY % value:
            raise ValueError("must divide a day, 86400 s, without remainder")
        return value
