"""Which differences from the supervised model are real, in plain words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from experiments.inference.finding import Finding
from experiments.records.reading import grouped, row_of
from experiments.records.rewards import Offline, Online, PolicyRow, RewardsRecord
from experiments.report.kit.sentences import counted, listed
from experiments.report.rewards.policies import trained
from experiments.report.rewards.words import (
    SUPERVISED,
    Difference,
    Sign,
    called,
    finding,
    hacking_sentence,
    shown_measures,
    shown_metrics,
    sign,
    sized,
)

MOST_SIZES = 2  # policies whose sizes the headline tells, and sizes told of each


def headline(record: RewardsRecord) -> tuple[str, str, bool | None]:
    """Which policies really differ online.

    Returns:
        A sentence; the same in two or three words; and whether some policy really gains, False
        where some only lose, None where it cannot be told.
    """
    rows = {row.name: online_rows(record, row.name) for row in trained(record)}
    sentence, found = _differ("Online", record, rows)
    if not found:
        sentence = "No world was lived with these policies, so their true effect is unknown."
    if any(each.real for each in found):
        gains = Finding.MORE in found
        return sentence, f"Real {'gain' if gains else 'loss'} online", gains
    known = found - {Finding.MISSING}
    return sentence, "Not told apart online" if known else "Online effect unknown", None


def offline_headline(record: RewardsRecord) -> str:
    """Which policies really differ offline."""
    rows = {row.name: offline_rows(record, row.name) for row in trained(record)}
    return _differ("Offline", record, rows)[0]


def policy_sentences(record: RewardsRecord) -> dict[str, list[str]]:
    """What is known of each policy.

    Which differences from the supervised model are real online, and which offline; whether its
    reward ran ahead of the shoppers, where that was watched; how trainings ended, where not all
    took all their steps.
    """
    told = {}
    for row in trained(record):
        hacking = row_of(record.hacking, policy=row.name)
        told[row.name] = [
            _where_sentence("Online", record, online_rows(record, row.name)),
            _where_sentence("Offline", record, offline_rows(record, row.name)),
            *([hacking_sentence(hacking, oracle=row.oracle)] if hacking else []),
            *_ends_sentence(row),
        ]
    return told


def doubts(record: RewardsRecord) -> list[str]:
    """Which rewards ran ahead of the shoppers, and whose trainings ended early."""
    signs: dict[Sign, list[str]] = {}
    for row in trained(record):
        hacking = row_of(record.hacking, policy=row.name)
        if hacking:
            signs.setdefault(sign(hacking), []).append(row.name)
    called = {Sign.HACKED: "Reward hacking", Sign.AHEAD: "A sign of reward hacking"}
    told = [f"{words}: {listed(signs[kind])}." for kind, words in called.items() if kind in signs]
    early = [f"{row.name}: {end}" for row in trained(record) for end in _ends_sentence(row)]
    return told + early


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


def _differ(
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


def _ends_sentence(row: PolicyRow) -> list[str]:
    """How many trainings ended early and why; nothing where none did."""
    early = Counter(end for end in row.ended if end != "finished")
    start = f"{early.total()} of {counted(len(row.ended), 'training')} ended early"
    why = [
        f"{count}, {_ENDS.get(end, end)}" if len(early) > 1 else _ENDS.get(end, end)
        for end, count in early.items()
    ]
    return [f"{start}: {'; '.join(why)}."] if early else []
