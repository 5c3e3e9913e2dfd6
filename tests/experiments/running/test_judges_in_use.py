"""Judges as scorers of channels and as a feature: what is served, and what pages are worth."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.running.funnels import arm_funnel
from experiments.running.models import (
    CATALOG,
    LOG,
    MODEL,
    POPULATION,
    PartsOf,
    load_channel,
    load_saved,
)
from ranking.examples import history_index
from ranking.funnel import Funnel
from recall.composed.reranked import RerankedChannel
from recall.composed.settings import RerankedSpec
from simulator.annotations.verdicts import Verdicts
from simulator.catalogue.catalog import Ints
from simulator.living.world import Population
from simulator.log.history import load_history
from simulator.protocols import Requests
from simulator.randomness import Draws
from tests.experiments.running.judgedshop import Made, config_of, made


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("used")
    return made(config_of(folder=folder), folder / "run")


def test_each_part_is_fitted_once_whoever_names_it(trained: Made) -> None:
    for name in ("channel-lexical", "channel-best", "channel-dense", "judge-plain", "annotations"):
        assert trained.count(name) == 1, name
    assert trained.count("judge-idle") == 0  # nothing uses it; it is measured later
    kept: PartsOf = load_saved(trained.late["nested"].path / MODEL, trained.config)
    assert kept.folders == {
        "inner": trained.late["best"].path.name,
        "scorer": trained.late["dense"].path.name,
    }


def test_a_stored_channel_serves_as_one_made_of_its_parts(trained: Made) -> None:
    config, history = trained.config, load_history(trained.history.path / LOG)
    requests = history.requests(slice(0, 200))
    stored = load_channel(trained.late["best"].path / MODEL, config, "best")
    spec = config.channels["best"]
    assert isinstance(spec, RerankedSpec)
    inner = load_channel(trained.late["lexical"].path / MODEL, config, "lexical")
    judge = load_saved(trained.stage("judge-plain") / MODEL, config)
    by_hand = RerankedChannel(spec, inner=inner, scorer=judge)
    found, wanted = (channel.recall(requests, 30) for channel in (stored, by_hand))
    np.testing.assert_array_equal(found.items_BN, wanted.items_BN)
    np.testing.assert_array_equal(found.scores_BN, wanted.scores_BN)
    assert (found.items_BN[:, 0] >= 0).any()


def funnel_of(trained: Made, arm: str) -> Funnel:
    """The funnel of an arm, refreshed at the end of the history."""
    config = trained.config
    number = [each.name for each in config.arms].index(arm)
    channels = {
        name: load_channel(trained.late[name].path / MODEL, config, name)
        for name in config.arms[number].channels
    }
    catalog = load_saved(trained.catalogue.path / CATALOG)
    ranker = load_saved(trained.rankers[number].path / MODEL, config)
    funnel = arm_funnel(config, number, catalog, channels, ranker, Draws(1), [number])
    funnel.refresh(history_index(catalog, load_history(trained.history.path / LOG)))
    return funnel


@pytest.fixture(scope="module")
def pages(trained: Made) -> dict[str, Ints]:
    """(T, 10) what each arm shows for every text that was asked, to nobody in particular."""
    history = load_history(trained.history.path / LOG)
    asked = Requests.of_texts(history.texts).rows(np.unique(history.text_R).astype(np.intp))
    asked = replace(asked, at_B=np.full(len(asked), history.at_R.max()))
    arms = ("control", "sieve", "feature", "twin_feature", "twin_order")
    return {arm: funnel_of(trained, arm).serve(asked).items_BK[:, :10] for arm in arms}


def gain(trained: Made, pages: dict[str, Ints], arm: str) -> tuple[float, float]:
    """How much better an arm's pages are than the control's, in true grades, and its error."""
    population: Population = load_saved(trained.catalogue.path / POPULATION)
    verdicts = Verdicts(population.intents, population.supply.truth)
    text_B = np.unique(load_history(trained.history.path / LOG).text_R)

    def grades(items_BK: Ints) -> np.ndarray:
        held_BK = items_BK >= 0
        rows, slots = np.nonzero(held_BK)
        found_BK = np.zeros(items_BK.shape)
        found_BK[rows, slots] = verdicts.of(text_B[rows], items_BK[rows, slots]).grade_J
        return np.asarray(found_BK.sum(axis=1) / items_BK.shape[1])

    more_B = grades(pages[arm]) - grades(pages["control"])
    return float(more_B.mean()), float(more_B.std() / np.sqrt(len(more_B)))


def test_a_judge_that_sieves_candidates_makes_pages_better(
    trained: Made, pages: dict[str, Ints]
) -> None:
    more, error = gain(trained, pages, "sieve")
    assert more > 3 * error > 0


def test_the_twin_of_a_judge_is_worth_nothing_as_a_feature(
    trained: Made, pages: dict[str, Ints]
) -> None:
    more, error = gain(trained, pages, "twin_feature")
    assert abs(more) < 3 * error
    assert (pages["twin_feature"] != pages["control"]).any()  # it is another ranker


def test_the_twin_of_a_judge_changes_no_page_where_all_candidates_are_kept(
    pages: dict[str, Ints],
) -> None:
    np.testing.assert_array_equal(pages["twin_order"], pages["control"])


def test_a_funnel_waits_for_the_inner_channel_too(trained: Made) -> None:
    config = trained.config
    funnel = funnel_of(trained, "nested")
    median = float(funnel.latencies["nested"].seconds(0.0, 20))
    chain = [config.channels[name] for name in ("nested", "best", "lexical")]
    depths = (30, 60, 60)  # scored, scored, asked of the words
    each = [spec.latency.seconds(0.0, depth) for spec, depth in zip(chain, depths, strict=True)]
    assert median == pytest.approx(float(sum(each)))
