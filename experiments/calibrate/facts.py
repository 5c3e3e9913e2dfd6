"""Facts of a log that settings without a likelihood move; they do not hang on how long it is."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from experiments.calibrate.visits import begin_visits, day_number
from experiments.validate.evidence import PeriodLog
from experiments.validate.ownlog.cleaning import OwnLog
from experiments.validate.ownlog.sales import Sales, simulated_sales
from simulator.protocols import DAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SAMPLE = 100  # first queries of which new texts are counted
_FEWEST = 30  # events that a fact is told from


@dataclass(frozen=True)
class Traffic:
    """What facts are counted from: P pages, ordered by shopper and time, and what was sold.

    Attributes:
        shopper_P: who asked.
        at_P: when (seconds).
        text_P: number of the text; -1 where the log does not tell.
        shown_P: results on the page.
        clicks_P: how many of them were clicked.
        sales: what was bought.
    """

    shopper_P: Ints
    at_P: Floats
    text_P: Ints
    shown_P: Ints
    clicks_P: Ints
    sales: Sales

    @classmethod
    def of_own(cls, theirs: OwnLog) -> "Traffic":
        """That of a log of the user's own; without pages where it has no results."""
        results = theirs.results
        if results is None or not len(results):
            none = np.zeros(0, np.int64)
            return cls(none, np.zeros(0), none, none, none, theirs.sales)
        query = results["query"] if "query" in results else pd.Series("", results.index)
        text = query.astype("string").fillna("").str.strip()
        pages = (
            results.assign(text=text, found=results["item"].notna())
            .groupby(results["page"].astype("string"))
            .agg(
                shopper=("shopper", "first"),
                at=("at", "min"),
                text=("text", "first"),
                shown=("found", "sum"),
                clicks=("clicked", "sum"),
            )
        )
        known = (pages["text"] != "").to_numpy()
        return cls._ordered(
            pd.factorize(pages["shopper"].astype("string"))[0],
            pages["at"].to_numpy() - day_number(theirs.first_day) * DAY,
            np.where(known, pd.factorize(pages["text"])[0], -1),
            pages["shown"].to_numpy(),
            pages["clicks"].to_numpy(),
            theirs.sales,
        )

    @classmethod
    def of_simulated(cls, log: PeriodLog) -> "Traffic":
        """That of a simulated period."""
        found = log.columns(
            'SELECT r.shopper, r."at", r.text, coalesce(e.shown, 0) AS shown, '
            "coalesce(e.clicks, 0) AS clicks "
            f"FROM {log.own('requests')} r LEFT JOIN (SELECT request, count(*) AS shown, "
            f"count(*) FILTER (clicked) AS clicks FROM {log.own('exposures')} GROUP BY request) e "
            "USING (request)"
        )
        return cls._ordered(
            found["shopper"],
            found["at"],
            found["text"],
            found["shown"],
            found["clicks"],
            simulated_sales(log),
        )

    @classmethod
    def _ordered(
        cls,
        shopper: NDArray[np.generic],
        at: NDArray[np.generic],
        text: NDArray[np.generic],
        shown: NDArray[np.generic],
        clicks: NDArray[np.generic],
        sales: Sales,
    ) -> "Traffic":
        order = np.lexsort((at, shopper))
        return cls(
            shopper_P=shopper.astype(np.int64)[order],
            at_P=at.astype(np.float64)[order],
            text_P=text.astype(np.int64)[order],
            shown_P=shown.astype(np.int64)[order],
            clicks_P=clicks.astype(np.int64)[order],
            sales=sales,
        )

    @property
    def first_P(self) -> NDArray[np.bool_]:
        """(P,) whether a page is the first of its visit."""
        return begin_visits(self.shopper_P, self.at_P)


Fact = Callable[[Traffic], float | None]


def _clicks_of_a_page(traffic: Traffic) -> float | None:
    pages, clicks = int((traffic.shown_P > 0).sum()), int(traffic.clicks_P.sum())
    return math.log(clicks / pages) if clicks >= _FEWEST else None


def _orders_of_a_click(traffic: Traffic) -> float | None:
    orders, clicks = len(traffic.sales.orders), int(traffic.clicks_P.sum())
    return math.log(orders / clicks) if min(orders, clicks) >= _FEWEST else None


def _orders_of_several(traffic: Traffic) -> float | None:
    items_O = traffic.sales.orders.items_O
    return _log_odds(int((items_O > 1).sum()), len(items_O))


def _followed(traffic: Traffic, *, reworded: bool) -> float | None:
    """How many pages are followed in their visit by one of other words, or of the same."""
    if not len(traffic.text_P) or (traffic.text_P < 0).any():
        return None
    goes_on_P = ~np.append(traffic.first_P[1:], True)
    same_P = np.append(np.diff(traffic.text_P) == 0, False)
    return _log_odds(int((goes_on_P & (same_P != reworded)).sum()), len(goes_on_P))


def _log_odds(events: int, trials: int) -> float | None:
    return math.log((events + 0.5) / (trials - events + 0.5)) if trials >= _FEWEST else None


def _first_texts(traffic: Traffic) -> Ints | None:
    """How often each text was the first of a visit."""
    text_P = traffic.text_P[traffic.first_P]
    if len(text_P) < 2 * _SAMPLE or (text_P < 0).any():
        return None
    counts = np.bincount(text_P)
    return counts[counts > 0]


def _new_texts(traffic: Traffic) -> float | None:
    """Different texts in a sample of first queries (rarefaction: Hurlbert, Ecology 52, 1971)."""
    counts = _first_texts(traffic)
    if counts is None:
        return None
    total = int(counts.sum())
    rest = total - counts
    possible = rest >= _SAMPLE

    def log_choose(of: NDArray[np.int64] | int) -> Floats:
        """log of of! / (of - sample)!, which is what choosing takes but for one factor."""
        return np.asarray(special.gammaln(np.add(of, 1.0)) - special.gammaln(of - _SAMPLE + 1.0))

    missing = np.zeros(len(counts))
    missing[possible] = np.exp(log_choose(rest[possible]) - log_choose(total))
    share = float((1 - missing).sum()) / _SAMPLE
    return math.log(share / (1 - share)) if 0 < share < 1 else None


def _same_text(traffic: Traffic) -> float | None:
    """That two first queries are of one text."""
    counts = _first_texts(traffic)
    return None if counts is None else _same(counts)


def _same_item(traffic: Traffic) -> float | None:
    """That two purchases are of one item."""
    return _same(np.bincount(traffic.sales.item_L))


def _same(counts: Ints) -> float | None:
    """The log of the chance that two of all are of one kind, without bias (Simpson, 1949)."""
    total, pairs = int(counts.sum()), int((counts * (counts - 1)).sum())
    return math.log(pairs / (total * (total - 1))) if total >= _FEWEST and pairs > 0 else None


def _price_spread(traffic: Traffic) -> float | None:
    spread = float(np.log(traffic.sales.price_L).std()) if len(traffic.sales) >= _FEWEST else 0.0
    return math.log(spread) if spread > 0 else None


FACTS: Mapping[str, Fact] = {
    "clicks of a page": _clicks_of_a_page,
    "orders of a click": _orders_of_a_click,
    "orders of several items": _orders_of_several,
    "pages followed by other words": lambda traffic: _followed(traffic, reworded=True),
    "pages followed by the next page": lambda traffic: _followed(traffic, reworded=False),
    "different texts among first queries": _new_texts,
    "two first queries of one text": _same_text,
    "two purchases of one item": _same_item,
    "spread of prices paid": _price_spread,
}
"""Logarithms or log odds, so that errors are about normal; None where the log tells too little."""
