"""The second rung: where the figures of published shops lie, and where this market's do."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from experiments.inference.intervals.crossed import Floats
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import rows_of
from experiments.records.validity import Check, Period, Unit
from experiments.validate.concentration import concentrated
from experiments.validate.evidence import Evidence, PeriodLog
from experiments.validate.positions import falls
from experiments.validate.verdicts import Wanted, median_of, ranged, ratio_of, share_of
from experiments.validate.wording import worded

_RETAILROCKET = "RetailRocket, events"
_TRADE = "trade pages"
_DIGINETICA = "diginetica"
_COMMON = "common knowledge"

PURCHASE_PER_CLICK = Wanted(0.005, 0.02, f"{_RETAILROCKET}: 0.84 %")
CART_PER_CLICK = Wanted(0.02, 0.04, f"{_RETAILROCKET}: 2.60 %")
PURCHASE_PER_CART = Wanted(0.25, 0.40, f"{_RETAILROCKET}: 32.4 %")
CONVERSION = Wanted(0.013, 0.046, _TRADE, weak=True)
ITEMS_PER_ORDER = Wanted(1.2, 1.5, f"{_DIGINETICA}: 1.33")
ITEMS_MEDIAN = Wanted(1, 1, _DIGINETICA)
REPEAT_BUYERS = Wanted(0.05, 0.15, f"{_DIGINETICA}: 8.2 %")
LOG_VALUE = Wanted(0.8, 1.5, "Icecat prices: 1.46; UCI Online Retail II baskets")
CLICKED = Wanted(0.2, 0.5, _COMMON, weak=True)
QUERIES = Wanted(1, 3, _COMMON, weak=True)
PRESSURE = Wanted(1.0, None, "aim of this project", weak=True)


def ranges(evidence: Evidence) -> Iterator[Check]:
    """Where the figures of each log lie."""
    for log in evidence.logs:
        yield from _acts(log, evidence.confidence)
        yield from _sessions(log, evidence.confidence)
        yield from _baskets(log, evidence.confidence)
        yield from falls(log, evidence.confidence)
    yield from _repeated(evidence.history, evidence.confidence)
    yield from concentrated(evidence.history, evidence.confidence)
    yield from worded(evidence.history, evidence.confidence)
    yield from _pressure(evidence)


def _acts(log: PeriodLog, confidence: float) -> Iterator[Check]:
    """A view of the item's page is a click on its result; an order's row is a purchase."""
    told = log.columns(
        "SELECT sum(clicks)::DOUBLE AS clicks, sum(carts)::DOUBLE AS carts, "
        "sum(bought)::DOUBLE AS bought FROM ("
        "SELECT shopper, count(*) FILTER (clicked) AS clicks, count(*) FILTER (carted) AS carts, "
        f"0 AS bought FROM {log.own('exposures')} GROUP BY shopper UNION ALL "
        f"SELECT shopper, 0, 0, count(*) FROM {log.own('orders')} GROUP BY shopper) "
        "GROUP BY shopper"
    )
    acts = (
        ("purchase_per_click", "bought", "clicks", PURCHASE_PER_CLICK),
        ("cart_per_click", "carts", "clicks", CART_PER_CLICK),
        ("purchase_per_cart", "bought", "carts", PURCHASE_PER_CART),
    )
    for fact, part, whole, wanted in acts:
        found = share_of(told[part], told[whole], confidence)
        yield _ranged(log, fact, "share", found, wanted, n=int(told[whole].sum()))


def _sessions(log: PeriodLog, confidence: float) -> Iterator[Check]:
    """Conversion, queries a session, and searches with a click on any of their pages."""
    sessions = log.columns(
        "SELECT count(*)::DOUBLE AS n, count(o.session)::DOUBLE AS bought "
        f"FROM {log.own('sessions')} AS s "
        f"LEFT JOIN (SELECT DISTINCT session FROM {log.own('orders')}) AS o USING (session) "
        "GROUP BY s.shopper"
    )
    found = share_of(sessions["bought"], sessions["n"], confidence)
    n = int(sessions["n"].sum())
    yield _ranged(log, "session_conversion", "share", found, CONVERSION, n=n)
    log.connection.execute(f"CREATE OR REPLACE TEMP TABLE searches AS {_searches(log)}")
    searches = log.columns(
        "SELECT count(*)::DOUBLE AS n, count(*) FILTER (clicked)::DOUBLE AS clicked "
        "FROM searches GROUP BY shopper"
    )
    found = share_of(searches["clicked"], searches["n"], confidence)
    n = int(searches["n"].sum())
    yield _ranged(log, "searches_with_a_click", "share", found, CLICKED, n=n)
    told = "SELECT shopper, count(*) AS n FROM searches GROUP BY shopper, session"
    found, n = _median(log, told, confidence)
    yield _ranged(log, "queries_per_session_median", "number", found, QUERIES, n=n)


def _searches(log: PeriodLog) -> str:
    """SQL of a row for each query of a session: whose it is, and whether any page had a click."""
    clicks = (
        f"SELECT request, bool_or(clicked) AS clicked FROM {log.own('exposures')} GROUP BY request"
    )
    asked = (
        "SELECT shopper, session, coalesce(clicked, false) AS clicked, "
        "sum((page = 0)::INTEGER) OVER (PARTITION BY session ORDER BY request) AS search "
        f"FROM {log.own('requests')} LEFT JOIN ({clicks}) USING (request)"
    )
    return (
        f"SELECT shopper, session, search, bool_or(clicked) AS clicked FROM ({asked}) GROUP BY ALL"
    )


def _baskets(log: PeriodLog, confidence: float) -> Iterator[Check]:
    """An order is what one session bought, at once or later; its items are its rows."""
    basket = (
        "SELECT shopper, count(*) AS n, CASE WHEN sum(price * quantity) > 0 "
        "THEN ln(sum(price * quantity)) END AS value "
        f"FROM {log.own('orders')} GROUP BY shopper, session"
    )
    sizes = log.columns(
        f"SELECT sum(n)::DOUBLE AS items, count(*)::DOUBLE AS n FROM ({basket}) GROUP BY shopper"
    )
    orders = int(sizes["n"].sum())
    found = ratio_of(sizes["items"], sizes["n"], confidence)
    yield _ranged(log, "items_per_order", "number", found, ITEMS_PER_ORDER, n=orders)
    found, _ = _median(log, basket, confidence)
    yield _ranged(log, "items_per_order_median", "number", found, ITEMS_MEDIAN, n=orders)
    mean = log.row(f"SELECT avg(value) AS mean FROM ({basket})")["mean"]
    spread = UNKNOWN
    if mean is not None:
        squares = log.columns(
            f"SELECT sum((value - {mean!r}) ** 2) AS total, count(*)::DOUBLE AS n "
            f"FROM ({basket}) WHERE value IS NOT NULL GROUP BY shopper"
        )
        spread = _rooted(ratio_of(squares["total"], squares["n"], confidence))
    yield _ranged(log, "sigma_of_log_order_value", "number", spread, LOG_VALUE, n=orders)


def _rooted(variance: Interval) -> Interval:
    """The interval of a standard deviation, from that of its square."""
    roots = (None if each is None else math.sqrt(max(each, 0.0)) for each in variance.numbers)
    return Interval(*roots)


def _repeated(log: PeriodLog, confidence: float) -> Iterator[Check]:
    told = log.columns(
        "SELECT (count(DISTINCT session) > 1)::DOUBLE AS again, 1.0::DOUBLE AS n "
        f"FROM {log.own('orders')} GROUP BY shopper"
    )
    found = share_of(told["again"], told["n"], confidence)
    note = f"buyers with a second order within {log.days} days; diginetica's window is longer"
    buyers = len(told["n"])
    yield _ranged(log, "repeat_buyers", "share", found, REPEAT_BUYERS, n=buyers, note=note)


def _median(log: PeriodLog, told: str, confidence: float) -> tuple[Interval, int]:
    """The median of `n` over the rows of a query that have a `shopper`, and how many there are."""
    whole = log.row(f"SELECT coalesce(max(n), 0) AS most, count(*) AS cases FROM ({told})")
    counts = partial(_at_most, log, told)
    every_U = counts(int(whole["most"]))
    return median_of(counts, every_U, int(whole["most"]), confidence), int(whole["cases"])


def _at_most(log: PeriodLog, told: str, number: int) -> Floats:
    """Rows of each shopper whose `n` is at most a number, in the order of shoppers."""
    found = log.columns(
        f"SELECT count(*) FILTER (n <= {number})::DOUBLE AS held FROM ({told}) "
        "GROUP BY shopper ORDER BY shopper"
    )
    return np.asarray(found["held"], np.float64)


def _pressure(evidence: Evidence) -> Iterator[Check]:
    """Relevant items over what one channel may return, as the run's truth has weighed it."""
    scarcity = evidence.truths.scarcity if evidence.truths is not None else ()
    period: Period = "experiment"
    for row in rows_of(scarcity, arm=evidence.control, cut="query"):
        yield ranged(
            *(period, f"recall_pressure_{row.part}", "number", row.pressure, PRESSURE),
            n=row.requests,
            arm=row.arm,
            note=f"{row.relevant:.0f} relevant items, a channel may return {row.limit}",
        )


def _ranged(
    log: PeriodLog,
    fact: str,
    unit: Unit,
    found: Interval,
    wanted: Wanted,
    *,
    n: int,
    note: str = "",
) -> Check:
    return ranged(log.period, fact, unit, found, wanted, n=n, arm=log.arm_name, note=note)
