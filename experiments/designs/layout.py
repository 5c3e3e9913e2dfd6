"""How the rows of a log belong to what an experiment has randomised."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

COUNTED_BY_SLOT = frozenset({"exposures", "clicks", "carts", "orders", "baskets", "gmv"})
"""Columns of the unit table that can be told slot by slot."""

COUNTED_BY_REQUEST = COUNTED_BY_SLOT | {"requests", "first_pages", "zero_results", "latency_sum"}
"""Columns of the unit table that can be told request by request."""

COUNTED_BY_SLOT = frozenset({"exposures", "clicks", "carts", "orders", "gmv"})
"""Columns that can be told slot by slot, and so item by item."""

Shares = dict[str, float]
"""By name of the arm."""

Asked = Literal["own", "control", "all"]
"""Which arms answer requests of others, too: none, control, or all."""

EVERY = "true"
FIRST_OF_SESSION = "request & 255 = 0"
"""SQL: the request that begins a session, see `simulator.protocols.request_ids`."""


@dataclass(frozen=True)
class Layout:
    """What a design makes of the requests of a log. SQL reads columns of `requests`.

    Attributes:
        design: its name.
        split: what was split, in the plural.
        unit: what levels are told per, in the plural; the same, or parts of it that arms do not
            move, such as the sessions of a period.
        counted: SQL of the requests that stand for one unit of what a metric without a
            denominator is divided by. Arms must not move how many there are.
        key: SQL of the number of what was split.
        group: SQL of what varies independently: requests of one group are correlated.
        stratum: SQL of the part of the experiment within which arms are compared, such as an hour
            of the day or a step of a ramp-up; differences are averaged over strata.
        kept: SQL of the requests that are analysed.
        by_text: whether SQL also reads columns of `texts`, such as `cluster`.
        slots: whether slots of one page count for several arms (interleaving): units stand in all
            arms then, and each arm has what its slots brought.
        assigned: whether the log's assignments tell what was split; else only the requests that
            came do.
        part: of the shares of all arms but control, that is reached at the end.
        columns: of the unit table, that a request can be told to have.
        asks: which arms answer requests that count for another one.
        permuted: whether groups may be few, or a few of them most, and each is in one arm: then
            arms are permuted to test them, and Student's law is not leaned on.
    """

    design: str
    split: str
    unit: str
    counted: str
    key: str
    group: str
    stratum: str = "0"
    kept: str = EVERY
    by_text: bool = False
    slots: bool = False
    assigned: bool = False
    part: float = 1.0
    columns: frozenset[str] = COUNTED_BY_REQUEST
    asks: Asked = "own"
    permuted: bool = False

    @property
    def shared(self) -> bool:
        """Whether units stand in all arms: those that ask do, where slots of a page are split."""
        return self.slots

    def shares(self, arms: Mapping[str, float], control: str) -> Shares:
        """The share of each arm at the end, from those that are set."""
        reached = {name: share * self.part for name, share in arms.items() if name != control}
        rest = 1 - sum(reached.values())
        return {name: reached.get(name, rest) for name in arms}


@dataclass(frozen=True)
class ListingLayout:
    """Items were split: each varies by itself, and has what its slots brought.

    Levels are told per item on sale in the period. Everybody is served by every arm.
    """

    design: ClassVar[str] = "listing"
    split: ClassVar[str] = "listings"
    unit: ClassVar[str] = "listings"
    assigned: ClassVar[bool] = True
    slots: ClassVar[bool] = True
    shared: ClassVar[bool] = False
    asks: ClassVar[Asked] = "all"
    permuted: ClassVar[bool] = False
    columns: ClassVar[frozenset[str]] = COUNTED_BY_SLOT

    def shares(self, arms: Mapping[str, float], control: str) -> Shares:
        """The share of the items in each arm."""
        return dict(arms)


Estimator = Literal["naive", "tsri_1", "tsri_2"]


@dataclass(frozen=True)
class TwoSidedLayout:
    """Shoppers and items were split, and a treatment needs both to be in it.

    Levels are told per shopper, as if all items were in one arm; see `randomised.twosided`.

    Attributes:
        estimator: which one.
        weight: beta of the interpolating ones: 1 compares shoppers, 0 items.
        listing_share: share of the items in the treatment; None: as of the shoppers.
    """

    design: ClassVar[str] = "two_sided"
    split: ClassVar[str] = "shoppers and listings"
    unit: ClassVar[str] = "shoppers"
    slots: ClassVar[bool] = True
    shared: ClassVar[bool] = False
    asks: ClassVar[Asked] = "control"
    columns: ClassVar[frozenset[str]] = COUNTED_BY_SLOT

    estimator: Estimator
    weight: float
    listing_share: float | None = None

    def shares(self, arms: Mapping[str, float], control: str) -> Shares:
        """The share of the shoppers in each arm."""
        return dict(arms)

    def listing_shares(self, arms: Mapping[str, float], control: str) -> Shares:
        """The share of the items in each of two arms."""
        if self.listing_share is None:
            return dict(arms)
        treated = self.listing_share
        return {name: 1 - treated if name == control else treated for name in arms}


AnyLayout = Layout | ListingLayout | TwoSidedLayout
"""How a log is read where it is not read shopper by shopper."""
