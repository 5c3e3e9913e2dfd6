"""Which differences from the supervised model are real, in plain words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.inference.finding import Finding
from experiments.records.reading import grouped, row_of
from experiments.records.rewards import Offline, Online, PolicyRow, RewardsRecord
from experiments.report.kit.sentences import counted, listed
from experiments.report.rewards.policies import trained
from experiments.report.rewards.words import (
    SUPERVISED,
    Difference,
    called,
    finding,
    hacking_sentence,
    shown_measures,
    shown_metrics,
    sized,
)

MOST_SIZES = 2  # policies whose sizes the headline tells, and sizes told of each


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
    online = {row.name: online_rows(record, row.name) for row in trained(record)}
    offline = {row.name: offline_rows(record, row.name) for row in trained(record)}
    sentence, found = _headline("Online", record, online)
    if not found:
        sentence = "No world was lived with these policies, so their true effect is unknown."
    real = [each for each in found if each.real]
    badge = "Not told apart online" if found - {Finding.MISSING} else "Online effect unknown"
    if real:
        badge = f"Real {'gain' if Finding.MORE in real else 'loss'} online"
    return Verdict(
        sentence,
        badge,
        Finding.MORE in real if real else None,
        _headline("Offline", record, offline)[0],
        tuple(_policy_words(record, row) for row in trained(record)),
    )


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
    return grouped(rows, lambda row: finding(row, record.confidence))


def _headline(
    where: str, record: RewardsRecord, rows: Mapping[str, Sequence[Difference]]
) -> tuple[str, set[Finding]]:
    """How many policies really differ, and which; online with sizes where they are few.

    Returns:
        The sentence, and what is found of any policy.
    """
    groups = {policy: real_rows(record, own) for policy, own in rows.items()}
    found = {kind for own in groups.values() for kind in own}
    if found <= {Finding.MISSING}:
        return _UNKNOWN[where], found
    real = {policy: own for policy, own in groups.items() if any(kind.real for kind in own)}
    if not real:
        return f"No policy can be told from {SUPERVISED} {where.lower()}.", found
    verb = "differs" if len(real) == 1 else "differ"
    start = f"{where}, {len(real)} of {counted(len(rows), 'policy', 'policies')} really {verb}"
    told = list(real)
    if where == "Online" and len(real) <= MOST_SIZES:
        told = [f"{policy} ({_sizes(own)})" for policy, own in real.items()]
    return f"{start} from {SUPERVISED}: {listed(told)}.", found


def _sizes(groups: Mapping[Finding, Sequence[Difference]]) -> str:
    """The first sizes of a policy, and how many others there are."""
    rows = [*groups.get(Finding.MORE, ()), *groups.get(Finding.LESS, ())]
    more = len(rows) - MOST_SIZES
    told = [sized(row) for row in rows[:MOST_SIZES]]
    return ", ".join([*told, counted(more, "other metric")] if more > 0 else told)


def _policy_words(record: RewardsRecord, row: PolicyRow) -> PolicyWords:
    hacking = row_of(record.hacking, policy=row.name)
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


_UNKNOWN = {
    "Online": "No true lift has an interval, so what the policies do online is unknown.",
    "Offline": "No offline difference has an interval, so what is real offline is unknown.",
}
_ENDS = {
    "recall": "item recall at 200 had fallen too far",
    "divergence": "too far from the supervised model",
}


def _trainings_sentence(row: PolicyRow) -> str | None:
    early = Counter(end for end in row.ended if end != "finished")
    if not early:
        return None
    whole = counted(len(row.ended), "training")
    start = f"{early.total()} of {whole} ended early"
    if len(early) == 1:
        (end,) = early
        return f"{start}: {_ENDS.get(end, end)}."
    return f"{start}: {'; '.join(f'{n}, {_ENDS.get(end, end)}' for end, n in early.items())}."
