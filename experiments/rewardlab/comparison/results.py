"""From readings and event logs to the record: all its rows, and what a reader must be warned of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cqsid.alignment.report import Ended
from experiments.config.reward_lab import SFT
from experiments.config.schema import Config
from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import FEWEST_SEEDS
from experiments.records.rewards import (
    Control,
    Course,
    Online,
    PolicyRow,
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

    Raises:
        DataError: a policy lacks a seed, measure or world, requests differ, or a number is not
            finite.
    """
    names = [row.name for row in policies]
    if names[:1] != [SFT] or len(set(names)) < len(names):
        raise DataError(f"policies == {names}, must be different and begin with {SFT!r}")
    lab, trained = config.reward_lab, names[1:]
    table = tabled(offline, names)
    online, pooled, lonely = _online(worlds, trained, lab.confidence)
    judged = [Judged(table[name], pooled.get(name)) for name in names]
    lived_by = {SFT: [worlds.base], **worlds.policies}
    served = [(name, lived_by[name]) for name in names if online]
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
        online=online,
        control=control_rows(worlds, policy=SFT, confidence=lab.confidence),
        contrasts=contrast_rows(policies, table, shopper_B, pooled, confidence=lab.confidence),
        policy_shares=tuple(
            row
            for name, logs in served
            for row in share_rows(name, logs, channel=lab.channel, confidence=lab.confidence)
        ),
        courses=tuple(courses),
        hacking=tuple(hacking_row(name, watched, confidence=lab.confidence) for name in trained),
        trust=trust_rows(judged, shopper_B, confidence=lab.confidence, rng=rng) if online else (),
        warnings=(
            *_of_luck(lab.seeds, len(np.unique(shopper_B))),
            *_of_trainings(policies),
            *_of_worlds(policies, online, len(worlds.base), lonely),
            *_of_rewards(policies, courses),
        ),
    )


def _online(
    worlds: WorldLogs, trained: Sequence[str], confidence: float
) -> tuple[tuple[Online, ...], dict[str, Totals], int]:
    """True lifts; totals of groups of shoppers by policy; and most shoppers that only some of a
    policy's paired worlds have. Empty without worlds."""
    rows: list[Online] = []
    pooled, lonely = {}, 0
    logs = {name: worlds.policies.get(name, []) for name in trained}
    for name, totals in lived(worlds.base, logs) if worlds.base else ():
        rows += lift_rows(name, totals, confidence=confidence)
        pooled[name], lonely = totals.pooled(GROUPS), max(lonely, totals.lonely)
    return corrected(rows), pooled, lonely


def _of_worlds(
    policies: Sequence[PolicyRow], online: Sequence[Online], lucks: int, lonely: int
) -> list[str]:
    said = []
    if not online:
        said.append("No worlds were lived: nothing is known of the policies' true lifts.")
    else:
        said.append(
            "All true lifts are over the same worlds of the supervised model. The luck of these "
            "worlds is in every interval and moves all lifts alike: compare policies with each "
            "other, or live more worlds."
        )
        said += _of_lucks(lucks)
    if online and len(policies) < FEWEST_POLICIES:
        said.append(
            f"{len(policies)} policies, the supervised model included: too few for a rank "
            "correlation of offline measures with true lifts."
        )
    if lonely:
        said.append(
            f"Up to {lonely} shoppers appear in only some of the paired worlds of a policy "
            "and count as zeros in the others; arrivals should not depend on what is served."
        )
    return said + [
        f"{row.policy} has no true lift in {row.metric}: a world lacks what it is divided by."
        for row in online
        if row.relative.estimate is None
    ]


def _of_lucks(lucks: int) -> list[str]:
    if lucks == 1:
        return [
            "One world of each training: what sells out and becomes popular there is luck that its "
            "shoppers share. Lifts tell it from categories, which may miss a rare event; shares of "
            "the channel leave it out. Live more worlds (reward_lab.worlds)."
        ]
    if lucks < FEWEST_SEEDS:
        return [f"{lucks} worlds of each training: intervals rest on too few to be believed."]
    return []


def _of_luck(seeds: int, shoppers: int) -> list[str]:
    said = [
        "All policies start from one supervised model. No interval tells how far another one "
        "would have moved the numbers."
    ]
    if seeds < 2:
        said.append(
            "One training seed: offline measures and gains in reward have no interval, and those "
            "of true lifts and shares do not speak of the luck of training."
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
