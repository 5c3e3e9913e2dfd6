"""Whole runs that split items, shoppers and items, or shelves with shoppers."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.attribution.run import attribute_run
from experiments.config.loading import load_config
from experiments.records.attribution import AttributionRecord
from experiments.records.metrics import Metrics
from experiments.records.reading import read_record
from experiments.records.validity import Verdict
from experiments.stages.progress import NoProgress
from experiments.validate.controls import controls
from experiments.validate.invariants import invariants
from experiments.validate.opening import of_run
from experiments.validate.supply import Shelves, supplied
from simulator.catalogue.catalog import Supply
from simulator.errors import ConfigError
from simulator.living.shelves.shelf import Shelf
from tests.experiments.small_runs import PLAIN, SMALL, made_once, read, run, small_config, table

COMMON = (
    *("truth.seeds=0", "world.days=2", 'analysis.primary="orders"'),
    *("ranker.type=merge_order", "channels.dense.epochs=0"),  # nothing is trained, for speed
)
DESIGNS = {
    "shopper": (),
    "listing": ("design.type=listing",),
    "two_sided": ("design={type='two_sided', listing_share=0.4}",),
    "per_arm": ("design.stock=per_arm",),
}
ALIKE = ('arms.dense.channels=["lexical", "popular"]',)
TABLES = ("requests", "sessions", "exposures", "orders", "latent", "candidates", "texts")


@pytest.fixture(scope="module")
def plain(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = lambda at: run(small_config(*COMMON), at / "run", like=small_run)  # noqa: E731
    return made_once(tmp_path_factory, "sides-by-shopper", made)


@pytest.fixture(scope="module")
def sided(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sided")
    return {"shopper": plain} | {
        name: run(small_config(*COMMON, *DESIGNS[name]), folder / name, like=plain)
        for name in ("listing", "two_sided", "per_arm")
    }


@pytest.fixture(scope="module")
def alike(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("alike")
    return {
        name: run(small_config(*COMMON, *ALIKE, *DESIGNS[name]), folder / name, like=plain)
        for name in ("shopper", "listing", "two_sided")
    }


def units(log: Path, kind: str) -> pd.Series:
    """The arm of each unit of a kind."""
    assigned = table(log, "assignments")
    return assigned[assigned["kind"] == kind].set_index("unit")["arm"]


@pytest.mark.parametrize("name", ["listing", "two_sided"])
def test_arms_that_are_alike_give_the_log_of_no_split(alike: dict[str, Path], name: str) -> None:
    for each in TABLES:
        one, other = (
            table(alike[of] / "log", each).drop(columns="arm", errors="ignore")
            for of in ("shopper", name)
        )
        pd.testing.assert_frame_equal(one, other)
    assert len(table(alike[name] / "log", "orders")) > 20


def test_in_a_split_of_items_every_slot_is_its_items(sided: dict[str, Path]) -> None:
    log = sided["listing"] / "log"
    arm_I = units(log, "item")
    assert set(table(log, "requests")["arm"]) == set(table(log, "sessions")["arm"]) == {0}
    assert units(log, "shopper").empty
    for name in ("exposures", "orders"):
        rows = table(log, name)
        np.testing.assert_array_equal(rows["arm"], arm_I.loc[rows["item"]])
        assert set(rows["arm"]) == {0, 1}


def test_in_a_split_of_both_a_slot_is_treated_where_both_are(sided: dict[str, Path]) -> None:
    log = sided["two_sided"] / "log"
    arm_I, arm_S = units(log, "item"), units(log, "shopper")
    asked = table(log, "requests")
    np.testing.assert_array_equal(asked["arm"], arm_S.loc[asked["shopper"]])
    for name in ("exposures", "orders"):
        rows = table(log, name)
        both = np.minimum(arm_I.loc[rows["item"]].to_numpy(), arm_S.loc[rows["shopper"]].to_numpy())
        np.testing.assert_array_equal(rows["arm"], both)
        assert set(rows["arm"]) == {0, 1}


def test_items_are_assigned_from_when_on_they_are_on_sale(sided: dict[str, Path]) -> None:
    assigned = table(sided["listing"] / "log", "assignments")
    start, end = 2 * 86_400.0, 4 * 86_400.0
    assert assigned["at"].between(start, end).all()
    assert (assigned["at"] > start).any()
    seen = table(sided["listing"] / "log", "exposures")
    assert set(seen["item"]) <= set(assigned["unit"])


@pytest.mark.parametrize(
    ("name", "units"), [("listing", "listings"), ("two_sided", "shoppers and listings")]
)
def test_estimates_name_the_design_and_what_was_split(
    sided: dict[str, Path], name: str, units: str
) -> None:
    metrics = read_record(Metrics, sided[name])
    assert {row.design for row in metrics.estimates} == {name}
    assert metrics.units == units
    ends = {row.metric: row.effect.ends for row in metrics.estimates}
    assert ends["orders"] is not None
    assert ends["latency"] is ends["uctcvr"] is None
    assert all(row.p_value is not None and row.p_value > 1e-4 for row in metrics.srm)
    page = (sided[name] / "report.html").read_text()
    assert f"of a split of {units}, told per shopper" in page


def test_no_arm_is_told_to_have_served_nothing(sided: dict[str, Path]) -> None:
    for name in ("listing", "two_sided"):
        warned = read(sided[name], "metrics")["health"]["warnings"]
        assert not any("at all" in each for each in warned)


def test_listings_of_a_split_of_both_have_a_share_of_their_own(sided: dict[str, Path]) -> None:
    shoppers, listings = read_record(Metrics, sided["two_sided"]).srm
    assert (shoppers.unit, listings.unit) == ("shoppers", "listings")
    assert listings.expected[1] == pytest.approx(0.4 * sum(listings.counts))
    assert shoppers.expected[1] == pytest.approx(0.5 * sum(shoppers.counts))


def test_another_estimator_is_read_from_the_same_world(
    sided: dict[str, Path], tmp_path: Path
) -> None:
    config = small_config(
        *COMMON, "design={type='two_sided', listing_share=0.4, estimator='naive'}"
    )
    again = run(config, tmp_path / "again", like=sided["two_sided"])
    cached = {stage["name"]: stage["cached"] for stage in read(again, "manifest")["stages"]}
    assert all(cached.values())
    one, other = (read_record(Metrics, each) for each in (sided["two_sided"], again))
    assert one.estimates != other.estimates


@pytest.mark.parametrize("name", ["listing", "two_sided", "per_arm"])
def test_nothing_that_may_never_be_is_in_their_logs(sided: dict[str, Path], name: str) -> None:
    """Sales are held against the shelf of their moment: of their arm's own, where it has one."""
    with of_run(sided[name]) as evidence:
        checks = [*invariants(evidence), *supplied(evidence), *controls(evidence)]
    assert not any(check.verdict is Verdict.FAIL for check in checks)
    facts = {check.fact for check in checks if check.period == "experiment"}
    assert "negative_stock" in facts
    assert ("shopper_of_several_arms" in facts) is (name == "per_arm")
    assert ("assignment" in facts) is (name == "per_arm")


def test_sales_from_split_shelves_would_be_wrong_of_one_shelf_for_all(
    sided: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "experiments.validate.supply.Shelves.split",
        lambda shelves, shares, draws: [
            Shelves(part)
            for part in Shelf.full(empty(shelves), shelves.restocking.spec).split(shares, draws)
        ],
    )
    with of_run(sided["per_arm"]) as evidence:
        checks = [*supplied(evidence)]
    failed = {check.fact for check in checks if check.verdict is Verdict.FAIL}
    assert failed == {"negative_stock"}


def empty(shelves: Shelves) -> Supply:
    """The supply of some shelves, without a unit."""
    supply = shelves.restocking.supply
    return replace(supply, stock_I=np.zeros_like(supply.stock_I))


def test_merged_pages_judge_no_policy(sided: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(sided["listing"], folder, symlinks=True)
    only = ["attribution.incremental=['offpolicy']"]
    attribute_run(folder, overrides=only, progress=NoProgress())
    record = read_record(AttributionRecord, folder)
    assert record.off_policy == ()
    assert any("so no page is as control would show it" in each for each in record.warnings)
    assert {row.arm for row in record.credits} == {"control", "dense"}


def test_split_shelves_change_who_finds_what(sided: dict[str, Path]) -> None:
    """Nothing else does: shoppers, arms and their first searches are those of the plain test."""
    one, other = (table(sided[name] / "log", "requests") for name in ("shopper", "per_arm"))
    both = one.merge(other, on="request", suffixes=("", "_other"))
    np.testing.assert_array_equal(both["arm"], both["arm_other"])
    assert len(both) > 0.9 * len(one)
    assert (both["merged"] != both["merged_other"]).any()


@pytest.mark.parametrize(
    ("overrides", "wanted"),
    [
        (
            ["design.type=listing", "funnel.exploration=0.1"],
            r"funnel.exploration == 0.1, must be 0 where design.type is 'listing'",
        ),
        (
            ["design.type=two_sided", "world.statistics=per_arm"],
            r"world.statistics == 'per_arm', must be 'shared' where design.type is 'two_sided'",
        ),
        (
            [
                *("design.type=listing", "world.days=4"),
                "world.updates={every_days=2, log='per_arm'}",
            ],
            r"world.updates.log == 'per_arm', must be 'shared' where design.type is 'listing'",
        ),
        (
            ["design.type=two_sided", "design.listing_share=1.0"],
            r"design.listing_share == 1.0, must be",
        ),
        (["design.type=listing", "design.stock=per_arm"], r"design.stock"),
        (
            ["design.stock=per_arm", "design.ramp_up=[{day=1,part=0.5}]"],
            r"design.stock == 'per_arm', must be 'shared' with design.ramp_up",
        ),
    ],
)
def test_designs_that_cannot_be_run_are_refused(overrides: list[str], wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        load_config(SMALL, [*PLAIN, *overrides])


def test_both_sides_are_split_over_two_arms_alone(tmp_path: Path) -> None:
    more = '\n[[arms]]\nname = "third"\nshare = 0.2\nchannels = ["lexical"]\n'
    shares: tuple[Any, ...] = ("arms.control.share=0.4", "arms.dense.share=0.4")
    small_config(*shares, "design.type=listing", more=more, folder=tmp_path / "fits")
    with pytest.raises(ConfigError, match=r"arms == 3 arms, must be 2 where design.type is"):
        small_config(*shares, "design.type=two_sided", more=more, folder=tmp_path / "not")
