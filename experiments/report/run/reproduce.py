"""How to get the same run again."""

from experiments.records.manifest import RunManifest
from experiments.records.run import Run
from experiments.report.kit.digits import duration, number
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import absent, folded, section
from experiments.report.kit.tables import Table

TITLE = "How to reproduce"


def reproduce(run: Run) -> Html:
    """The section with command, seed, versions, stages and configuration."""
    manifest = run.manifest
    config = (
        folded(tag("pre", run.config, tabindex="0"), "Show the resolved configuration")
        if run.config is not None
        else absent("The resolved configuration (config.toml) is missing from the run folder.")
    )
    if manifest is None:
        missing = "The manifest is missing, so command, seed and versions are unknown."
        return section("reproduce", TITLE, None, absent(missing), config)
    lead = "The same command, seed and versions give the same log, bit for bit."
    command = tag("pre", manifest.command, cls="command", tabindex="0")
    return section(
        "reproduce",
        TITLE,
        lead,
        command if manifest.command else absent("The command was not recorded."),
        facts(manifest),
        folded(stages(manifest), "Show stages, their keys and times"),
        folded(versions(manifest), "Show versions"),
        config,
    )


def facts(manifest: RunManifest) -> Html:
    """What identifies the run."""
    memory = manifest.peak_memory_mb
    entries = [
        ("Seed", manifest.seed),
        ("funnelab", manifest.funnelab),
        ("Created", manifest.created),
        ("Time", duration(sum(stage.seconds or 0.0 for stage in manifest.stages))),
        ("Peak memory", f"{memory:,.0f}\u202fMB" if memory is not None else None),
        ("Log digest", tag("code", manifest.log_digest) if manifest.log_digest else None),
    ]
    known = [
        tag("div", tag("dt", name), tag("dd", value))
        for name, value in entries
        if value not in (None, "")
    ]
    return tag("dl", *known, cls="facts")


def stages(manifest: RunManifest) -> Table:
    """The stages with their content keys."""
    rows = []
    for stage in manifest.stages:
        counts = "; ".join(f"{number(n)} {name}" for name, n in (stage.rows or {}).items())
        key = tag("code", stage.key)
        rows.append([stage.name, key, counts, duration(stage.seconds), stage.cached])
    cells = [[*row[:4], "yes" if row[4] else "no"] for row in rows]
    return Table("Stages", ["Stage", "Key", "Rows", "Time", "From the store"], cells, names=3)


def versions(manifest: RunManifest) -> Table:
    """The versions that the run used."""
    rows = sorted(manifest.versions.items())
    return Table("Versions", ["Package", "Version"], rows, names=2)
