"""Intervals hold the population's exact values as often as they say.

Every repetition draws shoppers anew, their types independently with known chances, and lives
their worlds on fresh luck. So the values of the population are known exactly: those of a shopper
whose type is not known. A share of repetitions is itself an estimate; its Monte Carlo error is
binomial and stands in the assertion.
"""

import shutil
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from experiments.attribution.credit.credit import credit_rows
from experiments.attribution.credit.segments import Items
from experiments.attribution.incremental.values import value_rows
from experiments.config.attribution import AttributionSpec
from experiments.inference.intervals.crossed import FEWEST_SEEDS
from experiments.inference.logs import EngineSpec, engine, read_manifest
from tests.experiments.attribution.incremental.tiny_runs import (
    live_coalitions,
    replay_worlds,
    world_worths,
)
from tests.experiments.tiny import market as tiny
from tests.experiments.tiny.market import KINDS, OVERLAPPING, SHARE_H
from tests.experiments.tiny.values import (
    EVENTS,
    Model,
    alone,
    coalitions,
    leave_one_out,
    shapley,
)

MODEL = Model()
NOMINAL = 0.9
RULES = ("any_touch", "exclusive", "first", "best_rank", "fractional")
SPEC = AttributionSpec(rules=RULES)


def exact_values(model):
    """By (index, channel, event): value per exposed shopper, share, and lift where there is one."""
    games = {each: model.population(each) for each in coalitions(OVERLAPPING)}
    exposed = SHARE_H @ -np.expm1([-kind.visits for kind in KINDS])
    total_E = games[frozenset(OVERLAPPING)]
    exact = {}
    for channel in OVERLAPPING:
        for index, worth_E in (
            ("leave_one_out", leave_one_out(games, OVERLAPPING, channel)),
            ("alone", alone(games, channel)),
            ("shapley", shapley(games, OVERLAPPING, channel)),
        ):
            for event, worth, total in zip(EVENTS, worth_E, total_E, strict=True):
                key = index, channel, event
                exact[key, "value"], exact[key, "share"] = worth / exposed, worth / total
                if index == "leave_one_out":
                    exact[key, "lift"] = total / (total - worth) - 1
    return exact


def exact_credits(model):
    """By (rule, channel, event): share of the credit."""
    total_E = model.population(OVERLAPPING)
    return {
        (rule, channel, event): share
        for rule in RULES
        for channel in OVERLAPPING
        for event, share in zip(
            EVENTS, model.credit(rule, OVERLAPPING, channel) / total_E, strict=True
        )
    }


class Coverage:
    """Counts which intervals hold what they should.

    Attributes:
        held: by quantity, whether each repetition's interval held the exact value.
    """

    def __init__(self):
        self.held = defaultdict(list)

    def add(self, key, exact, interval):
        assert interval.low is not None, key
        self.held[key].append(interval.holds(exact))

    def add_values(self, method, rows):
        for row in rows:
            key = row.index, row.channel, row.event
            self.add((method, key, "value"), EXACT[key, "value"], row.value)
            self.add((method, key, "share"), EXACT[key, "share"], row.share)
            if row.index == "leave_one_out":
                self.add((method, key, "lift"), EXACT[key, "lift"], row.relative)
            excluded = not row.value.holds(0)
            assert (row.p_value < 1 - NOMINAL) == excluded

    def add_credits(self, rows):
        for row in rows:
            key = row.rule, row.channel, row.event
            if row.cut == "all" and row.channel in OVERLAPPING and 0 < CREDITS[key] < 1:
                self.add(("credit", *key), CREDITS[key], row.share)


EXACT, CREDITS = exact_values(MODEL), exact_credits(MODEL)


def repeat(folder, number, shoppers, coverage, *, seeds=1, others=()):
    """One repetition: shoppers and luck of its own; intervals of a replay, and of others."""
    rng = np.random.default_rng((17, number))
    people = tiny.population(tiny.drawn_kinds(shoppers, rng))
    luck = [int(seed) for seed in rng.integers(2**62, size=seeds)]
    folder.mkdir()
    found = replay_worlds(folder, people, OVERLAPPING, luck, MODEL).worths
    coverage.add_values("replay", value_rows("replay", "arm", found, confidence=NOMINAL))
    if "worlds" in others:
        lived = live_coalitions(folder, people, OVERLAPPING, luck, MODEL, every=False)
        paired, _ = world_worths(lived)
        coverage.add_values("worlds", value_rows("worlds", "arm", paired, confidence=NOMINAL))
    if "credit" in others:
        coverage.add_credits(credits_of(folder / "0", people))
    shutil.rmtree(folder)


def credits_of(log, people):
    with engine(EngineSpec()) as connection:
        return credit_rows(
            connection,
            log,
            read_manifest(log),
            SPEC.model_copy(update={"rules": RULES}),
            order=(),
            catalog=Items.of(people.supply.catalog),
            confidence=NOMINAL,
        )


def check(coverage, wide=0.0):
    """Every quantity is covered at the nominal rate within binomial error, and so is the mean.

    The binomial tests are two-sided and share an error rate of 1 % (Bonferroni). The quantities of
    one repetition move together, so the error of their mean coverage is that over repetitions.
    `wide` is how far above the nominal rate the coverage may lie.
    """
    assert coverage.held
    for key, held in coverage.held.items():
        side = "less" if wide else "two-sided"
        found = stats.binomtest(sum(held), len(held), NOMINAL, side)
        assert found.pvalue > 0.01 / len(coverage.held), (key, np.mean(held))
    kinds = {(key[0], key[-1]) for key in coverage.held}
    for kind in kinds:
        held_QR = [held for key, held in coverage.held.items() if (key[0], key[-1]) == kind]
        mean_R = np.mean(held_QR, axis=0)
        error = mean_R.std(ddof=1) / np.sqrt(len(mean_R))
        told = kind, mean_R.mean(), error
        assert -3.3 * error < mean_R.mean() - NOMINAL < wide + 3.3 * error, told


def test_twenty_repetitions_are_not_far_from_the_nominal_coverage(tmp_path):
    coverage = Coverage()
    for number in range(20):
        repeat(tmp_path / "once", number, 200, coverage, others=("credit",))
    check(coverage)


@pytest.mark.slow
def test_intervals_hold_the_exact_value_at_their_nominal_rate(tmp_path):
    """Replay values and Shapley shares, leave-one-out of paired worlds, credit shares of a log."""
    coverage = Coverage()
    for number in range(200):
        repeat(tmp_path / "once", number, 400, coverage, others=("worlds", "credit"))
    assert {key[0] for key in coverage.held} == {"replay", "worlds", "credit"}
    check(coverage)


@pytest.mark.slow
def test_intervals_over_the_fewest_worlds_hold_the_exact_value_at_their_nominal_rate(tmp_path):
    """Of several worlds; two are too few for the crossed intervals, as `FEWEST_SEEDS` says.

    Here worlds differ by nothing but the luck of their shoppers. Intervals cannot know that, and a
    variance between worlds that is estimated as no less than none makes them a little wide.
    """
    coverage = Coverage()
    for number in range(200):
        repeat(tmp_path / "once", 1_000 + number, 150, coverage, seeds=FEWEST_SEEDS)
    check(coverage, wide=0.05)
