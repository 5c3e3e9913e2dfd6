"""Channels of a run are asked again: none knows what is latent, and one that does is found."""

import gc
from itertools import pairwise

import numpy as np
import pytest

import experiments.validate.favouritism.audit as auditing
from experiments.records.reading import rows_of
from experiments.records.validity import Verdict
from experiments.running.models import POPULATION, load_saved
from experiments.validate.favouritism.audit import audit
from experiments.validate.favouritism.questions import questions_of
from experiments.validate.favouritism.truths import matching, permuted, without_tastes
from recall.candidates import Candidates
from simulator.catalogue.catalog import ItemTruth
from simulator.shoppers.intents import Intents
from tests.experiments.validate.evidences import evidence

REQUESTS = 150
CHANNELS = {"lexical", "popular", "dense"}


@pytest.fixture(scope="module")
def sound(small_run):
    with evidence(small_run) as found:
        return audit(found, REQUESTS)


def test_with_the_latent_truth_permuted_no_channel_beats_chance(sound):
    assert {check.fact for check in sound.checks} == {
        f"recall_of_{name}_with_the_truth_permuted" for name in CHANNELS
    }
    assert {check.verdict for check in sound.checks} == {Verdict.PASS}
    for check in sound.checks:
        assert check.found.low < check.found.estimate < check.found.high
        assert check.found.holds(0.0)


def test_by_the_truth_as_it_is_channels_that_read_words_are_far_above_chance(sound):
    for row in rows_of(sound.recalls, truth="match"):
        if row.channel != "popular":
            assert row.found.low > 2 * row.random
        assert row.random < row.random_in_category


def test_channels_are_told_in_their_order_and_how_sure_it_is(sound):
    for truth in ("match", "worth", "worth_without_tastes"):
        rows = rows_of(sound.recalls, truth=truth)
        assert [row.place for row in rows] == [1, 2, 3]
        assert {row.channel for row in rows} == CHANNELS
        for row, after in pairwise(rows):
            gap = row.found.estimate - after.found.estimate
            assert row.over_next.estimate == pytest.approx(gap)
            assert row.over_next.low < gap < row.over_next.high
        assert rows[-1].over_next.estimate is None


def test_no_channel_is_asked_where_no_request_is_to_be(small_run):
    with evidence(small_run) as found:
        assert audit(found, 0) == auditing.Audit()


OLD: list[object] = []
"""What other tests of this process have in memory; kept, so that nothing new takes its place."""


def new(kind):
    """Objects of a kind that came into memory since `OLD` was filled."""
    old = {id(each) for each in OLD}
    return [each for each in gc.get_objects() if type(each) is kind and id(each) not in old]


def peeking(config, name, model, index, requests, limit):
    """A channel that goes through the memory of its process for what only the simulator knows."""
    (truth,) = new(ItemTruth)
    intents = new(Intents)[0]
    category_T = np.full(len(intents.texts), -1)
    for texts_Q in intents.text_QX.T:
        category_T[texts_Q[texts_Q >= 0]] = intents.category_Q[texts_Q >= 0]
    found = np.full((len(requests), limit), -1, np.int32)
    for row, text in zip(found, requests.text_B, strict=True):
        items = np.flatnonzero(truth.category_I == category_T[text])[:limit]
        row[: len(items)] = items
    scores = np.broadcast_to(-np.arange(limit, dtype=np.float32), found.shape)
    return Candidates(found, scores.copy())


def test_a_channel_that_reads_the_latent_truth_is_found_out(small_run, monkeypatch):
    honest = auditing.asked

    def asked(config, name, *others):
        return (peeking if name == "popular" else honest)(config, name, *others)

    monkeypatch.setattr(auditing, "asked", asked)
    gc.collect()
    monkeypatch.setitem(globals(), "OLD", [*new(ItemTruth), *new(Intents)])
    with evidence(small_run) as found:
        checks = audit(found, REQUESTS).checks
    failed = {check.fact for check in checks if check.verdict is not Verdict.PASS}
    assert failed == {"recall_of_popular_with_the_truth_permuted"}
    (check,) = (check for check in checks if check.verdict is Verdict.FAIL)
    assert check.found.low > 0


def test_a_permuted_population_has_the_same_truth_of_other_items(small_run):
    with evidence(small_run) as found:
        population = load_saved(found.catalogue / POPULATION)
        needs = questions_of(found, found.experiment, 40).needs
        spec = found.config.world.behavior
    other_I = np.random.default_rng(2).permutation(len(population.supply.catalog))
    as_is = matching(population, spec, needs)
    hidden = permuted(population, other_I)
    assert as_is.any()
    np.testing.assert_array_equal(matching(hidden, spec, needs), as_is[:, other_I])
    assert hidden.supply.catalog is population.supply.catalog
    tasteless = without_tastes(population, other_I)
    np.testing.assert_array_equal(matching(tasteless, spec, needs), as_is)
