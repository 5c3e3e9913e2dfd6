"""The rung of the user's own log: what was found wrong in it, and how far the simulated one is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.records.validity import Check, ClickPerplexity, OwnLogFacts
from experiments.validate.evidence import Evidence
from experiments.validate.ownlog.classifier import labelled, told_apart
from experiments.validate.ownlog.cleaning import Findings, OwnLog, own_log
from experiments.validate.ownlog.clicks import (
    click_quantities,
    own_pages,
    perplexities,
    simulated_impressions,
)
from experiments.validate.ownlog.marginals import marginals, quantile_pairs, quantities
from experiments.validate.ownlog.sales import Sales, simulated_sales
from experiments.validate.ownlog.settings import read_own_log
from simulator.errors import DataError


@dataclass(frozen=True)
class Compared:
    """What came of it: checks, and facts for tables and pictures."""

    checks: tuple[Check, ...] = ()
    facts: OwnLogFacts | None = None


def compare(evidence: Evidence, log: Path | None, lives: Sequence[Sales] = ()) -> Compared:
    """The history of a run beside a log of the user's own; nothing without one.

    The history is the log that a company would have: it is as long as it is set, and the days of
    the user's log that are compared are as many.

    Args:
        evidence: of the run.
        log: the TOML file that describes the user's log.
        lives: what was bought in other lives of the simulated shop, see `lives`.

    Raises:
        ConfigError: a description that cannot be.
        DataError: a log that cannot be read or compared.
    """
    if log is None:
        return Compared()
    spec = read_own_log(log)
    theirs = own_log(spec, evidence.history.days)
    sales = simulated_sales(evidence.history, theirs.days)
    if sales.shoppers < 2:
        raise DataError(
            f"simulated shoppers with orders == {sales.shoppers}, must be >= 2 to be compared"
        )
    compared = list(quantities(theirs.sales, sales))
    if len(theirs.shown):
        compared += click_quantities(theirs.shown, evidence.history)
    confidence = evidence.confidence
    checks = marginals(compared, theirs.sales, sales, confidence=confidence)
    luck = np.random.default_rng(2)
    orders = labelled(theirs.sales.orders, sales.orders, rng=luck)
    others = [labelled(each.last(sales.days).orders, sales.orders, rng=luck) for each in lives]
    overall, telling = told_apart(orders, others, confidence=confidence, rng=luck)
    clicks, further = _clicks(evidence, theirs)
    facts = OwnLogFacts(
        first_day=theirs.first_day,
        days=theirs.days,
        orders=len(theirs.sales.orders),
        shoppers=theirs.sales.shoppers,
        simulated_orders=len(sales.orders),
        simulated_shoppers=sales.shoppers,
        findings=(*theirs.findings, *further.rows),
        quantiles=tuple(quantile_pairs(compared)),
        telling=telling,
        perplexities=clicks,
    )
    return Compared((*checks, overall), facts)


def _clicks(evidence: Evidence, theirs: OwnLog) -> tuple[tuple[ClickPerplexity, ...], Findings]:
    """The perplexities of both logs; none where the user's has no whole page."""
    findings = Findings()
    if not len(theirs.shown):
        return (), findings
    whole = own_pages(theirs.shown, findings)
    if whole is None:
        return (), findings
    own = tuple(perplexities(whole.pages.impressions, "own", rng=np.random.default_rng(3)))
    rng = np.random.default_rng(3)
    simulated = tuple(perplexities(simulated_impressions(evidence.history), "simulated", rng=rng))
    return (*own, *simulated), findings
