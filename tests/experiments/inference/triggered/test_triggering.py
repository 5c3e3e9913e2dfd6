"""Triggered estimates are those of the log without what came before or beside."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.designs.settings import RequestDesign, SessionDesign
from experiments.inference.analysis import analyse
from experiments.inference.estimates import Scale
from experiments.inference.metrics import METRICS
from experiments.records.interval import UNKNOWN
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record, rows_of, write_record
from tests.experiments.inference.logs import ARMS, write_log
from tests.experiments.inference.parity import DIGITS, read, row_level, shopper_table
from tests.experiments.inference.randomised.test_grouped import brute_force, rearmed
from tests.experiments.inference.triggered.watched import labelled, watched_log, write_again

SHARES = dict.fromkeys(ARMS, 0.5)
SPLITS = {"session": SessionDesign(type="session"), "request": RequestDesign(type="request")}


def analysed(
    log: Path, history: Path | None = None, design: str = "shopper", scale: Scale = "fieller"
) -> Metrics:
    layout = SPLITS[design].layout(0) if design in SPLITS else None
    asked = {"name": "a", "arms": SHARES, "control": ARMS[0]}
    return analyse(log, history, **asked, layout=layout, scale=scale)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("history") / "log", shoppers=900, luck=1)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched") / "log"
    return watched_log(folder, shoppers=900, requests=4.0, orders=0.3, luck=3)


@pytest.fixture(scope="module")
def found(log: Path, history: Path) -> Metrics:
    return analysed(log, history)


@pytest.fixture(scope="module")
def since(log: Path, history: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A row for each triggered shopper of the log without what came before, with their history."""
    return shopper_table(only(log, tmp_path_factory.mktemp("part") / "log", "shopper", 2), history)


def only(log: Path, folder: Path, key: str, part: int) -> Path:
    """The log with nothing but one part of it."""
    shutil.copytree(log, folder)
    asked = labelled(log, key)
    asked = asked[asked["part"] == part]
    for name in ("requests", "exposures", "orders"):
        rows = read(log, name)
        write_again(folder, name, rows[rows["request"].isin(asked["request"])])
    sessions = read(log, "sessions")
    write_again(folder, "sessions", sessions[sessions["session"].isin(asked["session"])])
    return folder


@pytest.mark.parametrize("cuped", [False, True])
@pytest.mark.parametrize("name", ["gmv", "orders", "uctcvr", "ctr", "aov"])
def test_shoppers_are_compared_from_their_trigger_on(
    found: Metrics, since: pd.DataFrame, name: str, cuped: bool
) -> None:
    control, treatment, effect, low, high, *_ = row_level(since, METRICS[name], *ARMS, cuped=cuped)
    (row,) = rows_of(found.triggered, metric=name, cuped=cuped)
    assert row.n == len(since)
    ours = (row.control, row.treatment, *row.effect.numbers)
    for mine, theirs in zip(ours, (control, treatment, effect, low, high), strict=True):
        assert mine == pytest.approx(theirs, rel=DIGITS)


def test_by_the_delta_scale_relative_effects_of_the_triggered_decide(
    log: Path, history: Path, found: Metrics
) -> None:
    told = analysed(log, history, scale="delta")
    for row, other in zip(told.triggered, found.triggered, strict=True):
        if row.metric in ("gmv", "orders", "ctr"):
            low, size, high = row.relative.low, row.relative.estimate, row.relative.high
            assert high - size == pytest.approx(size - low)
            assert row.effect.numbers == pytest.approx(other.effect.numbers)
            assert row.p_value != other.p_value


def test_sessions_count_as_a_whole_from_that_of_the_trigger_on(log: Path, found: Metrics) -> None:
    asked = labelled(log, "shopper")
    since = asked[asked["part"] == 2]["session"].unique()
    arm = asked.groupby("session")["arm"].first()
    seen = read(log, "exposures")
    clicked = set(seen.loc[seen["clicked"], "request"] // 256)
    (row,) = rows_of(found.triggered, metric="abandonment", cuped=False)
    for number, level in enumerate((row.control, row.treatment)):
        own = [session for session in since if arm[session] == number]
        assert level == pytest.approx(np.mean([s not in clicked for s in own]), rel=1e-12)


@pytest.mark.parametrize("design", SPLITS)
def test_units_of_other_designs_are_compared_from_their_trigger_on(
    log: Path, tmp_path: Path, design: str
) -> None:
    split = shutil.copytree(log, tmp_path / "log")
    rearmed(split, lambda asked: asked[design] * 2_654_435_761 // 256 % 2)
    asked = labelled(split, design)
    since = asked[asked["part"] == 2].assign(grp=lambda rows: rows["shopper"])
    since["units"] = since["starts"].astype(float)
    bought = read(split, "orders")
    bought = bought[bought["request"].isin(since["request"])]
    bought["grp"] = bought["shopper"]
    by = ["grp", "arm"]
    columns = [since.groupby(by)["units"].sum(), bought.groupby(by).size().rename("orders")]
    one, two, error = brute_force(pd.concat(columns, axis=1).fillna(0.0), "orders", "units")
    scale = asked["starts"].sum() / asked["shopper"].nunique()
    told = analysed(split, design=design).triggered
    (row,) = rows_of(told, metric="orders")
    assert row.design == design
    assert row.control == pytest.approx(one * scale, rel=1e-10)
    assert row.treatment == pytest.approx(two * scale, rel=1e-10)
    assert row.effect.high - row.effect.estimate == pytest.approx(1.963 * error * scale, rel=3e-3)
    assert row.n == since["units"].sum()
    assert row.share == pytest.approx(row.n / asked["starts"].sum())
    assert row.diluted.estimate == pytest.approx(row.share * row.effect.estimate, rel=1e-9)
    (uctcvr,) = rows_of(told, metric="uctcvr")
    assert (uctcvr.effect, uctcvr.diluted) == (UNKNOWN, UNKNOWN)


def test_what_is_no_sum_and_what_differs_on_all_pages_is_not_diluted(found: Metrics) -> None:
    diluted = {(row.metric, row.cuped) for row in found.triggered if row.diluted.ends}
    assert diluted == {
        *((name, False) for name in ("gmv", "orders", "baskets", "ctr", "cvr", "aov")),
        *((name, False) for name in ("basket_value", "zero_result_rate")),
        *((name, True) for name in ("gmv", "orders", "baskets")),
    }
    for row in found.triggered:
        if row.diluted.ends:
            base = row.diluted.estimate / row.diluted_relative.estimate
            plain = found.estimate(row.metric, row.contrast, cuped=False)
            assert base == pytest.approx(plain.control, rel=0.2)


def test_the_triggered_have_a_sample_ratio_of_their_own(log: Path, found: Metrics) -> None:
    (ratio,) = rows_of(found.srm, population="triggered")
    asked = labelled(log, "shopper")
    since = asked[asked["part"] == 2].drop_duplicates("shopper")
    assert ratio.counts == tuple(np.bincount(since["arm"]))
    assert ratio.unit == "shoppers"
    assert ratio.p_value > 1e-3


def test_those_without_a_trigger_must_not_differ(log: Path, found: Metrics, tmp_path: Path) -> None:
    assert not [line for line in found.health.warnings if "same pages" in line]
    odd = shutil.copytree(log, tmp_path / "odd")
    bought, asked = read(odd, "orders"), labelled(odd, "shopper")
    never = set(asked.loc[asked["part"] == 0, "request"])
    odd_one = bought["request"].isin(never) & (bought["arm"] == 1)
    assert odd_one.sum() > 20
    again = [bought[odd_one].assign(item=lambda rows, n=n: rows["item"] + n) for n in range(1, 9)]
    write_again(odd, "orders", pd.concat([bought, *again]))
    slow = read(odd, "requests")
    slow["latency"] += np.float32(0.2) * slow["arm"].to_numpy(np.float32)
    write_again(odd, "requests", slow)
    (told,) = (line for line in analysed(odd).health.warnings if "same pages" in line)
    assert told.startswith(
        "shoppers to whom all arms show the same pages differ between control and treatment, in "
    )
    assert "cvr (p = " in told
    assert "latency (p" not in told


def test_a_log_that_is_not_watched_has_no_triggered_rows_and_old_files_are_read(
    tmp_path: Path,
) -> None:
    found = analysed(write_log(tmp_path / "log", shoppers=100))
    assert (found.triggered, found.causal) == ((), ())
    write_record(tmp_path, found)
    raw = json.loads((tmp_path / "metrics.json").read_text())
    del raw["triggered"], raw["causal"]
    (tmp_path / "metrics.json").write_text(json.dumps(raw))
    assert read_record(Metrics, tmp_path) == found


def test_rows_survive_their_file(found: Metrics, tmp_path: Path) -> None:
    write_record(tmp_path, found)
    assert read_record(Metrics, tmp_path) == found
