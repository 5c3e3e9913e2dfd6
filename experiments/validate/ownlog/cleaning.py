"""From the user's tables to what can be compared: what is wrong is found, named and left out."""

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.records.validity import LogFinding
from experiments.validate.ownlog.sales import Sales
from experiments.validate.ownlog.settings import OwnLogSpec
from experiments.validate.ownlog.tables import Column, flags, local_seconds, read_columns, whole
from simulator.errors import DataError
from simulator.protocols import DAY

_TOGETHER = 3_600.0  # seconds in which rows of one shopper are one order where none is named
_MOST_EARLY = 0.5  # share of orders before their click at which the tables cannot be of one shop


@dataclass
class Findings:
    """What was found wrong, in the order in which it was looked for."""

    rows: list[LogFinding] = field(default_factory=list)

    def tell(self, what: str, count: int, handling: str, note: str = "") -> None:
        """One finding; none where nothing was found."""
        if count:
            self.rows.append(LogFinding(what, int(count), handling, note))

    def without(self, frame: pd.DataFrame, bad: Column, what: str, note: str = "") -> pd.DataFrame:
        """The rows that are not bad; the others are left out and counted."""
        self.tell(what, int(bad.sum()), "left out", note)
        return frame[~bad]


@dataclass(frozen=True)
class OwnLog:
    """A log of the user's own, cleaned and cut to the days that are compared.

    Attributes:
        first_day: of these days.
        days: how many.
        sales: what was bought.
        results: what was shown in these days, and pages that showed nothing, a row without an item
            each; None where the log has no such table.
        findings: what was wrong.
    """

    first_day: str
    days: int
    sales: Sales
    results: pd.DataFrame | None
    findings: tuple[LogFinding, ...]

    @property
    def shown(self) -> pd.DataFrame:
        """The results without pages that showed nothing; empty where the log has no results."""
        if self.results is None:
            return pd.DataFrame()
        return self.results[~_missing(self.results["item"])]


def own_log(spec: OwnLogSpec, most_days: int | None) -> OwnLog:
    """Read and clean a log.

    Args:
        spec: where it is and how to read it.
        most_days: days that the simulated log has, no more are kept; None: all without a gap.

    Raises:
        DataError: the tables cannot be read or compared; what was found, and what is wanted.
    """
    findings = Findings()
    orders = _orders(spec, findings)
    results = _results(spec, findings)
    orders, results = _without_bots(spec, orders, results, findings)
    if results is not None:
        orders = _without_early(orders, results, findings)
    if not len(orders):
        raise DataError("orders == 0 rows that can be used, must be > 0: " + _told(findings))
    first, days = _window(spec, _days_told(orders, results, findings), most_days, findings)
    kept = (orders["at"] >= first * DAY) & (orders["at"] < (first + days) * DAY)
    sold = {name: orders.loc[kept, name].to_numpy() for name in _SOLD}
    sales = Sales.of(sold, first * DAY, days)
    if sales.shoppers < 2:
        raise DataError(
            f"shoppers == {sales.shoppers} with orders in the days compared, must be >= 2: "
            + _told(findings)
        )
    if results is not None:
        shown = (results["at"] >= first * DAY) & (results["at"] < (first + days) * DAY)
        results = results[shown | results["at"].isna()]
    return OwnLog(_date(first), days, sales, results, tuple(findings.rows))


_SOLD = ("shopper", "order", "item", "at", "price", "quantity")


def _told(findings: Findings) -> str:
    return "; ".join(f"{row.what}: {row.rows}" for row in findings.rows) or "nothing was left out"


def _date(day: int) -> str:
    return str(np.datetime64(0, "D") + np.timedelta64(day, "D"))


def _orders(spec: OwnLogSpec, findings: Findings) -> pd.DataFrame:
    place = "orders"
    frame = read_columns(spec.orders.path, spec.orders.columns, place)
    frame["at"], mixed = local_seconds(frame["at"], spec.timezone, f"{place}.columns.at")
    if mixed:
        findings.tell("times of several zones", len(frame), f"told in {spec.timezone}")
    if "cancelled" in frame:
        cancelled = flags(frame["cancelled"], f"{place}.columns.cancelled")
        frame = findings.without(frame, cancelled, "cancelled rows")
    frame = _of_one_currency(spec, frame, findings)
    frame = findings.without(frame, frame["at"].isna(), "orders without a time")
    frame = findings.without(frame, _missing(frame["shopper"]), "orders without a shopper")
    frame = findings.without(frame, _missing(frame["item"]), "orders without an item")
    for name in ("price", "quantity"):
        if name not in frame:
            frame = frame.assign(quantity=1.0)
        number = pd.to_numeric(frame[name], errors="coerce")
        frame = frame.assign(**{name: number})
        wrong = ~(number > 0) | ~np.isfinite(number)
        frame = findings.without(frame, wrong, f"orders whose {name} is not above 0")
    frame = frame.sort_values(["at"], kind="stable")
    return frame.assign(
        shopper=whole(frame["shopper"]), item=whole(frame["item"]), order=_numbered(frame, findings)
    )


def _numbered(frame: pd.DataFrame, findings: Findings) -> NDArray[np.int64]:
    """Numbers of orders: by shopper and id; rows without an id as if there were no such column."""
    together = _together(frame)
    if "order" not in frame:
        return together
    blank = _missing(frame["order"])
    findings.tell(
        *("order rows without an order's id", int(blank.sum())),
        "those of one shopper within an hour are one order",
    )
    shopper, order = _key(frame["shopper"]), _key(frame["order"])
    several = shopper[~blank].groupby(order[~blank]).nunique()
    findings.tell(
        *("ids of orders that several shoppers have", int((several > 1).sum())),
        "an order for each shopper",
    )
    named = order.mask(blank, "\0" + pd.Series(together, frame.index).astype("string"))
    return np.asarray(pd.factorize(shopper + "\0" + named)[0], np.int64)


def _missing(values: Column) -> Column:
    return values.isna() | (values.astype("string").str.strip() == "")


def _together(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Numbers of orders: rows of one shopper, each at most an hour after the one before."""
    order = np.lexsort((frame["at"], frame["shopper"].astype("string")))
    shopper = frame["shopper"].astype("string").to_numpy()[order]
    gap = np.diff(frame["at"].to_numpy()[order], prepend=-np.inf)
    new = np.r_[True, shopper[1:] != shopper[:-1]] | (gap > _TOGETHER)
    found = np.empty(len(frame), np.int64)
    found[order] = np.cumsum(new)
    return found


def _of_one_currency(spec: OwnLogSpec, frame: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """The rows of one currency.

    Raises:
        DataError: there are several, and none is chosen.
    """
    if "currency" not in frame:
        return frame
    named = frame["currency"].astype("string").str.strip().str.upper()
    counts = named.value_counts()
    if spec.currency is None and len(counts) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.head(5).items())
        raise DataError(
            f"orders.columns.currency == {told} rows, must be one currency: "
            "choose it by `currency`, and the rows of others are left out"
        )
    if spec.currency is None:
        return frame
    if spec.currency.upper() not in counts:
        raise DataError(f"currency == {spec.currency!r}, must be one of {', '.join(counts.index)}")
    other = (named != spec.currency.upper()).fillna(True)
    return findings.without(frame, other, f"orders not in {spec.currency}")


def _results(spec: OwnLogSpec, findings: Findings) -> pd.DataFrame | None:
    if spec.results is None:
        return None
    place = "results"
    frame = read_columns(spec.results.path, spec.results.columns, place)
    frame["at"], mixed = local_seconds(frame["at"], spec.timezone, f"{place}.columns.at")
    if mixed:
        findings.tell("times of several zones", len(frame), f"told in {spec.timezone}")
    frame = findings.without(frame, frame["at"].isna(), "results without a time")
    frame = findings.without(frame, _missing(frame["shopper"]), "results without a shopper")
    frame = findings.without(frame, _missing(frame["page"]), "results without a page")
    for name in ("shopper", "page"):
        frame[name] = whole(frame[name])
    frame["clicked"] = flags(frame["clicked"], f"{place}.columns.clicked")
    empty = _missing(frame["item"])
    frame["item"] = frame["item"].where(~empty)
    findings.tell("pages that showed nothing", int(empty.sum()), "count for visits alone")
    rank = pd.to_numeric(frame["position"], errors="coerce") - spec.results.first_position
    frame["rank"] = rank.where((rank >= 0) & (rank % 1 == 0) & ~empty)
    findings.tell(
        "results without a position",
        int((frame["rank"].isna() & ~empty).sum()),
        "their pages are left out of what is told of places",
    )
    return frame


def _without_bots(
    spec: OwnLogSpec, orders: pd.DataFrame, results: pd.DataFrame | None, findings: Findings
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Both tables without shoppers who do more on one day than a person does."""
    bots = _too_many(orders, "order", spec.most_orders_a_day, "orders", findings)
    if results is not None:
        bots |= _too_many(results, "page", spec.most_pages_a_day, "pages", findings)
        results = results[~_key(results["shopper"]).isin(bots)]
    return orders[~_key(orders["shopper"]).isin(bots)], results


def _too_many(
    frame: pd.DataFrame, unit: str, most: int, noun: str, findings: Findings
) -> set[object]:
    day = frame["at"] // DAY
    counts = frame.groupby(["shopper", day], observed=True)[unit].nunique()
    busiest = counts.groupby(level=0).max()
    over = busiest[busiest > most].sort_values(ascending=False)
    rows = int(frame["shopper"].isin(over.index).sum())
    told = ", ".join(f"{name} ({count} {noun} on one day)" for name, count in over.head(3).items())
    more = f" and {len(over) - 3} more" if len(over) > 3 else ""
    findings.tell(
        f"rows of shoppers with more than {most} {noun} a day", rows, "left out", told + more
    )
    return set(_key(pd.Series(over.index)))


def _without_early(orders: pd.DataFrame, results: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Orders of items that were clicked by then, or never shown as clicked at all.

    Raises:
        DataError: most clicked items were bought before: the two clocks are not one.
    """
    clicks = results[results["clicked"]]
    first = clicks.groupby([_key(clicks["shopper"]), _key(clicks["item"])])["at"].min()
    keys = pd.MultiIndex.from_arrays([_key(orders["shopper"]), _key(orders["item"])])
    clicked_at = first.reindex(keys).to_numpy()
    known = np.isfinite(clicked_at)
    early = pd.Series(known & (orders["at"].to_numpy() < clicked_at), index=orders.index)
    if known.any() and early.sum() > _MOST_EARLY * known.sum():
        raise DataError(
            f"orders before the first click on their item == {int(early.sum())} of "
            f"{int(known.sum())} that were clicked, must be few: are both tables of one clock?"
        )
    return findings.without(orders, early, "purchases before the first click on their item")


def _key(values: Column) -> Column:
    """One text for one thing, of whatever type a table has its ids."""
    return whole(values).astype("string").str.strip()


def _days_told(
    orders: pd.DataFrame, results: pd.DataFrame | None, findings: Findings
) -> NDArray[np.int64]:
    """Days of which the log tells: those with orders, and with results where it has such a table.

    Raises:
        DataError: the two tables have no day in common.
    """
    sold = np.unique((orders["at"] // DAY).astype(np.int64))
    if results is None or not len(results):
        return sold
    shown = np.unique((results["at"] // DAY).astype(np.int64))
    both = np.intersect1d(sold, shown)
    if not len(both):
        raise DataError(
            f"days with orders == {_date(sold[0])} to {_date(sold[-1])}, with results "
            f"{_date(shown[0])} to {_date(shown[-1])}, must have a day in common"
        )
    findings.tell(
        "days with orders and without results", len(sold) - len(both), "taken as days of a gap"
    )
    return both


def _window(
    spec: OwnLogSpec, days: NDArray[np.int64], most_days: int | None, findings: Findings
) -> tuple[int, int]:
    """First day and number of days that are compared: the last stretch without a gap that fits.

    Raises:
        DataError: no order in the days that were asked for.
    """
    if spec.first_day is not None:
        asked = (spec.first_day - date(1970, 1, 1)).days
        until = np.inf if most_days is None else asked + most_days
        days = days[(days >= asked) & (days < until)]
        if not len(days):
            raise DataError(f"first_day == {spec.first_day}, must be followed by days with orders")
    gaps = np.flatnonzero(np.diff(days) > spec.most_gap_days)
    told = [f"{_date(days[at] + 1)} to {_date(days[at + 1] - 1)}" for at in gaps]
    note = ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")
    missing = int(sum(days[at + 1] - days[at] - 1 for at in gaps))
    findings.tell(
        "days missing in gaps of the log", missing, "only a stretch without one is compared", note
    )
    starts, ends = days[np.r_[0, gaps + 1]], days[np.r_[gaps, len(days) - 1]]
    length = ends - starts + 1
    wanted = int(length.max()) if most_days is None else most_days
    fits = np.flatnonzero(length >= wanted)
    chosen = int(fits[-1]) if len(fits) else int(np.argmax(length))
    kept = int(min(length[chosen], wanted))
    first = int(starts[chosen]) if spec.first_day is not None else int(ends[chosen]) - kept + 1
    findings.tell("days that the simulated log has more", wanted - kept, "left out of it")
    return first, kept
