"""Which policy of a reward lab to take, and so which reward; or that it cannot be told."""

from experiments.inference.finding import Finding
from experiments.records.rewards import Online, RewardsRecord
from experiments.report.kit.sentences import listed, meaning
from experiments.report.rewards.policies import trained
from experiments.report.rewards.verdict import online_rows
from experiments.report.rewards.words import SUPERVISED, finding, sized

PRIMARY = "gmv"
"""What decides where a lab says nothing else; the first metric of a lab that has not this one."""


def choice(record: RewardsRecord) -> str:
    """What to take, by the true lifts alone: a reward is not judged by itself.

    A policy is taken that really raises the first metric and really lowers none. Of several the
    one with the greatest lift is named, and that it cannot be told from the others: each is
    compared with the supervised model, not with the rest.
    """
    lifts = {row.name: online_rows(record, row.name) for row in trained(record)}
    if not any(lifts.values()):
        return "Which policy to take cannot be told: no world was lived with these policies."
    safe = {
        name: first
        for name, rows in lifts.items()
        if (first := _first(rows)) is not None
        and finding(first, record.confidence) is Finding.MORE
        and all(finding(row, record.confidence) is not Finding.LESS for row in rows)
    }
    if not safe:
        return (
            f"Keep {SUPERVISED}: no policy really raises {_called(lifts)} without really "
            "lowering something else. More worlds or trainings narrow the lifts."
        )
    best = max(safe, key=lambda name: safe[name].relative.estimate or 0.0)
    told = f"Take {best}: it really raises {sized(safe[best])}, and really lowers nothing."
    rest = [name for name in safe if name != best]
    if rest:
        told += f" So does {listed(rest)}: which of them is better cannot be told from this."
    return told


def _first(rows: list[Online]) -> Online | None:
    """The lift that decides."""
    return next((row for row in rows if row.metric == PRIMARY), rows[0] if rows else None)


def _called(lifts: dict[str, list[Online]]) -> str:
    rows = next(rows for rows in lifts.values() if rows)
    first = _first(rows)
    return meaning(first.metric if first else PRIMARY).noun
