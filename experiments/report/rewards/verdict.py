"""Which differences from the supervised model are real, in plain words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.inference.finding import Finding, decide
from experiments.records.rewards import Offline, Online, PolicyRow, RewardsRecord
from experiments.report.kit.sentences import counted, listed
from experiments.report.rewards.words import (
    SUPERVISED,
    Difference,
    called,
    hacking_sentence,
    judged,
    shown_measures,
    shown_metrics,
    sized,
)

MOST_SIZES = 2  # policies whose sizes the headline tells, and sizes told of each


def finding(row: Difference | None, confidence: float) -> Finding:
    """What a row allows to be said."""
    if row is None:
        return Finding.MISSING
    return decide(judged(row), tested=(row.p_value, row.p_holm), confidence=confidence)


@dataclass(frozen=True)
class PolicyWords:
    """What is known of one policy.

    Attributes:
        policy: which.
        online, offline: which differences from the supervised model are real.
        hacking: whether its reward ran ahead of the shoppers; None where that was not watched.
        trainings: how its trainings ended; None where all took all their steps.
    """

    policy: str
    online: str
    offline: str
    hacking: str | None
    trainings: str | None

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that there is to say."""
        return tuple(s for s in (self.online, self.offline, self.hacking, self.trainings) if s)


@dataclass(frozen=True)
class Verdict:
    """The lab in words.

    Attributes:
        sentence: which policies really differ online.
        badge: the same in two or three words.
        good: whether some policy really gains online; False: some only lose; None: cannot be told.
        offline: which policies really differ offline.
        policies: what is known of each.
    """

    sentence: str
    badge: str
    good: bool | None
    offline: str
    policies: tuple[PolicyWords, ...]


def judge(record: RewardsRecord) -> Verdict:
    """The verdict on all policies."""
    sentence, badge, good = _online_headline(record)
    return Verdict(
        sentence,
        badge,
        good,
        _offline_headline(record),
        tuple(_policy_words(record, row) for row in trained(record)),
    )


def trained(record: RewardsRecord) -> list[PolicyRow]:
    """All policies but the supervised model."""
    return [row for row in record.policies if row.name != record.baseline]


def online_rows(record: RewardsRecord, policy: str) -> list[Online]:
    """A policy's true lifts, the lab's own metrics first."""
    rows = {row.metric: row for row in record.online if row.policy == policy}
    return [rows[metric] for metric in shown_metrics(list(rows))]


def offline_rows(record: RewardsRecord, policy: str) -> list[Offline]:
    """A policy's offline measures in their order."""
    found = [record.offline_of(policy, measure) for measure in shown_measures(record)]
    return [row for row in found if row is not None]


def real_rows(record: RewardsRecord, rows: Sequence[Difference]) -> dict[Finding, list[Difference]]:
    """Rows by what can be said of them."""
    groups: dict[Finding, list[Difference]] = {}
    for row in rows:
        groups.setdefault(finding(row, record.confidence), []).append(row)
    return groups


def _online_headline(record: RewardsRecord) -> tuple[str, str, bool | None]:
    rows = {row.name: online_rows(record, row.name) for row in trained(record)}
    if not any(rows.values()):
        told = "No world was lived with these policies, so their true effect is unknown."
        return told, "Online effect unknown", None
    groups = {policy: real_rows(record, own) for policy, own in rows.items()}
    if all(set(found) <= {Finding.MISSING} for found in groups.values()):
        told = "No true lift has an interval, so what the policies do online is unknown."
        return told, "Online effect unknown", None
    gained = [policy for policy, found in groups.items() if Finding.MORE in found]
    real = {policy: found for policy, found in groups.items() if any(f.real for f in found)}
    if not real:
        return f"No policy can be told from {SUPERVISED} online.", "Not told apart online", None
    good = bool(gained)
    badge = "Real gain online" if good else "Real loss online"
    return _differ("Online", record, real, len(rows)), badge, good


def _offline_headline(record: RewardsRecord) -> str:
    rows = {row.name: offline_rows(record, row.name) for row in trained(record)}
    groups = {policy: real_rows(record, own) for policy, own in rows.items()}
    if all(set(found) <= {Finding.MISSING} for found in groups.values()):
        return "No offline difference has an interval, so what is real offline is unknown."
    real = {policy: found for policy, found in groups.items() if any(f.real for f in found)}
    if not real:
        return f"No policy can be told from {SUPERVISED} offline."
    return _differ("Offline", record, real, len(rows), sizes=False)


def _differ(
    where: str,
    record: RewardsRecord,
    real: dict[str, dict[Finding, list[Difference]]],
    count: int,
    *,
    sizes: bool = True,
) -> str:
    """How many policies really differ, and which; with sizes where they are few."""
    verb = "differs" if len(real) == 1 else "differ"
    start = f"{where}, {len(real)} of {counted(count, 'policy', 'policies')} really {verb}"
    if not sizes or len(real) > MOST_SIZES:
        return f"{start} from {SUPERVISED}: {listed(list(real))}."
    told = []
    for policy, groups in real.items():
        rows = [*groups.get(Finding.MORE, ()), *groups.get(Finding.LESS, ())]
        sizes_told = [sized(row) for row in rows[:MOST_SIZES]]
        more = len(rows) - MOST_SIZES
        sizes_told += [counted(more, "other metric")] if more > 0 else []
        told.append(f"{policy} ({', '.join(sizes_told)})")
    return f"{start} from {SUPERVISED}: {listed(told)}."


def _policy_words(record: RewardsRecord, row: PolicyRow) -> PolicyWords:
    hacking = next((each for each in record.hacking if each.policy == row.name), None)
    return PolicyWords(
        row.name,
        _where_sentence("Online", record, online_rows(record, row.name)),
        _where_sentence("Offline", record, offline_rows(record, row.name)),
        None if hacking is None else hacking_sentence(hacking, oracle=row.oracle),
        _trainings_sentence(row),
    )


def _where_sentence(where: str, record: RewardsRecord, rows: Sequence[Difference]) -> str:
    """What is really more, really less, and what is not known."""
    groups = real_rows(record, rows)
    if not rows:
        return f"{where}: not measured."
    if set(groups) == {Finding.MISSING}:
        return f"{where}: unknown, for there is no interval."
    parts = [
        f"really {word} {listed([sized(row) for row in groups[kind]])}"
        for kind, word in ((Finding.MORE, "higher"), (Finding.LESS, "lower"))
        if kind in groups
    ]
    if Finding.ALONE in groups:
        names = listed([called(row) for row in groups[Finding.ALONE]])
        parts.append(f"perhaps chance: {names}")
    if not parts:
        parts.append(f"nothing that can be told from {SUPERVISED}")
    if Finding.MISSING in groups:
        names = listed([called(row) for row in groups[Finding.MISSING]])
        parts.append(f"unknown: {names}")
    return f"{where}: {'; '.join(parts)}."


_ENDS = {
    "recall": "item recall at 200 had fallen too far",
    "divergence": "too far from the supervised model",
}


def _trainings_sentence(row: PolicyRow) -> str | None:
    """How many trainings ended early, and why."""
    early = Counter(end for end in row.ended if end != "finished")
    if not early:
        return None
    whole = counted(len(row.ended), "training")
    start = f"{early.total()} of {whole} ended early"
    if len(early) == 1:
        (end,) = early
        return f"{start}: {_ENDS.get(end, end)}."
    return f"{start}: {'; '.join(f'{n}, {_ENDS.get(end, end)}' for end, n in early.items())}."
