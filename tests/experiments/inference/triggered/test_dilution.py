"""The diluted effect is the triggered one times the share, and of a ratio what both sums give."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.designs.settings import SessionDesign
from experiments.inference.estimates import estimate
from experiments.inference.metrics import METRICS, Metric
from experiments.inference.randomised.cells import open_cells
from experiments.inference.triggered.dilution import Diluted, by_share, diluted
from experiments.inference.triggered.parts import kept, parts
from experiments.inference.triggered.triggering import SHOPPERS
from experiments.inference.units import open_units
from experiments.records.interval import UNKNOWN, Interval
from tests.experiments.inference.logs import ARMS
from tests.experiments.inference.parity import read
from tests.experiments.inference.randomised.test_grouped import rearmed
from tests.experiments.inference.triggered.watched import labelled, watched_log, write_again

PAIR = (ARMS[0], ARMS[1])
SESSIONS = SessionDesign(type="session").layout(0)
NAMES = ("gmv", "orders", "ctr", "aov")
LAYOUTS = {"shopper": SHOPPERS, "session": SESSIONS}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Logs of a split of shoppers, and of sessions; with an effect."""
    made = {}
    for name in LAYOUTS:
        folder = tmp_path_factory.mktemp(name) / "log"
        made[name] = watched_log(folder, shoppers=900, requests=4.0, orders=0.3, lift=0.6)
    rearmed(made["session"], lambda asked: asked["session"] * 2_654_435_761 // 256 % 2)
    return made


def found(log: Path, layout: Any, metric: Metric, confidence: float = 0.95) -> Diluted:
    with open_cells(log, layout, [metric], parts=parts(log, layout.key)) as cells:
        return diluted(cells, metric, PAIR, confidence)


def group_sums(log: Path, key: str, metric: Metric) -> pd.DataFrame:
    """By shopper: what `diluted` sums, by pandas."""
    asked = labelled(log, key)
    seen, bought = read(log, "exposures"), read(log, "orders")
    bought["gmv"], bought["orders"] = bought["price"].astype(float) * bought["quantity"], 1.0
    seen["exposures"], seen["clicks"] = 1.0, seen["clicked"].astype(float)
    columns = [
        bought.groupby("request")[["gmv", "orders"]].sum(),
        seen.groupby("request")[["exposures", "clicks"]].sum(),
    ]
    asked = asked.set_index("request").join(columns).fillna(0.0)
    asked["unit"] = asked["starts"].astype(float)
    top, under = metric.numerator, metric.denominator or "unit"
    since = asked["part"] == 2
    parts_of = {"u": asked[top].where(~since, 0.0), "v": asked[under].where(~since, 0.0)}
    for arm in (0, 1):
        here = since & (asked["arm"] == arm)
        for name, column in (("y", top), ("d", under), ("t", "unit")):
            parts_of[f"{name}{arm}"] = asked[column].where(here, 0.0)
    parts_of["n"] = asked["unit"]
    return pd.DataFrame(parts_of).groupby(asked["shopper"]).sum()


def of_everybody(sums: Any, names: list[str]) -> Any:
    """R[1] - R[0] of the sums, as the module states it; also of complex numbers."""
    at = dict(zip(names, sums, strict=True))
    share = (at["t0"] + at["t1"]) / at["n"]
    one, two = (
        (share * at[f"y{a}"] / at[f"t{a}"] + at["u"] / at["n"])
        / (share * at[f"d{a}"] / at[f"t{a}"] + at["v"] / at["n"])
        for a in (0, 1)
    )
    return two - one


@pytest.mark.parametrize("design", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_effect_and_error_are_the_delta_methods(
    logs: dict[str, Path], design: str, name: str
) -> None:
    """The derivative is taken by a complex step, so that it knows nothing of the formula."""
    log, metric = logs[design], METRICS[name]
    per_group = group_sums(log, design, metric)
    names = list(per_group.columns)
    totals = per_group.sum().to_numpy()
    step = 1e-20
    slope = np.array(
        [of_everybody(totals + 1j * step * unit, names).imag / step for unit in np.eye(len(names))]
    )
    psi = per_group.to_numpy() @ slope
    groups = int((per_group["t0"] + per_group["t1"] > 0).sum())
    asked = read(log, "requests")
    scale = per_group["n"].sum() / asked["shopper"].nunique() if not metric.denominator else 1.0
    error = scale * np.sqrt((psi**2).sum() * groups / (groups - 1))
    half = stats.t.ppf(0.975, groups - 1) * error
    told = found(log, LAYOUTS[design], metric)
    size = scale * of_everybody(totals, names)
    assert told.reason == ""
    assert told.effect.estimate == pytest.approx(size, rel=1e-10)
    assert told.effect.low == pytest.approx(size - half, rel=1e-9)
    assert told.effect.high == pytest.approx(size + half, rel=1e-9)
    assert told.share == pytest.approx((per_group["t0"] + per_group["t1"]).sum() / totals[-1])


@pytest.mark.parametrize("name", ["gmv", "orders"])
def test_a_mean_is_diluted_by_the_share(logs: dict[str, Path], name: str) -> None:
    log, metric = logs["shopper"], METRICS[name]
    with open_units(log, [metric], kept=kept(log, "shopper", 2)) as units:
        row, _ = estimate(metric, PAIR, units.aggregates([metric]))
    told = found(log, SHOPPERS, metric)
    assert told.share is not None
    assert row.effect.estimate is not None
    assert told.effect.estimate == pytest.approx(told.share * row.effect.estimate, rel=1e-10)
    simple = by_share(row.effect, told.share, read(log, "requests")["shopper"].nunique(), 0.95)
    assert simple.estimate == pytest.approx(told.effect.estimate, rel=1e-10)
    for end in ("low", "high"):  # each arm has its own number of shoppers in one, all in the other
        ours = getattr(told.effect, end) - told.effect.estimate
        assert ours == pytest.approx(getattr(simple, end) - simple.estimate, rel=5e-3)


def test_where_everybody_is_triggered_at_once_nothing_is_diluted(tmp_path: Path) -> None:
    log = watched_log(tmp_path / "log", differs=2.0, shoppers=500, requests=3.0)
    for name in NAMES:
        metric = METRICS[name]
        with open_units(log, [metric]) as units:
            plain, _ = estimate(metric, PAIR, units.aggregates([metric]))
        told = found(log, SHOPPERS, metric)
        assert told.share == 1.0
        assert told.control == pytest.approx(plain.control, rel=1e-10)
        assert told.effect.estimate == pytest.approx(plain.effect.estimate, rel=1e-9)
        assert told.effect.low == pytest.approx(plain.effect.low, rel=5e-3)


def test_what_both_arms_do_without_a_trigger_is_no_noise(tmp_path: Path) -> None:
    """Few triggers and no effect: the interval is much narrower than that of all shoppers."""
    log, metric = watched_log(tmp_path / "log", differs=0.02, shoppers=3_000), METRICS["orders"]
    with open_units(log, [metric]) as units:
        plain, _ = estimate(metric, PAIR, units.aggregates([metric]))
    told = found(log, SHOPPERS, metric)
    assert told.share is not None
    assert told.share < 0.05
    widths = [each.high - each.low for each in (told.effect, plain.effect)]  # type: ignore[operator]
    assert widths[0] < 0.5 * widths[1]


def test_what_cannot_be_diluted_has_a_reason(tmp_path: Path) -> None:
    log = watched_log(tmp_path / "log", shoppers=80)
    told = read(log, "triggers")
    write_again(log, "triggers", told.assign(differs=False))
    nothing = found(log, SHOPPERS, METRICS["orders"])
    assert (nothing.share, nothing.effect) == (0.0, UNKNOWN)
    assert nothing.reason == "an arm has no page that differs"
    unbought = watched_log(tmp_path / "other", shoppers=80, clicks=0.0)
    assert found(unbought, SHOPPERS, METRICS["cvr"]).reason == "an arm has no clicks"
    assert found(unbought, SHOPPERS, METRICS["ctr"]).reason == "no variation of what differs"


def test_a_share_of_which_nothing_is_unsure_takes_the_effect_as_it_is() -> None:
    effect = Interval(0.4, 0.1, 0.7)
    assert by_share(effect, 1.0, 100, 0.95) == Interval(0.4, pytest.approx(0.1), pytest.approx(0.7))
    assert by_share(UNKNOWN, 0.5, 100, 0.95) == UNKNOWN
    assert by_share(replace(effect, low=None, high=None), 0.5, 100, 0.95).ends is None
    half = by_share(effect, 0.5, 100, 0.95)
    spread = np.hypot(0.5 * 0.3, 1.959964 * 0.4 * 0.05)
    assert half.low == pytest.approx(0.2 - spread, rel=1e-6)
    assert half.high == pytest.approx(0.2 + spread, rel=1e-6)
