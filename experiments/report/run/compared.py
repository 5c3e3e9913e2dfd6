"""What was compared: each arm's funnel drawn, with what differs from control marked."""

from experiments.records.manifest import ArmEntry, RunManifest
from experiments.records.run import Run
from experiments.report.kit.colours import arm_name, channel_class, swatch
from experiments.report.kit.digits import number, percent
from experiments.report.kit.markup import Html, join, tag
from experiments.report.kit.page import absent, folded, section
from experiments.report.kit.sentences import listed
from experiments.report.kit.tables import Table

STEPS = (  # name, stage of the funnel counts, what happens there
    ("Merge", "merged", "quotas, each item once"),
    ("Pre-rank", "ranked", "a cheap cut"),
    ("Rank", None, "the learned ranker"),
    ("Page", "shown", "what the shopper sees"),
)


def compared(run: Run) -> Html:
    """The section with the arms' funnels."""
    manifest = run.manifest
    if manifest is None or not manifest.arms:
        missing = absent("The manifest is missing, so the arms' funnels cannot be drawn.")
        names = Table("Arms", ["Arm"], [[arm_name(run.arms, arm)] for arm in run.arms])
        return section("compared", "What was compared", None, missing, folded(names))
    arms = sorted(manifest.arms, key=lambda arm: run.arms.index(arm.name))
    drawings = [funnel(run, manifest, arm, arms[0]) for arm in arms]
    return section(
        "compared",
        "What was compared",
        difference(arms),
        tag("div", *drawings, cls="funnels"),
        folded(arms_table(run, manifest, arms)),
    )


def difference(arms: list[ArmEntry]) -> str:
    """In words, how the other arms' channels differ from control's."""
    control, said = arms[0], []
    for arm in arms[1:]:
        added = [name for name in arm.channels if name not in control.channels]
        left = [name for name in control.channels if name not in arm.channels]
        parts = [f"adds {listed(added)}"] if added else []
        parts += [f"leaves out {listed(left)}"] if left else []
        what = " and ".join(parts) or "uses the same channels"
        said.append(f"{arm.name} {what}")
    if not said:
        return "The run has a single arm."
    return f"Against {control.name}: {'; '.join(said)}."


def per_request(run: Run, arm: str, stage: str) -> float | None:
    """Mean count of a stage per request of an arm."""
    found = [row for row in run.metrics.funnel if (row.arm, row.stage) == (arm, stage)]
    return found[0].per_request if found else None


def funnel(run: Run, manifest: RunManifest, arm: ArmEntry, control: ArmEntry) -> Html:
    """One arm: its channels, and the steps behind them."""
    left_out = [name for name in control.channels if name not in arm.channels]
    names = [name for name in run.channels if name in {*arm.channels, *left_out}]
    chips = [chip(run, manifest, arm, control, name) for name in names]
    share = f"{percent(arm.share, 0)} of shoppers" if arm.share is not None else None
    head = tag("h3", arm_name(run.arms, arm.name), tag("small", share))
    flow = [tag("ul", *chips, cls="channels"), *(step(run, arm, *entry) for entry in STEPS)]
    return tag("div", head, tag("div", join(flow), cls="flow"), cls="funnel")


def chip(run: Run, manifest: RunManifest, arm: ArmEntry, control: ArmEntry, name: str) -> Html:
    """A channel in the drawing of an arm, marked where control differs."""
    here, there = name in arm.channels, name in control.channels
    mark = None if here == there else tag("b", "added" if here else "left out", cls="mark")
    entry = next((entry for entry in manifest.channels if entry.name == name), None)
    found = per_request(run, arm.name, f"recalled:{name}") if here else None
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


def step(run: Run, arm: ArmEntry, name: str, stage: str | None, what: str) -> Html:
    """One step behind the channels, with its mean count where it is known."""
    count = per_request(run, arm.name, stage) if stage else None
    shown = tag("span", number(count), cls="count") if count is not None else None
    return tag("div", tag("strong", name), shown, tag("small", what), cls="step")


def arms_table(run: Run, manifest: RunManifest, arms: list[ArmEntry]) -> Table:
    """Channels by arms."""
    types = {entry.name: entry for entry in manifest.channels}
    rows: list[list[object]] = []
    for name in run.channels:
        entry = types.get(name)
        use = ["yes" if name in arm.channels else "no" for arm in arms]
        kind, limit = (entry.type, number(entry.limit)) if entry else ("", number(None))
        rows.append([swatch(run.channels, name), kind, limit, *use])
    rows.append(["Share of shoppers", "", "", *(percent(arm.share, 0) for arm in arms)])
    head = ["Channel", "Type", "Limit", *(arm.name for arm in arms)]
    return Table("Channels in each arm", head, rows, names=2)
