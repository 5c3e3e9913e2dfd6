"""From settings to funnels: those of the arms, and the one of the history."""

from collections.abc import Mapping, Sequence

from experiments.config.schema import ArmSpec, Config
from experiments.designs.settings import InterleavingDesign
from experiments.running.models import fixed_rng
from ranking.funnel import Funnel
from ranking.rankers.ranker import MergeOrderRanker, Ranker
from ranking.recallstage import RecallStage
from ranking.settings import FunnelSpec
from recall.channel import Channel
from recall.classic.bootstrap import BOOTSTRAP_CHANNELS
from recall.composed.references import timed
from recall.load.queues import Queue
from recall.load.traffic import Traffic
from recall.registry import build_channel
from recall.settings import ChannelSettings, MergeSpec
from simulator.catalogue.catalog import Catalog
from simulator.log.history import History
from simulator.randomness import Draws

# The history is what a company has before the experiment: text search, best sellers, and a
# little exploration so that the log also tells of items that the ranking would not show.
BOOTSTRAP_EXPLORATION = 0.05


def bootstrap_funnel(
    config: Config, catalog: Catalog, draws: Draws, launched: tuple[str, ...] = ()
) -> Funnel:
    """The funnel of the history period; it has nothing to learn from but the catalogue.

    Args:
        launched: names of channels that others are served with, for the bits of the provenance.
    """
    return _past_funnel(config, catalog, {}, (*BOOTSTRAP_CHANNELS, *launched), draws)


def ramp_funnel(
    config: Config, catalog: Catalog, launched: Mapping[str, Channel], draws: Draws
) -> Funnel:
    """The bootstrap funnel with new channels beside its own, all of equal weight in the merge.

    Each is asked for as many candidates as the first arm that has it asks for.

    Args:
        launched: fitted new channels by name.
    """
    return _past_funnel(config, catalog, launched, (*BOOTSTRAP_CHANNELS, *launched), draws)


def _past_funnel(
    config: Config,
    catalog: Catalog,
    launched: Mapping[str, Channel],
    universe: tuple[str, ...],
    draws: Draws,
) -> Funnel:
    channels = {name: build_channel(name, spec) for name, spec in BOOTSTRAP_CHANNELS.items()}
    for name, channel in channels.items():
        channel.fit(catalog, History.empty(), rng=fixed_rng(config, f"bootstrap.{name}"))
    specs: dict[str, ChannelSettings] = dict(BOOTSTRAP_CHANNELS)
    for name in launched:
        limit = {"limit": launch_limit(config, name)}
        specs[name] = timed(config.channels, name).model_copy(update=limit)
    return _funnel(
        config,
        name="ramp" if launched else "bootstrap",
        arm=0,
        universe=universe,
        recall=recall_stage(config, catalog, {**channels, **launched}, universe, specs),
        ranker=MergeOrderRanker(),
        specs=specs,
        draws=draws,
        exploration=BOOTSTRAP_EXPLORATION,
        shares=dict.fromkeys(launched, config.world.ramp.share),
        days=config.world.history_days,  # what is to come decides nothing of the past
    )


def launch_limit(config: Config, name: str) -> int:
    """Candidates that a new channel is asked for in a ramp: as in the first arm that has it."""
    arm = next(arm for arm in config.arms if name in arm.channels)
    return arm.limits.get(name, config.channels[name].limit)


def recall_stage(
    config: Config,
    catalog: Catalog,
    channels: Mapping[str, Channel],
    universe: tuple[str, ...],
    specs: Mapping[str, ChannelSettings],
    arm: ArmSpec | None = None,
) -> RecallStage:
    """The recall of an arm, or without one of the bootstrap funnel, over fitted channels."""
    limits = {name: spec.limit for name, spec in specs.items()}
    # Quotas and weights name the arms' channels; the bootstrap funnel has channels of its own.
    merge = MergeSpec(limit=config.funnel.merge.limit)
    if arm is not None:
        limits |= arm.limits
        merge = arm.merge or config.funnel.merge
    return RecallStage(
        len(catalog), channels, universe, limits, merge, batch=config.execution.batch_size
    )


def arm_funnel(
    config: Config,
    number: int,
    catalog: Catalog,
    channels: Mapping[str, Channel],
    ranker: Ranker,
    draws: Draws,
    among: Sequence[int],
) -> Funnel:
    """The search service of one arm, from its fitted channels and ranker.

    Args:
        among: numbers of the arms of the world, itself among them. A channel's servers are theirs
            together, so how busy they are depends on all who use it.
    """
    arm, universe = config.arms[number], tuple(config.channels)
    return _funnel(
        config,
        name=arm.name,
        arm=number,
        universe=universe,
        recall=recall_stage(config, catalog, channels, universe, config.channels, arm),
        ranker=ranker,
        specs={name: timed(config.channels, name) for name in arm.channels},
        draws=draws,
        exploration=config.funnel.exploration,
        shares={name: traffic_share(config, name, among) for name in arm.channels},
        days=config.world.history_days + config.world.days,
    )


def traffic_share(config: Config, channel: str, among: Sequence[int]) -> float:
    """The share of all requests that a channel is asked, in a world of these arms.

    Where pages are interleaved every request asks both arms; what is asked for pages that nobody
    sees (`design.triggered`) is asked elsewhere.
    """
    if len(among) > 1 and isinstance(config.design, InterleavingDesign):
        return 1.0
    arms = [config.arms[number] for number in among]
    using = [arm.name for arm in arms if channel in arm.channels]
    if len(arms) < 2:
        return float(len(using))
    shares = {arm.name: arm.share for arm in arms}
    return config.design.traffic(shares, using, config.control)


def _funnel(
    config: Config,
    *,
    name: str,
    arm: int,
    universe: tuple[str, ...],
    recall: RecallStage,
    ranker: Ranker,
    specs: Mapping[str, ChannelSettings],
    draws: Draws,
    exploration: float,
    shares: Mapping[str, float],
    days: int,
) -> Funnel:
    """A funnel.

    Args:
        shares: of all requests those that channels with servers are asked.
        days: from the first on, of which the busiest moment counts.
    """
    spec: FunnelSpec = config.funnel.model_copy(update={"exploration": exploration})
    latencies = {channel: specs[channel].service_time() for channel in recall.channels}
    world, queues = config.world, {}
    for channel, share in shares.items():
        servers = specs[channel].servers
        if servers is not None:
            traffic = Traffic(world.arrivals, world.peak_requests, share)
            items = recall.limits[channel]
            busiest = traffic.busiest(range(days))
            steps = specs[channel].steps()
            queues[channel] = Queue(channel, servers, steps, items, traffic, busiest)
    return Funnel(name, arm, recall, ranker, spec, latencies, draws, queues)
