"""About how long a run takes, told before it begins, from the sizes that settings ask for.

The figures are seconds of one core of an AMD EPYC with AVX-512, measured on the demo with nothing
else running. Without AVX-512, and on a slow or shared core, a run takes longer.
What a part of the user's own takes is not known and counts as nothing, and so does what is kept of
an earlier run.
"""

from collections.abc import Sequence

from experiments.config.analysis import RANKER
from experiments.config.schema import Config

_START = 3.0  # libraries are loaded
_ITEM = 1e-4  # an item of the catalogue
_HISTORY_PAGE = 8e-5  # two channels and no ranker
_PAGE = 2.4e-4  # channels by words and counts, merge, ranker, and what shoppers do
_EXAMPLE = 1.3e-4  # a request of the history that a ranker learns from
_END = 4.0  # estimates, credit, report

REQUESTS_PER_VISIT = 1.6
"""Of the shipped worlds, about: for the time that is left, and for how many requests to sample."""

OWN_PAGES, OTHER_PAGES = 0.4, 1.3
"""Pages for each request of a world, about, that its walk makes anew, and that one of another
service makes."""


def plan(config: Config) -> list[tuple[str, float]]:
    """The stages of a run, and about how many seconds each takes."""
    shoppers, world = config.shoppers, config.world
    requests = shoppers.count * shoppers.visits_per_week / 7 * REQUESTS_PER_VISIT
    logged = requests * world.history_days
    items = float(getattr(config.catalog, "items", 0))
    used = {name for arm in config.arms for name in arm.channels}
    truth = config.truth
    again = truth.seeds - 1 if truth.trainings == "each" else min(truth.seeds, 1)
    times = {name: 1 + again * (name in truth.retrained) for name in (*used, RANKER)}
    models = [
        seconds
        for name in used
        for seconds in [config.channels[name].training_seconds(items, logged)] * times[name]
    ]
    if config.ranker.type in ("boosted", "learned"):
        models += [_EXAMPLE * logged] * times[RANKER]
    worlds = [each * requests * world.days for each in _worlds(config)]
    processes = config.execution.processes
    return [
        ("catalogue", _START + _ITEM * items),
        ("history", _HISTORY_PAGE * logged),
        ("models", _side_by_side(models, processes)),
        ("worlds", _side_by_side(worlds, processes)),
        ("report", _END),
    ]


def _worlds(config: Config) -> list[float]:
    """Seconds for each request of the experiment, and of every world of the truth."""
    truth, walked = config.truth, config.truth.share * (config.truth.method == "expected")
    pages = {
        arm.name: _PAGE + sum(config.channels[name].page_seconds for name in arm.channels)
        for arm in config.arms
    }
    found = [sum(arm.share * pages[arm.name] for arm in config.arms)]
    for arm in config.arms:
        if truth.arms and arm.name not in truth.arms:
            continue
        beside = 0.0 if arm.name == config.control else OTHER_PAGES * walked * pages[config.control]
        found += [pages[arm.name] * (1 + OWN_PAGES * walked) + beside] * truth.seeds
    return found


def _side_by_side(seconds: Sequence[float], processes: int) -> float:
    """How long it takes to do all, each in one process, the longest first."""
    busy = [0.0] * processes
    for each in sorted(seconds, reverse=True):
        busy[busy.index(min(busy))] += each
    return max(busy)
