"""Clicks of both logs: where they are, and how well click models foretell them, rank by rank.

A model is fitted to pages of a log and asked about other pages of the same log. Where shoppers of
the two logs look at pages alike, its perplexities are alike: what attracts in either shop is fitted
to that shop, and only how clicks fall with the rank, and hang together on a page, remains.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.clickfits.climbing import Effort
from experiments.clickfits.foretelling import side_by_side
from experiments.clickfits.impressions import Impressions, LogPages, impressions_of
from experiments.records.validity import ClickPerplexity, WhichLog
from experiments.validate.evidence import PeriodLog
from experiments.validate.ownlog.cleaning import Findings
from experiments.validate.ownlog.distances import Sample
from experiments.validate.ownlog.marginals import Quantity
from experiments.validate.ownlog.tables import Column
from simulator.errors import DataError

PAGES = 20_000
"""Pages of each log that click models are fitted to and asked about."""
_SLOTS = 20  # ranks that are looked at
_HELD_OUT = 0.25
_EFFORT = Effort(tolerance=1e-5, most=100)


@dataclass(frozen=True)
class OwnPages:
    """Whole pages of a log of the user's own.

    Attributes:
        pages: what was shown and clicked, and by whom.
        at_P: when, seconds of the shop's clock since 1970.
    """

    pages: LogPages
    at_P: NDArray[np.float64]


def own_pages(results: pd.DataFrame, findings: Findings) -> OwnPages | None:
    """The pages of the user's own log that are whole, as they are numbered in it by first sight;
    None where nothing can be learned. A device is numbered by first sight, too.
    """
    page = results["page"].astype("string")
    unplaced = page.isin(set(page[results["rank"].isna()]))
    results = results[~unplaced]
    page = results["page"].astype("string")
    by_page = results.groupby(page)["rank"]
    torn = (by_page.max() + 1 != by_page.size()) | (by_page.nunique() != by_page.size())
    torn_pages = set(torn.index[torn])
    findings.tell(
        "pages with missing or doubled places", len(torn_pages), "left out of click models"
    )
    results = results[~page.isin(torn_pages) & (results["rank"] < _SLOTS)]
    if not len(results):
        findings.tell("log without a whole page", 1, "no click models")
        return None
    page_N = pd.factorize(results["page"].astype("string"))[0]
    pair = results["item"].astype("string")
    if "query" in results:
        pair = results["query"].astype("string").fillna("") + "\0" + pair
    device_N = np.zeros(len(results), np.int64)
    if "device" in results:
        first = results.groupby(page_N)["device"].first()
        device_N = pd.factorize(first.astype("string"))[0][page_N]
        device_N = np.maximum(device_N, 0)
    of_page = results.groupby(page_N)
    shopper_P = _numbered(of_page["shopper"].first())
    at_P = of_page["at"].min().to_numpy().astype(np.float64)
    try:
        impressions = Impressions.of(
            page_N,
            results["rank"].to_numpy().astype(np.int64),
            pd.factorize(pair)[0].astype(np.int64),
            results["clicked"].to_numpy(),
            device_N,
        )
        return OwnPages(LogPages(impressions, np.arange(len(impressions)), shopper_P), at_P)
    except DataError as error:
        findings.tell("pages that click models cannot learn from", 1, "no click models", str(error))
        return None


def perplexities(
    impressions: Impressions, log: WhichLog, *, rng: np.random.Generator
) -> Iterator[ClickPerplexity]:
    """How well each click model foretells pages of a log that it has not learned from."""
    if len(impressions) > PAGES:
        impressions = impressions.rows(np.sort(rng.choice(len(impressions), PAGES, replace=False)))
    seed = int(rng.integers(2**32))  # the pages held out are drawn twice, and are the same
    try:
        learnt, _ = impressions.split(_HELD_OUT, rng=np.random.default_rng(seed))
        impressions = impressions.cut(learnt.clicked_depth)
        sides = side_by_side(
            impressions,
            held_out=_HELD_OUT,
            effort=_EFFORT,
            rng=np.random.default_rng(seed),
        )
    except DataError:
        return
    for side in sides:
        if side.held_out is not None:
            of_K = side.held_out.perplexity_K
            yield ClickPerplexity(
                log=log,
                model=side.name,
                perplexity=side.held_out.perplexity,
                by_rank=tuple(None if np.isnan(each) else float(each) for each in of_K),
                pages=len(impressions),
            )


def simulated_impressions(log: PeriodLog) -> Impressions:
    """The pages of a simulated log."""
    return impressions_of(log.folder, slots=_SLOTS)


def click_quantities(results: pd.DataFrame, log: PeriodLog) -> Iterator[Quantity]:
    """Places of clicks, and clicks of a page, of both logs."""
    placed = results[results["rank"].notna() & (results["rank"] < _SLOTS)]
    clicked = placed[placed["clicked"]]
    simulated = log.columns(
        f"SELECT shopper, rank FROM (SELECT shopper, clicked, row_number() OVER (PARTITION BY "
        f"request ORDER BY position) - 1 AS rank FROM {log.own('exposures')}) "
        f"WHERE clicked AND rank < {_SLOTS}"
    )
    yield Quantity(
        "place_of_clicks",
        Sample(clicked["rank"].to_numpy().astype(float) + 1, _numbered(clicked["shopper"])),
        Sample(simulated["rank"].astype(float) + 1, simulated["shopper"].astype(np.int64)),
    )
    pages = results.groupby(results["page"].astype("string")).agg(
        clicks=("clicked", "sum"), shopper=("shopper", "first")
    )
    told = log.columns(
        "SELECT any_value(shopper) AS shopper, count(*) FILTER (clicked) AS clicks "
        f"FROM {log.own('exposures')} GROUP BY request"
    )
    yield Quantity(
        "clicks_of_a_page",
        Sample(pages["clicks"].to_numpy().astype(float), _numbered(pages["shopper"])),
        Sample(told["clicks"].astype(float), told["shopper"].astype(np.int64)),
    )


def _numbered(keys: Column) -> NDArray[np.int64]:
    return pd.factorize(keys.astype("string"))[0].astype(np.int64)
