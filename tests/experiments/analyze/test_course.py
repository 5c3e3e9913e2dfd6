"""Looks, trends, interactions and quantiles of a planted log are those that were planted."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt

from experiments.analyze.run import analyze
from experiments.records.experiment.scorecard import Scorecard
from experiments.report.scorecard.page import render
from simulator.errors import ConfigError
from tests.experiments.analyze.planted import DAY, DAYS, ORDERS, RATE, VIEWS, visits

PAIR = ("old", "new")


def carded(frame: pd.DataFrame, *metrics: dict[str, Any], **settings: Any) -> Scorecard:
    common = {"unit": "customer", "arm": "variant", "control": "old", "time": "at"}
    return analyze(frame, metrics=metrics or (ORDERS, VIEWS, RATE), **(common | settings))


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return visits()


@pytest.fixture(scope="module")
def card(log: pd.DataFrame) -> Scorecard:
    return carded(log)


def until(log: pd.DataFrame, day: float) -> pd.DataFrame:
    """Customers who had come by the end of a day, with what they had done."""
    seen = log[log["at"] < log["at"].min() + day * DAY]
    table = seen.groupby(["customer", "variant"]).agg(
        orders=("bought", "sum"), views=("bought", "size")
    )
    table = table.reset_index()
    return table.assign(variant=(table["variant"] == "new").astype(int))


def test_each_look_is_what_a_test_of_the_log_so_far_says(
    log: pd.DataFrame, card: Scorecard
) -> None:
    by = {series.metric: series for series in card.looks}
    assert list(by) == ["orders", "views", "rate"]
    assert [look.time for look in by["orders"].looks] == list(range(1, DAYS + 1))
    for at in (2, 6, 11):
        peers = tt.Experiment(
            {
                "orders": tt.Mean("orders", use_t=True),
                "rate": tt.RatioOfMeans("orders", "views", use_t=True),
            }
        ).analyze(until(log, at + 1))
        for name in ("orders", "rate"):
            look = by[name].looks[at]
            assert look.effect.estimate == pytest.approx(peers[name].effect_size, rel=1e-9)
            assert look.effect.low == pytest.approx(peers[name].effect_size_ci_lower, rel=1e-8)


def test_the_last_look_is_the_plain_estimate(card: Scorecard) -> None:
    for series in card.looks:
        row = next(r for r in card.rows if (r.metric, r.method) == (series.metric, "plain"))
        last = series.looks[-1]
        assert last.effect.estimate == pytest.approx(row.effect.estimate, rel=1e-9)
        assert (last.n_control, last.n_treatment) == (row.n_control, row.n_treatment)
        assert last.sequence.low < row.effect.low  # it holds at all looks, and pays for that


def test_a_plan_that_was_stated_is_the_clock(log: pd.DataFrame) -> None:
    (series,) = carded(log, ORDERS, looks={"units": 6_000}).looks
    assert (series.clock, series.stated) == ("units", True)
    assert series.planned == pytest.approx(6_000)
    assert series.looks[-1].fraction == pytest.approx(0.5, abs=0.01)
    (series,) = carded(log, ORDERS, looks={"relative_error": 0.01}).looks
    assert (series.clock, series.planned) == ("precision", 0.01)
    (series,) = carded(log, ORDERS).looks
    assert not series.stated
    assert series.looks[-1].fraction == pytest.approx(1.0)


def test_at_most_fourteen_looks_are_spread_over_the_days() -> None:
    log = visits(400)
    log["at"] *= 4
    (series,) = carded(log, ORDERS).looks
    times = [look.time for look in series.looks]
    assert len(times) == 14
    assert times[-1] == (log["at"].max() - log["at"].min()) // DAY + 1
    assert set(np.diff(times)) <= {3, 4}


def test_an_effect_that_fades_is_seen_to_fade_and_one_that_stays_is_not(card: Scorecard) -> None:
    (stays,) = (row for row in card.trends if row.metric == "orders")
    assert stays.p_value > 0.01
    (fades,) = (row for row in carded(visits(fades=0.2)).trends if row.metric == "orders")
    assert fades.slope.high < 0
    assert fades.slope.holds(-0.2 * 0.5 * 0.2)  # a fifth of half of the buying rate, each day
    assert fades.effects[0].holds(0.2 * 0.5)


def test_trends_are_of_those_who_can_be_followed(log: pd.DataFrame, card: Scorecard) -> None:
    (row,) = (row for row in card.trends if row.metric == "orders")
    first = log.groupby("customer")["at"].min()
    days = len(row.effects)
    assert days == DAYS // 2
    came = np.floor((first - first.min()) / DAY)
    assert row.n_control + row.n_treatment == (came + days <= DAYS).sum()
    some = log[log["customer"].isin(first.index[came + days <= DAYS])]
    since = np.floor((some["at"] - some["customer"].map(first)) / DAY)
    rates = some.assign(new=some["variant"] == "new")[since == 2].groupby("new")["bought"].sum()
    expected = rates[True] / row.n_treatment - rates[False] / row.n_control
    assert row.effects[2].estimate == pytest.approx(expected)


def test_two_experiments_that_help_each_other_are_seen_to(log: pd.DataFrame) -> None:
    (none,) = carded(log, ORDERS, beside=["banner"]).interactions
    assert none.p_value > 0.01
    assert none.interaction.estimate == pytest.approx(none.together.estimate - none.alone.estimate)
    (row,) = carded(visits(both=0.6), ORDERS, beside=["banner"]).interactions
    assert (row.beside, row.off, row.on) == ("banner", "off", "on")
    assert row.interaction.low > 0
    apart = visits(both=0.6)
    for value, effect in (("off", row.alone), ("on", row.together)):
        whole = carded(apart[apart["banner"] == value], ORDERS).deciding("orders", PAIR)
        assert effect.estimate == pytest.approx(whole.effect.estimate)
        assert effect.low == pytest.approx(whole.effect.low)


def test_a_quantile_of_rows_is_compared_with_the_error_of_units(log: pd.DataFrame) -> None:
    slow = {"name": "p90", "value": "seconds", "quantile": 0.9, "better": "less"}
    card = carded(log, ORDERS, slow | {"role": "guardrail", "margin": 0.05})
    row = card.deciding("p90", PAIR)
    for arm, found in (("old", row.control), ("new", row.treatment)):
        own = log.loc[log["variant"] == arm, "seconds"]
        assert found == pytest.approx(np.quantile(own, 0.9, method="inverted_cdf"))
    assert row.relative.holds(np.exp(0.3) - 1)
    (verdict,) = card.verdicts
    assert verdict.label == "hold"
    assert any("p90" in reason for reason in verdict.reasons)
    assert {row.metric for row in card.tails} == {"orders"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"metrics": [VIEWS, {"name": "p", "quantile": 0.9, "over": "views"}]},
            "metrics.p.over == 'views', must be none of a quantile",
        ),
        (
            {"metrics": [{"name": "p", "quantile": 0.9}, {"name": "r", "over": "p"}]},
            "metrics.r.over == 'p', must be a sum and no quantile",
        ),
        (
            {"metrics": [ORDERS], "looks": {"units": 10, "relative_error": 0.1}},
            "relative_error == 0.1, must be none where units are planned",
        ),
        ({"metrics": [ORDERS], "looks": {"units": 0}}, "looks.units == 0, must be > 0"),
        ({"metrics": [{"name": "p", "quantile": 1}]}, "quantile == 1, must be < 1"),
    ],
)
def test_what_cannot_be_is_refused(log: pd.DataFrame, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        analyze(log, **({"unit": "customer", "arm": "variant", "time": "at"} | settings))


def test_nothing_is_told_by_day_of_few_days_of_units_or_where_it_is_not_wanted(
    log: pd.DataFrame,
) -> None:
    short = log[log["at"] < log["at"].min() + 2 * DAY]
    units = until(log, DAYS).assign(at=1.0)
    for card in (
        carded(short),
        carded(log, daily=False),
        carded(units, {"name": "orders", "value": "orders"}, rows="units", control="0"),
    ):
        assert card.looks == card.trends == ()


def test_the_page_tells_all_of_it() -> None:
    page = render(carded(visits(fades=0.2), beside=["banner"]))
    for words in ("How it went", "Does it last?", "Beside other experiments", "nothing"):
        assert words in page
