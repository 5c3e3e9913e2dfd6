"""The scorecard of a planted log says what was planted, by estimators with tests of their own."""

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt

from experiments.analyze.run import analyze
from experiments.records.experiment.scorecard import Scorecard
from simulator.errors import ConfigError, DataError

N = 8_000


def customers(lift: float = 0.15, seed: int = 0, n: int = N) -> pd.DataFrame:
    """Customers in two arms, whose orders before tell of those after."""
    rng = np.random.default_rng(seed)
    treated = rng.random(n) < 0.5
    habit = rng.lognormal(0, 0.8, n)
    frame = pd.DataFrame(
        {
            "customer": np.arange(n),
            "variant": np.where(treated, "new", "old"),
            "before": rng.poisson(habit),
            "device": rng.choice(["phone", "desktop"], n, p=[0.7, 0.3]),
        }
    )
    frame["orders"] = rng.poisson(0.5 * habit * np.where(treated, 1 + lift, 1.0))
    frame["gmv"] = frame["orders"] * rng.lognormal(3, 1.2, n)
    frame["views"] = rng.poisson(6 + habit)
    frame["clicks"] = rng.binomial(frame["views"], 0.2)
    return frame


METRICS: list[dict[str, Any]] = [
    {"name": "orders", "value": "orders", "before": "before", "role": "primary"},
    {"name": "gmv", "value": "gmv"},
    {"name": "views", "value": "views", "role": "guardrail", "margin": 0.05},
    {"name": "ctr", "value": "clicks", "over": "views", "share": True},
]


def carded(frame: Any, **settings: Any) -> Scorecard:
    common = {"unit": "customer", "arm": "variant", "control": "old", "rows": "units"}
    return analyze(frame, **({"metrics": METRICS} | common | settings))


@pytest.fixture(scope="module")
def card() -> Scorecard:
    return carded(customers(), segments=["device"])


def test_plain_and_adjusted_estimates_are_those_of_tea_tasting(card: Scorecard) -> None:
    data = customers()
    data["variant"] = (data["variant"] == "new").astype(int)
    peers = tt.Experiment(
        {
            "orders": tt.Mean("orders", use_t=True),
            "cuped": tt.Mean("orders", "before", use_t=True),
            "ctr": tt.RatioOfMeans("clicks", "views", use_t=True),
        }
    ).analyze(data)
    for name, metric, method in (
        ("orders", "orders", "plain"),
        ("cuped", "orders", "CUPED"),
        ("ctr", "ctr", "plain"),
    ):
        (row,) = (r for r in card.rows if (r.metric, r.method) == (metric, method))
        assert row.effect.estimate == pytest.approx(peers[name].effect_size, rel=1e-10)
        assert row.effect.low == pytest.approx(peers[name].effect_size_ci_lower, rel=1e-9)
        assert row.p_value == pytest.approx(peers[name].pvalue, rel=1e-8)


def test_the_row_that_decides_is_adjusted_where_the_time_before_is_known(card: Scorecard) -> None:
    decides = {row.metric: row.method for row in card.rows if row.decides}
    assert decides == {"orders": "CUPED", "views": "plain"}
    (row,) = (r for r in card.rows if (r.metric, r.method) == ("orders", "CUPED"))
    assert row.gain.low > 1.1


def test_a_lift_launches_and_none_does_not(card: Scorecard) -> None:
    (verdict,) = card.verdicts
    assert verdict.label == "launch"
    assert verdict.ships
    (none,) = carded(customers(lift=0.0)).verdicts
    assert none.label == "test online"
    assert not none.ships
    assert "no success metric is shown to be better: orders" in none.reasons
    (loss,) = carded(customers(lift=-0.2)).verdicts
    assert loss.label == "hold"
    assert "orders is worse" in loss.reasons


def test_secondary_metrics_are_corrected_together_and_the_primary_alone(card: Scorecard) -> None:
    plain = {row.metric: row for row in card.rows if row.method == "plain"}
    assert plain["orders"].p_adjusted == plain["orders"].p_value
    others = sorted((plain[name].p_value, name) for name in ("gmv", "views", "ctr"))
    largest = others[-1]
    assert plain[largest[1]].p_adjusted == pytest.approx(largest[0])
    assert plain[others[0][1]].p_adjusted >= others[0][0]


def test_beliefs_are_drawn_towards_the_prior_that_is_told(card: Scorecard) -> None:
    (belief,) = card.beliefs
    row = card.deciding("orders", ("old", "new"))
    assert 0 < belief.lift.estimate < row.relative.estimate
    assert "78 experiments of ASOS" in belief.prior
    (flat,) = carded(customers(), prior={"spread": 0.0}).beliefs
    assert flat.lift.estimate == pytest.approx(row.relative.estimate, rel=1e-9)


def test_segments_tell_effects_apart_and_whether_they_differ(card: Scorecard) -> None:
    assert [(row.by, row.value) for row in card.segments] == [
        ("device", "desktop"),
        ("device", "phone"),
    ]
    assert sum(row.n_control + row.n_treatment for row in card.segments) == N
    (apart,) = card.differences
    assert apart.p_value > 0.001


def test_arms_that_are_not_as_planned_or_not_alike_before_hold_everything() -> None:
    frame = customers()
    fewer = frame[(frame["variant"] == "old") | (frame["customer"] % 4 > 0)]
    lost = carded(fewer)
    assert lost.verdicts[0].label == "hold"
    assert "do not hold the shares" in lost.remarks[0]
    frame["before"] += (frame["variant"] == "new") * 1
    unlike = carded(frame)
    assert unlike.balance[0].alarm
    assert unlike.verdicts[0].label == "hold"


def test_a_time_before_in_one_arm_alone_is_told_and_not_used() -> None:
    frame = customers()
    frame.loc[frame["variant"] == "new", "before"] = 0
    found = carded(frame)
    assert any("no history at all" in each for each in found.remarks)


def test_every_treatment_has_its_verdict() -> None:
    frame = customers(n=12_000)
    third = frame["customer"] % 3 == 0
    frame["variant"] = np.where(third, "third", frame["variant"])
    found = carded(frame)
    assert found.arms == ("old", "new", "third")
    assert [each.contrast for each in found.verdicts] == [("old", "new"), ("old", "third")]


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        ({"orders": 0.0}, "the arms have no orders"),
        ({"orders": 2.0}, "no variation between shoppers"),
    ],
)
def test_metrics_that_say_nothing_have_a_reason(spoil: dict[str, float], note: str) -> None:
    found = carded(customers(n=500).assign(**spoil))
    (row,) = (r for r in found.rows if (r.metric, r.method) == ("orders", "plain"))
    assert row.effect.ends is None
    assert row.note == note
    assert found.verdicts[0].label != "launch"


def test_one_unit_in_an_arm_gives_no_interval_and_no_launch() -> None:
    frame = customers(n=300)
    frame["variant"] = np.where(frame["customer"] == 7, "new", "old")
    found = carded(frame, arms={"old": 0.99, "new": 0.01})
    assert all(row.effect.ends is None for row in found.rows)
    assert found.verdicts[0].label != "launch"


def test_settings_and_frames_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"metrics.orders.over"):
        carded(customers(), metrics=[{"name": "orders", "over": "clicks"}])
    with pytest.raises(ConfigError, match=r"colour"):
        carded(customers(), colour="red")
    with pytest.raises(DataError, match=r"unit == 'client'"):
        carded(customers(), unit="client")


def test_all_kinds_of_frames_say_the_same(card: Scorecard) -> None:
    import polars as pl

    frame = customers()
    for other in (pl.from_pandas(frame), duckdb.from_df(frame)):
        again = carded(other, segments=["device"])
        assert again.rows[0].effect.numbers == pytest.approx(card.rows[0].effect.numbers, rel=1e-12)


def test_the_delta_scale_moves_relative_intervals_alone(card: Scorecard) -> None:
    other = carded(customers(), segments=["device"], relative="delta")
    for one, two in zip(card.rows, other.rows, strict=True):
        assert one.effect.numbers == pytest.approx(two.effect.numbers, rel=1e-9)
        narrower = one.relative.low != pytest.approx(two.relative.low, rel=1e-9)
        assert narrower == ("winsorised" not in one.method)
