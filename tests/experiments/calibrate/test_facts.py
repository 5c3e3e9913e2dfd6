"""Facts of a log: the same of the user's files and of the simulated log that they were made of."""

import numpy as np
import pytest

from experiments.calibrate.facts import FACTS, Traffic
from experiments.calibrate.knobs import KNOBS, knobs_of
from experiments.calibrate.worlds import not_fitted
from experiments.config.loading import load_config
from experiments.validate.ownlog.cleaning import own_log
from experiments.validate.ownlog.sales import Sales
from experiments.validate.ownlog.settings import read_own_log
from tests.experiments.small_runs import SMALL
from tests.experiments.validate.evidences import evidence
from tests.experiments.validate.ownlog.shoplogs import described, orders, results
from tests.experiments.validate.ownlog.test_compare import own_files


def told(traffic):
    return {name: fact(traffic) for name, fact in FACTS.items()}


def test_the_files_of_a_shop_tell_the_facts_of_its_log(small_run, tmp_path):
    theirs = own_log(read_own_log(own_files(small_run, tmp_path)), None)
    with evidence(small_run) as found:
        simulated = told(Traffic.of_simulated(found.history))
    own = told(Traffic.of_own(theirs))
    assert own == {name: pytest.approx(fact) for name, fact in simulated.items()}
    assert None not in own.values()


def pages(texts, shoppers=None):
    """A page a minute, all of one shopper or of these, with these texts."""
    count = len(texts)
    who = np.zeros(count, np.int64) if shoppers is None else np.asarray(shoppers)
    none = np.zeros(0, np.int64)
    sales = Sales(none, none, none, np.zeros(0), np.zeros(0), np.zeros(0), 1)
    ones = np.ones(count, np.int64)
    return Traffic(who, 60.0 * np.arange(count), np.asarray(texts), ones, 0 * ones, sales)


def test_pages_are_followed_by_other_words_or_by_the_next_page():
    traffic = pages([1, 1, 2, 2, 3] * 10, np.repeat(np.arange(10), 5))
    odds = FACTS["pages followed by other words"](traffic)
    assert odds == pytest.approx(np.log(20.5 / 30.5))
    assert FACTS["pages followed by the next page"](traffic) == pytest.approx(np.log(20.5 / 30.5))


def test_how_many_texts_are_new_and_how_often_two_are_one_does_not_hang_on_the_length():
    rng = np.random.default_rng(0)
    share = np.arange(1, 2_001) ** -0.9
    share /= share.sum()
    for name in ("different texts among first queries", "two first queries of one text"):
        means = []
        for count in (400, 6_000):
            drawn = [
                FACTS[name](pages(rng.choice(2_000, count, p=share), np.arange(count)))
                for _ in range(40)
            ]
            means.append((np.mean(drawn), np.std(drawn) / np.sqrt(40)))
        (few, error), (many, other) = means
        assert abs(few - many) < 4 * np.hypot(error, other) + 0.02


def test_a_log_of_orders_alone_tells_facts_of_orders_alone(tmp_path):
    theirs = own_log(read_own_log(described(tmp_path, orders(shoppers=400))), None)
    known = {name for name, fact in told(Traffic.of_own(theirs)).items() if fact is not None}
    assert known == {
        "orders of several items",
        "two purchases of one item",
        "spread of prices paid",
    }


def test_a_log_without_texts_tells_nothing_of_queries(tmp_path):
    shown = results(pages=2_000).drop(columns="query")
    path = described(tmp_path, shown=shown)
    path.write_text(path.read_text().replace('query = "query"\n', ""))
    found = told(Traffic.of_own(own_log(read_own_log(path), None)))
    assert found["clicks of a page"] is not None
    assert found["two first queries of one text"] is None
    assert found["pages followed by other words"] is None


def test_settings_are_fitted_that_the_config_has_and_the_log_tells():
    config = load_config(SMALL)
    every = dict.fromkeys(FACTS, 0.1)
    assert knobs_of(config, every) == KNOBS
    without = knobs_of(config, every | {"clicks of a page": None})
    assert [knob.key for knob in without] == [knob.key for knob in KNOBS[1:]]
    known = knobs_of(config, every, given=["world.behavior.click_cost", "seed"])
    assert known == KNOBS[1:]
    assert {knob.fact for knob in KNOBS} == set(FACTS)
    of_file = {knob.key for knob in knobs_of(load_config("icecat"), every)}
    assert "catalog.file.demand_sigma" in of_file
    assert not of_file & {"catalog.demand_sigma", "catalog.price_sigma"}
    still = load_config(SMALL, ["queries.variety=0"])
    assert "queries.variety" not in [knob.key for knob in knobs_of(still, every)]


def test_settings_that_are_not_fitted_are_told_with_the_reason():
    facts = dict.fromkeys(FACTS, 0.1) | {"clicks of a page": None}
    config = load_config("icecat", ["queries.variety=0", "world.sessions.next_page=0.1"])
    said = list(not_fitted(config, facts, ["world.sessions.next_page"]))
    assert said == [
        "world.behavior.click_cost: the log does not tell its clicks of a page.",
        "world.sessions.next_page: taken as known, for --set gives it.",
        "queries.variety == 0.0: off, so it is not fitted.",
    ]
