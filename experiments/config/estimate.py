"""About how long a command takes, told before it begins, from the sizes that settings ask for.

The figures are seconds of one core of an AMD EPYC with AVX-512, measured on the demo, which keeps
two cores busy, with nothing else running. Without AVX-512, and on a slow or shared core, a command
takes longer. What a part of the user's own takes is not known and counts as nothing, and so does
what is kept of an earlier run.
"""

from collections.abc import Sequence

from cqsid.registry import generative
from experiments.config.analysis import (
    OTHER_PAGES,
    OWN_PAGES,
    RANKER,
)
from experiments.config.attribution import EXACT_CHANNELS
from experiments.config.schema import ArmSpec, Config
from recall.composed.references import with_parts

_START = 3.0  # libraries are loaded
_ITEM = 1e-4  # an item of the catalogue
_HISTORY_PAGE = 8e-5  # two channels and no ranker
PAGE_SECONDS = 2.1e-4  # channels by words and counts, merge, ranker, and what shoppers do
_WORLD = 1.65  # a world's time over that of its pages: sessions, stock, log, and a second world
_EXAMPLE = 1.9e-4  # a request of the history that a ranker learns from
_SETTLED, _UNSETTLED = 0.6, 0.55  # of a ranker's time: what trainings share, and what each needs
_END = 4.0  # estimates, credit, report
_REPLAYED_PAGE = 5e-5  # a page of a coalition: merge, ranker, expected response
_WATCHED = 0.35  # of a world's time, what it takes to watch it with all channels once more
_JUDGED_PAGE = 3e-5  # a request of a log that is validated
_ROLLOUT = 2e-4  # an id that a policy samples and learns from
_ASKED = 2e-3  # a request of a test, asked of a policy
_TEST = 6e-4  # a test whose split is drawn anew, of few units
_PERMUTED = 1.5e-2  # a test whose few groups are permuted
_TESTED = 1.5e-7  # a unit's row in one test whose split is drawn anew
_BEAM = 7e-6  # an id of a beam that a scheme is asked for, of one request

Plan = list[tuple[str, float]]
"""The stages of a command, and about how many seconds each takes."""


def plan(config: Config) -> Plan:
    """That of a run."""
    named, truth = [name for arm in config.arms for name in arm.channels], config.truth
    used = with_parts(config.channels, named)
    again = truth.seeds - 1 if truth.trainings == "each" else min(truth.seeds, 1)
    times = {name: 1 + again * (name in truth.retrained) for name in (*used, RANKER)}
    requests = _WORLD * _requests(config) * config.world.days
    worlds = [each * requests for each in _worlds(config)]
    worlds = [each + more for each, more in zip(worlds, _updates(config), strict=True)]
    return [
        *_first(config),
        ("models", _models(config, dict.fromkeys(used), times)),
        ("worlds", _side_by_side(worlds, config)),
        ("report", _END),
    ]


_ALL = frozenset(Config.model_fields)
_MARKET = frozenset({"seed", "catalog", "judgments", "demand", "queries", "shoppers"})
_PAST = _MARKET | {"world", "log", "funnel"}
_APART = {"name", "analysis", "attribution", "ids_bench", "reward_lab", "sweep", "execution"}
_LAUNCH = {"training_seed", "device", "channels", "arms"}
_STEPS = {"annotations", "judges", "understanding", "rewriters", "augmentations", "suggesters"}
_DECIDED = {
    "catalogue": _MARKET,
    "history": _PAST,
    "launch": _PAST | _LAUNCH,
    "ramp": _PAST | _LAUNCH,
    "models": _PAST | _LAUNCH | _STEPS | {"ranker", "examples"},
    "worlds": _ALL - _APART,
}
"""Sections of the settings that decide a step; of equal ones it is made once in a store."""


def plan_sweep(configs: Sequence[Config]) -> Plan:
    """That of several runs on one store, one after the other."""
    seconds: dict[str, float] = {}
    made: set[tuple[str, str]] = set()
    for config in configs:
        for step, each in plan(config):
            sections = set(_DECIDED.get(step, ()))
            later = {"world": {"days", "updates"}}  # than all steps but the worlds
            past = later if step != "worlds" else None
            key = step, config.model_dump_json(include=sections, exclude=past)
            if not sections or key not in made:
                seconds[step] = seconds.get(step, 0.0) + each
            made.add(key)
    return [*seconds.items()]


def plan_history(config: Config) -> Plan:
    """That of a history alone, and of judging it."""
    return [*_first(config), ("validate", _JUDGED_PAGE * _logged(config) + _END)]


def plan_ids(config: Config) -> Plan:
    """That of a bench of identifier schemes."""
    bench, (channel, *_) = config.ids_bench, generative(config.channels).values()
    whole = channel.training_seconds(_items(config), _logged(config))
    modes = 1 + bench.personalised
    beams = sum({*bench.beams, bench.serving_beam, bench.deepest})
    asked = modes * bench.test_requests * beams * _BEAM
    trainings = [whole + asked] * (bench.seeds * len(bench.schemes))
    return [*_first(config), ("schemes", _side_by_side(trainings, config)), ("report", _END)]


def plan_rewards(config: Config) -> Plan:
    """That of a lab of rewards."""
    lab, arms = config.reward_lab, {arm.name: arm for arm in config.arms}
    arm, control = arms[lab.arm], arms[config.control]
    policies = [
        lab.alignment.steps * lab.alignment.batch * lab.algorithms[each.algorithm].group * _ROLLOUT
        + _ASKED * (lab.test_requests + lab.alignment.held_out)
        for each in lab.grid
        for _ in range(lab.seeds)
    ]
    requests = _requests(config) * config.world.days
    followed = {
        each.name: requests * (1 + OWN_PAGES) * _page(config, each) for each in (arm, control)
    }
    lived = [followed[arm.name]] * (1 + len(policies)) + [followed[control.name]] * (arm != control)
    models = dict.fromkeys([*arm.channels, *control.channels])
    return [
        *_first(config),
        ("models", _models(config, models, {})),
        ("policies", _side_by_side(policies, config)),
        *([("worlds", _side_by_side(lived * lab.worlds, config))] if lab.worlds else []),
        ("report", _END),
    ]


def plan_attribution(config: Config) -> Plan:
    """That of the attribution of a finished run."""
    spec, arms = config.attribution, {arm.name: arm for arm in config.arms}
    arm = arms[spec.arm or config.arms[-1].name]
    requests, channels = _requests(config) * config.world.days, len(arm.channels)
    found: Plan = [("credit", _START + _END)]
    lived = requests * (1 + OWN_PAGES)
    without = [lived * _page(config, arm, left_out=name) for name in arm.channels if channels > 1]
    if "replay" in spec.incremental:
        orders = 1 + 2 * channels + spec.permutations * 2 * (channels - 1)
        pages = 2**channels if channels <= EXACT_CHANNELS else orders
        each = lived * (_page(config, arm) + pages * _REPLAYED_PAGE)
        found.append(("replay", _side_by_side([each] * spec.seeds, config)))
    whole = lived * _page(config, arm)
    if "worlds" in spec.incremental:
        kept = config.truth.seeds if config.truth.share == 1 else 0  # the run's own
        more = 2**channels - 2 - channels if spec.shapley_worlds else 0
        worlds = [*without * spec.seeds, *[whole] * (max(spec.seeds - kept, 0) + more * spec.seeds)]
        found.append(("worlds", _side_by_side(worlds, config)))
    if {"replay", "worlds"} <= set(spec.incremental):
        watched = [*without, _WATCHED * whole] * spec.seeds
        found.append(("differences", _side_by_side(watched, config)))
    if "offpolicy" in spec.incremental:
        found.append(("offpolicy", requests * _page(config, arm)))
    if spec.studies and spec.incremental:
        studied = [
            lived * _page(config, arms[study.arm], left_out=study.channel * (number == 0))
            for study in spec.studies.values()
            for number in range(1 + len(study.weights))
        ]
        found.append(("studies", _side_by_side(studied * spec.seeds, config)))
    return found


def plan_operating(config: Config, designs: Sequence[str], redraws: int, worlds: int) -> Plan:
    """That of the operating characteristics of a config's experiment, its first two arms'.

    Args:
        designs: whose splits are drawn anew.
        redraws: splits of each.
        worlds: experiments with luck of their own, as many A/A as A/B.
    """
    used = dict.fromkeys(name for arm in config.arms for name in arm.channels)
    times = dict.fromkeys(config.truth.retrained, max(config.truth.seeds, 1))
    requests, shoppers = _requests(config) * config.world.days, config.shoppers
    lived = [_WORLD * each * requests for each in _worlds(config)]
    lived = [each + more for each, more in zip(lived, _updates(config), strict=True)]
    pair = [_WORLD * requests * _page(config, arm) for arm in config.arms[:2] if designs]
    jobs = [*pair, *lived[1:], *lived[:1] * (2 * worlds)]
    units = {
        "shopper": shoppers.count,
        "session": shoppers.count * shoppers.visits_per_week / 7 * config.world.days,
        "request": requests,
    }
    tests = 2 * redraws * sum(_TEST + _TESTED * units.get(name, 0.0) for name in designs)
    tests += 2 * redraws * _PERMUTED * ("query_cluster" in designs)
    return [
        *_first(config),
        ("models", _models(config, used, times)),
        ("worlds", _side_by_side(jobs, config)),
        *([("redraws", tests)] if designs else []),
        ("report", _END),
    ]


def _items(config: Config) -> float:
    """Items of the catalogue; of the user's own file they are not known yet."""
    return float(getattr(config.catalog, "items", 0))


def _requests(config: Config) -> float:
    """Requests of a day."""
    shoppers = config.shoppers
    visits = shoppers.count * shoppers.visits_per_week / 7
    return visits * config.world.sessions.requests_per_visit(shoppers.patience)


def _logged(config: Config) -> float:
    """Requests of the history."""
    return _requests(config) * config.world.history_days


def _first(config: Config) -> Plan:
    """Where every world begins; with a ramp the days before it are lived twice."""
    catalogue = ("catalogue", _START + _ITEM * _items(config))
    lived, ramp = _HISTORY_PAGE * _logged(config), config.world.ramp
    if not ramp.days:
        return [catalogue, ("history", lived)]
    share, new = ramp.days / config.world.history_days, config.new_channels
    trained = [
        config.channels[name].training_seconds(_items(config), _logged(config) * (1 - share))
        for name in new
    ]
    asked = sum(config.channels[name].page_seconds for name in new) * ramp.share
    return [
        catalogue,
        ("history", lived * (1 - share)),
        ("launch", _side_by_side(trained, config)),
        ("ramp", lived + asked * _logged(config) * share),
    ]


def _models(config: Config, names: Sequence[str] | dict[str, None], times: dict[str, int]) -> float:
    """Trainings of channels and of the ranker, each as often as `times` says, once else."""
    models = [
        seconds
        for name in names
        for seconds in [config.channels[name].training_seconds(_items(config), _logged(config))]
        * times.get(name, 1)
    ]
    if config.ranker.type in ("boosted", "learned"):
        each, count = _EXAMPLE * _logged(config), times.get(RANKER, 1)
        several = config.ranker.settles and count > 1
        models += [_SETTLED * each, *[_UNSETTLED * each] * count] if several else [each] * count
    models += [step.training_seconds(_items(config)) for step in config.understanding.values()]
    models += [each.training_seconds(config.annotations.pairs) for each in config.judges.values()]
    return _side_by_side(models, config)


def _page(config: Config, arm: ArmSpec, left_out: str = "") -> float:
    """Seconds for a page of an arm, perhaps without one of its channels."""
    asked = [name for name in arm.channels if name != left_out]
    parts = [each for name in asked for each in with_parts(config.channels, [name])]
    specs = [config.channels[name] for name in parts]
    judged = [
        spec.scored_pairs * config.judges[part.name].pair_seconds
        for spec in specs
        for part in spec.references()
        if part.scores and part.name in config.judges
    ]
    return PAGE_SECONDS + sum(spec.page_seconds for spec in specs) + sum(judged)


def _worlds(config: Config) -> list[float]:
    """Seconds for each request of the experiment, and of every world of the truth."""
    truth, walked = config.truth, config.truth.share * (config.truth.method == "expected")
    pages = {arm.name: _page(config, arm) for arm in config.arms}
    every = config.design.every_arm
    found = [sum((1.0 if every else arm.share) * pages[arm.name] for arm in config.arms)]
    for arm in config.arms:
        if truth.arms and arm.name not in truth.arms:
            continue
        beside = 0.0 if arm.name == config.control else OTHER_PAGES * walked * pages[config.control]
        found += [pages[arm.name] * (1 + OWN_PAGES * walked) + beside] * truth.seeds
    return found


def update_seconds(config: Config, arm: ArmSpec) -> float:
    """Seconds of one update of the models that an arm has, see `world.updates`."""
    models, requests = config.world.updates.models, _logged(config)
    found = [
        config.channels[name].training_seconds(_items(config), requests)
        for name in arm.channels
        if name in models
    ]
    if RANKER in models and (arm.ranker or config.ranker).type in ("boosted", "learned"):
        found.append(_EXAMPLE * requests)
    return sum(found)


def _updates(config: Config) -> list[float]:
    """Seconds of the updates of each world, in the order of `_worlds`."""
    truth, walked = config.truth, config.truth.method == "expected"
    times = len(config.world.updates.days(config.world.history_days, config.world.days))
    each = {arm.name: times * update_seconds(config, arm) for arm in config.arms}
    found = [sum(each.values())]
    for arm in config.arms:
        if not truth.arms or arm.name in truth.arms:
            beside = each[config.control] if walked and arm.name != config.control else 0.0
            found += [each[arm.name] + beside] * truth.seeds
    return found


def _side_by_side(seconds: Sequence[float], config: Config) -> float:
    """How long it takes to do all, each in one process, the longest first."""
    busy = [0.0] * config.execution.processes
    for each in sorted(seconds, reverse=True):
        busy[busy.index(min(busy))] += each
    return max(busy)
