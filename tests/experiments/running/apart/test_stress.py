"""A run tries its channels and rankers on requests that none of them has seen."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.config.loading import load_config
from experiments.config.schema import Config
from experiments.notebook.results import open_run
from experiments.running.apart.stress import asked_set, ranker_names
from experiments.running.models import LOG, MODEL, POPULATION, load_saved
from ranking.examples import history_index
from ranking.rankers.pairs import RankerPairs
from simulator.errors import ConfigError, StoreError
from simulator.living.world import Population
from simulator.log.history import History, load_history
from simulator.protocols import Requests
from tests.experiments.small_runs import run, small_config, stage

ASKED = ("stress.conditions.positives=40", "stress.conditions.most=4")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, small_run: Path) -> Path:
    folder = tmp_path_factory.mktemp("stress") / "run"
    return run(small_config(*ASKED), folder, like=small_run)


@pytest.fixture(scope="module")
def population(small_run: Path) -> Population:
    found: Population = load_saved(stage(small_run, "catalogue") / POPULATION)
    return found


@pytest.fixture(scope="module")
def history(small_run: Path) -> History:
    return load_history(stage(small_run, "history") / LOG)


@pytest.fixture
def config() -> Config:
    return small_config(*ASKED)


def test_every_channel_and_ranker_that_scores_pairs_is_tried(tried: Path) -> None:
    rows = open_run(tried).stress
    kinds = dict(zip(rows["scorer"], rows["kind"], strict=True))
    assert {name for name, kind in kinds.items() if kind == "channel"} == {"lexical", "dense"}
    assert "ranker" in kinds.values()
    assert set(rows["conditions"]) == {1, 2, 3, 4}
    assert set(rows["style"]) == {"description", "instruction"}
    whole = rows.query("part == 'all' and conditions == 2")
    parts = rows.query("part != 'all' and conditions == 2").groupby(["scorer", "style"])
    assert (whole["comparisons"].sum() == parts["comparisons"].sum().sum()).all()
    assert whole.set_index("scorer").loc["lexical", "share"].min() > 0.6


def test_the_page_has_a_section_on_it(tried: Path) -> None:
    page = (tried / "report.html").read_text()
    assert 'id="stress"' in page
    assert "Requests of several conditions" in page


def test_a_run_that_did_not_ask_says_how_to(small_run: Path) -> None:
    with pytest.raises(StoreError, match=r"no stress.json, .* with stress.conditions"):
        _ = open_run(small_run).stress
    assert 'id="stress"' not in (small_run / "report.html").read_text()


def test_it_changes_nothing_else(tried: Path, small_run: Path) -> None:
    one, other = (open_run(folder).estimates for folder in (tried, small_run))
    assert one.equals(other)


def test_a_history_that_holds_a_request_of_the_set_is_refused(
    config: Config, population: Population, history: History
) -> None:
    found = asked_set(config, population, history)
    known = str(found.texts_SPK[0, 0, 2])
    texts = (known, *history.texts[1:])
    leaked = replace(history, texts=texts, text_R=np.zeros_like(history.text_R))
    with pytest.raises(ConfigError, match="must hold no request of the set"):
        asked_set(config, population, leaked)


def test_items_without_values_are_refused(
    config: Config, population: Population, history: History
) -> None:
    truth = population.supply.truth
    bare = replace(truth, values_IV=np.full_like(truth.values_IV, -1))
    poor = replace(population, supply=replace(population.supply, truth=bare))
    with pytest.raises(ConfigError, match="without an item of 4 attribute values"):
        asked_set(config, poor, history)


def test_a_file_that_publishes_no_values_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"stress\.conditions == a catalogue of a file without a"):
        load_config("icecat", ["stress.conditions.most=3"])


def test_a_ranker_scores_a_pair_wherever_it_stands(
    small_run: Path, config: Config, population: Population, history: History
) -> None:
    index = history_index(population.supply.catalog, history)
    ranker = load_saved(stage(small_run, "ranker") / MODEL)
    ranker.refresh(index, 0)
    scorer = RankerPairs(ranker, len(config.channels), index.at)
    requests = Requests.of_texts(("chair", "lamp"))
    items_BN = np.array([[3, 9, 4], [9, 3, 5]], np.int32)
    scores = scorer.pair_scores(requests, items_BN)
    turned = scorer.pair_scores(requests, items_BN[:, ::-1])
    np.testing.assert_array_equal(scores[:, ::-1], turned)
    alone = scorer.pair_scores(requests.rows(slice(1, 2)), items_BN[1:])
    np.testing.assert_array_equal(scores[1:], alone)


def test_rankers_are_called_by_their_type_and_arms_where_that_is_not_enough() -> None:
    config = small_config()
    one, two = Path("one"), Path("two")
    kind = config.ranker.type
    assert ranker_names(config, [one, one]) == {kind: one}
    first, second = (arm.name for arm in config.arms)
    assert ranker_names(config, [one, two]) == {
        f"{kind} of {first}": one,
        f"{kind} of {second}": two,
    }
