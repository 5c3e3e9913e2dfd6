import numpy as np
import pytest
import simpy

from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.synthetic import generate_supply
from simulator.living.life import Life
from simulator.living.market import Market
from simulator.living.plans import Ends, IntervalPlan, Purchases
from simulator.living.settings import MarketSpec
from simulator.log.codes import EndReason
from simulator.log.eventlog import EventLog
from simulator.randomness import Draws
from simulator.shoppers.memory import Memory


class Recorder(EventLog):
    """A log that keeps its rows in memory."""

    def __init__(self):
        self.orders, self.ends = [], []

    def append(self, table, columns):
        if table == "orders":
            self.orders += list(
                zip(
                    columns["shopper"],
                    columns["item"],
                    columns["at"],
                    columns["quantity"],
                    strict=True,
                )
            )
        else:
            self.ends += list(zip(columns["session"], columns["end_reason"], strict=True))


def market_of(stock, lead_time=1e9, restock_at=0.25):
    market = Market.opening(
        generate_supply(CatalogSpec(items=len(stock)), Draws(1)),
        MarketSpec(restock="plan", restock_at=restock_at, price_changes=0),
    )
    supply = market.supply
    supply.catalog.created_at_I[:] = -1.0
    supply.catalog.retired_at_I[:] = np.inf
    supply.stock_I[:] = stock
    supply.lead_time_I[:] = lead_time
    market.stock_I[:] = stock
    return market


def purchases(rows, worth=None):
    """Rows of (time, shopper, choices, how many of them would join another, quantity).

    All are worth buying.
    """
    at, shopper, choices, joins, quantity = zip(*rows, strict=True)
    choices_PC = np.full((len(rows), 3), -1, np.int32)
    for row, items in enumerate(choices):
        choices_PC[row, : len(items)] = items
    number_P = np.arange(len(rows))
    return Purchases(
        at_P=np.array(at, float),
        request_P=number_P,
        session_P=number_P,
        shopper_P=np.array(shopper),
        choices_PC=choices_PC,
        position_PC=np.zeros((len(rows), 3), np.int16),
        sources_PC=np.ones((len(rows), 3), np.int32),
        best_ranked_PC=np.ones((len(rows), 3), np.int32),
        arm_PC=np.zeros((len(rows), 3), np.int8),
        worth_P=(choices_PC >= 0).sum(axis=1).astype(np.int16) if worth is None else worth,
        joins_P=np.array(joins, np.int16),
        quantity_P=np.array(quantity, np.int16),
        at_once_P=np.ones(len(rows), bool),
    )


def ends_of(plan):
    rows = len(plan.at_P)
    return Ends(
        session_N=plan.session_P,
        shopper_N=plan.shopper_P,
        arm_N=plan.arm_PC[:, 0],
        start_N=np.zeros(rows),
        end_N=plan.at_P,
        requests_N=np.ones(rows, np.int64),
        end_reason_N=np.full(rows, EndReason.SATISFIED, np.int8),
    )


def live(market, rows, until=1_000.0, worth=None):
    env, log, plan = simpy.Environment(), Recorder(), purchases(rows, worth)
    life = Life(env, market, Memory(10), log)
    life.begin(IntervalPlan([plan], [ends_of(plan)], None, 0))
    env.run(until=until)
    life.stop()
    return log


def test_a_day_in_the_shop():
    """The whole history of a tiny shelf: fallbacks, two items, a last unit, a restock."""
    market = market_of(stock=[2, 1, 5], lead_time=100.0)
    log = live(
        market,
        [
            (10.0, 1, [0], 1, 1),  # one unit of 0 is left
            (20.0, 2, [0, 2], 2, 3),  # wants three of 0, gets the last one; and one of 2
            (30.0, 3, [0, 1], 1, 1),  # 0 is gone: falls back to 1
            (40.0, 4, [1, 0], 1, 1),  # both are gone: leaves
            (125.0, 5, [0], 1, 1),  # 0 was restocked at 120
        ],
    )
    assert log.orders == [
        (1, 0, 10.0, 1),
        (2, 0, 20.0, 1),
        (2, 2, 20.0, 1),
        (3, 1, 30.0, 1),
        (5, 0, 125.0, 1),
    ]
    assert log.ends == [
        (0, EndReason.BOUGHT),
        (1, EndReason.BOUGHT),
        (2, EndReason.BOUGHT),
        (3, EndReason.SOLD_OUT),
        (4, EndReason.BOUGHT),
    ]


@pytest.mark.parametrize(
    ("stock", "joins", "bought"),
    [
        ([5, 5, 5], 3, [0, 1]),  # never more than two
        ([0, 5, 5], 3, [1, 2]),  # all three are worth a second item
        ([0, 5, 5], 2, [1]),  # the third is not
        ([5, 0, 5], 2, [0]),
        ([0, 5, 5], 1, [1]),
        ([0, 0, 5], 1, [2]),  # the first that is there needs only to be worth it
    ],
)
def test_what_stands_in_for_an_item_that_is_gone(stock, joins, bought):
    log = live(market_of(stock), [(10.0, 1, [0, 1, 2], joins, 1)])
    assert [item for _, item, _, _ in log.orders] == bought


@pytest.mark.parametrize(("stock", "bought"), [([5, 5, 5], [0, 1]), ([0, 5, 5], [])])
def test_what_only_joins_another_item_is_not_bought_in_its_place(stock, bought):
    rows, worth = [(10.0, 1, [0, 1, 2], 3, 1)], np.array([1], np.int16)
    log = live(market_of(stock), rows, worth=worth)
    assert [item for _, item, _, _ in log.orders] == bought


def test_a_session_still_open_at_the_end_is_cut():
    log = live(market_of([5]), [(2_000.0, 1, [0], 1, 1)])
    assert log.orders == []
    assert log.ends == [(0, EndReason.PERIOD_OVER)]


def erlang_b(units, load):
    """Blocking probability of the Erlang loss system, by its recursion."""
    blocking = 1.0
    for number in range(1, units + 1):
        blocking = load * blocking / (number + load * blocking)
    return blocking


@pytest.mark.parametrize(
    ("units", "arrival_rate", "control", "treatment"),
    [
        (3, 6.0, 0.3, 0.6),
        pytest.param(5, 10.0, 0.4, 0.5, marks=pytest.mark.slow),
        (2, 1.0, 0.2, 0.9),
    ],
)
def test_stock_interferes_as_the_erlang_loss_system_says(units, arrival_rate, control, treatment):
    """Market facts, known truths: sales at rate l p (1 - B(N, l p)); in an A/B test both arms
    meet one shelf with blocking B(N, l (p0 + p1) / 2)."""
    horizon = 6_000.0

    def sales_rates(chance_by_arm, seed):
        rng = np.random.default_rng(seed)
        at = np.cumsum(rng.exponential(1 / arrival_rate, int(arrival_rate * horizon * 1.1)))
        at = at[at < horizon]
        arm = rng.integers(0, 2, len(at))
        buys = rng.random(len(at)) < np.array(chance_by_arm)[arm]
        rows = [(when, who, [0], 1, 1) for when, who in zip(at[buys], arm[buys], strict=True)]
        # Each sale orders one unit, which takes one unit of time: N parallel servers. The
        # blocking of a loss system depends on the mean service time alone.
        log = live(market_of([units], lead_time=1.0, restock_at=0.999), rows, until=horizon)
        sold = np.bincount([order[0] for order in log.orders], minlength=2)
        return sold / horizon

    load = arrival_rate
    expected = {
        "control": load * control * (1 - erlang_b(units, load * control)),
        "treatment": load * treatment * (1 - erlang_b(units, load * treatment)),
        "naive": load
        * (treatment - control)
        * (1 - erlang_b(units, load * (control + treatment) / 2)),
    }
    both = {"control": (control, control), "treatment": (treatment, treatment)}
    rates = {name: sales_rates(chances, seed=1).sum() for name, chances in both.items()}
    mixed = sales_rates((control, treatment), seed=2)
    rates["naive"] = 2 * (mixed[1] - mixed[0])
    for name, value in expected.items():
        # Sales are at most as variable as Poisson counts; the naive figure doubles a difference.
        sales = mixed.sum() if name == "naive" else value
        spread = np.sqrt(sales / horizon) * (2 if name == "naive" else 1)
        assert abs(rates[name] - value) < 4 * spread, name
