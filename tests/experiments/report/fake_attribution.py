"""An attribution record that was never measured: plausible numbers drawn by chance.

Run as a script with a folder of a run, it writes attribution.json and report.html there.
"""

import sys
from itertools import combinations
from math import factorial
from pathlib import Path

import numpy as np

from experiments.config.attribution import BUILT_IN_RULES
from experiments.records.attribution import (
    CAUSES,
    FATES,
    AttributionRecord,
    CoalitionRow,
    CreditRow,
    DifferenceRow,
    FateRow,
    InteractionRow,
    JointRow,
    OffPolicyRow,
    Overlap,
    StepRow,
    StudyRow,
    ValueRow,
)
from experiments.records.interval import UNKNOWN, Interval
from experiments.records.reading import write_record

FOUND = {  # how likely a channel finds what is exposed, clicked, bought
    "lexical": (0.74, 0.81, 0.79),
    "popular": (0.89, 0.97, 0.97),
    "itemcf": (0.61, 0.77, 0.83),
    "cqsid": (0.50, 0.59, 0.73),
}
WORTH = {"lexical": 0.70, "popular": 0.55, "itemcf": 0.35, "cqsid": 0.30}
EVENTS = {"exposure": 6_000, "click": 2_500, "cart": 900, "purchase": 402, "gmv": 402}
GMV = 6.6
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
CUTS = {
    "day": tuple(str(day) for day in range(14, 28)),
    "query": ("head", "torso", "tail"),
    "item": ("new", "known"),
    "shopper": ("new", "known"),
    "category": tuple(f"category {at}" for at in range(18)),
}


def fake_attribution(
    channels: tuple[str, ...] = tuple(FOUND), arms: tuple[str, ...] = ("control", "treatment")
) -> AttributionRecord:
    """A record whose last arm has all channels, the others all but the last."""
    rng = np.random.default_rng(11)
    own = {arm: channels[: len(channels) - (arm != arms[-1])] for arm in arms}
    found = {arm: _found(rng, names) for arm, names in own.items()}
    credits = [row for arm in arms for row in _credits(rng, arm, own[arm], found[arm])]
    steps = [row for arm in arms for row in _steps(arm, own[arm], credits)]
    return AttributionRecord(
        name="demo",
        arm=arms[-1],
        channels=channels,
        arms=own,
        order=channels,
        rules=(*BUILT_IN_RULES, "my_rules:U_shape"),
        window_days=7.0,
        half_life_days=2.0,
        confidence=0.95,
        credits=tuple(credits),
        joint=tuple(
            JointRow(arm, rule, *pair, 88.2, len(own[arm]), 1e-9)
            for arm in arms
            for rule in ("any_touch", "fractional")
            for pair in (("exposure", "click"), ("click", "purchase"))
        ),
        steps=tuple(steps),
        sets=tuple(row for arm in arms for row in _sets(arm, own[arm], found[arm])),
        **_incremental(rng, arms[-1], own[arms[-1]]),
        studies=_study(arms[-1], channels[-1]),
        warnings=(
            "gmv: 12 shoppers hold half of it, so its intervals are wide and approximate",
            "worlds: 2 seeds; differences of less than one percent cannot be seen",
            "off-policy: 91.0% of the judged slots hold an item that the log could have shown",
        ),
        log_digest="",
        off_policy=_off_policy(arms[-1], arms[0]),
    )


def _around(middle, half):
    return Interval(middle, middle - half, middle + half)


def _off_policy(arm, logged):
    nothing = (None,) * 4
    known = 0.91, 0.2, 1_204.0, 310.5, 21_000, 4_100
    rows = []
    for event, level, lift in (("click", 0.9, 0.05), ("purchase", 0.08, 0.03), ("gmv", 5.0, 0.02)):
        for estimator, off, half in (
            ("ips", -0.1, 0.05),
            ("snips", 0.02, 0.04),
            ("dr", 0.01, 0.03),
        ):
            size, value = lift + off, level * (1 + lift + off)
            both = _around(value, level * half), _around(size, half)
            rows.append(OffPolicyRow(arm, logged, estimator, event, *both, *known))
        both = _around(level * (1 + lift), 0.01), _around(lift, 0.01)
        rows.append(OffPolicyRow(arm, logged, "truth", event, *both, *nothing, *known[4:]))
    return tuple(rows)


def _likely(channel, at):
    return FOUND.get(channel, (0.3, 0.4, 0.5))[at]


def _found(rng, channels):
    """(E, C) who found the item of each event."""
    found = {}
    for event, count in EVENTS.items():
        at = {"exposure": 0, "click": 1}.get(event, 2)
        common = rng.random((count, 1))
        luck = 0.5 * common + 0.5 * rng.random((count, len(channels)))
        found_EC = luck < [_likely(channel, at) for channel in channels]
        found_EC[~found_EC.any(axis=1), 0] = True
        found[event] = found_EC
    return found


def _rule_credit(rng, rule, found_EC):
    """(E, C) what a rule gives."""
    if rule == "any_touch":
        return found_EC.astype(float)
    alone_E = found_EC.sum(axis=1) == 1
    if rule == "exclusive":
        return found_EC * alone_E[:, None]
    if rule == "first":
        return np.eye(found_EC.shape[1])[found_EC.argmax(axis=1)]
    tilt = rng.uniform(0.5, 1.5, found_EC.shape[1]) if rule != "fractional" else 1.0
    return found_EC * tilt / (found_EC * tilt).sum(axis=1, keepdims=True)


def _credits(rng, arm, channels, found):
    rows = []
    for event, found_EC in found.items():
        money_E = rng.lognormal(4, 0.8, len(found_EC)) if event == "gmv" else np.ones(len(found_EC))
        for rule in (*BUILT_IN_RULES, "my_rules:U_shape"):
            credit_EC = _rule_credit(rng, rule, found_EC) * money_E[:, None]
            parts = {("all", ""): np.ones(len(found_EC), bool)}
            if event == "purchase" and rule in ("any_touch", "fractional"):
                for cut, names in CUTS.items():
                    skew = np.arange(len(names), 0, -1) if cut == "category" else None
                    weights = np.ones(len(names)) if skew is None else skew / 1.0
                    which_E = rng.choice(len(names), len(found_EC), p=weights / weights.sum())
                    parts |= {(cut, name): which_E == at for at, name in enumerate(names)}
            for (cut, part), in_E in parts.items():
                total = float(money_E[in_E].sum())
                if not total:
                    continue
                for at, channel in enumerate(channels):
                    credit = float(credit_EC[in_E, at].sum())
                    share = credit / total
                    half = 2.0 * np.sqrt(max(share * (1 - share), 0) / in_E.sum())
                    known = _around(share, float(half)) if half else Interval(share, None, None)
                    rows.append(
                        CreditRow(
                            rule, channel, event, arm, cut, part,
                            credit, total, known, int(in_E.sum()),
                        )
                    )  # fmt: skip
    return rows


def _steps(arm, channels, credits):
    shares = {
        (row.channel, row.event): row.share.estimate
        for row in credits
        if (row.arm, row.rule, row.cut) == (arm, "any_touch", "all")
    }
    rows = []
    for channel in channels:
        for event, then, half in (("exposure", "click", 0.008), ("click", "purchase", 0.04)):
            share, after = shares[channel, event], shares[channel, then]
            rise = after - share
            p_value = float(np.exp(-3 * abs(rise) / half))
            risen = _around(rise, half)
            rows.append(StepRow(arm, channel, event, then, share, after, risen, p_value))
    return rows


def _sets(arm, channels, found):
    rows = []
    for event in ("exposure", "click", "purchase"):
        sets, counts = np.unique(found[event], axis=0, return_counts=True)
        for members, count in zip(sets, counts, strict=True):
            names = tuple(name for name, is_in in zip(channels, members, strict=True) if is_in)
            rows.append(Overlap(arm, event, names, int(count), float(count / counts.sum())))
    return rows


def _worth(channels, scale):
    """What a coalition brings: each channel finds what the others did not with its own chance."""
    missed = np.prod([1 - WORTH.get(channel, 0.2) for channel in channels]) if channels else 1.0
    return scale * (1 - float(missed))


def _incremental(rng, arm, channels):
    """Values, interactions, coalitions, fates and differences."""
    values, interactions, fates, differences = [], [], [], []
    several = len(channels) <= 8
    for method, blur in (("replay", 0.0), ("worlds", 0.012)):
        for event, scale in (("gmv", GMV), ("purchase", 0.081)):
            whole = _worth(channels, scale)
            for channel in channels:
                others = [name for name in channels if name != channel]
                noise = rng.normal(0, blur)
                indices = {
                    "leave_one_out": 0.35 * (1 - _worth(others, scale) / whole) + noise,
                    "alone": _worth([channel], scale) / whole + noise,
                    "shapley": (_shapley(channel, others, scale) if several else 0.1 * scale)
                    / whole,
                }
                for index, share in indices.items():
                    half = {"replay": 0.009, "worlds": 0.028}[method]
                    part = _around(share, half)
                    lift = UNKNOWN
                    if index == "leave_one_out":
                        lift = Interval(*(number / (1 - number) for number in part.numbers))
                    values.append(
                        ValueRow(
                            method, index, channel, event, arm, part.over(1 / whole), part, lift,
                            float(np.exp(-2 * abs(share) / half)),
                            0.0 if several else 0.004, 2 if method == "worlds" else 1, 4_734,
                        )
                    )  # fmt: skip
                if event == "gmv" and method == "worlds":
                    differences += _difference(rng, arm, channel, values)
            for one, other in combinations(channels, 2):
                share = -0.25 * WORTH.get(one, 0.2) * WORTH.get(other, 0.2) + rng.normal(0, 0.02)
                part = _around(share, 0.03)
                pair = (method, one, other, event, arm)
                interactions.append(InteractionRow(*pair, part.over(1 / whole), part))
        for channel in channels:
            known = [name for name in FATES if method == "worlds" or name != "later"]
            chances = {"same_item": 0.80, "other_item": 0.08, "later": 0.05, "nowhere": 0.07}
            drawn = rng.dirichlet([40 * chances[name] for name in known])
            credited = 402 * _likely(channel, 2)
            for name, share in zip(known, drawn.tolist(), strict=True):
                around = _around(share, 0.03).ends
                part = Interval(share, *around)
                fates.append(FateRow(method, arm, channel, name, credited * share, part))
    coalitions = [
        CoalitionRow("replay", arm, names, "gmv", _worth(names, GMV))
        for size in range(1, len(channels) + 1)
        for names in (combinations(channels, size) if several else [])
    ]
    return {
        "values": tuple(values),
        "interactions": tuple(interactions),
        "coalitions": tuple(coalitions),
        "fates": tuple(fates),
        "differences": tuple(differences),
    }


def _shapley(channel, others, scale):
    total = 0.0
    n = len(others) + 1
    for size in range(n):
        weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        for names in combinations(others, size):
            total += weight * (_worth([*names, channel], scale) - _worth(names, scale))
    return total


def _difference(rng, arm, channel, values):
    """The two ends of a channel and causes that sum to what lies between."""
    ends = {
        row.method: row
        for row in values
        if (row.index, row.channel, row.event) == ("leave_one_out", channel, "gmv")
    }
    replay, worlds = ends["replay"], ends["worlds"]
    gap = worlds.value.estimate - replay.value.estimate
    parts = rng.dirichlet([3, 2, 1, 1, 1]) * gap + np.array([0.05, -0.03, 0.01, 0.0, -0.03])
    steps = {
        cause: _around(part, 0.025) for cause, part in zip(CAUSES, parts.tolist(), strict=True)
    }
    told = {"replay": replay.value, **steps, "worlds": worlds.value}
    return [DifferenceRow(arm, channel, "gmv", *step) for step in told.items()]


def _study(arm, channel):
    rows = []
    for at, weight in enumerate(WEIGHTS):
        levels = {
            ("any_touch", "purchase"): 0.28 + 0.5 * (1 - np.exp(-at / 2)),
            ("exclusive", "purchase"): 0.01 + 0.01 * at * at / 2,
            ("any_touch", "exposure"): 0.2 + 0.45 * (1 - np.exp(-at / 2)),
            ("lift", "gmv"): 0.012 - 0.0035 * (at - 3) ** 2 / 2,
            ("lift", "purchase"): 0.010 - 0.003 * (at - 3) ** 2 / 2,
        }
        for (measure, event), value in levels.items():
            half = 0.009 if measure == "lift" else 0.02
            p_value = float(np.exp(-2 * abs(value) / half)) if measure == "lift" else None
            rows.append(
                StudyRow(
                    f"{channel}_weight", arm, channel, weight, measure, event,
                    _around(float(value), half), p_value, p_value, 2, 12_000,
                )
            )  # fmt: skip
    return tuple(rows)


if __name__ == "__main__":
    from experiments.report import write_report

    names = tuple(sys.argv[2].split(",")) if len(sys.argv) > 2 else tuple(FOUND)
    write_record(Path(sys.argv[1]), fake_attribution(names))
    write_report(Path(sys.argv[1]))
