"""The shipped markets bring what is known of them in closed form, and tests of them err as known.

Run with `-m slow` for all sets of parameters.
"""

from pathlib import Path
from typing import Any

import pytest

from experiments.config.loading import load_config
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record
from experiments.running.run import run_experiment
from experiments.stages.progress import NoProgress
from tests.experiments.erlang_runs import DEEP, MARKETS, PAIR, Measured, measured, settings
from tests.knowntruths import ChoiceMarket, ErlangMarket


def check(found: Measured, effect: float, naive: float) -> None:
    for (value, error), wanted in ((found.effect, effect), (found.naive, naive)):
        assert abs(value - wanted) < 4 * error
        assert error < 0.1 * wanted


SMALLER = ("shoppers.count=1_200", "truth.seeds=1")


def test_an_erlang_market_brings_its_closed_form(tmp_path: Path) -> None:
    market = ErlangMarket(units=3, demand=6.0, control=0.3, treatment=0.6)
    found = measured(settings(market, 4, *SMALLER), tmp_path / "run")
    check(found, market.effect, market.naive(found.treated))
    assert found.naive[0] > 1.5 * found.effect[0]  # what the spec warns of


@pytest.mark.slow
@pytest.mark.parametrize("market", MARKETS, ids=str)
def test_erlang_markets_bring_their_closed_forms(market: ErlangMarket, tmp_path: Path) -> None:
    found = measured(settings(market, 10), tmp_path / "run")
    check(found, market.effect, market.naive(found.treated))


@pytest.mark.slow
@pytest.mark.parametrize("market", DEEP, ids=str)
def test_split_shelves_are_smaller_loss_systems(market: ErlangMarket, tmp_path: Path) -> None:
    """Each arm is a shop with half of the shelf: its bias is what a smaller shelf loses."""
    config = settings(market, 5, "design.stock=per_arm", "truth.seeds=1")
    found = measured(config, tmp_path / "run")
    value, error = found.naive
    assert abs(value - market.split(found.treated)) < 4 * error
    assert abs(market.split() - market.effect) < abs(market.naive() - market.effect)


@pytest.mark.slow
@pytest.mark.parametrize("lead", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("split", ["shopper", "listing", "two_sided"])
def test_tests_of_the_choice_market_tell_what_the_mean_field_says(
    split: str, lead: float, tmp_path: Path
) -> None:
    design: dict[str, Any] = {"two_sided": "{type='two_sided', estimator='naive'}"}
    given = design.get(split, f"{{type='{split}'}}")
    config = load_config(
        "market-balance",
        [f"design={given}", f"catalog.lead_time_days={lead}", "world.days=10"],
    ).model_copy(update={"sweep": None})
    run_experiment(config, tmp_path / "run", progress=NoProgress(), command="a test")
    row = read_record(Metrics, tmp_path / "run").estimate("orders", PAIR, cuped=False)
    told = ChoiceMarket(10 * lead).told()
    wanted = {"shopper": told.shoppers, "listing": told.listings, "two_sided": told.naive}[split]
    per_listing = config.shoppers.count / 500 * lead / config.world.days
    assert row is not None
    assert row.effect.low is not None
    assert row.effect.high is not None
    error = (row.effect.high - row.effect.low) / 2 / 1.96
    # The mean field is of endless markets: 500 listings are off by a per cent of control's level.
    off = abs((row.effect.estimate or 0.0) * per_listing - wanted)
    assert off < 4 * error * per_listing + 0.02 * told.control
