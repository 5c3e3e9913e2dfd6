"""Share against lift: what a channel holds, and what it adds, at several weights in the merge.

A shop can raise a channel's share of exposures and purchases as it likes, by its weight in the
merge. Whether that sells more is another question, and paired worlds answer it: for each seed the
arm's world without the channel and, on the same luck, one world at each weight. Nothing is
retrained: the ranker is the arm's own in all of them.

At weight 0 a channel is still asked. What only it found enters the pool last, where there is room,
and whatever it found counts as found by it: so also at weight 0 it can hold a share.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from experiments.attribution.incremental.arms import Arm
from experiments.config.attribution import AttributionSpec, StudySpec
from experiments.config.schema import Config
from experiments.inference.events import KINDS, TOUCHES, touched_columns, touched_events
from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import Result, growth, share
from experiments.inference.logs import EngineSpec, engine
from experiments.inference.worldtotals import WorldTotals, read_world
from experiments.records.attribution import SALES, Event, StudyRow
from experiments.running.models import LOG
from experiments.running.worlds import OneArmWorld
from experiments.truth.categories import Columns, per_shopper, read_own
from experiments.truth.expected import brought

SHARED: tuple[Event, ...] = ("exposure", "purchase", "gmv")
"""Events of which a study tells the channel's shares."""

_LIFT = "lift"
_WITHOUT = math.inf  # no weight: the world without the channel


@dataclass(frozen=True)
class StudyWorlds:
    """The finished worlds of one study.

    Attributes:
        name, study: of one arm, and of the channel whose weight changes.
        bit: of the channel in `sources`.
        base: by seed, the log of the world without the channel.
        weighted: by weight in the merge, the same of the worlds with it.
    """

    name: str
    study: StudySpec
    bit: int
    base: tuple[Path, ...]
    weighted: Mapping[float, tuple[Path, ...]]


def live_studies(
    config: Config, open_arm: Callable[[str], Arm], spec: AttributionSpec
) -> list[StudyWorlds]:
    """Live the worlds of all studies that are not in the store yet, all of them side by side.

    The world at the arm's own weight is the arm's truth world, and is lived once.

    Args:
        config: of the finished run.
        open_arm: opens an arm of it, see `experiments.attribution.incremental.arms`.
        spec: with the studies, and how many seeds each has.
    """
    arms = {name: open_arm(name) for name in {each.arm: None for each in spec.studies.values()}}
    jobs = {
        name: {
            weight: [_world(arms[study.arm], study, weight, seed) for seed in range(spec.seeds)]
            for weight in (_WITHOUT, *study.weights)
        }
        for name, study in spec.studies.items()
    }
    if arms:
        each = chain.from_iterable(chain(*own.values()) for own in jobs.values())
        one_each = {job.stage.path: job for job in each}
        next(iter(arms.values())).live("studies", list(one_each.values()))
    found = []
    for name, study in spec.studies.items():
        logs = {
            weight: tuple(job.stage.path / LOG for job in own) for weight, own in jobs[name].items()
        }
        base, bit = logs.pop(_WITHOUT), 1 << list(config.channels).index(study.channel)
        found.append(StudyWorlds(name, study, bit, base, logs))
    return found


def _world(arm: Arm, study: StudySpec, weight: float, seed: int) -> OneArmWorld:
    """The world with the channel at a weight, or without it."""
    if weight == _WITHOUT:
        return arm.world(seed, [name for name in arm.spec.channels if name != study.channel])
    merge = arm.spec.merge or arm.config.funnel.merge
    own = weight == merge.weights.get(study.channel, 1.0)
    return arm.world(seed, weights=None if own else {study.channel: weight})


def study_rows(studies: Sequence[StudyWorlds], *, confidence: float) -> list[StudyRow]:
    """The channel's shares, and the true lift over the worlds without it, at each weight.

    Shares are of any touch (the channel found the item, others perhaps too) and exclusive (no
    other one did). A lift is that of events, or money, per shopper, in expectation. Intervals go
    across seeds and shoppers; where there is one seed, those of lifts are over shoppers and what
    these share by category, the others over shoppers alone (`experiments.inference.intervals`).
    None where a world has no such event.

    Args:
        studies: lived, see `live_studies`.
        confidence: level of the intervals.

    Raises:
        DataError: a log is not whole, or nobody came in any world.
    """
    rows: list[StudyRow] = []
    with engine(EngineSpec()) as connection:
        for study in studies:
            own_rows = []
            select = partial(_selected, study.bit)
            read_world(connection, "base", study.base, select)
            for weight, logs in study.weighted.items():
                read_world(connection, "own", logs, select)
                worlds = WorldTotals(connection, ("base", "own"), len(logs))
                names = study.name, study.study.arm, study.study.channel, weight
                own_rows += [
                    StudyRow(
                        *(*names, measure, event),
                        *(found.interval, found.p_value, None, found.seeds, found.shoppers),
                    )
                    for measure, event, found in _measured(
                        worlds, _categories(logs, study.base), confidence
                    )
                ]
            rows += corrected(own_rows, _family)
    return rows


def _selected(bit: int, log: Path) -> str:
    """SQL of what is held of the events of each shopper, and what the world brings of them."""
    held = touched_events(log, SHARED, bit, everybody=True)
    columns = [KINDS[event].column for event in SALES]
    lifts = ", ".join(f"brings.{KINDS[event].column} AS {_LIFT}_{event}" for event in SALES)
    return (
        f"SELECT held.*, {lifts} FROM ({held}) AS held "
        f"JOIN ({brought(log, columns)}) AS brings USING (shopper)"
    )


def _family(row: StudyRow) -> str | None:
    """Lifts of one kind of event at all weights."""
    return row.event if row.measure == _LIFT else None


def _categories(logs: Sequence[Path], base: Sequence[Path]) -> tuple[Columns, Columns] | None:
    """By category, what one pair of worlds brings with and without a channel."""
    if len(logs) > 1:
        return None
    own, other = (read_own(log) for log in (logs[0], base[0]))
    return None if own is None or other is None else (own, other)


def _measured(
    worlds: WorldTotals, categories: tuple[Columns, Columns] | None, confidence: float
) -> list[tuple[str, Event, Result]]:
    """Measure, event and number of each row of one weight, from the worlds without and with it."""
    columns = (*touched_columns(SHARED), *(f"{_LIFT}_{event}" for event in SALES))
    totals = {column: worlds.of(column) for column in columns}
    base, own = ({column: each[world] for column, each in totals.items()} for world in (0, 1))
    shares: list[tuple[str, Event, Result]] = [
        (rule, event, share(own[f"{event}_{rule}"], own[event], confidence=confidence))
        for rule in TOUCHES
        for event in SHARED
    ]
    exposed = worlds.exposed_SU
    for event in SALES:
        own_SU, base_SU = own[f"{_LIFT}_{event}"], base[f"{_LIFT}_{event}"]
        luck = None
        if categories is not None:
            own_G, base_G = (each[KINDS[event].column] for each in categories)
            luck = per_shopper(own_SU[0], base_SU[0], exposed[0], own_G, base_G)
        found = growth(own_SU, exposed, base_SU, exposed, confidence=confidence, shared=luck)
        shares.append((_LIFT, event, found))
    return shares
