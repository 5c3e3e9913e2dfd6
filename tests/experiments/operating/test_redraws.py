"""Splits drawn anew: of every design, of the worlds that it needs, and what cannot be told."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.designs.rampup import RampUp
from experiments.designs.settings import QueryClusterDesign, RampUpStep, ShopperDesign
from experiments.designs.shopper import ShopperSplit
from experiments.designs.switchback import Switchback
from experiments.inference.metrics import METRICS
from experiments.inference.randomised.cells import UNITS
from experiments.inference.randomised.redrawn import outcomes
from experiments.operating.redraws import kinds, outcomes_of, redraws
from experiments.operating.splits import Drawn, unit_of
from experiments.operating.study import DESIGNS
from experiments.running.assigning.queryclusters import query_clusters
from experiments.running.models import CATALOG, POPULATION, load_saved
from simulator.errors import DataError
from simulator.log.history import load_history
from simulator.randomness import Draws
from tests.experiments.operating.lived import LivedStudy
from tests.experiments.small_runs import stage, table

CHOSEN = tuple(METRICS[name] for name in ("gmv", "orders", "uctcvr", "ctr"))
SLOTS = tuple(METRICS[name] for name in ("gmv", "orders", "ctr"))
SALTED = tuple(name for name in DESIGNS if name != "switchback")
OF_ONE_SIDE = tuple(name for name in DESIGNS if name != "two_sided")


@pytest.mark.parametrize("name", OF_ONE_SIDE)
def test_a_split_is_drawn_anew_by_its_number_alone(lived: LivedStudy, name: str) -> None:
    drawn = lived.drawn(name)
    told = SLOTS if name == "listing" else CHOSEN
    made = outcomes_of(lived.pair[0], drawn, told)
    few, more = drawn.splits(2), drawn.splits(4)
    arms = [split.assign(made.unit_U, made.at_U) for split in more]
    for one, again in zip(few, more, strict=False):
        assert np.array_equal(
            one.assign(made.unit_U, made.at_U), again.assign(made.unit_U, made.at_U)
        )
    assert all(0 < arm_U.mean() < 1 for arm_U in arms)
    assert len({arm_U.tobytes() for arm_U in arms}) == 4


def test_each_design_names_what_it_takes_to_be_independent(lived: LivedStudy) -> None:
    assert {name: lived.drawn(name).unit for name in DESIGNS} == {
        "shopper": "shoppers",
        "session": "shoppers",
        "request": "shoppers",
        "query_cluster": "query clusters",
        "switchback": "pairs of days",
        "ramp_up": "shoppers",
        "listing": "listings",
        "two_sided": "shoppers and listings",
    }
    assert unit_of(None) == "shoppers"


def test_periods_that_mirror_each_other_are_two_days_apart(lived: LivedStudy) -> None:
    assert {name: lived.drawn(name).spacing for name in DESIGNS} == {
        **dict.fromkeys(SALTED),
        "switchback": 48,
    }
    uneven = Switchback((0.3, 0.7), "x", Draws(1), 3_600.0)
    assert Drawn(uneven, lived.drawn("switchback").layout).spacing is None


def test_clusters_are_those_that_an_experiment_of_that_design_would_have_logged(
    lived: LivedStudy,
) -> None:
    drawn, log = lived.drawn("query_cluster"), lived.pair[0]
    catalogue = stage(lived.folder, "catalogue")
    texts = load_saved(catalogue / POPULATION).intents.texts
    history = load_history(stage(lived.folder, "history") / "log")
    wanted = query_clusters(texts, history, load_saved(catalogue / CATALOG))
    assert drawn.cluster_T is not None
    assert np.array_equal(drawn.cluster_T, wanted)
    made = outcomes_of(log, drawn, CHOSEN)
    asked, bought = table(log, "requests"), table(log, "orders")
    cluster_R = wanted[asked["text"].to_numpy()]
    assert sorted(set(cluster_R.tolist())) == made.unit_U.tolist()
    of_request = dict(zip(asked["request"].tolist(), cluster_R.tolist(), strict=True))
    cluster_O = np.array([of_request[request] for request in bought["request"].tolist()])
    for unit, orders in zip(made.unit_U, made.of("orders"), strict=True):
        assert orders == (cluster_O == unit).sum()


def test_a_ramp_up_is_drawn_step_by_step(lived: LivedStudy) -> None:
    study = lived.study
    spec = ShopperDesign(ramp_up=(RampUpStep(day=1, part=0.3), RampUpStep(day=2, part=1.0)))
    population = load_saved(stage(lived.folder, "catalogue") / POPULATION)
    drawn = Drawn.of(study.config, spec, population, stage(lived.folder, "history") / "log")
    assert drawn.unit == "shoppers"
    made = outcomes_of(lived.pair[0], drawn, CHOSEN[:2])
    shares = []
    for split in drawn.splits(30):
        assert isinstance(split, RampUp)
        arm_U = split.assign(made.unit_U, made.at_U)
        shares.append([arm_U[made.stratum_U == step].mean() for step in range(3)])
    assert np.mean(shares, axis=0) == pytest.approx([0.0, 0.15, 0.5], abs=0.03)


def test_items_on_sale_are_units_with_what_they_sold(lived: LivedStudy) -> None:
    drawn, log = lived.drawn("listing"), lived.pair[0]
    made = outcomes_of(log, drawn, CHOSEN)
    assert "uctcvr" not in made.columns
    assert made.of(UNITS).tolist() == [1.0] * len(drawn.items)
    bought, shown = table(log, "orders"), table(log, "exposures")
    assert np.isin(bought["item"], made.unit_U).all()
    for name, rows in (("orders", bought), ("exposures", shown)):
        counts = rows["item"].value_counts().reindex(made.unit_U).fillna(0.0)
        assert made.of(name).tolist() == counts.tolist()
    assert made.shoppers == table(log, "requests")["shopper"].nunique()
    found, _ = told(lived, "listing")
    assert [metric.name for metric in found.metrics] == ["gmv", "orders", "ctr"]
    assert found.ab is not None
    assert found.untold == ("uctcvr",)


def test_of_both_sides_there_are_a_a_tests_and_it_is_said_why_no_others(
    lived: LivedStudy,
) -> None:
    made, counted = told(lived, "two_sided")
    assert [metric.name for metric in made.metrics] == ["gmv", "orders", "ctr"]
    assert made.aa.p_RM.shape == (40, 3)
    assert not np.isnan(made.aa.p_RM).any()
    assert len(np.unique(made.aa.p_RM[:, 0])) == 40
    assert made.ab is None
    assert made.missing.startswith("two_sided: no A/B tests by redraws, for pairs of a treated")
    assert counted == 40 * kinds(lived.drawn("two_sided")) == 40
    with pytest.raises(DataError, match="two_sided == pairs of units, must be units of one side"):
        outcomes_of(lived.pair[0], lived.drawn("two_sided"), CHOSEN)
    with pytest.raises(DataError, match="listing == a split of one side, must be of both"):
        lived.drawn("listing").splits_of_both(1)


def told(lived: LivedStudy, name: str, count: int = 40):
    counted = []
    made = redraws(
        *(lived.pair, lived.drawn(name), CHOSEN, count),
        confidence=0.9,
        seed=3,
        advance=counted.append,
    )
    return made, sum(counted)


def test_shoppers_are_asked_for_every_metric_and_once_by_exposure(lived: LivedStudy) -> None:
    made, counted = told(lived, "shopper")
    assert made.metrics == CHOSEN
    assert made.by_exposure is not None
    assert made.by_exposure.p_RM.shape == (40, 1)
    assert made.ab is not None
    assert made.aa.p_RM.shape == made.ab.p_RM.shape == (40, 4)
    assert (made.untold, made.missing) == ((), "")
    assert counted == 40 * kinds(lived.drawn("shopper")) == 120


def test_what_a_design_cannot_tell_is_said_and_the_rest_is_told(lived: LivedStudy) -> None:
    made, counted = told(lived, "request")
    assert [metric.name for metric in made.metrics] == ["gmv", "orders", "ctr"]
    assert made.ab is None
    assert made.by_exposure is None
    assert made.untold == ("uctcvr",)
    assert made.missing.startswith("request: no A/B tests by redraws, for units of two worlds == ")
    assert counted == 80


def test_the_worlds_that_are_drawn_from_share_their_luck(lived: LivedStudy) -> None:
    one, other = (outcomes_of(log, lived.drawn("session"), CHOSEN[:1]) for log in lived.pair)
    both = np.intersect1d(one.unit_U, other.unit_U)
    assert len(both) > 0.98 * len(one.unit_U)
    assert one.of(UNITS).sum() > 1_000


def test_of_more_than_two_arms_the_others_take_no_part(lived: LivedStudy) -> None:
    drawn = lived.drawn("shopper")
    assert isinstance(drawn.design, ShopperSplit)
    three = replace(drawn, design=replace(drawn.design, shares=(0.25, 0.25, 0.5)))
    quarter = redraws(
        *(lived.pair, three, CHOSEN[:2], 200), confidence=0.9, seed=3, advance=lambda _: None
    )
    half = redraws(
        *(lived.pair, drawn, CHOSEN[:2], 200), confidence=0.9, seed=3, advance=lambda _: None
    )
    wider = (quarter.aa.high_RM - quarter.aa.low_RM) / (half.aa.high_RM - half.aa.low_RM)
    assert np.median(wider) == pytest.approx(np.sqrt(2), rel=0.05)
    level = np.mean(quarter.aa.level_RM, axis=0)
    assert level == pytest.approx(half.aa.level_RM.mean(axis=0), rel=0.05)


def test_a_design_without_clusters_is_read_by_its_layout(lived: LivedStudy) -> None:
    drawn = lived.drawn("switchback")
    assert drawn.layout is not None
    by_layout = outcomes(lived.pair[0], drawn.layout, CHOSEN[:2])
    assert outcomes_of(lived.pair[0], drawn, CHOSEN[:2]).sums_CU == pytest.approx(by_layout.sums_CU)
    assert isinstance(lived.study.designs["query_cluster"], QueryClusterDesign)
