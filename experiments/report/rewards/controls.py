"""Each policy beside its controls in words: the SFT control, and plain GRPO.

What is said rests on the paired contrasts of `experiments.rewardlab.comparison.contrasts`, after
Holm's correction for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.inference.finding import Finding
from experiments.records.reading import grouped, rows_of
from experiments.records.rewards import Contrast, Control, PolicyRow, RewardsRecord
from experiments.report.kit.digits import ABSENT, fixed, sureness
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import folded, note
from experiments.report.kit.sentences import counted, listed, meaning
from experiments.report.kit.tables import Table
from experiments.report.rewards.policies import policy_name, trained
from experiments.report.rewards.verdict import MOST_SIZES, real_rows
from experiments.report.rewards.words import TESTED, Difference, called, sized, tested

NOUNS = {Control.SFT: "the SFT control", Control.GRPO: "plain GRPO"}

SIDES = {
    frozenset({Finding.MORE}): "above it",
    frozenset({Finding.MORE, Finding.LESS}): "above it in some figures and below it in others",
    frozenset({Finding.LESS}): "below it",
}
"""Where a policy stands beside its control, by what is real of it."""

Groups = Mapping[Finding, Sequence[Difference]]
"""Contrasts by what can be said of them."""


@dataclass(frozen=True)
class Comparison:
    """A policy beside its control.

    Attributes:
        policy, control: of the grid.
        online, offline: the contrasts by what can be said of them; empty: not measured.
    """

    policy: PolicyRow
    control: PolicyRow
    online: Groups
    offline: Groups

    @property
    def sentence(self) -> str:
        """What can be said."""
        sides = (("online", self.online), ("offline", self.offline))
        parts = [told for where, groups in sides if (told := _told(where, groups))]
        what = "; ".join(parts) or "nothing was measured of both"
        noun = NOUNS[Control(self.control.control)]
        match = match_words(self.policy, self.control)
        told = f"{self.policy.name} beside {self.control.name} ({noun}): {what}."
        return f"{told} {match}" if match else told


def comparisons(record: RewardsRecord) -> list[Comparison]:
    """All pairs of which there are contrasts, in their order."""
    rows = {row.name: row for row in record.policies}
    by_pair = grouped(record.contrasts, lambda row: (row.policy, row.against))
    return [
        Comparison(
            rows[policy],
            rows[control],
            real_rows(record, rows_of(found, kind="online")),
            real_rows(record, rows_of(found, kind="offline")),
        )
        for (policy, control), found in by_pair.items()
    ]


def match_words(row: PolicyRow, control: PolicyRow) -> str | None:
    """Whether the SFT control pushes a policy's experts as hard as the policy does.

    None where the policy has no experts, or the control is plain GRPO.
    """
    if control.control != Control.SFT or not row.experts:
        return None
    if row.experts != control.experts:
        return f"Its experts are not the control's: {row.experts}, against {control.experts}."
    if row.matched is None or control.weight is None:
        return "Which weight of the control would match its experts' push is not known."
    if row.weight_matches(control):
        return f"The control's weight matches ({control.weight:.2f})."
    return f"The control's weight is {control.weight:.2f}; {row.matched:.2f} would match."


def controls_headline(record: RewardsRecord) -> str:
    """Whether anything did better than supervised learning from the same experts."""
    if not any(row.control == Control.SFT for row in trained(record)):
        return (
            "The grid has no SFT control, so what reinforcement learning adds to the experts' "
            "likelihood is unknown."
        )
    found = [each for each in comparisons(record) if each.control.control == Control.SFT]
    if not found:
        return "No policy of the grid but the SFT control itself was trained."
    online = _side("online", {each.policy.name: each.online for each in found})
    offline = _side("offline", {each.policy.name: each.offline for each in found})
    other = [
        each.policy.name
        for each in found
        if each.policy.experts and not each.policy.weight_matches(each.control)
    ]
    unmatched = f" It does not push experts as {listed(other)} does." if other else ""
    return f"Beside the SFT control: {online}; {offline}.{unmatched}"


def _side(where: str, by_policy: Mapping[str, Groups]) -> str:
    """Who stands above and below the SFT control, online or offline."""
    if all(set(groups) <= {Finding.MISSING} for groups in by_policy.values()):
        return f"{where} unknown"
    sides = grouped(by_policy, lambda policy: frozenset(k for k in by_policy[policy] if k.real))
    parts = [f"{listed(sides[real])} {words}" for real, words in SIDES.items() if real in sides]
    return f"{where} {', '.join(parts) or 'nothing can be told from it'}"


def _told(where: str, groups: Groups) -> str:
    """What differs in one place, and how far this is known."""
    if not groups:
        return ""
    if set(groups) == {Finding.MISSING}:
        return f"{where} unknown, for there is no interval"
    real = [
        f"{word} {_names(groups[kind])}"
        for kind, word in ((Finding.MORE, "higher"), (Finding.LESS, "lower"))
        if kind in groups
    ]
    parts = [" and ".join(real)] if real else []
    if Finding.ALONE in groups:
        parts.append(f"perhaps chance: {_names(groups[Finding.ALONE])}")
    if not parts:
        parts.append(f"nothing can be told apart ({sized(groups[Finding.UNTOLD][0])})")
    return f"{where} {', '.join(parts)}"


def _names(rows: Sequence[Difference]) -> str:
    """What they are called, with sizes where they are few."""
    if len(rows) > MOST_SIZES:
        return f"in {counted(len(rows), 'figure')} ({listed([called(row) for row in rows])})"
    return listed([sized(row) for row in rows])


MOST_LINES = 12
BESIDE = "supervised learning from the same experts, and plain GRPO"
NOTE = (
    "Injected experts push a group whose rewards tie just as supervised learning of a certain "
    "weight does, \u221a(GK) / (G + K), which is 0.40 for G = 8 and K = 2. So only a gain over "
    "such a control can be put down to learning from rewards. Both policies are compared directly, "
    "paired by seed and by request, or by shopper in worlds of equal luck. Higher and lower are "
    "what holds after Holm's correction, offline for all policies, controls and measures at once, "
    "online for all policies, controls and metrics at once."
)


def controls(record: RewardsRecord) -> list[Html]:
    """A sentence for each policy and control, and all of their numbers; nothing without any."""
    lines = [tag("li", each.sentence) for each in comparisons(record)]
    if not lines:
        return []
    shown = tag("ul", *lines, cls="warnings")
    return [
        tag("h3", "Beside the controls", tag("small", BESIDE)),
        shown if len(lines) <= MOST_LINES else folded(shown, "Show each of them"),
        folded(tag("div", _numbers(record), cls="wide")),
        note(NOTE),
    ]


def _numbers(record: RewardsRecord) -> Table:
    def told(row: Contrast) -> list[object]:
        size, *rest = tested(record, row)
        return [ABSENT if row.relative.estimate is None else size, *rest]

    return Table.of(
        f"Policies beside their controls, {sureness(record.confidence)} intervals",
        record.contrasts,
        ("Policy", lambda row: policy_name(record, row.policy)),
        ("Beside", lambda row: policy_name(record, row.against)),
        ("Figure", lambda row: called(row) if row.kind == "offline" else meaning(row.name).label),
        ("Difference", lambda row: fixed(row.effect.estimate, 4, sign=True)),
        (("Relative", *TESTED), told),
        names=3,
    )
