"""Rankers by expected orders, in a shop of some thousand shoppers."""

import pytest

from experiments.config.loading import load_config
from ranking.rankers.ranker import MergeOrderRanker
from tests.benchmarks.rankers import Cuts, make_study

pytestmark = pytest.mark.slow


def test_the_ranker_beats_the_merge_order_by_what_it_brings_and_by_held_out_clicks(tmp_path):
    settings = ("shoppers.count=4000", "catalog.items=4000", "world.days=2")
    arms = 'arms.treatment.channels=["lexical", "popular", "itemcf"]'
    config = load_config("demo", [*settings, arms, "execution.processes=1"])
    study = make_study(config, tmp_path / "run", share=1.0, refits=1)
    ranker, report = study.rankers["boosted"][0], study.reports["boosted"]
    assert report["ndcg"] > report["shown_ndcg"] + 0.02

    def served(block):
        ranker.refresh(block.index, 0)
        pool = cuts("facts", block, ranker)
        return pool, ranker.score(block.requests, pool)

    def as_merged(block):
        return block.pool, MergeOrderRanker().score(block.requests, block.pool)

    cuts = Cuts(study)
    base_BE, worth_BE = study.worth(as_merged), study.worth(served)
    best_BE = study.worth(lambda block: (block.pool, study.oracle(block, block.pool)))
    for change, half in study.change(worth_BE, base_BE)[:2]:
        assert change - half > 0
    closed = (worth_BE - base_BE).sum(axis=0) / (best_BE - base_BE).sum(axis=0)
    assert closed[1] > 0.2
