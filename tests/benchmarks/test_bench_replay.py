"""Replay of a world through all coalitions of six channels, on two cores."""

import pytest

from experiments import load_config
from experiments.attribution.incremental.arms import Arm, open_arm
from experiments.attribution.incremental.replay import make_replays
from experiments.config.attribution import AttributionSpec
from experiments.stages.folder import RunFolder
from experiments.stages.maker import Maker
from experiments.stages.progress import NoProgress
from tests.benchmarks.growth import FULL, StageClock
from tests.benchmarks.market import make_market
from tests.benchmarks.table import Row

WANTED = 100_000  # requests
AIM = 10.0  # minutes that they may take
LISTED = '["lexical", "popular", "itemcf", "dense"]'
CHANNELS = ("lexical", "popular", "itemcf", "dense", "titles", "words")
MORE = """
[channels.titles]
type = "lexical"
description = false
brand = false
category = false

[channels.words]
type = "dense"
buckets = 4096
"""
SIZE = ("shoppers.count=12000", "world.days=1", "truth.seeds=1")

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay")
    named = ", ".join(f'"{name}"' for name in CHANNELS)
    path = folder / "six.toml"
    path.write_text(FULL.read_text().replace(LISTED, f"[{named}]") + MORE)
    return make_market(folder, load_config(path, SIZE))


def test_six_channels_through_all_coalitions(benchmark, market, report):
    clock, config = StageClock(), market.config

    def replays():
        """The clock starts where the models and the world are there."""
        with RunFolder(market.folder) as run:
            arm = open_arm(config, Maker(run, config.execution, NoProgress()), "one")
            timed = Arm(
                config,
                Maker(run, config.execution, clock),
                arm.number,
                arm.trained,
            )
            return make_replays(timed, AttributionSpec(seeds=1))

    found = benchmark.pedantic(replays, rounds=1)
    assert found.worths.channels == CHANNELS
    assert len(found.worths.coalitions_M) == 64
    requests = clock.units["replay"]
    assert requests > 1_000
    what = "replay, 6 channels, all 64 coalitions, exact Shapley"
    report(Row(what, requests / clock.seconds["replay"], "requests/s on 2 cores"))
    for name, seconds in (
        ("minutes for 100,000 requests, 2 cores", clock.seconds["replay"]),
        ("core minutes / 2 for 100,000 requests", clock.core_seconds["replay"] / 2),
    ):
        minutes = WANTED / requests * seconds / 60
        report(Row(what, minutes, name, aim=f"<= {AIM:g}", met=minutes <= AIM))
