"""How to get the same run again."""

from experiments.records.manifest import RunManifest
from experiments.records.run import Run
from experiments.report.kit.digits import duration, number
from experiments.report.kit.markup import Html, tag
from experiments.report.kit.page import Content, absent, facts, folded
from experiments.report.kit.tables import Table


def reproduce(run: Run) -> Content:
    """Command, seed, versions, stages and configuration."""
    manifest = run.manifest
    config = (
        folded(tag("pre", run.config, tabindex="0"), "Show the resolved configuration")
        if run.config is not None
        else absent("The resolved configuration (config.toml) is missing from the run folder.")
    )
    if manifest is None:
        missing = "The manifest is missing, so command, seed and versions are unknown."
        return absent(missing), config
    command = tag("pre", manifest.command, cls="command", tabindex="0")
    versions = Table("Versions", ["Package", "Version"], sorted(manifest.versions.items()), names=2)
    return (
        "The same command, seed and versions give the same log, bit for bit.",
        command if manifest.command else absent("The command was not recorded."),
        _identity(manifest),
        folded(_stages(manifest), "Show stages, their keys and times"),
        folded(versions, "Show versions"),
        config,
    )


def _identity(manifest: RunManifest) -> Html | None:
    memory = manifest.peak_memory_mb
    return facts(
        {
            "Seed": manifest.seed,
            "funnelab": manifest.funnelab,
            "Created": manifest.created,
            "Time": duration(sum(stage.seconds or 0.0 for stage in manifest.stages)),
            "Peak memory": f"{memory:,.0f}\u202fMB" if memory is not None else "",
            "Log digest": tag("code", manifest.log_digest) if manifest.log_digest else "",
        }
    )


def _stages(manifest: RunManifest) -> Table:
    return Table.of(
        "Stages",
        manifest.stages,
        ("Stage", lambda stage: stage.name),
        ("Key", lambda stage: tag("code", stage.key)),
        ("Rows", lambda stage: "; ".join(f"{number(n)} {key}" for key, n in stage.rows.items())),
        ("Time", lambda stage: duration(stage.seconds)),
        ("From the store", lambda stage: "yes" if stage.cached else "no"),
        names=3,
    )
