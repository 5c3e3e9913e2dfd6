"""What was compared: each arm's funnel drawn, with what differs from control marked."""

from collections.abc import Sequence

from experiments.records.manifest import ArmEntry, RunManifest
from experiments.records.reading import row_of
from experiments.records.run import Run
from experiments.report.kit.colours import arm_name, channel_class, swatch
from experiments.report.kit.digits import ABSENT, number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import Content, absent, folded
from experiments.report.kit.sentences import listed
from experiments.report.kit.tables import Table

STEPS = (  # name, stage of the funnel counts, what happens there
    ("Merge", "merged", "quotas, each item once"),
    ("Pre-rank", "ranked", "a cheap cut"),
    ("Rank", None, ""),  # what ranks differs between runs and arms
    ("Page", "shown", "what the shopper sees"),
)

RANKERS = {
    "boosted": "boosted trees",
    "learned": "a network",
    "merge_order": "as merged",
}
"""What the built-in rankers are; one of the user's own goes by its name."""


def compared(run: Run) -> Content:
    """The arms' funnels."""
    manifest = run.manifest
    if manifest is None or not manifest.arms:
        missing = absent("The manifest is missing, so the arms' funnels cannot be drawn.")
        names = Table.of("Arms", run.arms, ("Arm", lambda arm: arm_name(run.arms, arm)))
        return missing, folded(names)
    arms = sorted(manifest.arms, key=lambda arm: run.arms.index(arm.name))
    drawings = [_funnel(run, manifest, arm, arms[0]) for arm in arms]
    numbers = folded(_arms_table(run, manifest, arms))
    return _difference(arms), tag("div", *drawings, cls="funnels"), numbers


def compared_line(run: Run) -> str | None:
    """What was compared, in one line: what control has, and how the others differ from it."""
    arms = {arm.name: arm for arm in run.manifest.arms} if run.manifest else {}
    ordered = [arms[name] for name in run.arms if name in arms]
    if not ordered:
        return None
    return f"{ordered[0].name} has {listed(ordered[0].channels)}. {_difference(ordered)}"


def _difference(arms: Sequence[ArmEntry]) -> str:
    """In words, how the other arms' channels differ from control's."""
    control, said = arms[0], []
    for arm in arms[1:]:
        added = [name for name in arm.channels if name not in control.channels]
        left = [name for name in control.channels if name not in arm.channels]
        parts = [f"adds {listed(added)}"] if added else []
        parts += [f"leaves out {listed(left)}"] if left else []
        said.append(f"{arm.name} {' and '.join(parts) or 'uses the same channels'}")
    return f"Against {control.name}: {'; '.join(said)}." if said else "The run has a single arm."


def _per_request(run: Run, arm: str, stage: str | None) -> float | None:
    """Mean count of a stage per request of an arm."""
    found = row_of(run.metrics.funnel, arm=arm, stage=stage)
    return found.per_request if found else None


def _funnel(run: Run, manifest: RunManifest, arm: ArmEntry, control: ArmEntry) -> Html:
    """One arm: its channels, those that control alone has, and the steps behind them."""
    shown = {*arm.channels, *control.channels}
    chips = [_chip(run, manifest, arm, control, name) for name in run.channels if name in shown]
    ranker = RANKERS.get(arm.ranker, arm.ranker)
    steps = [
        _step(name, _per_request(run, arm.name, stage), what or ranker)
        for name, stage, what in STEPS
    ]
    share = f"{percent(arm.share, 0)} of {run.metrics.units}" if arm.share is not None else None
    head = tag("h3", arm_name(run.arms, arm.name), tag("small", share))
    flow = join([tag("ul", *chips, cls="channels"), *steps])
    return tag("div", head, tag("div", flow, cls="flow"), cls="funnel")


def _chip(run: Run, manifest: RunManifest, arm: ArmEntry, control: ArmEntry, name: str) -> Html:
    """A channel in the drawing of an arm, marked where control differs."""
    here, there = name in arm.channels, name in control.channels
    mark = None if here == there else tag("b", "added" if here else "left out", cls="mark")
    entry = row_of(manifest.channels, name=name)
    found = _per_request(run, arm.name, f"recalled:{name}") if here else None
    limit = f"up to {number(entry.limit)}" if entry and entry.limit and here else None
    counts = f"{number(found)} found" if found is not None else limit
    state = "same" if here == there else "added" if here else "gone"
    return tag(
        "li",
        swatch(run.channels, name),
        mark,
        tag("small", counts) if counts else None,
        cls=f"chip {state} {channel_class(run.channels, name)}",
    )


def _step(name: str, count: float | None, what: str) -> Html:
    """One step behind the channels, with its mean count where it is known."""
    shown = tag("span", number(count), cls="count") if count is not None else None
    return tag("div", tag("strong", name), shown, tag("small", what), cls="step")


def _arms_table(run: Run, manifest: RunManifest, arms: Sequence[ArmEntry]) -> Table:
    rows: list[list[object]] = []
    for name in run.channels:
        entry = row_of(manifest.channels, name=name)
        use = ["yes" if name in arm.channels else "no" for arm in arms]
        kind = [entry.type, number(entry.limit)] if entry else ["", ABSENT]
        rows.append([swatch(run.channels, name), *kind, *use])
    rows.append([f"Share of {run.metrics.units}", "", "", *(percent(arm.share, 0) for arm in arms)])
    rows.append(["Ranker", "", "", *(RANKERS.get(arm.ranker, arm.ranker) for arm in arms)])
    head = ["Channel", "Type", "Limit", *(arm.name for arm in arms)]
    return Table("Channels in each arm", head, rows, names=2)
