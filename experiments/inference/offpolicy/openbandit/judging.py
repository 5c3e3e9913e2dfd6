"""Estimates of a target policy from a log in Open Bandit form.

    weight w = chance of the action at its position by the target / its propensity in the log

    IPS    mean(w r)        SNIPS  mean(w r) / mean(w)        DR  mean(m(x) + w (r - q(x, a)))

over the rows of a policy's log, with r the reward, q what the direct model predicts of an action in
its context and position, and m its mean over the target's actions. Per row; intervals go over
rounds, whose rows belong together (delta method). What is assumed: propensities are those by which
the actions were drawn; the reward depends on context, position and action alone, not on the other
actions of the page; and rewards do not change over the time of the log.

Where the log's policy could take every action of the target, the mean weight is 1 but for luck. If
it is far from 1, propensities are not the log's, or the target takes what the log cannot take.

All sums are taken inside DuckDB, in one pass, so memory is flat in rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.inference.logs import rows
from experiments.inference.offpolicy.bounds import Bounds, bounds
from experiments.inference.offpolicy.cautious import cautious
from experiments.inference.offpolicy.directmodel import FOLDS, two_way
from experiments.inference.offpolicy.estimators import Estimator
from experiments.inference.offpolicy.moments import COLUMNS, Moments
from experiments.inference.offpolicy.openbandit.banditlog import BanditLog
from experiments.inference.offpolicy.openbandit.target import Target, shape_of
from experiments.inference.offpolicy.policyvalue import PolicyValue, policy_values
from experiments.inference.offpolicy.support import (
    ROUNDED,
    ROUNDS,
    WEAK_WEIGHT,
    Diagnosis,
    effective_size,
)
from experiments.records.interval import UNKNOWN, Interval
from simulator.errors import DataError

Floats = NDArray[np.float64]

MEAN_ALARM = 0.001
"""A mean weight this improbable, were the truth 1, is told; as rare as an alarm of shares."""

_FOLD = "((unit * 2654435761) >> 16) & 1"
"""SQL of the half of a round: a multiplicative hash, so that no order of the file decides."""


@dataclass(frozen=True)
class BanditJudgement:
    """What the log of a policy tells of a target policy.

    Attributes:
        logged: whose log it is.
        target: name of the policy that is judged.
        logged_value: mean reward of the log itself.
        values: by estimator.
        cautious: IPS with an interval that also holds where few outcomes count; unknown where the
            range of the reward is not given or begins below 0, where rounds have several rows, or
            where IPS is refused.
        bounds: between what the value lies, where bounds of the reward are given.
        mean_weight: with its interval; 1 where the log could take every action of the target.
        rounds, rows: of the log.
        warnings: what speaks against all of it.
    """

    logged: str
    target: str
    logged_value: Interval
    values: Mapping[Estimator, PolicyValue]
    cautious: Interval
    bounds: Bounds | None
    mean_weight: Interval
    rounds: int
    rows: int
    warnings: tuple[str, ...]


def judge_policy(
    log: BanditLog,
    target: Target,
    logged: str,
    *,
    confidence: float = 0.95,
    rewards: tuple[float, float] | None = None,
) -> BanditJudgement:
    """Judge a target policy by the log of one policy.

    Args:
        log: an open log.
        target: the policy that is judged.
        logged: whose rows tell of it.
        confidence: level of the intervals.
        rewards: between which every reward lies, such as (0, 1) for clicks; without it neither
            bounds nor a cautious interval are told.

    Raises:
        DataError: the log has no such policy, a reward outside of their range, or the target's
            chances are none.
        ConfigError: rewards that are no range.
    """
    number = log.policy(logged)
    target.check(log)
    _prepare(log, target, number)
    moments, diagnosis, counted = _moments(log)
    values = policy_values(moments, diagnosis, confidence=confidence, wording=ROUNDS)
    known, careful = None, UNKNOWN
    if rewards is not None:
        least, most = rewards
        known = bounds(moments, least=least, most=most, confidence=confidence)
        _check_rewards(log, least, most)
        if least >= 0 and moments.units == counted and not values["ips"].refusal:
            careful = cautious(moments, most * diagnosis.largest, confidence=confidence)
    return BanditJudgement(
        logged=logged,
        target=target.name,
        logged_value=moments.linear({"logged": 1.0}, confidence=confidence),
        values=values,
        cautious=careful,
        bounds=known,
        mean_weight=moments.linear({"weights": 1.0}, confidence=confidence),
        rounds=moments.units,
        rows=counted,
        warnings=(*log.warnings, *_unexplored(diagnosis), *_off_mean(moments)),
    )


def _check_rewards(log: BanditLog, least: float, most: float) -> None:
    """Refuse rewards outside of the range that they are said to have."""
    found = rows(log.connection, "SELECT min(reward) AS low, max(reward) AS high FROM judged")[0]
    for reward in found.values():
        if not least <= reward <= most:
            raise DataError(f"reward == {reward}, must be >= {least} and <= {most} (rewards)")


def _unexplored(diagnosis: Diagnosis) -> tuple[str, ...]:
    """A warning of a log in which nothing was drawn."""
    if diagnosis.explores:
        return ()
    return (
        "every propensity is 1: the log took one action at each position, and tells of no other",
    )


def _off_mean(moments: Moments) -> tuple[str, ...]:
    """A warning where weights are not 1 on average, by more than chance allows."""
    interval = moments.linear({"weights": 1.0}, confidence=1 - MEAN_ALARM)
    mean = moments.mean("weights") / moments.mean("requests")
    constant = interval.ends is None and moments.units > 1
    if interval.holds(1.0) is not False and not (constant and abs(mean - 1) > ROUNDED - 1):
        return ()
    return (
        f"weights are {mean:.3g} on average, must be 1: propensities are not those of "
        "the log, or the target takes actions that the log cannot take",
    )


def _prepare(log: BanditLog, target: Target, number: int) -> None:
    """The tables `judged` (rows of the policy) and `cells`, inside DuckDB."""
    contexts, places, actions = shape_of(log)
    log.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE judged AS SELECT unit, {_FOLD} AS fold, reward, propensity, "
        f"context * {places} + position AS place, action FROM rounds WHERE policy = {number}"
    )
    seen_FXA, rewards_FXA = _seen(log, (FOLDS, contexts * places, actions))
    chance_XA = target.chance_CKA.reshape(-1, actions)
    seen_KA = seen_FXA.sum(axis=0).reshape(contexts, places, actions).sum(axis=0)
    seen_XA = np.tile(seen_KA > 0, (contexts, 1))
    cells = {
        "place": np.repeat(np.arange(len(chance_XA)), actions),
        "action": np.tile(np.arange(actions), len(chance_XA)),
        "chance": chance_XA.ravel(),
    }
    by_place = {
        "place": np.arange(len(chance_XA)),
        "supported": (chance_XA * seen_XA).sum(axis=1),
    }
    for fold in range(FOLDS):
        rate_X, relative_A = two_way(seen_FXA[1 - fold], rewards_FXA[1 - fold])
        model_XA = rate_X[:, None] * relative_A
        cells[f"model_{fold}"] = model_XA.ravel()
        by_place[f"mean_{fold}"] = (chance_XA * model_XA).sum(axis=1)
    for name, columns in (("cells", cells), ("places", by_place)):
        log.connection.register("given", pa.table(columns))
        log.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM given")
        log.connection.unregister("given")


def _seen(log: BanditLog, shape: tuple[int, int, int]) -> tuple[Floats, Floats]:
    """(fold, place, action) rows, and the sums of their rewards."""
    found = log.connection.execute(
        "SELECT fold, place, action, count(*) AS n, sum(reward) AS rewards FROM judged GROUP BY ALL"
    ).fetchnumpy()
    cell = tuple(np.asarray(found[name], np.int64) for name in ("fold", "place", "action"))
    seen_FXA, rewards_FXA = np.zeros(shape), np.zeros(shape)
    seen_FXA[cell], rewards_FXA[cell] = found["n"], found["rewards"]
    return seen_FXA, rewards_FXA


_UNITS = f"""
    SELECT unit, count(*)::DOUBLE AS requests, count(*)::DOUBLE AS judged, sum(w) AS weights,
        sum(reward) AS logged, sum(w * reward) AS weighted,
        sum(CASE fold WHEN 0 THEN mean_0 ELSE mean_1 END
            + w * (reward - CASE fold WHEN 0 THEN model_0 ELSE model_1 END)) AS doubly,
        sum(1 - kept) AS weak, sum(kept * reward) AS kept,
        sum(w * w) AS squares, max(w) AS largest, sum(supported) AS supported,
        count(*) FILTER (propensity < 1) AS random
    FROM (
        SELECT *, CASE WHEN w <= {ROUNDED * WEAK_WEIGHT!r} THEN w ELSE 0 END AS kept FROM (
            SELECT judged.*, cells.* EXCLUDE (place, action), places.* EXCLUDE (place),
                chance / propensity AS w
            FROM judged JOIN cells USING (place, action) JOIN places USING (place)
        )
    )
    GROUP BY unit
"""
"""SQL of the sums of each round. That an action is weakly supported is known of logged ones alone;
but 1 - (weight where it is not) is the weak share of the target on average."""


def _moments(log: BanditLog) -> tuple[Moments, Diagnosis, int]:
    """The moments over rounds, what the weights are worth, and how many rows there are."""
    size = len(COLUMNS)
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    listed = [f"avg({name})" for name in COLUMNS]
    listed += [f"covar_samp({COLUMNS[i]}, {COLUMNS[j]})" for i, j in pairs]
    listed += ["count(*)", "sum(requests)", "sum(weights)", "sum(squares)", "max(largest)"]
    listed += ["sum(supported)", "sum(weak)", "sum(random)"]
    found = log.connection.execute(f"SELECT {', '.join(listed)} FROM ({_UNITS})").fetchone()
    if found is None or not found[size + len(pairs)]:
        raise DataError("rows of the policy == 0, must be > 0")
    *numbers, units, counted, weights, squares, largest, supported, weak, random = found
    covariance_CC = np.zeros((size, size))
    for (i, j), value in zip(pairs, numbers[size:], strict=True):
        covariance_CC[i, j] = covariance_CC[j, i] = 0.0 if value is None else value
    diagnosis = Diagnosis(
        supported=supported / counted,
        effective=effective_size(weights, squares),
        largest=largest,
        slots=int(counted),
        explores=bool(random),
        burden=max(weak / counted, 0.0),
    )
    return Moments(units, np.array(numbers[:size]), covariance_CC), diagnosis, int(counted)
