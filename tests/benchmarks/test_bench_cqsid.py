"""The full funnel with CQ-SID beside the four classic channels, nothing remembered."""

from time import process_time

import pytest

from experiments import load_config
from simulator.randomness import Draws
from tests.benchmarks.growth import FULL
from tests.benchmarks.market import Stopwatch, make_market
from tests.benchmarks.table import Row

AIMS = {"level": 200, "full": 100}  # requests a second of one core

pytestmark = pytest.mark.benchmark(timer=process_time)

CHANNEL = """
[channels.cqsid]
type = "cqsid"
serving = { beams = 50, cache = 0 }
training = { item = { epochs = 1 }, query = { epochs = 1 }, shopper = { epochs = 1 } }

[channels.cqsid.model]
softmax = "SOFTMAX"
"""


@pytest.mark.parametrize("softmax", AIMS)
def test_the_full_funnel_with_cqsid(benchmark, report, tmp_path, softmax):
    """The model's size and the prompts' length are the defaults; training is cut short."""
    text = FULL.read_text().replace('"dense"]', '"dense", "cqsid"]')
    text = text.replace("[ranker]", CHANNEL.replace("SOFTMAX", softmax) + "\n[ranker]")
    text = text.replace("history_days = 2", "history_days = 1").replace("days = 4", "days = 1")
    text = text.replace("seeds = 1", "seeds = 0").replace('arms = ["one"]', "arms = []")
    path = tmp_path / "cqsid.toml"
    path.write_text(text + "\n[examples]\nrequests = 2000\n")
    market = make_market(tmp_path, load_config(path, ["shoppers.count=10000"]))
    draws = Draws(market.config.seed).child("bench")
    timed = []

    def once():
        watch = Stopwatch(market.funnel(draws))
        market.live(tmp_path / f"timed-{len(timed)}", watch, draws)
        timed.append(watch)

    benchmark.pedantic(once, rounds=1)
    rate = timed[0].requests / timed[0].seconds
    computed = timed[0].service.recall.channels["cqsid"]._answers[0].computed
    assert computed > 0.9 * timed[0].requests  # equal prompts of one batch are answered once
    aim = AIMS[softmax]
    what = f"full funnel with CQ-SID, beam 50, uncached, {softmax} softmax, 20k items"
    report(Row(what, rate, "requests/s of one core", aim=f">= {aim}", met=rate >= aim))
