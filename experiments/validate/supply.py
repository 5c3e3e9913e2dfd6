"""Invariants of stock and money, which take more than one query.

Stock is in no log. But shelves are full before the first day, a sale is a row of `orders`, and what
is ordered when is a rule without luck, so the stock of every moment follows from the sales before.
"""

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from experiments.designs.settings import ShopperDesign
from experiments.records.reading import rows_of
from experiments.records.validity import Check
from experiments.running.models import POPULATION, load_saved
from experiments.running.pipeline import EXPERIMENT_LUCK
from experiments.validate.evidence import Evidence, PeriodLog
from experiments.validate.invariants import violations
from simulator.catalogue.catalog import Catalog
from simulator.living.shelves.shelf import Shelf
from simulator.living.world import Population
from simulator.randomness import Draws

_AT_ONCE = 10_000  # sales that are held in memory
_STOCK = "stock_I"
_SALES = ("negative_stock", "sale_of_what_is_not_on_sale")


class Shelves:
    """The stock of every item, told from sales in the order of time.

    Args:
        shelf: as it was when they began; full before the first day.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.restocking = shelf.restocking
        self.stock_I = shelf.stock_I.copy()
        self._due = list(shelf.restocks)  # by when it comes
        heapq.heapify(self._due)
        self._on_order = Counter[int]()
        for order in self._due:
            self._on_order[order.item] += order.units

    def split(self, shares: Sequence[float], draws: Draws) -> list["Shelves"]:
        """Of each arm, where each sells from its own part of every shelf from here on."""
        shelf = Shelf(self.restocking, self.stock_I, np.zeros_like(self.stock_I), self._due)
        return [Shelves(part) for part in shelf.split(shares, draws)]

    def sell(self, item: int, units: int, at: float) -> bool:
        """Take units off the shelf; whether they were there."""
        self.receive(at)
        enough = bool(self.stock_I[item] >= units)
        self.stock_I[item] -= units
        self.restocking.sold(item, units, at)
        coming = self._on_order[item]
        order = self.restocking.order(item, int(self.stock_I[item]) + coming, at)
        if order is not None:
            heapq.heappush(self._due, order)
            self._on_order[item] = coming + order.units
        return enough

    def take_back(self, item: int, units: int, at: float) -> None:
        """Units that were sold stand on the shelf again."""
        self.receive(at)
        self.stock_I[item] += units

    def receive(self, until: float) -> None:
        """Put on the shelves what has arrived."""
        while self._due and self._due[0][0] <= until:
            order = heapq.heappop(self._due)
            self.stock_I[order.item] += order.units
            self._on_order[order.item] -= order.units


def supplied(evidence: Evidence) -> Iterator[Check]:
    """Sales of what was not there, shelves that are not as they were left, and money lost."""
    config = evidence.config
    population: Population = load_saved(evidence.catalogue / POPULATION)
    whole = Shelves(Shelf.full(population.supply, config.world.market))
    parts = [whole]
    for log in evidence.logs:
        yield from _sold(log, parts, population.supply.catalog)
        if log is evidence.history:
            yield _kept(evidence, whole)
            if isinstance(config.design, ShopperDesign) and config.design.stock == "per_arm":
                draws = Draws(config.seed).child(EXPERIMENT_LUCK)
                parts = whole.split([arm.share for arm in config.arms], draws)
    during = evidence.experiment
    if during is not None and during.layout is None and evidence.metrics is not None:
        yield _money(evidence, during)


def _sold(log: PeriodLog, parts: Sequence[Shelves], catalog: Catalog) -> Iterator[Check]:
    """Every sale of a log against the stock of its moment.

    Args:
        parts: the shelves of each arm, or those of all.
        catalog: when items come and go.
    """
    wrong, first = dict.fromkeys(_SALES, 0), dict.fromkeys(_SALES, "")
    count, items = 0, len(catalog)
    columns = 'arm, item, quantity, "at", request'
    query = f"SELECT {columns}, true AS sold FROM {log.table('orders')}"
    if "returns" in log.counted:
        back = f"SELECT {columns}, false FROM {log.table('returns')}"
        query = f"{query} UNION ALL {back}"
    moves = log.connection.execute(f'{query} ORDER BY "at"')
    while block := moves.fetchmany(_AT_ONCE):
        for arm, item, units, at, request, sold in block:
            shelves = parts[arm if len(parts) > 1 else 0]
            known = 0 <= item < items
            if not sold:
                if known:
                    shelves.take_back(item, units, at)
                continue
            on_sale = known and catalog.created_at_I[item] <= at < catalog.retired_at_I[item]
            there = not known or shelves.sell(item, units, at)
            for fact, good in zip(_SALES, (there, on_sale), strict=True):
                if not good:
                    wrong[fact] += 1
                    first[fact] = first[fact] or f"the first: request {request}"
            count += 1
    for fact in _SALES:
        yield violations(log, fact, wrong[fact], count, first[fact])


def _kept(evidence: Evidence, shelves: Shelves) -> Check:
    """Whether the shelves that the experiment found are those that the sales before left."""
    log = evidence.history
    shelves.receive(log.end)
    with np.load(evidence.state) as state:
        kept_I = state[_STOCK]
    wrong_W = np.flatnonzero(kept_I != shelves.stock_I)
    note = f"the first: item {wrong_W[0]}" if len(wrong_W) else ""
    return violations(log, "stock_unlike_sales", len(wrong_W), len(kept_I), note)


def _money(evidence: Evidence, log: PeriodLog) -> Check:
    """Whether the orders of each arm sum to the GMV that metrics.json tells of it."""
    sums = {
        row["arm"]: (row["gmv"], row["n"])
        for row in log.rows(
            f"SELECT arm, sum(price * quantity) AS gmv, count(*) AS n "
            f"FROM {log.table('orders')} GROUP BY arm"
        )
    }
    told: dict[str, float] = {}
    for row in rows_of(evidence.metrics.estimates if evidence.metrics else (), metric="gmv"):
        if not row.cuped:
            sizes = (row.n_control, row.control), (row.n_treatment, row.treatment)
            for arm, (shoppers, mean) in zip(row.contrast, sizes, strict=True):
                told[arm] = shoppers * (mean or 0.0)
    wrong = [
        f"{arm}: orders {found:.2f}, GMV {told[arm]:.2f}"
        for number, arm in enumerate(log.manifest.arms)
        for found in (sums.get(number, (0.0, 0))[0],)
        if arm in told and not math.isclose(found, told[arm], rel_tol=1e-9, abs_tol=1e-9)
    ]
    orders = sum(count for _, count in sums.values())
    return violations(log, "gmv_unlike_orders", len(wrong), orders, "; ".join(wrong))
