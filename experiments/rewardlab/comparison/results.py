"""From readings and event logs to the record: all its rows, and what a reader must be warned of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.report import Ended
from experiments.config.reward_lab import SFT
from experiments.config.schema import Config
from experiments.inference.finding import corrected
from experiments.inference.intervals import FEWEST_SEEDS
from experiments.inference.logs import EngineSpec
from experiments.records.rewards import (
    Control,
    Course,
    Online,
    PolicyRow,
    PolicyShare,
    RewardsRecord,
)
from experiments.rewardlab.comparison.contrasts import contrast_rows
from experiments.rewardlab.comparison.gains import offline_rows, tabled
from experiments.rewardlab.comparison.hacking import hacking_row
from experiments.rewardlab.comparison.lift import Totals, control_rows, lift_rows, lived
from experiments.rewardlab.comparison.readings import OfflineReading, WatchReading, WorldLogs
from experiments.rewardlab.comparison.shares import share_rows
from experiments.rewardlab.comparison.trust import FEWEST_POLICIES, GROUPS, Judged, trust_rows
from simulator.errors import DataError
from simulator.randomness import Draws

FEW_SHOPPERS = 100
"""Shoppers below which the delta method's normal limit is far."""

_WHY = {Ended.RECALL: "deep recall fell", Ended.DIVERGENCE: "too far from the supervised model"}


def make_record(
    config: Config,
    policies: Sequence[PolicyRow],
    offline: Sequence[OfflineReading],
    shopper_B: NDArray[np.integer],
    watched: Sequence[WatchReading],
    courses: Sequence[Course],
    worlds: WorldLogs,
    *,
    items: int,
    spec: EngineSpec | None = None,
) -> RewardsRecord:
    """Everything that the lab found.

    Args:
        config: with the lab's arm and channel named.
        policies: rows of the grid, the supervised model's first.
        offline: a reading for each policy and seed, one of the supervised model.
        shopper_B: who asked each test request.
        watched: a reading for each policy and seed but the supervised model's.
        courses: of the trainings, as they shall be shown.
        worlds: the event logs; without those of the supervised model there is no online part.
        items: size of the catalogue.
        spec: threads and memory of the log engine.

    Raises:
        DataError: a policy lacks a seed, measure or world, requests differ, or a number is not
            finite.
    """
    names = [row.name for row in policies]
    if names[:1] != [SFT] or len(set(names)) < len(names):
        raise DataError(f"policies == {names}, must be different and begin with {SFT!r}")
    lab, trained = config.reward_lab, names[1:]
    table = tabled(offline, names)
    online = _online(worlds, trained, lab.channel, lab.confidence, spec)
    judged = [Judged(table[name], online.pooled.get(name)) for name in names]
    rng = np.random.default_rng(Draws(config.seed).child("rewards:trust").seed)
    return RewardsRecord(
        name=config.name,
        baseline=SFT,
        arm=lab.arm,
        channel=lab.channel,
        seeds=lab.seeds,
        worlds=len(worlds.base),
        confidence=lab.confidence,
        requests=len(shopper_B),
        items=items,
        shoppers=config.shoppers.count,
        days=config.world.days,
        policies=tuple(policies),
        offline=offline_rows(table, shopper_B, baseline=SFT, confidence=lab.confidence),
        online=online.rows,
        control=control_rows(worlds, policy=SFT, confidence=lab.confidence, spec=spec),
        contrasts=contrast_rows(
            policies, table, shopper_B, online.pooled, confidence=lab.confidence
        ),
        policy_shares=online.shares,
        courses=tuple(courses),
        hacking=tuple(hacking_row(name, watched, confidence=lab.confidence) for name in trained),
        trust=trust_rows(judged, shopper_B, confidence=lab.confidence, rng=rng)
        if online.pooled
        else (),
        warnings=(
            *_warnings(policies, lab.seeds, shopper_B, online),
            *_of_rewards(policies, courses),
        ),
    )


@dataclass(frozen=True)
class _OnlinePart:
    """What came of the worlds; empty without any.

    Attributes:
        pooled: totals of groups of shoppers by policy, for the bootstrap.
        lonely: most shoppers that only some of a policy's paired worlds have.
    """

    rows: tuple[Online, ...]
    shares: tuple[PolicyShare, ...]
    pooled: dict[str, Totals]
    lonely: int


def _online(
    worlds: WorldLogs,
    trained: Sequence[str],
    channel: str,
    confidence: float,
    spec: EngineSpec | None,
) -> _OnlinePart:
    if not worlds.base:
        return _OnlinePart((), (), {}, 0)
    logs = {name: worlds.policies.get(name, []) for name in trained}
    rows: list[Online] = []
    pooled, lonely = {}, 0
    for name, totals in lived(worlds.base, logs, spec=spec):
        rows += lift_rows(name, totals, confidence=confidence)
        pooled[name], lonely = totals.pooled(GROUPS), max(lonely, totals.lonely)
    shares = [
        row
        for name, seeds in {SFT: [worlds.base], **logs}.items()
        for row in share_rows(name, seeds, channel=channel, confidence=confidence, spec=spec)
    ]
    return _OnlinePart(corrected(rows), tuple(shares), pooled, lonely)


def _warnings(
    policies: Sequence[PolicyRow],
    seeds: int,
    shopper_B: NDArray[np.integer],
    online: _OnlinePart,
) -> list[str]:
    said = [*_of_luck(seeds, len(np.unique(shopper_B))), *_of_trainings(policies)]
    if not online.rows:
        said.append("No worlds were lived: nothing is known of the policies' true lifts.")
    else:
        said.append(
            "All true lifts are over the same worlds of the supervised model, whose luck moves "
            "them all alike: compare policies by their contrasts, or live more worlds."
        )
    if online.rows and len(policies) < FEWEST_POLICIES:
        said.append(
            f"{len(policies)} policies, the supervised model included: too few for a rank "
            "correlation of offline measures with true lifts."
        )
    if online.lonely:
        said.append(
            f"Up to {online.lonely} shoppers appear in only some of the paired worlds of a policy "
            "and count as zeros in the others; arrivals should not depend on what is served."
        )
    missing = [row for row in online.rows if row.relative.estimate is None]
    said += [
        f"{row.policy} has no true lift in {row.metric}: a world lacks what it is divided by."
        for row in missing
    ]
    return said


def _of_luck(seeds: int, shoppers: int) -> list[str]:
    said = [
        "All policies start from one supervised model: how far another one would have moved the "
        "numbers is in no interval."
    ]
    if seeds < 2:
        said.append(
            "One training seed: offline measures and gains in reward have no interval, and those "
            "of true lifts and shares speak of shoppers alone, not of the luck of training."
        )
    elif seeds < FEWEST_SEEDS:
        said.append(f"{seeds} training seeds: intervals rest on too few trainings to be believed.")
    if shoppers < FEW_SHOPPERS:
        said.append(
            f"{shoppers} shoppers asked the test requests: too few for intervals that hold their "
            "level."
        )
    return said


def _of_rewards(policies: Sequence[PolicyRow], courses: Sequence[Course]) -> list[str]:
    """Policies whose rewards never told two ids of a group apart."""
    taken = {row.policy for row in courses if row.steps}
    taught = {row.policy for row in courses if any(step.tied < 1 for step in row.steps)}
    asking = [row.name for row in policies if row.name in taken and row.control != Control.SFT]
    return [
        f"{name}: its reward gave all ids of a group the same value at every step: nothing can be "
        "learned from it."
        for name in asking
        if name not in taught
    ]


def _of_trainings(policies: Sequence[PolicyRow]) -> list[str]:
    said = []
    for row in policies:
        early = [end for end in row.ended if end != Ended.FINISHED]
        if early:
            reasons = " or ".join(_WHY.get(Ended(end), end) for end in sorted(set(early)))
            said.append(
                f"{row.name}: {len(early)} of {len(row.ended)} trainings ended early ({reasons}); "
                "the weights that were judged and served are an earlier step's."
            )
    asked = [row.name for row in policies if row.oracle]
    if asked:
        said.append(
            f"{', '.join(asked)} learned from what only a simulation knows (what its shoppers "
            "would do, or the log's propensities): a bound for comparison, not to be had in "
            "practice."
        )
    return said
