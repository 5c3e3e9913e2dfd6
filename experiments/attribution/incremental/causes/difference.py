"""Why re-simulated worlds tell another leave-one-out value than a replay of logged requests.

Both ask what an arm would bring without a channel c, in expectation over all paths. The replay
follows the world with all channels (N), in its state, and takes from each page what c did for it
and for the chance of coming to the next (`experiments.attribution.incremental.replaywalk`). Worlds
are lived and followed: what N brings (`experiments.truth.expected`) minus what the world without c
does (W, on the same luck). The steps from one to the other are told along the lived requests, where
v is what a page is expected to bring and w how much more likely the request is without c. Each step
is a difference of two sums:

    sessions  that a session goes on differently in more than its chances: what is expected without
              c of the requests of N, each times w, minus of the same requests of both, each once;
              minus what is expected of the requests that W has alone. The same request in both has
              the same id, text, page, intent and refresh.
    memory    the same request, but the shopper has clicked and bought other things before (and
              comes a moment earlier or later): v without c in N, minus v in W had its funnel the
              statistics and the availability of N
    stock     v in W with statistics and availability of N, minus with statistics of N alone
    learning  v in W with the statistics of N, minus v in W as it was
    luck      the rest: which paths were lived, and what the replay leaves out, which is shelves
              that empty before the purchase. Its mean need not be 0.

    worlds = replay + sessions + memory + stock + learning + luck

in every world and for every shopper. The order in which statistics and availability are
exchanged is a convention of ours; where both matter, another order would share their joint effect
otherwise. Prices are the same in both worlds. Intervals are over worlds and shoppers
(`experiments.inference.intervals`), per exposed shopper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.attribution.incremental.arms import Arm
from experiments.attribution.incremental.causes.watching import (
    OWN,
    STOCKED,
    TAUGHT,
    WatchJob,
    column,
    watch,
    weight,
    without,
)
from experiments.attribution.incremental.coalitions import (
    CoalitionWorlds,
    event_totals,
    live_coalitions,
    open_totals,
)
from experiments.attribution.incremental.games import Index
from experiments.attribution.incremental.replay import Replayed, make_replays
from experiments.config.attribution import AttributionSpec
from experiments.inference.intervals.crossed import NOTHING, ratio
from experiments.inference.logs import EngineSpec, engine, exact_sum, scan
from experiments.inference.worldtotals import WorldTotals
from experiments.records.attribution import CAUSES, SALES, DifferenceRow, Event
from experiments.records.files import read_json

Floats = NDArray[np.float64]

REPLAY, WORLDS = "replay", "worlds"
"""The two ends, beside the causes."""


@dataclass(frozen=True)
class Watched:
    """What is known of an arm's worlds.

    Attributes:
        worlds: with all channels and without each one.
        full: by seed, the folder of the watched world with all channels.
        without: by seed and channel, the folder of the one without it; None without any channel.
    """

    worlds: CoalitionWorlds
    full: tuple[Path, ...]
    without: tuple[tuple[Path | None, ...], ...]


def difference_rows(arm: Arm, spec: AttributionSpec, *, confidence: float) -> list[DifferenceRow]:
    """The steps from the replay's leave-one-out value to the worlds', for purchases and GMV.

    Rows hold the ends, and between them the causes in their order.

    Args:
        arm: of a finished run.
        spec: how many seeds.
        confidence: level of the intervals.

    Raises:
        DataError: a world that is lived again gives another log than it has.
    """
    watched, replayed = watch_worlds(arm, spec), make_replays(arm, spec)
    rows = []
    with open_totals(watched.worlds) as totals, engine(EngineSpec()) as connection:
        exposed_SU = totals.exposed_SU
        for number, channel in enumerate(watched.worlds.channels):
            found_steps = channel_steps(connection, totals, watched, replayed, number)
            for event, steps in found_steps.items():
                for cause in (REPLAY, *CAUSES, WORLDS):
                    found = NOTHING
                    if exposed_SU.size:
                        found = ratio(steps[cause], exposed_SU, confidence=confidence, tested=True)
                    names = arm.spec.name, channel, event, cause
                    rows.append(DifferenceRow(*names, found.interval))
    return rows


def watch_worlds(arm: Arm, spec: AttributionSpec) -> Watched:
    """Live and watch the worlds with all channels and without each one, side by side."""
    worlds = live_coalitions(arm, spec.model_copy(update={"shapley_worlds": False}))
    names = worlds.channels

    def job(seed: int, gone: str | None = None, full: WatchJob | None = None) -> WatchJob | None:
        kept = [name for name in names if name != gone]
        if not kept:
            return None
        world = arm.world(seed, kept)
        channels, inputs = names if full is None else (), [world.stage.key]
        inputs += [full.stage.key] if full is not None else []
        stage = arm.maker.stage(
            f"watched-{world.stage.name}", [list(channels)], inputs=inputs, task=watch
        )
        return WatchJob(world, stage, channels, None if full is None else full.stage.path)

    whole = [made for seed in range(spec.seeds) for made in [job(seed)] if made is not None]
    parts = [[job(seed, gone, full) for gone in names] for seed, full in enumerate(whole)]
    requests = read_json(worlds.full[0] / "manifest.json")["rows"]["requests"]
    arm.maker.side_by_side("watched worlds", whole, "requests", requests)
    beside = [made for each in parts for made in each if made is not None]
    arm.maker.side_by_side("watched twins", beside, "requests", requests)
    return Watched(
        worlds,
        tuple(made.stage.path for made in whole),
        tuple(tuple(made.stage.path if made else None for made in each) for each in parts),
    )


def channel_steps(
    connection: duckdb.DuckDBPyConnection,
    totals: WorldTotals,
    watched: Watched,
    replayed: Replayed,
    channel: int,
) -> dict[Event, dict[str, Floats]]:
    """By event, (S, U) tables of the ends and the causes of one channel's value.

    Args:
        totals: what is bought in the watched worlds, in expectation.
        replayed: the replay of the full ones.
        channel: its number among the arm's.
    """
    sums: dict[str, Floats] = {}
    for seed, full in enumerate(watched.full):
        sql = request_sums(full, watched.without[seed][channel], channel)
        found = connection.execute(sql).fetchnumpy()
        place = np.searchsorted(totals.shopper_U, np.asarray(found.pop("shopper"), np.int64))
        for name, values in found.items():
            sums.setdefault(name, np.zeros(totals.exposed_SU.shape))[seed, place] = values
    coalition_M = watched.worlds.coalition_M
    left = coalition_M[0] & ~(1 << channel)
    steps: dict[Event, dict[str, Floats]] = {}
    for event in SALES:
        totals_SUM = event_totals(totals, event)
        bought_SU = totals_SUM[:, :, 0]
        if left:
            bought_SU = bought_SU - totals_SUM[:, :, coalition_M.index(left)]
        place = np.searchsorted(totals.shopper_U, replayed.shopper_U)
        replay_SU = np.zeros(bought_SU.shape)
        replay_SU[:, place] = replayed.worths.table(event, Index("leave_one_out", channel))
        own = {name: sums[f"{name}_{event}"] for name in _SUMS}
        steps[event] = _steps(own, replay_SU, bought_SU)
    return steps


def _steps(sums: Mapping[str, Floats], replay_SU: Floats, bought_SU: Floats) -> dict[str, Floats]:
    """The causes between the ends; sums are of fixed point, so equal worlds give exactly 0."""
    sessions_full_SU = sums["left"] - sums["same_left"]
    sessions_twin_SU = sums["twin"] - sums["same_twin"]
    causes = {
        "sessions": sessions_full_SU - sessions_twin_SU,
        "memory": sums["same_left"] - sums["same_stocked"],
        "stock": sums["same_stocked"] - sums["same_taught"],
        "learning": sums["same_taught"] - sums["same_twin"],
    }
    luck_SU = bought_SU - replay_SU - sum(causes.values())
    return {REPLAY: replay_SU, **causes, "luck": luck_SU, WORLDS: bought_SU}


_SUMS = {
    "left": "x.{left} * x.{weight}",
    "twin": "y.{own}",
    "same_left": "CASE WHEN {same} THEN x.{left} END",
    "same_stocked": "CASE WHEN {same} THEN y.{stocked} END",
    "same_taught": "CASE WHEN {same} THEN y.{taught} END",
    "same_twin": "CASE WHEN {same} THEN y.{own} END",
}
"""What is summed over the requests x of the full world and y of its twin: of all requests, then of
those that are the same. `own` is of the own page, `left` of the page without the channel, `weight`
how much more likely the request is without it."""

_SAME = ("shopper", "text", "page", "intent", "refresh")


def request_sums(full: Path, twin: Path | None, channel: int) -> str:
    """SQL of a row for each shopper with the sums of `_SUMS`, each once for each outcome.

    Args:
        full: folder of the watched world with all channels.
        twin: folder of the one without the channel; None where that is the only channel: without
            any nothing is shown, and nothing is expected.
        channel: its number.
    """
    pages = {"own": OWN, "left": without(channel), "stocked": STOCKED, "taught": TAUGHT}
    likely = weight(channel)
    twins = _table(twin or full)
    if twin is None:  # a twin without requests, whose columns no row reads
        pages |= {"stocked": OWN, "taught": OWN}
        twins = f"(FROM {twins} WHERE false)"
    same = " AND ".join(f"x.{key} = y.{key}" for key in _SAME)
    sums = []
    for outcome in SALES:
        columns = {key: column(page, outcome) for key, page in pages.items()}
        for name, value in _SUMS.items():
            total = exact_sum(f"({value.format(same=same, weight=likely, **columns)})")
            sums.append(f"coalesce({total}, 0.0) AS {name}_{outcome}")
    return (
        f"SELECT coalesce(x.shopper, y.shopper) AS shopper, {', '.join(sums)} "
        f"FROM {_table(full)} AS x FULL JOIN {twins} AS y ON x.request = y.request GROUP BY 1"
    )


def _table(folder: Path) -> str:
    return scan(folder.parent, folder.name)
