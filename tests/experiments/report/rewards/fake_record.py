"""A reward lab that never ran: six policies whose numbers are drawn by chance at chosen levels."""

import numpy as np

from cqsid.alignment.measures import MEASURES
from cqsid.alignment.report import Ended, Evaluation, StepReading
from experiments.inference.finding import corrected
from experiments.inference.intervals.crossed import difference, level, relative
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.rewards import (
    ONLINE,
    Contrast,
    Course,
    Hacking,
    Offline,
    Online,
    PolicyRow,
    PolicyShare,
    RewardsRecord,
    Trust,
)
from experiments.rewardlab.comparison.roles import pairs

POLICIES = {  # (truth of the gain: offline share, lift of gmv, gain in reward, in oracle)
    "tiers.eg_grpo": (0.015, 0.011, 1.4, 0.4),
    "tiers.grpo": (0.004, 0.003, 1.1, 0.3),
    "tiers.sft_matched": (0.012, 0.006, 0.6, 0.3),
    "oracle.eg_grpo": (0.008, 0.028, 1.9, 1.7),
    "ranker.eg_grpo": (0.022, -0.004, 2.6, -0.2),
    "exclusive.eg_grpo": (-0.030, 0.014, 1.2, 0.1),
}
ROLES = {  # (control, weight, matched weight, experts)
    "eg_grpo": ("", 0.0, 0.4, "2 clicks by id"),
    "grpo": ("grpo", 0.0, None, ""),
    "sft_matched": ("sft", 0.4, None, "2 clicks by id"),
}
STEPS, EVERY, REQUESTS, SHOPPERS = 40, 10, 400, 160
BASES = {"gmv": 61.3, "uctcvr": 0.213, "orders": 0.61, "ctr": 0.068}
LEVELS = {
    "clk@1": 0.151,
    "clk@10": 0.520,
    "clk@100": 0.820,
    "exp@1": 0.505,
    "exp@10": 0.869,
    "pvr@10": 0.437,
    "recall@200": 0.35,
    "diversity": 0.61,
    "first_codes": 4.2,
}


def _around(middle, half):
    """A number with its interval; without ends where there is no half-width."""
    if half is None:
        return Interval(middle, None, None)
    return Interval(middle, middle - half, middle + half)


def _mean(policy, measure):
    """Where a policy's offline measure lies."""
    gain = POLICIES.get(policy, (0.0,))[0]
    return LEVELS[measure] * (1 + gain * (-1 if measure in ("diversity", "first_codes") else 1))


def _offline(rng, seeds):
    shopper_B = rng.integers(0, SHOPPERS, REQUESTS)
    rows = []
    for measure in MEASURES:
        spread = 0.25 * LEVELS[measure]
        common = rng.normal(0, spread, REQUESTS)
        base = np.tile(_mean("sft", measure) + common, (seeds, 1))
        for policy in ("sft", *POLICIES):
            own = base
            if policy != "sft":
                own = _mean(policy, measure) + common + rng.normal(0, spread / 4, base.shape)
                own += rng.normal(0, 0.002 * LEVELS[measure], (seeds, 1))
            twice = np.repeat(own, 2, axis=0) if policy == "sft" else own
            found = level(twice, shopper_B, confidence=0.95)
            gap, ratio = (f(own, base, shopper_B, confidence=0.95) for f in (difference, relative))
            both = (gap.interval, ratio.interval)
            rows.append(
                Offline(
                    policy,
                    measure,
                    found.interval,
                    *(both if policy != "sft" else (UNKNOWN, UNKNOWN)),
                    gap.p_value if policy != "sft" else None,
                    None,
                    tuple(own.mean(axis=1).tolist())
                    if policy != "sft"
                    else (float(own[0].mean()),),
                    found.n,
                    found.shoppers,
                )
            )
    order = {name: place for place, name in enumerate(("sft", *POLICIES))}
    return tuple(sorted(corrected(rows), key=lambda row: order[row.policy]))


def _online(rng, seeds, lifts, scale=0.004):
    rows = []
    for policy, truth in lifts.items():
        for metric in ONLINE:
            per_seed = truth + rng.normal(0, scale, seeds)
            lift, base = float(per_seed.mean()), BASES[metric]
            p_value = float(np.exp(-abs(lift) / scale)) if seeds > 1 else None
            rows.append(
                Online(
                    policy,
                    metric,
                    base,
                    base * (1 + lift),
                    _around(lift, 4 * scale if seeds > 1 else None),
                    p_value,
                    min(1.0, 20 * p_value) if p_value is not None else None,
                    tuple(per_seed.tolist()),
                    2_000,
                )
            )
    return tuple(rows)


def _contrasts(policies, rows, scale=0.004):
    """Every pair as if the two were drawn by chance around the distance of their rows."""
    found = []
    for policy, against in pairs(policies):
        for own, other in zip(rows[policy], rows[against], strict=True):
            offline = isinstance(own, Offline)
            value, base = own.value, other.value
            if offline:
                value, base = value.estimate, base.estimate
            size, known = value / base - 1, own.p_value is not None
            p_value = float(np.exp(-abs(size) / scale)) if known else None
            found.append(
                Contrast(
                    policy,
                    against,
                    "offline" if offline else "online",
                    own.measure if offline else own.metric,
                    _around(value - base, 3 * scale * base if known and offline else None),
                    _around(size, 3 * scale if known else None),
                    p_value,
                    min(1.0, 20 * p_value) if known else None,
                )
            )
    return found


def _by_policy(rows):
    return {name: [row for row in rows if row.policy == name] for name in POLICIES}


def _shares(rng):
    rows = []
    for policy in ("sft", *POLICIES):
        for rule, scale in (("any_touch", 1.0), ("exclusive", 0.2)):
            levels = (0.50, 0.59, 0.72, 0.74)
            for event, share in zip(("exposure", "click", "purchase", "gmv"), levels, strict=True):
                found = float(scale * share + rng.normal(0, 0.01))
                rows.append(PolicyShare(policy, rule, event, _around(found, 0.02)))
    return tuple(rows)


def _courses(rng, seeds):
    courses = []
    for policy, (_, _, reward, oracle) in POLICIES.items():
        for seed in range(seeds):
            taken = STEPS // 2 if (policy, seed) == ("ranker.eg_grpo", 1) else STEPS
            steps = tuple(_step(rng, step, reward) for step in range(1, taken + 1))
            evaluations = tuple(
                _evaluation(rng, step, reward, oracle) for step in range(0, taken + 1, EVERY)
            )
            courses.append(Course(policy, seed, steps, evaluations))
    return tuple(courses)


def _step(rng, step, reward):
    grown = 1 - np.exp(-step / 12)
    return StepReading(
        step=step,
        loss=float(rng.normal(0, 0.1)),
        reward=float(0.3 + 0.1 * reward * grown + rng.normal(0, 0.01)),
        parts={"tiers": float(0.3 + 0.1 * reward * grown)},
        expert_reward=1.0,
        tied=float(0.3 + 0.2 * grown),
        present=float(0.4 + 0.1 * grown),
        entropy_L=tuple((np.array([2.1, 1.6, 1.1]) * (1 - 0.3 * grown)).tolist()),
        first_codes=float(3.2 - grown),
        distinct=float(0.8 - 0.2 * grown),
        kl=float(0.8 * grown),
        clipped=float(0.05 * grown),
        gradient=float(abs(rng.normal(1, 0.1))),
        seconds=0.4 * step,
    )


def _evaluation(rng, step, reward, oracle):
    grown = 1 - np.exp(-step / 12)
    return Evaluation(
        step=step,
        hit_rates=(0.15 + 0.01 * grown, 0.52, 0.82 - 0.03 * grown),
        recall=float(0.35 - 0.03 * grown),
        entropy_L=tuple((np.array([2.0, 1.5, 1.0]) * (1 - 0.3 * grown)).tolist()),
        first_codes=float(4.2 - grown),
        kl=float(0.8 * grown),
        reward=float(0.3 + 0.1 * reward * grown + rng.normal(0, 0.005)),
        probes={"oracle": float(0.02 + 0.004 * oracle * grown)},
    )


def _hacking(rng, seeds):
    steps = tuple(range(0, STEPS + 1, EVERY))
    rows = []
    for policy, (_, _, reward, oracle) in POLICIES.items():
        grown = (1 - np.exp(-np.array(steps) / 12)) / (1 - np.exp(-STEPS / 12))
        halves = (0.15, 0.15, 0.2) if seeds > 1 else (None,) * 3
        rises = zip((reward, oracle, reward - oracle), halves, strict=True)
        rows.append(
            Hacking(
                policy,
                *(_around(*rise) for rise in rises),
                steps,
                tuple((reward * grown).tolist()),
                tuple((oracle * grown + rng.normal(0, 0.02, len(steps)) * (grown > 0)).tolist()),
            )
        )
    return tuple(rows)


def _trust(rng):
    rows = []
    for measure in MEASURES:
        for metric in ONLINE:
            found = float(np.clip(rng.normal(0.3, 0.4), -0.95, 0.95))
            interval = Interval(found, max(found - 0.5, -1.0), min(found + 0.4, 1.0))
            rows.append(Trust(measure, metric, interval, 1 + len(POLICIES)))
    return tuple(rows)


def _rows(seeds):
    sft = PolicyRow("sft", "", "", 1, False, (), (), None, "", None, None, "")
    trained = [
        PolicyRow(
            name,
            *name.split("."),
            seeds,
            name.startswith("oracle"),
            tuple(
                str(Ended.RECALL if (name, s) == ("ranker.eg_grpo", 1) else Ended.FINISHED)
                for s in range(seeds)
            ),
            tuple(
                STEPS // 2 - EVERY if (name, s) == ("ranker.eg_grpo", 1) else STEPS
                for s in range(seeds)
            ),
            151.0,
            *ROLES[name.split(".")[1]],
        )
        for name in POLICIES
    ]
    return (sft, *trained)


def fake_record(*, online=True, seeds=3, name="fake"):
    """The record of such a lab: with or without worlds, with so many seeds."""
    rng = [np.random.default_rng((7, part)) for part in range(7)]  # a part's luck is its own
    lifts = {policy: truth[1] for policy, truth in POLICIES.items()}
    warnings = [] if seeds > 1 else ["One seed: nothing tells how far other luck would move it."]
    warnings += [] if online else ["No worlds were lived: nothing is known of the true lifts."]
    policies = _rows(seeds)
    offline = _offline(rng[0], seeds)
    lived = _online(rng[1], seeds, lifts) if online else ()
    contrasts = _contrasts(policies, _by_policy(offline))
    contrasts += _contrasts(policies, _by_policy(lived))
    return RewardsRecord(
        name=name,
        baseline="sft",
        arm="with_cqsid",
        channel="cqsid",
        seeds=seeds,
        worlds=1 if online else 0,
        confidence=0.95,
        requests=REQUESTS,
        items=10_000,
        shoppers=2_000,
        days=7,
        policies=policies,
        offline=offline,
        online=lived,
        control=_online(rng[2], 1, {"sft": 0.04, **dict.fromkeys(POLICIES, 0.05)})
        if online
        else (),
        contrasts=tuple(contrasts),
        policy_shares=_shares(rng[3]) if online else (),
        courses=_courses(rng[4], seeds),
        hacking=_hacking(rng[5], seeds),
        trust=_trust(rng[6]) if online else (),
        warnings=tuple(warnings),
    )
