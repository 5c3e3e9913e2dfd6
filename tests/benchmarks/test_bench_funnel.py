"""The full funnel at 20k items: in two worlds side by side, and alone on one core, by part."""

import cProfile
import json
import pstats
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from ranking.features import FeatureSet
from ranking.funnel import Funnel
from ranking.rankers.boosted import BoostedRanker
from recall.classic.dense import DenseChannel
from recall.classic.itemcf import ItemCFChannel
from recall.classic.lexical import LexicalChannel
from recall.classic.popular import PopularChannel
from recall.merge import Merge
from simulator.randomness import Draws
from tests.benchmarks.market import Market, Stopwatch, make_market
from tests.benchmarks.table import Row

AIM = 3_000  # requests a second on two cores
MOST_SHARE = 5.0  # per cent of a run's time that the simulator may take

PARTS: dict[str, Callable[..., Any]] = {
    "lexical": LexicalChannel.recall,
    "popular": PopularChannel.recall,
    "itemcf": ItemCFChannel.recall,
    "dense": DenseChannel.recall,
    "merge": Merge.__call__,
    "pre-ranker": BoostedRanker.prescore,
    "features": FeatureSet.__call__,
    "ranker": BoostedRanker.log_chances,
}

pytestmark = pytest.mark.benchmark(timer=process_time)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return make_market(tmp_path_factory.mktemp("market"))


def test_two_complete_worlds_side_by_side(market, report):
    served = requests_of(market)
    what = "complete world, full funnel, 20k items"
    aim = f">= {AIM:,}"
    wall = served / market.clock.seconds["worlds"]
    report(Row(what, wall, "requests/s on 2 cores", aim=aim, met=wall >= AIM))
    cores = 2 * served / market.clock.core_seconds["worlds"]
    report(Row(what, cores, "requests per 2 core seconds", aim=aim, met=cores >= AIM))


def test_the_funnel_alone_and_the_simulator_around_it(benchmark, market, report, tmp_path):
    draws = Draws(market.config.seed).child("bench")
    funnel = market.funnel(draws)
    profile = cProfile.Profile(process_time)
    profile.runcall(market.live, tmp_path / "profiled", funnel, draws)
    timed, spent = [], []

    def once():
        watch, start = Stopwatch(market.funnel(draws)), process_time()
        timed.append(watch)
        market.live(tmp_path / f"timed-{len(timed)}", watch, draws)
        spent.append(process_time() - start)

    benchmark.pedantic(once, rounds=2)
    best = min(range(len(timed)), key=lambda at: timed[at].seconds)
    watch, outside = timed[best], spent[best] - timed[best].seconds
    what = "full funnel alone, 20k items"
    report(Row(what, watch.requests / watch.seconds, "requests/s of one core"))
    for name, share in split(profile).items():
        report(Row(f"  of it {name}", share, "% of the funnel"))
    report(Row("simulator's share of a world, full funnel", 100 * outside / spent[best], "%"))
    lived = market.clock.units["history"] + requests_of(market)
    whole = sum(market.clock.core_seconds.values())
    share = 100 * outside / watch.requests * lived / whole
    aim = f"< {MOST_SHARE:g}"
    report(Row("simulator's share of a whole run", share, "%", aim=aim, met=share < MOST_SHARE))


def requests_of(market: Market) -> int:
    """How many requests the two worlds served."""
    manifests = (json.loads((log / "manifest.json").read_text()) for log in market.worlds.values())
    return sum(manifest["rows"]["requests"] for manifest in manifests)


def split(profile: cProfile.Profile) -> dict[str, float]:
    """What part of the funnel's time goes where (%)."""
    seconds = {
        place: cumulative for place, (*_, cumulative, _) in pstats.Stats(profile).stats.items()
    }

    def of(function: Callable[..., Any]) -> float:
        code = function.__code__
        return seconds[code.co_filename, code.co_firstlineno, code.co_name]

    whole = of(Funnel.serve)
    shares = {part: 100 * of(function) / whole for part, function in PARTS.items()}
    return shares | {"all else": 100 - sum(shares.values())}
