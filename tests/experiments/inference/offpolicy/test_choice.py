from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from experiments.inference.offpolicy.choice import choose
from experiments.inference.offpolicy.estimators import estimated
from experiments.records.interval import UNKNOWN
from simulator.errors import ConfigError, DataError
from tests.experiments.inference.offpolicy.worlds import (
    LIKING_XKA,
    drawn,
    enumerated,
    slots_of,
    totals_of,
)

SETS = {"first": 0b001, "second": 0b010, "both": 0b011, "with new": 0b111, "new alone": 0b100}
GUESS = np.full_like(LIKING_XKA, 0.95)
"""A model that thinks well of what nobody has seen."""


@pytest.fixture(scope="module")
def worlds():
    return {name: enumerated(judged, model_XKA=GUESS) for name, judged in SETS.items()}


def logs(worlds, requests, seed):
    """The totals of every set by one and the same log."""
    some = next(iter(worlds.values()))
    chosen = np.random.default_rng(seed).choice(len(some.chance_O), requests, p=some.chance_O)
    return {name: drawn(world.totals, chosen) for name, world in worlds.items()}


@pytest.mark.parametrize("price", [1.0, 2.0])
def test_a_penalised_value_is_on_average_no_more_than_the_true_one(worlds, price):
    """Every slot brings 0 to 1, and the model predicts no more: the price is the most."""
    for world in worlds.values():
        doubly = world.mean(estimated(world.totals, "dr")[0])
        penalised = doubly - price * world.mean(world.totals.weak_U)
        assert penalised <= world.truth + 1e-12


def test_unseen_items_win_by_a_hopeful_model_and_lose_by_the_burden(worlds):
    said = logs(worlds, 4_000, 3)
    free = choose(said, 0, price=0.0, confidence=0.95)
    dear = choose(said, 0, price=1.0, confidence=0.95)
    assert (free.chosen, dear.chosen) == ("new alone", "both")
    assert worlds["new alone"].truth < worlds["both"].truth
    burdens = {each.name: each.burden for each in dear.candidates}
    assert burdens["both"] == burdens["first"] == 0.0
    assert burdens["new alone"] == pytest.approx(0.5, abs=0.02)


def test_pessimism_passes_by_a_set_that_is_better_by_what_nobody_has_seen(worlds):
    """It is the price of it: the true best is found by showing it, not by a log."""
    dear = choose(logs(worlds, 4_000, 3), 0, price=1.0, confidence=0.95)
    assert max(worlds, key=lambda name: worlds[name].truth) == "with new"
    assert dear.chosen == "both"


def test_the_best_comes_first_and_the_lead_is_paired_over_shoppers(worlds):
    said = logs(worlds, 4_000, 3)
    found = choose(said, 0, price=0.3, confidence=0.95)
    first, second, *_ = found.candidates
    assert (first.name, second.name) == ("new alone", "both")
    assert found.chosen == first.name
    parts = [
        estimated(said[each.name], "dr")[0] - 0.3 * said[each.name].weak_U
        for each in (first, second)
    ]
    gap_U = parts[0] - parts[1]
    reach = stats.t.isf(0.025, len(gap_U) - 1) * gap_U.std(ddof=1) / np.sqrt(len(gap_U))
    expected = gap_U.mean(), gap_U.mean() - reach, gap_U.mean() + reach
    assert found.lead.numbers == pytest.approx(expected, rel=1e-9)
    assert found.lead.estimate == pytest.approx(
        first.penalised.estimate - second.penalised.estimate, rel=1e-9
    )


def test_the_penalty_is_the_price_times_the_weak_slots_of_a_request(worlds):
    said = logs(worlds, 1_000, 4)
    found = choose(said, 0, price=0.7, confidence=0.95)
    for each in found.candidates:
        totals = said[each.name]
        weak = totals.weak_U.sum() / totals.requests_U.sum()
        if each.penalised.estimate is not None:
            expected = each.value.value.estimate - 0.7 * weak
            assert each.penalised.estimate == pytest.approx(expected, rel=1e-12)


def test_a_set_without_an_estimate_is_not_chosen_and_comes_last(worlds):
    said = logs(worlds, 4_000, 5)
    nothing = replace(said["new alone"], weights_U=np.zeros(4_000), squares_U=np.zeros(4_000))
    found = choose(said | {"new alone": nothing}, 0, price=0.0, confidence=0.95)
    assert found.candidates[-1].name == "new alone"
    assert found.candidates[-1].penalised == UNKNOWN
    assert found.candidates[-1].value.refusal.startswith("the weights leave 0 effective slots")


def test_where_no_set_has_an_estimate_none_is_chosen():
    few = totals_of(
        slots_of([0, 1], [1, 1], [0.5, 0.5], [1, 1], [1, 0], [0, 0], [0, 0]), shoppers=2
    )
    found = choose({"a": few}, 0, price=1.0, confidence=0.9)
    assert found.chosen is None
    assert found.lead == UNKNOWN
    assert found.reason.startswith("no set has an estimate (a: the weights leave 2 effective slots")


def test_one_set_has_no_lead(worlds):
    said = logs(worlds, 1_000, 6)
    found = choose({"both": said["both"]}, 0, price=1.0, confidence=0.9)
    assert (found.chosen, found.lead, found.reason) == ("both", UNKNOWN, "")


def test_bad_questions_are_refused(worlds):
    said = logs(worlds, 100, 7)
    with pytest.raises(ConfigError, match=r"price == -1.0, must be >= 0"):
        choose(said, 0, price=-1.0, confidence=0.9)
    with pytest.raises(ConfigError, match=r"price == nan, must be >= 0"):
        choose(said, 0, price=float("nan"), confidence=0.9)
    with pytest.raises(DataError, match="generator sets == 0, must be > 0"):
        choose({}, 0, price=1.0, confidence=0.9)
    other = drawn(said["both"], np.arange(50))
    with pytest.raises(DataError, match="requests of 'other' == others than of 'first'"):
        choose(said | {"other": other}, 0, price=1.0, confidence=0.9)
